// The supervisor when things go wrong: trips, safe outputs, limits, the loss of the sidecar.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/safety_rig.hpp"

using namespace rise::safety;
using namespace rise::test;
namespace message = rise::message;
using message::Approval;
using message::CommandKind;
using message::EventKind;
using message::Refusal;
using message::SafetyState;
using message::TripReason;

namespace {
constexpr std::int64_t kMs = SafetyRig::kMs;
}

TEST_GROUP(SafetyTrip) {
  SafetyRig rig;
  void setup() override { rig.make(); }
  void trip_by_stop_word() {
    rig.arm();
    rig.lane.stop_word = true;
    rig.judge();
    CHECK(rig.state() == SafetyState::Tripped);
  }
};

TEST(SafetyTrip, SafeOutputsAreAskedForInTheSameJudgement) {
  trip_by_stop_word();
  LONGS_EQUAL(1, rig.actuator.safes.size());
  LONGS_EQUAL(TripReason::StopWord, rig.actuator.safes[0]);
  LONGS_EQUAL(0, rig.supervisor->safe_confirmed());
  const message::MachineEvent told = rig.events(EventKind::Safety).back();
  LONGS_EQUAL(SafetyState::Tripped, told.code());
  LONGS_EQUAL(TripReason::StopWord, told.detail());
  CHECK(told.severity() == message::Severity::Error);
  rig.judge(100);
  LONGS_EQUAL(1, rig.actuator.safes.size());  // once
  rig.supervisor->safe_done(true);
  LONGS_EQUAL(1, rig.supervisor->safe_confirmed());
  rig.supervisor->safe_done(false);
  LONGS_EQUAL(2, rig.supervisor->safe_confirmed());
}

TEST(SafetyTrip, TheStopWordTripsMachinesThatAreNotArmedToo) {
  rig.lane.stop_word = true;
  rig.samples = false;
  rig.link_up = false;
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  LONGS_EQUAL(1, rig.actuator.safes.size());
}

TEST(SafetyTrip, EveryLaneConditionTripsAnArmedMachine) {
  const struct {
    void (*apply)(SafetyRig* rig);
    TripReason reason;
  } cases[] = {
      {[](SafetyRig* r) { r->lane.stop_word = true; }, TripReason::StopWord},
      {[](SafetyRig* r) { r->lane.input_lost = true; }, TripReason::InputLost},
      {[](SafetyRig* r) { r->lane.overrun = true; }, TripReason::Overrun},
      {[](SafetyRig* r) { r->link_up = false; }, TripReason::LinkLost},
      {[](SafetyRig* r) { r->driver_running = false; }, TripReason::DriverBenched},
  };
  for (const auto& c : cases) {
    rig.lane = {.sidecar_alive = true};
    rig.link_up = rig.driver_running = true;
    rig.make();
    rig.actuator.safes.clear();
    rig.arm();
    c.apply(&rig);
    rig.judge();
    CHECK(rig.state() == SafetyState::Tripped);
    CHECK(rig.reason() == c.reason);
    LONGS_EQUAL(1, rig.actuator.safes.size());
    LONGS_EQUAL(c.reason, rig.actuator.safes[0]);
  }
}

TEST(SafetyTrip, ResetNeedsTheCauseGoneAndLeavesTheMachineDisarmed) {
  trip_by_stop_word();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::TripConditionActive);
  CHECK(rig.refusal(CommandKind::SetOutput, 0, 1) == Refusal::NotArmed);
  rig.lane.stop_word = false;
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
  CHECK(rig.state() == SafetyState::Disarmed);
  rig.judge(10);
  CHECK(rig.state() == SafetyState::Disarmed);
}

