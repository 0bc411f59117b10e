// Late cycles, and what a lane does about them: count, report, bench, degrade, trip.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/lane_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::EventKind;
using message::LaneCounter;
using message::LaneNotice;
using message::SafetyState;

namespace {
constexpr std::int64_t kPeriod = LaneRig::kPeriod;
}

TEST_GROUP(CycleLaneOverrun) {
  LaneRig rig;
  std::int64_t takes_ns = 0;  // each machine's step

  void make(int machines, const std::string& lane) {
    rig.make(machines, "driver_budget_us = 100000\n" + lane);
    rig.driver.on_cycle = [this](FakeMachine* m, const rise_cycle& cycle) {
      rig.clock.spend(takes_ns);
      if (m->ask(&rise_host::sample, 0, cycle.now_ns) != RISE_OK) return;
    };
    rig.begin();
  }
};

TEST(CycleLaneOverrun, ALateCycleIsCountedAndReported) {
  make(2, "overrun = \"skip\"");
  rig.run(5);
  takes_ns = 1'600'000;  // of both together 3.2 periods
  rig.run(1);
  takes_ns = 0;
  LONGS_EQUAL(1, rig.counter(LaneCounter::Overruns));
  LONGS_EQUAL(3, rig.counter(LaneCounter::SkippedCycles));
  const auto events = rig.events(EventKind::Overrun);
  LONGS_EQUAL(1, events.size());
  LONGS_EQUAL(3, events[0].code());
  LONGS_EQUAL(0, events[0].detail());  // both as slow: the first
  DOUBLES_EQUAL(2.2 * kPeriod, events[0].value(), 1);
  LONGS_EQUAL(message::Severity::Warning, events[0].severity());
  rig.run(10);
  LONGS_EQUAL(1, rig.counter(LaneCounter::Overruns));
  LONGS_EQUAL(16, rig.counter(LaneCounter::Cycles));
}

TEST(CycleLaneOverrun, TheSlowestMachineIsNamed) {
  make(3, "");
  rig.driver.on_cycle = [&](FakeMachine* m, const rise_cycle&) {
    rig.clock.spend(m->name == "m1" ? 900'000 : 100'000);
  };
  rig.run(1);
  LONGS_EQUAL(1, rig.events(EventKind::Overrun).at(0).detail());
}

TEST(CycleLaneOverrun, ReportsAreLimitedCountsAreNot) {
  make(1, "degrade_after = 0\ntrip_after = 0");
  takes_ns = kPeriod + 1;
  rig.run(100);  // 200 ms
  LONGS_EQUAL(100, rig.counter(LaneCounter::Overruns));
  LONGS_EQUAL(100, rig.counter(LaneCounter::SkippedCycles));
  LONGS_EQUAL(1, rig.events(EventKind::Overrun).size());
  takes_ns = 0;
  rig.run(1000);
  const auto events = rig.events(EventKind::Overrun);
  LONGS_EQUAL(2, events.size());
  LONGS_EQUAL(99, events[1].code());  // all that was not yet told
}

TEST(CycleLaneOverrun, TheReportIsAboutTheWorstOfThem) {
  make(2, "degrade_after = 0\ntrip_after = 0");
  std::int64_t takes[2] = {kPeriod + 1, 0};
  rig.driver.on_cycle = [&](FakeMachine* m, const rise_cycle&) {
    rig.clock.spend(takes[m->name == "m1" ? 1 : 0]);
  };
  rig.run(1);  // told at once
  rig.run(10);
  takes[1] = 5 * kPeriod;
  rig.run(1);
  takes[1] = 0;
  rig.run(10);
  takes[0] = 0;
  rig.run(1000);
  const auto events = rig.events(EventKind::Overrun);
  LONGS_EQUAL(2, events.size());
  LONGS_EQUAL(1, events[1].detail());
  DOUBLES_EQUAL(5.0 * kPeriod + 1, events[1].value(), 1);
}

TEST(CycleLaneOverrun, PoliciesReleaseTheNextCycleDifferently) {
  const struct {
    const char* policy;
    std::int64_t next_ns;  // after the late cycle's own release
  } cases[] = {{"skip", 3 * kPeriod}, {"catch_up", kPeriod}, {"re_phase", 2'500'000 + kPeriod}};
  for (const auto& c : cases) {
    LaneRig one;
    one.make(1, std::string("overrun = \"") + c.policy + "\"");
    std::vector<std::int64_t> released;
    one.driver.on_cycle = [&](FakeMachine*, const rise_cycle& cycle) {
      released.push_back(cycle.now_ns);
      if (released.size() == 3) one.clock.spend(2'500'000);
    };
    one.begin();
    one.run(3);
    LONGS_EQUAL(released[2] + c.next_ns, one.core->lane(0).deadline_ns());
    one.run(8);
    LONGS_EQUAL(1, one.events(EventKind::Overrun).size());
  }
}

