// Provisional and approved values, and the way back to the approved ones.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/safety_rig.hpp"

using namespace rise::safety;
using namespace rise::test;
namespace message = rise::message;
using message::Approval;
using message::CommandKind;
using message::Outcome;
using message::Refusal;
using message::SafetyState;

TEST_GROUP(SafetyRollback) {
  SafetyRig rig;
  void setup() override {
    rig.spec.outputs = {{0, 100, 0}, {0, 100, 0}, {0, 100, 0}};
    rig.make();
    rig.arm();
    for (std::uint32_t i = 0; i < 3; ++i) rig.supervisor->output_value(i, 10 + i);
  }
  void lose_sidecar() {
    rig.actuator.commands.clear();
    rig.lane.sidecar_alive = false;
    rig.judge();
  }
};

TEST(SafetyRollback, WhatTheMachineHadIsTheFirstApprovedValue) {
  CHECK(rig.supervisor->output(0).approved_known);
  DOUBLES_EQUAL(10, rig.supervisor->output(0).approved, 0);
  rig.supervisor->output_value(0, 20);  // found anew after a reconnect
  DOUBLES_EQUAL(20, rig.supervisor->output(0).value, 0);
  DOUBLES_EQUAL(10, rig.supervisor->output(0).approved, 0);
}

TEST(SafetyRollback, ProvisionalValuesGoBackToTheApprovedOnes) {
  rig.apply(0, 50, Approval::Provisional);
  CHECK(rig.supervisor->output(0).provisional);
  DOUBLES_EQUAL(10, rig.supervisor->output(0).approved, 0);
  lose_sidecar();
  LONGS_EQUAL(1, rig.actuator.commands.size());
  LONGS_EQUAL(RISE_COMMAND_SET, rig.actuator.commands[0].kind);
  LONGS_EQUAL(0, rig.actuator.commands[0].output);
  DOUBLES_EQUAL(10, rig.actuator.commands[0].value, 0);
  rig.done(RISE_COMMAND_APPLIED, 10);
  const message::CommandResult result = rig.last_result();
  CHECK(result.outcome() == Outcome::RolledBack);
  LONGS_EQUAL(0, result.sequence());  // nobody sent it
  LONGS_EQUAL(SafetyRig::kMachine, result.machine());
  CHECK(message::get_text(result.approver()) == "core: sidecar lost");
  CHECK(!rig.supervisor->output(0).provisional);
  DOUBLES_EQUAL(10, rig.supervisor->output(0).value, 0);
  rig.judge(100);
  LONGS_EQUAL(1, rig.actuator.commands.size());
  CHECK(rig.state() == SafetyState::Armed);
}

TEST(SafetyRollback, ApprovedValuesStayAndBecomeTheOnesToGoBackTo) {
  rig.apply(0, 50, Approval::Approved);
  CHECK(!rig.supervisor->output(0).provisional);
  DOUBLES_EQUAL(50, rig.supervisor->output(0).approved, 0);
  lose_sidecar();
  LONGS_EQUAL(0, rig.actuator.commands.size());
  rig.lane.sidecar_alive = true;
  rig.judge();
  rig.apply(0, 60, Approval::Provisional);
  lose_sidecar();
  DOUBLES_EQUAL(50, rig.actuator.commands.at(0).value, 0);
}