TEST(SafetyTrip, SafeIsRepeatedWhenTheLinkComesBackUntilConfirmed) {
  rig.arm();
  rig.link_up = false;
  rig.judge();
  rig.supervisor->safe_done(false);  // nothing reaches it now
  LONGS_EQUAL(1, rig.actuator.safes.size());
  rig.judge(50);
  LONGS_EQUAL(1, rig.actuator.safes.size());
  rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(2, rig.actuator.safes.size());
  LONGS_EQUAL(TripReason::LinkLost, rig.actuator.safes[1]);
  rig.supervisor->safe_done(true);
  rig.link_up = false;
  rig.judge();
  rig.link_up = true;
  rig.judge(2);
  LONGS_EQUAL(2, rig.actuator.safes.size());
}

TEST(SafetyTrip, AfterAResetSafeIsNotRepeated) {
  rig.arm();
  rig.link_up = false;
  rig.judge();
  rig.link_up = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
  rig.link_up = false;
  rig.judge();
  rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(2, rig.actuator.safes.size());
}

TEST(SafetyTrip, ALimitTripsOnceItHasLastedAndIsToldBothWays) {
  rig.spec.limits = {{7, {.max = 100, .hold_ns = 20 * kMs}}, {8, {.max = 5, .trips = false}}};
  rig.make();
  rig.supervisor->value(7, 99, rig.now_ns);
  rig.arm();
  rig.supervisor->value(7, 101, rig.now_ns);
  rig.supervisor->value(6, 1e9, rig.now_ns);  // nobody watches it
  rig.judge(18);
  rig.supervisor->value(7, 101, rig.now_ns);
  rig.judge();
  CHECK(rig.state() == SafetyState::Armed);
  rig.supervisor->value(7, 102, rig.now_ns);
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::Limit);
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::TripConditionActive);
  rig.supervisor->value(7, 99, rig.now_ns);
  rig.judge();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
  const auto notices = rig.events(EventKind::Notice);
  LONGS_EQUAL(2, notices.size());
  LONGS_EQUAL(7, notices[0].code());
  DOUBLES_EQUAL(102, notices[0].value(), 0);
  CHECK(notices[0].severity() == message::Severity::Warning);
  CHECK(notices[1].severity() == message::Severity::Info);
}

TEST(SafetyTrip, ALimitThatOnlyReportsDoesNotTrip) {
  rig.spec.limits = {{8, {.max = 5, .trips = false}}};
  rig.make();
  rig.arm();
  rig.supervisor->value(8, 6, rig.now_ns);
  rig.judge();
  CHECK(rig.state() == SafetyState::Armed);
  LONGS_EQUAL(1, rig.events(EventKind::Notice).size());
  rig.supervisor->value(8, 4, rig.now_ns);
  rig.judge();
  LONGS_EQUAL(2, rig.events(EventKind::Notice).size());
}

TEST(SafetyTrip, SeveralLimitsMustAllBeKeptAgain) {
  rig.spec.limits = {{1, {.max = 10}}, {1, {.max = 20}}, {2, {.min = 0}}};
  rig.make();
  rig.supervisor->value(1, 5, rig.now_ns);
  rig.supervisor->value(2, 5, rig.now_ns);
  rig.arm();
  rig.supervisor->value(1, 25, rig.now_ns);
  rig.supervisor->value(2, -1, rig.now_ns);
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  rig.supervisor->value(1, 15, rig.now_ns);
  rig.supervisor->value(2, 0, rig.now_ns);
  rig.judge();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::TripConditionActive);  // 15 > 10
  rig.supervisor->value(1, 10, rig.now_ns);
  rig.judge();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
}

TEST(SafetyTrip, ASidecarThatIsNeededTripsWhenItIsLost) {
  rig.spec.sidecar_loss = SidecarLoss::Trip;
  rig.make();
  rig.lane.sidecar_alive = false;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::NotFresh);
  rig.lane.sidecar_alive = true;
  rig.arm();
  rig.lane.sidecar_alive = false;
  rig.judge();
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::SidecarLost);
  LONGS_EQUAL(0, rig.actuator.commands.size());  // safe outputs, no rollback
}