TEST(CycleLaneOverrun, DegradedReachesTheDriverAndEnds) {
  make(1, "degrade_after = 5\ntrip_after = 0");
  takes_ns = kPeriod + 1;
  rig.run(5);
  LONGS_EQUAL(0, rig.driver.machine(0).flags);
  LONGS_EQUAL(1, rig.counter(LaneCounter::Degraded));
  LONGS_EQUAL(1, rig.notices(LaneNotice::Degraded));
  rig.run(1);
  LONGS_EQUAL(RISE_CYCLE_DEGRADED, rig.driver.machine(0).flags);
  takes_ns = 0;
  rig.run(1000);
  LONGS_EQUAL(0, rig.counter(LaneCounter::Degraded));
  LONGS_EQUAL(1, rig.notices(LaneNotice::Recovered));
  rig.run(1);
  LONGS_EQUAL(0, rig.driver.machine(0).flags);
}

TEST(CycleLaneOverrun, TheTopOfTheLadderTripsArmedMachines) {
  make(1, "degrade_after = 0\ntrip_after = 4");
  rig.arm();
  takes_ns = kPeriod + 1;
  rig.run(4);
  CHECK(rig.safety(0) == SafetyState::Armed);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Tripped);
  CHECK(rig.reason(0) == message::TripReason::Overrun);
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe"));
  LONGS_EQUAL(1, rig.counter(LaneCounter::Trips));
}

TEST(CycleLaneOverrun, LateCyclesAreInTheFlightRecorder) {
  make(2, "");
  rig.run(10);
  takes_ns = 700'000;
  rig.run(1);
  takes_ns = 0;
  rig.run(5);
  rise::shm::RingShape shape;
  const rise::shm::Word* memory = rig.core->region().ring(rise::shm::SectionKind::Late, 0, &shape);
  rise::shm::BroadcastReader<> reader(memory, shape, 0);
  std::vector<rise::shm::Word> words(shape.payload_words);
  CHECK(reader.next(words.data()));
  const auto record = rise::cycle::decode_flight(words.data(), words.size());
  LONGS_EQUAL(11, record.times.cycle);
  CHECK(record.times.late);
  LONGS_EQUAL(1'400'000, record.times.phase_ns[0]);
  LONGS_EQUAL(700'000, record.drivers_ns[0]);
  LONGS_EQUAL(700'000, record.drivers_ns[1]);
  CHECK(!reader.next(words.data()));
}

TEST(CycleLaneOverrun, ASlowDriverIsBenchedAndTheOthersGoOn) {
  rig.make(2, "driver_budget_us = 100\nbench_after = 3");
  rig.driver.on_start = [](FakeMachine* m) {
    m->ask(&rise_host::stream_open, "peer", std::uint16_t{1}, std::uint32_t{100});
  };
  rig.driver.on_cycle = [&](FakeMachine* m, const rise_cycle& cycle) {
    m->link(RISE_LINK_UP);
    m->ask(&rise_host::signal_write, 0, 1.0);
    m->ask(&rise_host::sample, 0, cycle.now_ns);
    if (m->name == "m0" && cycle.number > 10) rig.clock.spend(150'000);
  };
  rig.begin();
  rig.run(10);
  rig.arm();
  LONGS_EQUAL(2, rig.network->open_streams());
  rig.run(20);
  CHECK(rig.core->machine(0).state() == message::DriverState::Benched);
  CHECK(rig.core->machine(1).state() == message::DriverState::Running);
  LONGS_EQUAL(1, rig.counter(LaneCounter::DriversBenched));
  LONGS_EQUAL(1, rig.network->open_streams());
  LONGS_EQUAL(1, rig.peer.closed);
  LONGS_EQUAL(0, rig.driver.machine(0).called("closed"));  // it is not called any more
  CHECK(rig.safety(0) == SafetyState::Tripped);
  CHECK(rig.reason(0) == message::TripReason::DriverBenched);
  CHECK(rig.safety(1) == SafetyState::Armed);
  std::uint64_t last[2] = {};
  for (const auto& frame : all_frames(rig.core->region())) {
    last[frame.machine()] = frame.cycle();
    if (frame.machine() == 0 && frame.quality() == message::Quality::Bad) {
      LONGS_EQUAL(0, frame.valid());
    }
  }
  CHECK(last[1] > last[0]);
  LONGS_EQUAL(rig.counter(LaneCounter::Cycles), last[1]);
  const auto told = rig.events(EventKind::DriverState);
  LONGS_EQUAL(message::DriverState::Benched, told.back().code());
  LONGS_EQUAL(0, told.back().machine());
  CHECK(rig.state(0).driver() == message::DriverState::Benched);
}