TEST(SafetyRollback, AnApprovalOfAProvisionalValueEndsIt) {
  rig.apply(0, 50, Approval::Provisional);
  rig.apply(0, 50, Approval::Approved);
  lose_sidecar();
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

TEST(SafetyRollback, OnlyWhatIsProvisionalGoesBack) {
  rig.apply(0, 50, Approval::Provisional);
  rig.apply(1, 51, Approval::Approved);
  rig.apply(2, 52, Approval::Provisional);
  lose_sidecar();
  LONGS_EQUAL(2, rig.actuator.commands.size());
  LONGS_EQUAL(0, rig.actuator.commands[0].output);
  LONGS_EQUAL(2, rig.actuator.commands[1].output);
  DOUBLES_EQUAL(12, rig.actuator.commands[1].value, 0);
}

TEST(SafetyRollback, AMismatchIsProvisionalToo) {
  rig.send(CommandKind::SetOutput, 0, 50, Approval::Provisional);
  rig.done(RISE_COMMAND_MISMATCH, 45);
  lose_sidecar();
  LONGS_EQUAL(1, rig.actuator.commands.size());
  DOUBLES_EQUAL(10, rig.actuator.commands[0].value, 0);
}

TEST(SafetyRollback, ABusyDriverIsAskedAgain) {
  rig.apply(0, 50, Approval::Provisional);
  rig.apply(1, 51, Approval::Provisional);
  rig.apply(2, 52, Approval::Provisional);
  rig.actuator.busy_after = 1;
  lose_sidecar();
  LONGS_EQUAL(1, rig.actuator.commands.size());
  rig.judge(5);  // it answers none of them: each once
  LONGS_EQUAL(1, rig.actuator.commands.size());
  rig.actuator.busy_after = 2;
  rig.judge(5);
  LONGS_EQUAL(2, rig.actuator.commands.size());
  rig.actuator.busy_after = 100;
  rig.judge(5);
  LONGS_EQUAL(3, rig.actuator.commands.size());  // each once
  for (std::uint32_t i = 0; i < 3; ++i) LONGS_EQUAL(i, rig.actuator.commands[i].output);
}

TEST(SafetyRollback, ADriverThatCannotIsToldOnceAndAskedUntilItCan) {
  for (const std::int32_t answer : {int{RISE_E_UNSUPPORTED}, int{RISE_E_CLOSED}}) {
    rig.make();
    rig.arm();
    rig.lane.sidecar_alive = true;
    rig.judge();
    rig.supervisor->output_value(0, 10);
    rig.actuator.answer = RISE_OK;
    rig.apply(0, 50, Approval::Provisional);
    rig.actuator.answer = answer;
    lose_sidecar();
    CHECK(rig.last_result().outcome() == Outcome::Refused);
    CHECK(rig.last_result().refusal() == Refusal::DriverCannot);
    const std::size_t told = rig.results().size();
    rig.judge(99);
    LONGS_EQUAL(1, rig.actuator.commands.size());
    rig.judge();  // the pause is over
    LONGS_EQUAL(2, rig.actuator.commands.size());
    rig.judge(300);
    LONGS_EQUAL(5, rig.actuator.commands.size());
    LONGS_EQUAL(told, rig.results().size());
    rig.actuator.answer = RISE_OK;
    rig.judge(100);
    rig.done(RISE_COMMAND_APPLIED, 10);
    CHECK(rig.last_result().outcome() == Outcome::RolledBack);
    CHECK(!rig.supervisor->output(0).provisional);
    rig.lane.sidecar_alive = true;
  }
}

TEST(SafetyRollback, ARollbackThatFailsIsTriedAgain) {
  for (const std::uint32_t outcome :
       {std::uint32_t{RISE_COMMAND_FAILED}, std::uint32_t{RISE_COMMAND_MISMATCH},
        std::uint32_t{RISE_COMMAND_DROPPED}}) {
    rig.lane.sidecar_alive = true;
    rig.make();
    rig.arm();
    rig.supervisor->output_value(0, 10);
    rig.apply(0, 50, Approval::Provisional);
    lose_sidecar();
    LONGS_EQUAL(1, rig.actuator.commands.size());
    rig.judge(300);  // under way: not asked twice
    LONGS_EQUAL(1, rig.actuator.commands.size());
    rig.done(outcome, 33);
    CHECK(rig.supervisor->output(0).provisional);
    rig.judge(99);
    LONGS_EQUAL(1, rig.actuator.commands.size());
    rig.judge(2);
    LONGS_EQUAL(2, rig.actuator.commands.size());
    DOUBLES_EQUAL(10, rig.actuator.commands[1].value, 0);
    rig.done(RISE_COMMAND_APPLIED, 10);
    CHECK(!rig.supervisor->output(0).provisional);
    rig.judge(300);
    LONGS_EQUAL(2, rig.actuator.commands.size());
  }
}

TEST(SafetyRollback, ARollbackThatIsNeverAnsweredIsTriedAgain) {
  rig.apply(0, 50, Approval::Provisional);
  lose_sidecar();
  rig.now_ns += Supervisor::kPendingLimit_ns;
  rig.judge();
  rig.judge(101);
  LONGS_EQUAL(2, rig.actuator.commands.size());
}

// The value may have reached the device: an answer that says nothing proves nothing.
TEST(SafetyRollback, WhatWasLostOnItsWayGoesBackToo) {
  rig.send(CommandKind::SetOutput, 0, 50, Approval::Provisional);
  rig.done(RISE_COMMAND_FAILED, 0, -16);
  CHECK(rig.supervisor->output(0).provisional);
  lose_sidecar();
  rig.judge(101);
  LONGS_EQUAL(1, rig.actuator.commands.size());
  DOUBLES_EQUAL(10, rig.actuator.commands[0].value, 0);
}

TEST(SafetyRollback, WhatWasNeverSentNeedsNoWayBack) {
  rig.send(CommandKind::SetOutput, 0, 50, Approval::Provisional);
  rig.done(RISE_COMMAND_DROPPED, 0);
  CHECK(!rig.supervisor->output(0).provisional);
  rig.actuator.answer = RISE_E_AGAIN;
  rig.send(CommandKind::SetOutput, 1, 50, Approval::Provisional);
  CHECK(!rig.supervisor->output(1).provisional);
  rig.actuator.answer = RISE_OK;
  lose_sidecar();
  rig.judge(200);
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

// The loss happened while the link was down, and the sidecar is back before the link is.
TEST(SafetyRollback, ALossIsNotForgottenWhenTheSidecarComesBackFirst) {
  rig.apply(0, 50, Approval::Provisional);
  rig.send(CommandKind::Disarm);
  rig.link_up = false;
  lose_sidecar();
  rig.lane.sidecar_alive = true;
  rig.judge(10);
  rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.commands.size());
}

TEST(SafetyRollback, AfterATripItComesWithTheReset) {
  rig.apply(0, 50, Approval::Provisional);
  rig.lane.stop_word = true;
  rig.judge();
  lose_sidecar();  // while it is tripped
  rig.lane.stop_word = false;
  rig.judge(10);
  LONGS_EQUAL(0, rig.actuator.commands.size());
  CHECK(rig.send(CommandKind::Reset).outcome() == Outcome::Accepted);
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.commands.size());
  DOUBLES_EQUAL(10, rig.actuator.commands[0].value, 0);
}