TEST(SafetyTrip, ASidecarThatIsIgnoredChangesNothing) {
  rig.spec.sidecar_loss = SidecarLoss::Ignore;
  rig.make();
  rig.arm();
  rig.supervisor->output_value(0, 10);
  rig.apply(0, 50, Approval::Provisional);
  rig.lane.sidecar_alive = false;
  rig.judge(10);
  CHECK(rig.state() == SafetyState::Armed);
  LONGS_EQUAL(1, rig.actuator.commands.size());
}

TEST(SafetyTrip, ALimitThatSeesNothingCountsAsViolated) {
  rig.spec.limits = {{7, {.max = 100}}, {8, {.max = 5, .trips = false}}};
  rig.spec.max_sample_age_ns = 50 * kMs;
  rig.make();
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::NotFresh);  // signal 7 has never had a value
  rig.values[7] = 1;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::None);  // the one that only reports may be blind
  rig.values.clear();
  rig.judge(50);
  CHECK(rig.state() == SafetyState::Armed);
  rig.judge();  // samples still come, without this signal
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::Limit);
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::TripConditionActive);
  rig.values[7] = 1;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
}

TEST(SafetyTrip, ASignalThatIsSampledRarelyIsNotBlindBetweenTwoSamples) {
  rig.spec.limits = {{7, {.max = 100}, 200 * kMs}};
  rig.spec.max_sample_age_ns = 50 * kMs;
  rig.make();
  rig.supervisor->value(7, 1, rig.now_ns);
  rig.arm();
  rig.judge(199);
  CHECK(rig.state() == SafetyState::Armed);
  rig.judge();
  CHECK(rig.reason() == TripReason::Limit);
}

TEST(SafetyTrip, TheHoldTimeEndsWithoutANewValue) {
  rig.spec.limits = {{7, {.max = 100, .hold_ns = 20 * kMs}}};
  rig.make();
  rig.supervisor->value(7, 1, rig.now_ns);
  rig.arm();
  rig.supervisor->value(7, 101, rig.now_ns);
  rig.judge(19);
  CHECK(rig.state() == SafetyState::Armed);
  rig.judge();
  CHECK(rig.reason() == TripReason::Limit);
  const auto notices = rig.events(EventKind::Notice);
  LONGS_EQUAL(1, notices.size());
  DOUBLES_EQUAL(101, notices[0].value(), 0);
}

TEST(SafetyTrip, AfterAReconnectALimitWaitsForAValueOfItsOwn) {
  rig.spec.limits = {{7, {.max = 100}}};
  rig.make();
  rig.supervisor->value(7, 1, rig.now_ns);
  rig.judge();
  rig.link_up = false;
  rig.judge();
  rig.link_up = true;
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::NotFresh);
  rig.supervisor->value(7, 1, rig.now_ns);
  rig.judge();
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::None);
}

TEST(SafetyTrip, SafeOutputsAreInsistedOnUntilConfirmed) {
  trip_by_stop_word();
  rig.judge(199);
  LONGS_EQUAL(1, rig.actuator.safes.size());
  rig.judge();
  LONGS_EQUAL(2, rig.actuator.safes.size());
  rig.supervisor->safe_done(false);
  rig.judge(200);
  LONGS_EQUAL(3, rig.actuator.safes.size());
  rig.link_up = false;
  rig.judge(1000);  // nobody is there
  LONGS_EQUAL(3, rig.actuator.safes.size());
  rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(4, rig.actuator.safes.size());
  rig.supervisor->safe_done(true);
  rig.judge(1000);
  LONGS_EQUAL(4, rig.actuator.safes.size());
}

TEST(SafetyTrip, WhoeverRaisesTheStopWordGetsSafeOutputsAlsoFromATrippedMachine) {
  rig.arm();
  rig.driver_running = false;
  rig.judge();
  rig.driver_running = true;
  rig.supervisor->safe_done(true);
  rig.judge(10);
  LONGS_EQUAL(1, rig.actuator.safes.size());
  rig.lane.stop_word = true;
  rig.judge();
  LONGS_EQUAL(2, rig.actuator.safes.size());
  LONGS_EQUAL(0, rig.supervisor->safe_confirmed());
  rig.supervisor->safe_done(true);
  rig.judge(1000);
  LONGS_EQUAL(2, rig.actuator.safes.size());  // an edge
  CHECK(rig.reason() == TripReason::DriverBenched);
}

