// The orderly end of a lane, and its limit.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/lane_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::DriverState;
using message::LaneNotice;

TEST_GROUP(CycleLaneStop) {
  LaneRig rig;
  bool closes = true;  // whether the driver closes its streams when it is asked to stop

  void make(int machines, const std::string& core = "") {
    rig.make(machines, "", core);
    rig.driver.on_start = [](FakeMachine* m) {
      m->ask(&rise_host::stream_open, "peer", std::uint16_t{1}, std::uint32_t{100});
    };
    rig.driver.on_stop = [this](FakeMachine* m) {
      m->send(m->streams.at(0), "bye");
      if (closes) m->ask(&rise_host::stream_close, m->streams.at(0));
    };
    rig.begin();
    rig.run(5);
    LONGS_EQUAL(machines, rig.peer.connections);
  }
  // Cycles until the end.
  int run_out(int limit = 10'000) {
    int cycles = 0;
    while (cycles < limit && rig.cycle()) ++cycles;
    return cycles + 1;
  }
};

TEST(CycleLaneStop, SessionsAreClosedInOrderAndTheLaneEnds) {
  make(2);
  rig.core->inputs().stop = true;
  CHECK(run_out() < 10);
  LONGS_EQUAL(2, rig.peer.closed);
  LONGS_EQUAL(2, rig.peer.heard.size());
  STRCMP_EQUAL("bye", rig.peer.heard[1].second.c_str());
  LONGS_EQUAL(0, rig.network->open_streams());
  for (std::size_t i = 0; i < 2; ++i) {
    LONGS_EQUAL(1, rig.driver.machine(i).called("stop"));
    LONGS_EQUAL(1, rig.driver.machine(i).called("closed 0"));
    CHECK(rig.core->machine(i).state() == DriverState::Stopped);
    CHECK(rig.state(i).driver() == DriverState::Stopped);
  }
  LONGS_EQUAL(1, rig.notices(LaneNotice::Started));
  LONGS_EQUAL(1, rig.notices(LaneNotice::Stopped));
}

TEST(CycleLaneStop, DriversAreToldThatTheEndHasBegun) {
  make(1);
  closes = false;
  rig.core->inputs().stop = true;
  LONGS_EQUAL(0, rig.driver.machine(0).flags);
  CHECK(rig.cycle());
  CHECK(rig.core->machine(0).state() == DriverState::Stopping);
  CHECK(rig.cycle());
  LONGS_EQUAL(RISE_CYCLE_STOPPING, rig.driver.machine(0).flags);
}

TEST(CycleLaneStop, ADriverThatDoesNotCloseCostsTheGraceTimeAndNoMore) {
  make(1, "stop_grace_ms = 50");
  closes = false;
  rig.core->inputs().stop = true;
  const std::int64_t start_ns = rig.clock.now_ns();
  LONGS_EQUAL(51, run_out());
  LONGS_EQUAL(51 * LaneRig::kPeriod, rig.clock.now_ns() - start_ns);
  CHECK(rig.core->machine(0).state() == DriverState::Stopped);
  LONGS_EQUAL(1, rig.network->open_streams());
}

TEST(CycleLaneStop, WithoutGraceItEndsAtOnce) {
  make(1, "stop_grace_ms = 0");
  closes = false;
  rig.core->inputs().stop = true;
  LONGS_EQUAL(2, run_out());
}

TEST(CycleLaneStop, WithNothingToCloseItEndsInTheNextCycle) {
  rig.make();
  rig.begin();
  rig.run(3);
  rig.core->inputs().stop = true;
  LONGS_EQUAL(2, run_out());
  LONGS_EQUAL(1, rig.driver.machine(0).called("stop"));
}

