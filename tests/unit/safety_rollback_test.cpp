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
  rig.judge(5);
  LONGS_EQUAL(1, rig.actuator.commands.size());
  rig.actuator.busy_after = 2;
  rig.judge(5);
  LONGS_EQUAL(2, rig.actuator.commands.size());
  rig.actuator.busy_after = 100;
  rig.judge(5);
  LONGS_EQUAL(3, rig.actuator.commands.size());  // each once
  for (std::uint32_t i = 0; i < 3; ++i) LONGS_EQUAL(i, rig.actuator.commands[i].output);
}

TEST(SafetyRollback, ADriverThatCannotIsToldAndNotAskedAgain) {
  rig.apply(0, 50, Approval::Provisional);
  rig.actuator.answer = RISE_E_UNSUPPORTED;
  lose_sidecar();
  CHECK(rig.last_result().outcome() == Outcome::Refused);
  CHECK(rig.last_result().refusal() == Refusal::DriverCannot);
  rig.judge(10);
  LONGS_EQUAL(1, rig.actuator.commands.size());
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
  rig.apply(0, 50, Approval::Provisional);
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
