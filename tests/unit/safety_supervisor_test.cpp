#include "rt_core/safety/supervisor.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>

#include "tests/unit/support/safety_rig.hpp"

using namespace rise::safety;
using namespace rise::test;
namespace message = rise::message;
using message::CommandKind;
using message::EventKind;
using message::Outcome;
using message::Refusal;
using message::SafetyState;
using message::TripReason;

namespace {
constexpr std::int64_t kMs = SafetyRig::kMs;
}

TEST_GROUP(SafetySupervisor) {
  SafetyRig rig;
  void setup() override { rig.make(); }
};

TEST(SafetySupervisor, TheFirstFreshSampleDisarmsAnArmArms) {
  rig.samples = false;
  rig.judge(5);
  CHECK(rig.state() == SafetyState::Starting);
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::WrongState);
  rig.samples = true;
  rig.judge();
  CHECK(rig.state() == SafetyState::Disarmed);
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::None);
  CHECK(rig.state() == SafetyState::Armed);
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::WrongState);
  CHECK(rig.refusal(CommandKind::Disarm) == Refusal::None);
  CHECK(rig.state() == SafetyState::Disarmed);
  const auto told = rig.events(EventKind::Safety);
  LONGS_EQUAL(3, told.size());
  LONGS_EQUAL(SafetyState::Disarmed, told[0].code());
  LONGS_EQUAL(SafetyState::Armed, told[1].code());
  LONGS_EQUAL(SafetyState::Disarmed, told[2].code());
  LONGS_EQUAL(SafetyRig::kMachine, told[0].machine());
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

TEST(SafetySupervisor, ASampleIsFreshUpToItsGreatestAge) {
  rig.spec.max_sample_age_ns = 50 * kMs;
  rig.make();
  rig.arm();
  rig.samples = false;
  rig.judge(50);
  CHECK(rig.state() == SafetyState::Armed);
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::LinkLost);
}

TEST(SafetySupervisor, ASetOutputReachesTheDriverAndItsAnswerTheWorld) {
  rig.arm();
  const message::CommandResult accepted = rig.send(CommandKind::SetOutput, 0, 80);
  CHECK(accepted.outcome() == Outcome::Accepted);
  LONGS_EQUAL(1, rig.actuator.commands.size());
  const rise_command& command = rig.actuator.commands[0];
  LONGS_EQUAL(sizeof(rise_command), command.struct_size);
  LONGS_EQUAL(RISE_COMMAND_SET, command.kind);
  LONGS_EQUAL(0, command.output);
  DOUBLES_EQUAL(80, command.value, 0);
  CHECK(!rig.supervisor->output(0).known);
  LONGS_EQUAL(RISE_OK, rig.done(RISE_COMMAND_APPLIED, 80.5, 3));
  const message::CommandResult applied = rig.last_result();
  CHECK(applied.outcome() == Outcome::Applied);
  CHECK(applied.kind() == CommandKind::SetOutput);
  LONGS_EQUAL(rig.sequence, applied.sequence());
  LONGS_EQUAL(SafetyRig::kMachine, applied.machine());
  LONGS_EQUAL(3, applied.detail());
  DOUBLES_EQUAL(80, applied.requested(), 0);
  DOUBLES_EQUAL(80.5, applied.value(), 0);
  CHECK(applied.issued_mono_ns() == rig.now_ns - 5);
  CHECK(message::get_text(applied.approver()) == "anna");
  CHECK(rig.supervisor->output(0).known);
  DOUBLES_EQUAL(80.5, rig.supervisor->output(0).value, 0);
}

TEST(SafetySupervisor, WhatIsRefusedNeverReachesTheDriver) {
  rig.judge();
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 50) == Refusal::NotArmed);
  rig.arm();
  CHECK(rig.refusal(CommandKind::SetOutput, 2, 50) == Refusal::UnknownOutput);
  CHECK(rig.refusal(CommandKind::SetOutput, 65535, 50) == Refusal::UnknownOutput);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, -1) == Refusal::BelowMin);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 101) == Refusal::AboveMax);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, NAN) == Refusal::NotFinite);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 1) == Refusal::StepTooLarge);
  CHECK(rig.refusal(CommandKind::None) == Refusal::UnknownKind);
  CHECK(rig.refusal(static_cast<CommandKind>(6)) == Refusal::UnknownKind);
  CHECK(rig.refusal(static_cast<CommandKind>(255)) == Refusal::UnknownKind);
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::WrongState);
  LONGS_EQUAL(0, rig.actuator.commands.size());
  CHECK(rig.state() == SafetyState::Armed);
}

