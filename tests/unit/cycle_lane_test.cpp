// The phases of a cycle, by hand on simulated time.
#include "rt_core/cycle/lane.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/lane_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::CommandKind;
using message::LaneCounter;
using message::LaneHistogram;

namespace {
constexpr std::int64_t kPeriod = LaneRig::kPeriod;
}

TEST_GROUP(CycleLane) {
  LaneRig rig;

  // What a driver hears in two cycles, in order; in the first it sends something. Before each word
  // the cycle.
  std::string order(const std::string& exchange) {
    rig.make(1, "exchange = \"" + exchange + "\"");
    rig.begin();
    FakeMachine& m = rig.driver.machine(0);
    const std::int32_t stream =
        m.ask(&rise_host::stream_open, "peer", std::uint16_t{1}, std::uint32_t{100});
    for (int i = 0; i < 10 && m.streams.empty(); ++i) rig.run(1);
    LONGS_EQUAL(1, m.streams.size());
    const std::int64_t start_ns = rig.clock.now_ns();
    std::string heard;
    const auto hear = [&](const char* what) {
      heard += std::to_string((rig.clock.now_ns() - start_ns) / kPeriod) + " " + what + ", ";
    };
    rig.driver.on_cycle = [&, stream](FakeMachine* machine, const rise_cycle&) {
      if (heard.empty()) machine->send(stream, "hello");
      hear("cycle");
    };
    rig.driver.on_bytes = [&](FakeMachine*, std::string_view) { hear("bytes"); };
    rig.driver.on_command = [&](FakeMachine*, const rise_command&) {
      hear("command");
      return std::int32_t{RISE_OK};
    };
    rig.send(CommandKind::FeedHold);
    rig.run(2);
    return heard;
  }
};

TEST(CycleLane, AfterJudgeTheExchangeEndsTheCycle) {
  STRCMP_EQUAL("1 cycle, 1 command, 1 bytes, 2 cycle, ", order("after_judge").c_str());
}

TEST(CycleLane, FirstTheExchangeBeginsTheCycle) {
  STRCMP_EQUAL("1 cycle, 1 command, 2 bytes, 2 cycle, ", order("first").c_str());
}

TEST(CycleLane, WhatIsSentInAStepLeavesInItsCycleOrWithTheNext) {
  for (const bool first : {false, true}) {
    LaneRig one;
    one.make(1, first ? "exchange = \"first\"" : "exchange = \"after_judge\"");
    one.begin();
    std::int32_t stream = -1;
    std::int64_t sent_in_ns = 0;
    one.driver.on_cycle = [&](FakeMachine* m, const rise_cycle& cycle) {
      if (cycle.number == 1) {
        stream = m->ask(&rise_host::stream_open, "peer", std::uint16_t{1}, std::uint32_t{100});
      }
      if (cycle.number == 10) {
        sent_in_ns = cycle.now_ns;
        m->send(stream, "hello");
      }
    };
    one.run(10);
    LONGS_EQUAL(first ? 0 : 1, one.peer.heard.size());
    one.run(1);
    LONGS_EQUAL(1, one.peer.heard.size());
    STRCMP_EQUAL("hello", one.peer.heard[0].second.c_str());
    CHECK(one.peer.heard[0].first <= sent_in_ns + (first ? kPeriod : 0));
    STRCMP_EQUAL("ok", one.driver.machine(0).received.c_str());
  }
}

TEST(CycleLane, CyclesComeAtTheirTimeAndAreCounted) {
  rig.make();
  std::vector<std::int64_t> released;
  std::vector<std::uint64_t> numbers;
  rig.driver.on_cycle = [&](FakeMachine*, const rise_cycle& cycle) {
    released.push_back(cycle.now_ns);
    numbers.push_back(cycle.number);
    LONGS_EQUAL(kPeriod, cycle.period_ns);
    LONGS_EQUAL(sizeof(rise_cycle), cycle.struct_size);
    LONGS_EQUAL(0, cycle.flags);
  };
  const std::int64_t start_ns = rig.clock.now_ns();
  rig.begin();
  rig.run(100);
  for (std::size_t i = 0; i < 100; ++i) {
    LONGS_EQUAL(i + 1, numbers[i]);
    LONGS_EQUAL(start_ns + kPeriod * static_cast<std::int64_t>(i + 1), released[i]);
  }
  LONGS_EQUAL(100, rig.counter(LaneCounter::Cycles));
  LONGS_EQUAL(0, rig.counter(LaneCounter::Overruns));
  LONGS_EQUAL(rig.clock.now_ns(), rig.counter(LaneCounter::LastCycleMonoNs));
  LONGS_EQUAL(100, rig.histogram(LaneHistogram::Wakeup).count());
  LONGS_EQUAL(100, rig.histogram(LaneHistogram::Cycle).count());
  LONGS_EQUAL(start_ns + 101 * kPeriod, rig.core->lane(0).deadline_ns());
}