TEST(SafetyTrip, AfterAnUncleanEndItBeginsTrippedAndNothingFoundIsApproved) {
  rig.make();
  rig.supervisor->start_tripped(TripReason::UncleanStart);
  CHECK(rig.state() == SafetyState::Tripped);
  CHECK(rig.reason() == TripReason::UncleanStart);
  LONGS_EQUAL(1, rig.events(EventKind::Safety).size());
  rig.samples = rig.link_up = false;
  rig.judge(5);
  LONGS_EQUAL(0, rig.actuator.safes.size());
  rig.samples = rig.link_up = true;
  rig.judge();
  LONGS_EQUAL(1, rig.actuator.safes.size());  // as soon as it can be reached
  LONGS_EQUAL(TripReason::UncleanStart, rig.actuator.safes[0]);
  rig.supervisor->output_value(0, 50);
  CHECK(rig.supervisor->output(0).known);
  CHECK(!rig.supervisor->output(0).approved_known);
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::WrongState);
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::None);
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::None);
  rig.apply(0, 60, Approval::Approved);
  DOUBLES_EQUAL(60, rig.supervisor->output(0).approved, 0);
}

TEST(SafetyTrip, AnOrderlyEndTripsArmedMachines) {
  rig.arm();
  rig.supervisor->wind_down(rig.now_ns + 100 * kMs, rig.now_ns);
  CHECK(!rig.supervisor->quiet());
  rig.judge();
  CHECK(rig.reason() == TripReason::CoreStop);
  LONGS_EQUAL(1, rig.actuator.safes.size());
  CHECK(!rig.supervisor->quiet());
  rig.supervisor->safe_done(true);
  CHECK(rig.supervisor->quiet());
  CHECK(rig.refusal(CommandKind::Reset) == Refusal::WrongState);
}

TEST(SafetyTrip, AnOrderlyEndLeavesTheOthersAsTheyAre) {
  rig.judge();
  rig.supervisor->wind_down(rig.now_ns + 100 * kMs, rig.now_ns);
  rig.judge();
  CHECK(rig.supervisor->quiet());
  CHECK(rig.state() == SafetyState::Disarmed);
  LONGS_EQUAL(0, rig.actuator.safes.size());
  CHECK(rig.refusal(CommandKind::Arm) == Refusal::WrongState);
}

// Provisional values first, so that a rollback does not undo a safe output; but not for ever.
TEST(SafetyTrip, BeforeAnOrderlyEndProvisionalValuesGoBack) {
  for (const bool answers : {true, false}) {
    rig.make();
    rig.actuator.safes.clear();
    rig.arm();
    rig.supervisor->output_value(0, 10);
    rig.apply(0, 50, Approval::Provisional);
    rig.actuator.commands.clear();
    rig.supervisor->wind_down(rig.now_ns + 100 * kMs, rig.now_ns);
    rig.judge();
    LONGS_EQUAL(1, rig.actuator.commands.size());
    DOUBLES_EQUAL(10, rig.actuator.commands[0].value, 0);
    CHECK(message::get_text(rig.results().back().approver()) != "core: sidecar lost");
    LONGS_EQUAL(0, rig.actuator.safes.size());
    CHECK(rig.refusal(CommandKind::SetOutput, 1, 1) == Refusal::WrongState);
    if (answers) {
      rig.done(RISE_COMMAND_APPLIED, 10);
      rig.judge();
    } else {
      rig.judge(98);
      LONGS_EQUAL(0, rig.actuator.safes.size());
      rig.judge();
    }
    LONGS_EQUAL(1, rig.actuator.safes.size());
    CHECK(rig.reason() == TripReason::CoreStop);
  }
}