TEST(SafetySupervisor, StepsAreJudgedAgainstWhatTheDriverFound) {
  rig.arm();
  LONGS_EQUAL(RISE_OK, rig.supervisor->output_value(1, 5));
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 8) == Refusal::StepTooLarge);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 7) == Refusal::None);
  rig.done(RISE_COMMAND_APPLIED, 7);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 9) == Refusal::None);
}

TEST(SafetySupervisor, ValuesThatAreNotNumbersAreNotTakenFromTheDriver) {
  rig.arm();
  for (const double value : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.supervisor->output_value(1, value));
    CHECK(!rig.supervisor->output(1).known);
    CHECK(!rig.supervisor->output(1).approved_known);
  }
  rig.supervisor->output_value(1, 5);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 6) == Refusal::None);
  rig.done(RISE_COMMAND_APPLIED, NAN);
  CHECK(!rig.supervisor->output(1).known);  // read back as nonsense: the value is unknown now
  DOUBLES_EQUAL(5, rig.supervisor->output(1).approved, 0);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 6) == Refusal::StepTooLarge);
}

TEST(SafetySupervisor, FeedHoldAlwaysReachesTheDriver) {
  rig.samples = false;
  rig.judge();
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);  // Starting
  rig.samples = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);  // Disarmed
  rig.arm();
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);
  rig.lane.stop_word = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);  // Tripped
  LONGS_EQUAL(4, rig.actuator.commands.size());
  LONGS_EQUAL(RISE_COMMAND_FEED_HOLD, rig.actuator.commands[3].kind);
  rig.done(RISE_COMMAND_APPLIED, 0);
  CHECK(rig.last_result().outcome() == Outcome::Applied);
  CHECK(rig.last_result().kind() == CommandKind::FeedHold);
  CHECK(!rig.supervisor->output(0).known);  // an answer to a feed hold is no output's value
}

TEST(SafetySupervisor, TheDriversNoIsTold) {
  rig.arm();
  rig.actuator.answer = RISE_E_AGAIN;
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::DriverBusy);
  for (const std::int32_t answer : {int{RISE_E_UNSUPPORTED}, int{RISE_E_ARGUMENT}, -77, 5}) {
    rig.actuator.answer = answer;
    CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::DriverCannot);
  }
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.done(RISE_COMMAND_APPLIED, 1));  // it is not under way
}

TEST(SafetySupervisor, AnswersThatFitNothingAreRefused) {
  rig.arm();
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.supervisor->command_done(0, RISE_COMMAND_APPLIED, 1, 0));
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.supervisor->command_done(77, RISE_COMMAND_APPLIED, 1, 0));
  rig.send(CommandKind::SetOutput, 0, 1);
  for (const std::uint32_t outcome : {0u, 4u, ~0u}) {
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.done(outcome, 1));
  }
  LONGS_EQUAL(RISE_OK, rig.done(RISE_COMMAND_APPLIED, 1));
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.done(RISE_COMMAND_APPLIED, 1));  // once
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.supervisor->output_value(2, 1));
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.supervisor->output_value(~0u, 1));
}

TEST(SafetySupervisor, FailedAndMismatchAreTold) {
  rig.arm();
  rig.send(CommandKind::SetOutput, 0, 40);
  rig.done(RISE_COMMAND_FAILED, 0, -8);
  CHECK(rig.last_result().outcome() == Outcome::Failed);
  LONGS_EQUAL(-8, rig.last_result().detail());
  CHECK(!rig.supervisor->output(0).known);
  rig.send(CommandKind::SetOutput, 0, 40);
  rig.done(RISE_COMMAND_MISMATCH, 35);
  CHECK(rig.last_result().outcome() == Outcome::Mismatch);
  DOUBLES_EQUAL(35, rig.last_result().value(), 0);
  CHECK(rig.supervisor->output(0).known);
  DOUBLES_EQUAL(35, rig.supervisor->output(0).value, 0);
  CHECK(!rig.supervisor->output(0).approved_known);  // nobody approved 35
}

