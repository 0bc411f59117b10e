#include "rt_core/driver/budget.hpp"

#include <CppUTest/TestHarness.h>

using namespace rise::driver;

TEST_GROUP(DriverBudget) { Budget budget{{.budget_ns = 1000, .bench_after = 5}}; };

TEST(DriverBudget, TheBudgetItselfIsInTime) {
  CHECK(budget.observe(0) == Budget::Verdict::InTime);
  CHECK(budget.observe(1000) == Budget::Verdict::InTime);
  CHECK(budget.observe(1001) == Budget::Verdict::Late);
  LONGS_EQUAL(1000, budget.budget_ns());
}

TEST(DriverBudget, ManyLateOnesWithinTheWindowBench) {
  for (int i = 0; i < 4; ++i) {
    CHECK(budget.observe(2000) == Budget::Verdict::Late);
    for (int k = 0; k < 100; ++k) CHECK(budget.observe(10) == Budget::Verdict::InTime);
  }
  CHECK(budget.observe(2000) == Budget::Verdict::Bench);
  CHECK(budget.observe(2000) == Budget::Verdict::Bench);
}

TEST(DriverBudget, ANewWindowForgets) {
  for (int i = 0; i < 4; ++i) CHECK(budget.observe(2000) == Budget::Verdict::Late);
  for (std::uint32_t i = 4; i < Budget::kWindowCycles; ++i) budget.observe(10);
  for (int i = 0; i < 4; ++i) CHECK(budget.observe(2000) == Budget::Verdict::Late);
  CHECK(budget.observe(2000) == Budget::Verdict::Bench);
}

TEST(DriverBudget, ARareLateStepIsForgivenForEver) {
  for (int i = 0; i < 100'000; ++i) {
    const auto verdict = budget.observe(i % 250 == 0 ? 5000 : 10);
    CHECK(verdict != Budget::Verdict::Bench);
  }
}

TEST(DriverBudget, ZeroNeverBenches) {
  Budget patient({.budget_ns = 1000, .bench_after = 0});
  for (int i = 0; i < 5000; ++i) CHECK(patient.observe(INT64_MAX) == Budget::Verdict::Late);
}

TEST(DriverBudget, OneIsEnoughIfItSaysSo) {
  Budget strict({.budget_ns = 1000, .bench_after = 1});
  CHECK(strict.observe(1000) == Budget::Verdict::InTime);
  CHECK(strict.observe(1001) == Budget::Verdict::Bench);
}
