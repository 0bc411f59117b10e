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
  CHECK(command.expires_ns == rig.now_ns - 5 + rig.ttl_ns);
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
  for (const std::uint32_t outcome : {0u, 5u, ~0u}) {
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

TEST(SafetySupervisor, OnlySoManyCommandsAreUnderWayAndThereIsAlwaysRoomForAHold) {
  constexpr auto kSets = static_cast<std::uint16_t>(Supervisor::kMaxPending - 1);
  rig.spec.outputs.assign(20, {0, 100, 0});
  rig.make();
  rig.arm();
  for (std::uint16_t i = 0; i < kSets; ++i) {
    CHECK(rig.refusal(CommandKind::SetOutput, i, 1) == Refusal::None);
  }
  CHECK(rig.refusal(CommandKind::SetOutput, kSets, 1) == Refusal::DriverBusy);
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::DriverBusy);
  LONGS_EQUAL(Supervisor::kMaxPending, rig.actuator.commands.size());
  for (const std::size_t answered : {7u, 8u}) {
    LONGS_EQUAL(RISE_OK, rig.supervisor->command_done(rig.actuator.commands[answered].id,
                                                      RISE_COMMAND_APPLIED, 1, 0));
  }
  CHECK(rig.refusal(CommandKind::SetOutput, kSets, 1) == Refusal::None);
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
  for (int i = 0; i < 10; ++i) rig.send(CommandKind::SetOutput, 0, 33);
  rig.actuator.outcome_at_once.reset();
  rig.actuator.answer = RISE_OK;
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::None);
  for (std::size_t i = 1; i < Supervisor::kMaxPending; ++i) {
    CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::None);
  }
  CHECK(rig.refusal(CommandKind::FeedHold) == Refusal::DriverBusy);
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

// A step is judged against what is there. Of several on their way each would be small enough.
TEST(SafetySupervisor, OneCommandAtATimeForEachOutput) {
  rig.arm();
  rig.supervisor->output_value(1, 5);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 7) == Refusal::None);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 7) == Refusal::DriverBusy);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 3) == Refusal::DriverBusy);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 7) == Refusal::None);  // another output
  rig.supervisor->command_done(rig.actuator.commands[0].id, RISE_COMMAND_APPLIED, 7, 0);
  CHECK(rig.refusal(CommandKind::SetOutput, 1, 9) == Refusal::None);
}

TEST(SafetySupervisor, AfterALossTheValueIsUnknownUntilTheDriverSaysIt) {
  const struct {
    const char* how;
    void (*lose)(SafetyRig* rig);
  } cases[] = {
      {"failed", [](SafetyRig* r) { r->done(RISE_COMMAND_FAILED, 0, -16); }},
      {"never answered",
       [](SafetyRig* r) {
         r->now_ns += Supervisor::kPendingLimit_ns;
         r->judge();
       }},
  };
  for (const auto& c : cases) {
    rig.make();
    rig.actuator.commands.clear();
    rig.arm();
    rig.supervisor->output_value(1, 5);
    rig.send(CommandKind::SetOutput, 1, 7);
    c.lose(&rig);
    CHECK_TEXT(!rig.supervisor->output(1).known, c.how);
    CHECK_TEXT(rig.refusal(CommandKind::SetOutput, 1, 6) == Refusal::StepTooLarge, c.how);
    rig.supervisor->output_value(1, 7);
    CHECK_TEXT(rig.refusal(CommandKind::SetOutput, 1, 8) == Refusal::None, c.how);
  }
  rig.make();
  rig.supervisor->output_value(1, 5);
  rig.judge();
  rig.link_up = false;
  rig.judge();
  CHECK(!rig.supervisor->output(1).known);
}

TEST(SafetySupervisor, ADisarmTakesBackWhatIsNotYetSent) {
  rig.arm();
  rig.actuator.drops = true;
  rig.supervisor->output_value(0, 5);
  rig.send(CommandKind::SetOutput, 0, 50);
  rig.send(CommandKind::Disarm);
  LONGS_EQUAL(1, rig.actuator.cancels.size());
  LONGS_EQUAL(0, rig.actuator.cancels[0]);
  int failed = 0;
  for (const auto& result : rig.results()) failed += result.outcome() == Outcome::Failed ? 1 : 0;
  LONGS_EQUAL(1, failed);
  CHECK(rig.supervisor->output(0).known);  // it was never written
  DOUBLES_EQUAL(5, rig.supervisor->output(0).value, 0);
  rig.arm();
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 60) == Refusal::None);  // its place is free
}

TEST(SafetySupervisor, ATripTakesBackWhatIsNotYetSent) {
  rig.arm();
  rig.send(CommandKind::SetOutput, 0, 50);
  rig.lane.stop_word = true;
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.cancels.size());
  LONGS_EQUAL(1, rig.actuator.safes.size());
}

TEST(SafetySupervisor, TheTimeToLiveGoesOnWithTheDriver) {
  rig.ttl_ns = 20 * kMs;
  rig.arm();
  rig.actuator.drops = true;
  rig.send(CommandKind::SetOutput, 0, 50);
  const std::uint64_t id = rig.actuator.commands.back().id;
  rig.judge(19);
  LONGS_EQUAL(0, rig.actuator.cancels.size());
  rig.judge();  // issued 5 ns before it was given
  LONGS_EQUAL(1, rig.actuator.cancels.size());
  LONGS_EQUAL(id, rig.actuator.cancels[0]);
  CHECK(rig.last_result().outcome() == Outcome::Expired);
  rig.judge(10);
  LONGS_EQUAL(1, rig.actuator.cancels.size());
}

TEST(SafetySupervisor, ADriverThatHasSentItIsAskedOnceAndMayStillAnswer) {
  rig.ttl_ns = 20 * kMs;
  rig.arm();
  rig.send(CommandKind::SetOutput, 0, 50);
  rig.judge(50);
  LONGS_EQUAL(1, rig.actuator.cancels.size());
  rig.done(RISE_COMMAND_APPLIED, 50);
  CHECK(rig.last_result().outcome() == Outcome::Applied);
}

TEST(SafetySupervisor, AFeedHoldIsNeverTooOld) {
  rig.judge();
  rig.send(CommandKind::FeedHold);
  LONGS_EQUAL(0, rig.actuator.commands.back().expires_ns);
}

TEST(SafetySupervisor, ADisarmThatChangesNothingIsAnsweredAndNotTold) {
  rig.judge();
  const std::size_t told = rig.events(EventKind::Safety).size();
  for (int i = 0; i < 20; ++i) {
    CHECK(rig.send(CommandKind::Disarm).outcome() == Outcome::Accepted);
  }
  LONGS_EQUAL(told, rig.events(EventKind::Safety).size());
}

TEST(SafetySupervisor, ASampleFromBeforeTheReconnectArmsNothing) {
  rig.judge();
  rig.samples = false;
  rig.link_up = false;
  rig.judge();
  rig.link_up = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::NotFresh);
  rig.samples = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::None);
}

TEST(SafetySupervisor, AReconnectBetweenTwoJudgementsIsALossToo) {
  rig.arm();
  rig.samples = false;
  rig.supervisor->link_lost();
  rig.judge();  // with the link up
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::LinkLost);
}