TEST(SafetySupervisor, OnlySoManyCommandsAreUnderWay) {
  rig.arm();
  for (std::size_t i = 0; i < Supervisor::kMaxPending; ++i) {
    CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::None);
  }
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::DriverBusy);
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::DriverBusy);
  LONGS_EQUAL(Supervisor::kMaxPending, rig.actuator.commands.size());
  LONGS_EQUAL(RISE_OK, rig.supervisor->command_done(rig.actuator.commands[7].id,
                                                    RISE_COMMAND_APPLIED, 1, 0));
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::None);
  for (std::size_t i = 0; i + 1 < rig.actuator.commands.size(); ++i) {
    CHECK(rig.actuator.commands[i].id < rig.actuator.commands[i + 1].id);
  }
}

TEST(SafetySupervisor, WhatIsNeverAnsweredFailsAfterItsTime) {
  rig.arm();
  rig.send(CommandKind::SetOutput, 0, 1);
  const std::size_t before = rig.results().size();
  const std::int64_t given_ns = rig.now_ns;
  rig.now_ns = given_ns + Supervisor::kPendingLimit_ns - kMs - 1;
  rig.judge();
  LONGS_EQUAL(before, rig.results().size());
  rig.now_ns = given_ns + Supervisor::kPendingLimit_ns - kMs;
  rig.judge();
  LONGS_EQUAL(before + 1, rig.results().size());
  CHECK(rig.last_result().outcome() == Outcome::Failed);
  LONGS_EQUAL(RISE_E_AGAIN, rig.last_result().detail());
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.done(RISE_COMMAND_APPLIED, 1));
  LONGS_EQUAL(before + 1, rig.results().size());
}

TEST(SafetySupervisor, ADriverMayAnswerFromInsideTheCall) {
  rig.arm();
  rig.actuator.outcome_at_once = RISE_COMMAND_APPLIED;
  rig.send(CommandKind::SetOutput, 0, 33);
  const auto all = rig.results();
  int applied = 0;
  int accepted = 0;
  for (const auto& result : all) {
    if (result.kind() != CommandKind::SetOutput) continue;
    applied += result.outcome() == Outcome::Applied ? 1 : 0;
    accepted += result.outcome() == Outcome::Accepted ? 1 : 0;
  }
  LONGS_EQUAL(1, applied);
  LONGS_EQUAL(1, accepted);
  DOUBLES_EQUAL(33, rig.supervisor->output(0).value, 0);
}

TEST(SafetySupervisor, ADriverThatAnswersAndThenRefusesFreesItsPlaceOnce) {
  rig.arm();
  rig.actuator.outcome_at_once = RISE_COMMAND_APPLIED;
  rig.actuator.answer = RISE_E_CLOSED;
  for (int i = 0; i < 40; ++i) rig.send(CommandKind::SetOutput, 0, 33);
  rig.actuator.outcome_at_once.reset();
  rig.actuator.answer = RISE_OK;
  for (std::size_t i = 0; i < Supervisor::kMaxPending; ++i) {
    CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::None);
  }
  const std::size_t before = rig.results().size();
  rig.now_ns += Supervisor::kPendingLimit_ns;
  rig.judge();  // the ring holds 64
  CHECK(rig.results().size() >= before);
  CHECK(rig.last_result().outcome() == Outcome::Failed);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::None);
}

TEST(SafetySupervisor, ChangesAreReportedOnce) {
  CHECK(rig.supervisor->take_changed());  // the first snapshot
  CHECK(!rig.supervisor->take_changed());
  rig.judge();
  CHECK(rig.supervisor->take_changed());
  CHECK(!rig.supervisor->take_changed());
  rig.judge();
  CHECK(!rig.supervisor->take_changed());
  rig.supervisor->safe_done(true);
  CHECK(rig.supervisor->take_changed());
}