TEST(SafetyRollback, WithoutASidecarNothingProvisionalIsTaken) {
  lose_sidecar();
  for (const Approval approval : {Approval::Provisional, static_cast<Approval>(7)}) {
    const message::CommandResult result = rig.send(CommandKind::SetOutput, 0, 50, approval);
    CHECK(result.outcome() == Outcome::Refused);
    CHECK(result.refusal() == Refusal::NotFresh);
  }
  CHECK(rig.send(CommandKind::SetOutput, 0, 50, Approval::Approved).outcome() == Outcome::Accepted);
}

TEST(SafetyRollback, AnApprovalThatIsUnknownIsProvisional) {
  rig.apply(0, 50, static_cast<Approval>(7));
  CHECK(rig.supervisor->output(0).provisional);
  DOUBLES_EQUAL(10, rig.supervisor->output(0).approved, 0);
}

TEST(SafetyRollback, AFoundValueBeyondTheLimitsIsNotApproved) {
  rig.make();
  rig.arm();
  rig.supervisor->output_value(0, 101);
  CHECK(rig.supervisor->output(0).known);
  CHECK(!rig.supervisor->output(0).approved_known);
  rig.apply(0, 50, Approval::Provisional);
  const std::size_t told = rig.results().size();
  lose_sidecar();
  rig.judge(500);
  LONGS_EQUAL(0, rig.actuator.commands.size());
  LONGS_EQUAL(told + 1, rig.results().size());  // once
  CHECK(rig.last_result().refusal() == Refusal::NothingApproved);
  rig.supervisor->output_value(0,
                               50);  // a provisional value does not become approved by being found
  CHECK(!rig.supervisor->output(0).approved_known);
}