// While the driver can still write them: stop() ends its sessions.
TEST(CycleLaneStop, ArmedMachinesGetTheirSafeOutputsBeforeTheDriverIsStopped) {
  make(1, "stop_grace_ms = 100");
  rig.driver.on_safe = [](FakeMachine* m) { m->send(m->streams.at(0), "SAFE"); };
  rig.arm();
  rig.core->inputs().stop = true;
  CHECK(rig.cycle());
  CHECK(rig.safety(0) == message::SafetyState::Tripped);
  CHECK(rig.reason(0) == message::TripReason::CoreStop);
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe 9"));
  LONGS_EQUAL(1, rig.peer.heard.size());  // in the cycle of the stop
  STRCMP_EQUAL("SAFE", rig.peer.heard[0].second.c_str());
  LONGS_EQUAL(0, rig.driver.machine(0).called("stop"));
  rig.run(5);
  LONGS_EQUAL(0, rig.driver.machine(0).called("stop"));
  LONGS_EQUAL(0, rig.driver.machine(0).flags);
  rig.driver.machine(0).ask(&rise_host::safe_done, 1u);
  CHECK(rig.cycle());
  LONGS_EQUAL(1, rig.driver.machine(0).called("stop"));
  CHECK(run_out() < 10);
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe"));
  LONGS_EQUAL(0, rig.driver.machine(0).called("too late"));
  LONGS_EQUAL(1, rig.peer.closed);
}

TEST(CycleLaneStop, SafeOutputsThatNobodyConfirmsCostHalfOfTheGraceTime) {
  make(1, "stop_grace_ms = 1000");
  rig.arm();
  rig.core->inputs().stop = true;
  rig.run(500);
  LONGS_EQUAL(0, rig.driver.machine(0).called("stop"));
  LONGS_EQUAL(3, rig.driver.machine(0).called("safe"));  // at 0, 200 and 400 ms
  rig.run(1);
  LONGS_EQUAL(1, rig.driver.machine(0).called("stop"));
  CHECK(run_out() < 10);
  LONGS_EQUAL(0, rig.driver.machine(0).called("too late"));
}

TEST(CycleLaneStop, WithoutGraceArmedMachinesAreMadeSafeAllTheSame) {
  make(1, "stop_grace_ms = 0");
  rig.driver.on_safe = [](FakeMachine* m) { m->send(m->streams.at(0), "SAFE"); };
  rig.arm();
  rig.core->inputs().stop = true;
  run_out();
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe"));
  STRCMP_EQUAL("SAFE", rig.peer.heard.at(0).second.c_str());
}

TEST(CycleLaneStop, ProvisionalValuesGoBackBeforeTheEnd) {
  rig.machine = "[[machine.output]]\nname = \"feed\"\ntarget = \"r1\"\nmin = 0.0\nmax = 9.0\n";
  make(1);
  rig.arm();
  FakeMachine& m = rig.driver.machine(0);
  m.ask(&rise_host::output_value, 0u, 3.0);
  rig.send(message::CommandKind::SetOutput, 0, 7);  // provisional, see LaneRig::command
  rig.run(1);
  m.ask(&rise_host::command_done, m.commands.at(0).id, std::uint32_t{RISE_COMMAND_APPLIED}, 7.0, 0);
  rig.core->inputs().stop = true;
  rig.run(1);
  LONGS_EQUAL(2, m.commands.size());
  DOUBLES_EQUAL(3, m.commands[1].value, 0);
  LONGS_EQUAL(0, m.called("safe"));
  m.ask(&rise_host::command_done, m.commands[1].id, std::uint32_t{RISE_COMMAND_APPLIED}, 3.0, 0);
  rig.run(1);
  LONGS_EQUAL(1, m.called("safe"));
  LONGS_EQUAL(0, m.called("stop"));
  m.ask(&rise_host::safe_done, 1u);
  rig.run(1);
  LONGS_EQUAL(1, m.called("stop"));
}

TEST(CycleLaneStop, MachinesThatAreNotArmedAreLeftAsTheyAre) {
  make(1);
  closes = false;
  rig.core->inputs().stop = true;
  run_out();
  LONGS_EQUAL(0, rig.driver.machine(0).called("safe"));
}

TEST(CycleLaneStop, TheRegionIsClosedWithTheCore) {
  rig.make();
  rig.begin();
  rig.run(2);
  auto reader = rise::shm::attach("unit", rise::shm::Access::ReadOnly, rig.directory.path());
  rig.core.reset();
  CHECK(reader->state() == rise::shm::RegionState::Closed);
  LONGS_EQUAL(0, rig.directory.files());
  LONGS_EQUAL(1, rig.driver.destroyed);
}