TEST(CycleLane, EachPhaseHasItsTime) {
  rig.make(1, "driver_budget_us = 100000");
  rig.driver.on_cycle = [&](FakeMachine*, const rise_cycle&) { rig.clock.spend(10'000); };
  rig.driver.on_command = [&](FakeMachine*, const rise_command&) {
    rig.clock.spend(3000);
    return std::int32_t{RISE_OK};
  };
  rig.begin();
  rig.send(CommandKind::FeedHold);
  rig.run(1);
  LONGS_EQUAL(10'000, rig.histogram(LaneHistogram::Step).max());
  LONGS_EQUAL(3000, rig.histogram(LaneHistogram::Judge).max());
  LONGS_EQUAL(0, rig.histogram(LaneHistogram::Exchange).max());
  LONGS_EQUAL(13'000, rig.histogram(LaneHistogram::Cycle).max());
}

TEST(CycleLane, LateWakeupsAreSeenInTheHistogramAndCountedBeyondAPeriod) {
  rig.clock = rise::cycle::SimulatedClock(1'000'000'000'000, 5, 300'000);
  rig.make();
  rig.begin();
  rig.run(1000);
  const auto wakeup = rig.histogram(LaneHistogram::Wakeup);
  CHECK(wakeup.max() > 200'000 && wakeup.max() < 300'000);
  LONGS_EQUAL(0, rig.counter(LaneCounter::LateWakeups));
  rig.clock.spend(2 * kPeriod);
  rig.run(1);
  LONGS_EQUAL(1, rig.counter(LaneCounter::LateWakeups));
}

TEST(CycleLane, SamplesArePublishedInTheCycleThatTakesThem) {
  rig.make();
  rig.begin();
  rig.core->inputs().utc_offset_ns = 5'000'000'000;
  rig.driver.on_cycle = [](FakeMachine* m, const rise_cycle& cycle) {
    m->link(RISE_LINK_UP);
    m->ask(&rise_host::signal_write, 0, static_cast<double>(cycle.number));
    m->ask(&rise_host::sample, 0, cycle.now_ns - 7);
  };
  rig.run(3);
  const auto frames = all_frames(rig.core->region());
  LONGS_EQUAL(3, frames.size());
  LONGS_EQUAL(3, rig.counter(LaneCounter::FramesPublished));
  for (std::size_t i = 0; i < 3; ++i) {
    LONGS_EQUAL(i + 1, frames[i].cycle());
    DOUBLES_EQUAL(static_cast<double>(i + 1), frames[i].values()->Get(0), 0);
    LONGS_EQUAL(frames[i].publish_mono_ns() - 7, frames[i].sample_mono_ns());
    LONGS_EQUAL(frames[i].sample_mono_ns() + 5'000'000'000, frames[i].sample_utc_ns());
  }
}

TEST(CycleLane, TheStateOfAMachineIsPublishedWhenItChanges) {
  rig.make(2);
  rig.begin();
  rig.run(1);
  CHECK(rig.state(0).driver() == message::DriverState::Running);
  CHECK(rig.state(1).driver() == message::DriverState::Running);
  rig.driver.machine(1).link(RISE_LINK_UP, 1);
  CHECK(rig.state(1).link() == message::LinkState::Down);  // not yet
  rig.run(1);
  CHECK(rig.state(1).link() == message::LinkState::Up);
  LONGS_EQUAL(1, rig.state(1).endpoint());
  CHECK(rig.state(0).link() == message::LinkState::Down);
  rig.arm();
  rig.run(1);
  CHECK(rig.state(0).safety() == message::SafetyState::Armed);
}

TEST(CycleLane, TheDirectorySaysWhatRuns) {
  rig.machine = "[[machine.output]]\nname = \"feed\"\ntarget = \"r1\"\nmin = 0.0\nmax = 9.0\n";
  rig.make(2);
  const auto machines =
      rig.core->region().table<message::MachineEntry>(rise::shm::SectionKind::Machines);
  const auto signals =
      rig.core->region().table<message::SignalEntry>(rise::shm::SectionKind::Signals);
  const auto outputs =
      rig.core->region().table<message::OutputEntry>(rise::shm::SectionKind::Outputs);
  LONGS_EQUAL(2, machines.size());
  LONGS_EQUAL(6, signals.size());
  LONGS_EQUAL(2, outputs.size());
  CHECK(message::get_text(machines[1].name()) == "m1");
  CHECK(message::get_text(machines[1].driver()) == "fake");
  CHECK(message::get_text(machines[1].driver_version()) == "1.2.3");
  LONGS_EQUAL(3, machines[1].first_signal());
  LONGS_EQUAL(3, machines[1].signal_count());
  LONGS_EQUAL(1, machines[1].page_count());
  LONGS_EQUAL(1, machines[1].first_text());
  LONGS_EQUAL(1, machines[1].first_output());
  CHECK(message::get_text(signals[5].name()) == "text");
  LONGS_EQUAL(1, signals[5].machine());
  LONGS_EQUAL(1, signals[5].slot());
  CHECK(message::get_text(outputs[1].target()) == "r1");
  LONGS_EQUAL(1, outputs[1].machine());
  DOUBLES_EQUAL(9, outputs[1].max(), 0);
  CHECK(message::get_text(rig.health().name()) == "main");
  CHECK(message::get_text(rig.health().io()) == "simulated network");
  LONGS_EQUAL(2, rig.health().machines());
  LONGS_EQUAL(-1, rig.health().cpu());
}

TEST(CycleLane, TheSameSeedGivesTheSameRun) {
  const auto run = [](std::uint64_t seed) {
    LaneRig one;
    one.clock = rise::cycle::SimulatedClock(1'000'000'000'000, seed, 50'000);
    one.make(2);
    one.driver.on_cycle = [&one](FakeMachine* m, const rise_cycle& cycle) {
      one.clock.spend(m->ask(&rise_host::random) % 100'000);
      m->link(RISE_LINK_UP);
      m->ask(&rise_host::signal_write, 0, static_cast<double>(m->ask(&rise_host::random) % 1000));
      m->ask(&rise_host::sample, 0, cycle.now_ns);
    };
    one.core->inputs().utc_offset_ns = 0;  // else that of the machine
    one.begin();
    one.run(300);
    std::string bytes;
    for (const auto& frame : all_frames(one.core->region())) {
      bytes.append(reinterpret_cast<const char*>(&frame), sizeof frame);
    }
    return bytes;
  };
  const std::string first = run(1);
  CHECK(!first.empty());
  CHECK(first == run(1));
  CHECK(first != run(2));
}
