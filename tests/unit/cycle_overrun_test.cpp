#include "rt_core/cycle/overrun.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/random.hpp"

using namespace rise::cycle;

namespace {

constexpr std::int64_t kPeriod = 1'000'000;
constexpr std::int64_t kDeadline = 50 * kPeriod;

}  // namespace

TEST_GROUP(CycleRelease) {
  std::uint32_t catching_up = 0;

  // After a cycle released at kDeadline that took so long.
  Release after(OverrunPolicy policy, std::int64_t took_ns) {
    return next_release(policy, kDeadline, kDeadline + took_ns, kPeriod, &catching_up);
  }
  void check(OverrunPolicy policy, std::int64_t took_ns, std::int64_t expected_ns,
             std::uint64_t skipped) {
    const Release release = after(policy, took_ns);
    LONGS_EQUAL(kDeadline + expected_ns, release.deadline_ns);
    LONGS_EQUAL(skipped, release.skipped);
  }
};

TEST(CycleRelease, InTimeTheNextOneIsAPeriodLaterWhateverThePolicy) {
  for (const auto policy : {OverrunPolicy::Skip, OverrunPolicy::CatchUp, OverrunPolicy::RePhase}) {
    check(policy, 0, kPeriod, 0);
    check(policy, 1, kPeriod, 0);
    check(policy, kPeriod - 1, kPeriod, 0);
    check(policy, kPeriod, kPeriod, 0);  // just in time
  }
}

TEST(CycleRelease, SkipLeavesOutWhatHasPassedAndKeepsThePhase) {
  check(OverrunPolicy::Skip, kPeriod + 1, 2 * kPeriod, 1);
  check(OverrunPolicy::Skip, 2 * kPeriod - 1, 2 * kPeriod, 1);
  check(OverrunPolicy::Skip, 2 * kPeriod, 3 * kPeriod, 2);
  check(OverrunPolicy::Skip, 10 * kPeriod + 5, 11 * kPeriod, 10);
}

TEST(CycleRelease, SkippedReleasesAlwaysAccountForTheTime) {
  std::uint64_t random = 2;
  for (int i = 0; i < 100'000; ++i) {
    const auto took = static_cast<std::int64_t>(rise::next_random(&random) % (1000 * kPeriod));
    const Release release = after(OverrunPolicy::Skip, took);
    CHECK((release.deadline_ns - kDeadline) % kPeriod == 0);
    CHECK(release.deadline_ns - kDeadline ==
          (1 + static_cast<std::int64_t>(release.skipped)) * kPeriod);
    CHECK(release.deadline_ns >= kDeadline + took);
    CHECK(took <= kPeriod || release.deadline_ns - (kDeadline + took) <= kPeriod);
  }
}

TEST(CycleRelease, RePhaseStartsAFullPeriodFromNow) {
  check(OverrunPolicy::RePhase, kPeriod + 1, 2 * kPeriod + 1, 1);
  check(OverrunPolicy::RePhase, 3 * kPeriod + 7, 4 * kPeriod + 7, 3);
}

TEST(CycleRelease, CatchUpRunsEightOfThemAndThenSkips) {
  std::int64_t deadline = kDeadline;
  const std::int64_t now = kDeadline + 100 * kPeriod + 1;  // far behind, and no cycle helps
  for (int i = 0; i < 8; ++i) {
    const Release release =
        next_release(OverrunPolicy::CatchUp, deadline, now, kPeriod, &catching_up);
    LONGS_EQUAL(deadline + kPeriod, release.deadline_ns);
    LONGS_EQUAL(0, release.skipped);
    deadline = release.deadline_ns;
  }
  const Release skip = next_release(OverrunPolicy::CatchUp, deadline, now, kPeriod, &catching_up);
  LONGS_EQUAL(kDeadline + 101 * kPeriod, skip.deadline_ns);
  LONGS_EQUAL(92, skip.skipped);
  LONGS_EQUAL(0, catching_up);  // and may catch up again
}

TEST(CycleRelease, WhoHasCaughtUpMayDoSoAgain) {
  catching_up = 7;
  after(OverrunPolicy::CatchUp, 10);
  LONGS_EQUAL(0, catching_up);
  for (int i = 0; i < 8; ++i) LONGS_EQUAL(0, after(OverrunPolicy::CatchUp, 5 * kPeriod).skipped);
  LONGS_EQUAL(5, after(OverrunPolicy::CatchUp, 5 * kPeriod + 1).skipped);
}

TEST_GROUP(CycleLadder) {
  Ladder ladder{{.degrade_after = 3, .trip_after = 5, .recover_after = 4}};
  Ladder::Step late() { return ladder.observe(true); }
  Ladder::Step good() { return ladder.observe(false); }
};

TEST(CycleLadder, ItClimbsStepByStep) {
  CHECK(late() == Ladder::Step::None);
  CHECK(late() == Ladder::Step::None);
  CHECK(!ladder.degraded());
  CHECK(late() == Ladder::Step::Degrade);
  CHECK(ladder.degraded());
  CHECK(late() == Ladder::Step::None);
  CHECK(!ladder.tripping());
  CHECK(late() == Ladder::Step::Trip);
  CHECK(ladder.tripping());
  for (int i = 0; i < 1000; ++i) {
    CHECK(late() == Ladder::Step::None);  // told once
    CHECK(ladder.tripping());             // and stays
  }
}

TEST(CycleLadder, OneGoodCycleStartsTheRowAnew) {
  late();
  late();
  CHECK(good() == Ladder::Step::None);
  late();
  CHECK(late() == Ladder::Step::None);
  CHECK(late() == Ladder::Step::Degrade);
  late();
  late();
  CHECK(ladder.tripping());
  good();
  CHECK(!ladder.tripping());
  CHECK(ladder.degraded());
}

TEST(CycleLadder, RecoveryTakesARowOfGoodCycles) {
  for (int i = 0; i < 3; ++i) late();
  for (int i = 0; i < 3; ++i) CHECK(good() == Ladder::Step::None);
  late();  // the row is broken
  for (int i = 0; i < 3; ++i) CHECK(good() == Ladder::Step::None);
  CHECK(ladder.degraded());
  CHECK(good() == Ladder::Step::Recover);
  CHECK(!ladder.degraded());
  CHECK(good() == Ladder::Step::None);
  for (int i = 0; i < 2; ++i) late();
  CHECK(late() == Ladder::Step::Degrade);
}

TEST(CycleLadder, ZeroMeansNever) {
  Ladder patient({.degrade_after = 0, .trip_after = 0});
  for (int i = 0; i < 100'000; ++i) CHECK(patient.observe(true) == Ladder::Step::None);
  CHECK(!patient.degraded());
  CHECK(!patient.tripping());
}

TEST(CycleLadder, AtTheSameThresholdTheTripComesFirst) {
  Ladder both({.degrade_after = 2, .trip_after = 2});
  CHECK(both.observe(true) == Ladder::Step::None);
  CHECK(both.observe(true) == Ladder::Step::Trip);
  CHECK(both.observe(true) == Ladder::Step::Degrade);
}
