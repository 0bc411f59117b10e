#include "rt_core/safety/gate.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>
#include <limits>

#include "rt_core/message/text.hpp"
#include "rt_core/random.hpp"

using namespace rise::safety;
namespace message = rise::message;
using message::Command;
using message::Outcome;
using message::Refusal;

namespace {

constexpr std::int64_t kNow = 1'000'000'000'000;
constexpr std::int64_t kMs = 1'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Command command(std::uint64_t sequence, std::int64_t issued_ns = kNow,
                std::uint64_t ttl_ns = 1000) {
  Command c;
  c.mutate_sequence(sequence);
  c.mutate_issued_mono_ns(issued_ns);
  c.mutate_ttl_ns(ttl_ns);
  message::set_text(c.mutable_approver(), "anna");
  return c;
}

bool passes(const Gate::Verdict& verdict) {
  return verdict.outcome == Outcome::Accepted && verdict.refusal == Refusal::None;
}

}  // namespace

TEST_GROUP(SafetyGate) { Gate gate{10'000'000'000}; };

TEST(SafetyGate, AGoodCommandPassesOnce) {
  CHECK(passes(gate.admit(command(5), kNow)));
  LONGS_EQUAL(5, gate.last_sequence());
  CHECK(gate.admit(command(5), kNow).refusal == Refusal::Replayed);
}

TEST(SafetyGate, OnlyLargerSequencesPass) {
  CHECK(passes(gate.admit(command(100), kNow)));
  for (const std::uint64_t old : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{99}}) {
    const Gate::Verdict verdict = gate.admit(command(old), kNow);
    CHECK(verdict.refusal == Refusal::Replayed);
    CHECK(verdict.outcome == Outcome::Refused);
    LONGS_EQUAL(100, gate.last_sequence());
  }
  CHECK(passes(gate.admit(command(1000), kNow)));  // gaps are no fault
}

TEST(SafetyGate, ZeroIsNoSequence) {
  CHECK(gate.admit(command(0), kNow).refusal == Refusal::Replayed);
}

// Sequences are times. Were one from the future used up, no command would pass until then.
TEST(SafetyGate, ASequenceFromTheFutureShutsNobodyOut) {
  CHECK(passes(gate.admit(command(7), kNow)));
  for (const std::uint64_t bad :
       {~std::uint64_t{0}, std::uint64_t{1} << 63, static_cast<std::uint64_t>(kNow + kMs) + 1}) {
    const Gate::Verdict verdict = gate.admit(command(bad), kNow);
    CHECK(verdict.outcome == Outcome::Refused);
    CHECK(verdict.refusal == Refusal::FromTheFuture);
    LONGS_EQUAL(7, gate.last_sequence());
  }
  CHECK(passes(gate.admit(command(8), kNow)));
  CHECK(passes(gate.admit(command(static_cast<std::uint64_t>(kNow + kMs)), kNow)));
}

TEST(SafetyGate, ARefusedCommandCannotBeTriedAgain) {
  Command future = command(5, kNow + 100 * kMs);
  CHECK(gate.admit(future, kNow).refusal == Refusal::FromTheFuture);
  CHECK(gate.admit(future, kNow + 100 * kMs).refusal == Refusal::Replayed);
  Command nobody = command(6);
  message::set_text(nobody.mutable_approver(), "");
  CHECK(gate.admit(nobody, kNow).refusal == Refusal::NoApprover);
  CHECK(gate.admit(command(6), kNow).refusal == Refusal::Replayed);
  CHECK(gate.admit(command(7, kNow - 2000), kNow).outcome == Outcome::Expired);
  CHECK(gate.admit(command(7), kNow).refusal == Refusal::Replayed);
}

TEST(SafetyGate, AMillisecondOfFutureIsGranted) {
  CHECK(passes(gate.admit(command(1, kNow + kMs), kNow)));
  CHECK(gate.admit(command(2, kNow + kMs + 1), kNow).refusal == Refusal::FromTheFuture);
  CHECK(gate.admit(command(3, INT64_MAX), kNow).refusal == Refusal::FromTheFuture);
}

TEST(SafetyGate, TheTimeToLiveEndsWithItsLastNanosecond) {
  CHECK(passes(gate.admit(command(1, kNow - 1000, 1000), kNow)));
  const Gate::Verdict verdict = gate.admit(command(2, kNow - 1001, 1000), kNow);
  CHECK(verdict.outcome == Outcome::Expired);
  CHECK(verdict.refusal == Refusal::None);  // an outcome of its own, not a refusal
  CHECK(passes(gate.admit(command(3, kNow, 0), kNow)));
  CHECK(gate.admit(command(4, kNow - 1, 0), kNow).outcome == Outcome::Expired);
}

TEST(SafetyGate, NobodyGivesHimselfALongLife) {
  CHECK(passes(gate.admit(command(1, kNow, 10'000'000'000), kNow)));
  CHECK(gate.admit(command(2, kNow, 10'000'000'001), kNow).refusal == Refusal::TtlTooLong);
  CHECK(gate.admit(command(3, kNow, ~std::uint64_t{0}), kNow).refusal == Refusal::TtlTooLong);
  CHECK(gate.admit(command(4, 0, ~std::uint64_t{0}), kNow).refusal == Refusal::TtlTooLong);
}

TEST(SafetyGate, ACommandWithoutAnApproverIsRefused) {
  Command c = command(1);
  c.mutable_approver()->Mutate(0, 0);  // bytes behind the first zero are no name
  CHECK(gate.admit(c, kNow).refusal == Refusal::NoApprover);
  c = command(2);
  message::set_text(c.mutable_approver(), std::string(32, 'x'));
  CHECK(passes(gate.admit(c, kNow)));
}

TEST(SafetyGate, TimesBeforeTheClockBeganAreRefused) {
  std::uint64_t sequence = 0;
  for (const std::int64_t issued : {std::int64_t{-1}, INT64_MIN, INT64_MIN + 1}) {
    for (const std::uint64_t ttl : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      const Gate::Verdict verdict = gate.admit(command(++sequence, issued, ttl), kNow);
      CHECK(verdict.refusal == Refusal::FromTheFuture);
    }
  }
}

TEST(SafetyGate, RandomBytesNeverBringAnOldOrFutureCommandThrough) {
  std::uint64_t random = 17;
  int passed = 0;
  for (int i = 0; i < 200'000; ++i) {
    Command c = command(static_cast<std::uint64_t>(i));
    std::uint64_t words[sizeof c / 8];
    std::memcpy(words, &c, sizeof c);
    for (std::uint64_t& word : words) {
      if (rise::next_random(&random) % 4 == 0) continue;  // stays good
      word = rise::next_random(&random) >> (rise::next_random(&random) % 64);
    }
    std::memcpy(static_cast<void*>(&c), words, sizeof c);
    if (i % 100 == 0) gate = Gate(10'000'000'000);
    const std::uint64_t before = gate.last_sequence();
    if (!passes(gate.admit(c, kNow))) continue;
    ++passed;
    CHECK(c.sequence() > before);
    CHECK(c.issued_mono_ns() >= 0 && c.issued_mono_ns() <= kNow + kMs);
    CHECK(c.ttl_ns() <= 10'000'000'000);
    CHECK(c.issued_mono_ns() + static_cast<std::int64_t>(c.ttl_ns()) >= kNow);
    CHECK(c.approver()->Get(0) != 0);
  }
  CHECK(passed > 0);
}

TEST_GROUP(SafetyCheckValue) {
  OutputSpec spec{-10, 150, 0};
  OutputState state;
};

TEST(SafetyCheckValue, LimitsAreInclusive) {
  CHECK(check_value(-10, spec, state) == Refusal::None);
  CHECK(check_value(150, spec, state) == Refusal::None);
  CHECK(check_value(0, spec, state) == Refusal::None);
  CHECK(check_value(std::nextafter(150.0, 151.0), spec, state) == Refusal::AboveMax);
  CHECK(check_value(std::nextafter(-10.0, -11.0), spec, state) == Refusal::BelowMin);
  CHECK(check_value(1e308, spec, state) == Refusal::AboveMax);
  CHECK(check_value(-1e308, spec, state) == Refusal::BelowMin);
}

TEST(SafetyCheckValue, WhatIsNotANumberIsRefusedWhateverTheLimits) {
  for (const double value : {static_cast<double>(NAN), kInfinity, -kInfinity}) {
    CHECK(check_value(value, spec, state) == Refusal::NotFinite);
    CHECK(check_value(value, {-kInfinity, kInfinity, 0}, state) == Refusal::NotFinite);
  }
}

TEST(SafetyCheckValue, AStepIsJudgedAgainstTheKnownValue) {
  spec.max_step = 5;
  state.known = true;
  state.value = 100;
  CHECK(check_value(105, spec, state) == Refusal::None);
  CHECK(check_value(95, spec, state) == Refusal::None);
  CHECK(check_value(100, spec, state) == Refusal::None);
  CHECK(check_value(105.001, spec, state) == Refusal::StepTooLarge);
  CHECK(check_value(94.999, spec, state) == Refusal::StepTooLarge);
  CHECK(check_value(151, spec, state) == Refusal::AboveMax);  // the limit is named first
}

TEST(SafetyCheckValue, AgainstAnUnknownValueNoStepIsAllowed) {
  spec.max_step = 5;
  CHECK(check_value(0, spec, state) == Refusal::StepTooLarge);
  spec.max_step = 0;
  CHECK(check_value(0, spec, state) == Refusal::None);  // 0: any step
}

TEST(SafetyCheckValue, AKnownValueThatIsNotANumberAllowsNoStep) {
  spec.max_step = 5;
  state.known = true;
  for (const double value : {static_cast<double>(NAN), kInfinity, -kInfinity}) {
    state.value = value;
    CHECK(check_value(100, spec, state) == Refusal::StepTooLarge);
  }
}