// The device rounds: what it reads back would itself be refused.
TEST(SafetyRollback, AnApprovedValueIsOneThatMayBeSentAgain) {
  rig.send(CommandKind::SetOutput, 0, 100, Approval::Approved);
  rig.done(RISE_COMMAND_APPLIED, 100.0000001);
  DOUBLES_EQUAL(100, rig.supervisor->output(0).approved, 0);
  rig.apply(0, 50, Approval::Provisional);
  lose_sidecar();
  LONGS_EQUAL(1, rig.actuator.commands.size());
  DOUBLES_EQUAL(100, rig.actuator.commands[0].value, 0);
}

TEST(SafetyRollback, ItWaitsForTheDriverWhenTheMachineIsNotArmed) {
  rig.apply(0, 50, Approval::Provisional);
  rig.send(CommandKind::Disarm);
  rig.link_up = false;
  lose_sidecar();
  rig.judge(10);
  LONGS_EQUAL(0, rig.actuator.commands.size());
  rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.commands.size());
}

TEST(SafetyRollback, ASidecarThatNeverWasCannotBeLost) {
  rig.make();
  rig.lane.sidecar_alive = false;
  rig.judge();
  rig.send(CommandKind::Arm);
  rig.supervisor->output_value(0, 10);
  rig.apply(0, 50, Approval::Approved);
  rig.actuator.commands.clear();
  rig.judge(10);
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

TEST(SafetyRollback, ATrippedMachineGetsItsSafeOutputsAndNothingElse) {
  rig.apply(0, 50, Approval::Provisional);
  rig.lane.stop_word = true;
  lose_sidecar();  // in the same cycle
  CHECK(rig.state() == SafetyState::Tripped);
  LONGS_EQUAL(1, rig.actuator.safes.size());
  LONGS_EQUAL(0, rig.actuator.commands.size());
  rig.lane.sidecar_alive = true;
  rig.judge();
  lose_sidecar();  // while it is tripped
  rig.judge(10);
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

TEST(SafetyRollback, ATripEndsARollbackThatWaits) {
  rig.apply(0, 50, Approval::Provisional);
  rig.actuator.busy_after = 0;
  lose_sidecar();
  rig.lane.stop_word = true;
  rig.actuator.busy_after = 100;
  rig.judge(10);
  LONGS_EQUAL(0, rig.actuator.commands.size());
}

TEST(SafetyRollback, WhatIsUnderWayWhenTheSidecarIsLostGoesBackToo) {
  rig.send(CommandKind::SetOutput, 0, 50, Approval::Provisional);
  rig.lane.sidecar_alive = false;
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.commands.size());  // not yet: it has not arrived
  rig.done(RISE_COMMAND_APPLIED, 50);
  rig.judge();
  LONGS_EQUAL(2, rig.actuator.commands.size());
  DOUBLES_EQUAL(10, rig.actuator.commands[1].value, 0);
  rig.done(RISE_COMMAND_APPLIED, 10);
  CHECK(rig.last_result().outcome() == Outcome::RolledBack);
  rig.judge(10);
  LONGS_EQUAL(2, rig.actuator.commands.size());
}
