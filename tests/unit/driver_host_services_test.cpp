// What a driver may ask of its host, and what it is refused.
#include "rt_core/driver/host_services.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>
#include <functional>

#include "rt_core/message/text.hpp"
#include "rt_core/shm/histogram.hpp"
#include "tests/unit/support/instance_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::DriverCounter;
using message::EventKind;

namespace {

// Every service of the lane that returns a result.
std::vector<std::int32_t> lane_calls(const FakeMachine& m) {
  const std::uint8_t byte = 0;
  return {m.ask(&rise_host::stream_open, "host", std::uint16_t{1}, 10u),
          m.ask(&rise_host::stream_send, 0, &byte, 1u),
          m.ask(&rise_host::stream_close, 0),
          m.ask(&rise_host::signal_write, 0, 1.0),
          m.text(2, "x"),
          m.ask(&rise_host::signal_invalidate, 0),
          m.ask(&rise_host::sample, 0, std::int64_t{1}),
          m.host->alarms(m.host->context, nullptr, 0),
          m.link(RISE_LINK_UP),
          m.ask(&rise_host::notice, 1, "x"),
          m.ask(&rise_host::command_done, std::uint64_t{1}, 1u, 0.0, 0),
          m.ask(&rise_host::output_value, 0u, 1.0),
          m.ask(&rise_host::safe_done, 1u)};
}

}  // namespace

TEST_GROUP(DriverHostServices) { InstanceRig rig; };

TEST(DriverHostServices, WhatBelongsToTheLaneIsRefusedBefore) {
  std::vector<std::int32_t> during;
  rig.driver.on_configure = [&](FakeMachine* machine, const rise_config&) {
    during = lane_calls(*machine);
    machine->ask(&rise_host::count, 0u, std::uint64_t{1});
    machine->ask(&rise_host::round_trip, std::int64_t{1});
    return FakeDriver::declare_some(machine);
  };
  CHECK(rig.configure());
  LONGS_EQUAL(13, during.size());
  for (const std::int32_t rc : during) LONGS_EQUAL(RISE_E_PHASE, rc);
  for (const std::int32_t rc : lane_calls(rig.machine())) LONGS_EQUAL(RISE_E_PHASE, rc);
  rig.bind();
  for (const std::int32_t rc : lane_calls(rig.machine())) LONGS_EQUAL(RISE_E_PHASE, rc);
  LONGS_EQUAL(0, rig.port.calls.size());
  LONGS_EQUAL(0, all_events(rig.region).size());
}

TEST(DriverHostServices, WhatBelongsToSetUpIsRefusedAfterwards) {
  rig.start();
  LONGS_EQUAL(RISE_E_PHASE, rig.machine().group("late", 1));
  LONGS_EQUAL(RISE_E_PHASE, rig.machine().signal("late", 0));
  rig.machine().ask(&rise_host::config_error, "a", "b");
  LONGS_EQUAL(0, rig.faults.size());
  LONGS_EQUAL(3, rig.instance->signals().count());
}

TEST(DriverHostServices, StreamsBelongToTheirMachine) {
  rig.start();
  const FakeMachine& m = rig.machine();
  const std::uint8_t bytes[] = {'h', 'i'};
  rig.port.open_answer = 5;
  LONGS_EQUAL(5, m.ask(&rise_host::stream_open, "host", std::uint16_t{8193}, 250u));
  STRCMP_EQUAL("open 1 host 8193 250", rig.port.calls.at(0).c_str());
  LONGS_EQUAL(RISE_OK, m.ask(&rise_host::stream_send, 5, bytes, 2u));
  STRCMP_EQUAL("send 5 hi", rig.port.calls.at(1).c_str());
  LONGS_EQUAL(2, rig.counter(DriverCounter::BytesSent));
  for (const std::int32_t foreign : {0, 4, 6, -1, INT32_MIN, INT32_MAX}) {
    LONGS_EQUAL(RISE_E_CLOSED, m.ask(&rise_host::stream_send, foreign, bytes, 2u));
    LONGS_EQUAL(RISE_E_CLOSED, m.ask(&rise_host::stream_close, foreign));
  }
  LONGS_EQUAL(2, rig.port.calls.size());
  rig.port.send_answer = RISE_E_AGAIN;
  LONGS_EQUAL(RISE_E_AGAIN, m.ask(&rise_host::stream_send, 5, bytes, 2u));
  LONGS_EQUAL(2, rig.counter(DriverCounter::BytesSent));  // only what was taken
  LONGS_EQUAL(RISE_OK, m.ask(&rise_host::stream_close, 5));
  CHECK(!rig.instance->finished());
  rig.instance->on_closed(5, RISE_CLOSED_BY_US, rig.clock.now_ns());
  CHECK(rig.instance->finished());
  LONGS_EQUAL(RISE_E_CLOSED, m.ask(&rise_host::stream_send, 5, bytes, 2u));
}

TEST(DriverHostServices, AMachineHasFourStreamsAtOnce) {
  rig.start();
  const auto open = [&] {
    return rig.machine().ask(&rise_host::stream_open, "host", std::uint16_t{1}, 10u);
  };
  rig.port.open_answer = RISE_E_LIMIT;
  for (int i = 0; i < 10; ++i) LONGS_EQUAL(RISE_E_LIMIT, open());  // takes no place
  rig.port.open_answer = 0;
  for (std::int32_t i = 0; i < 4; ++i) LONGS_EQUAL(i, open());
  LONGS_EQUAL(RISE_E_LIMIT, open());
  LONGS_EQUAL(14, rig.port.calls.size());  // the fifth never reached the port
  rig.instance->on_closed(2, RISE_CLOSED_RESET, rig.clock.now_ns());
  LONGS_EQUAL(4, open());
  LONGS_EQUAL(RISE_E_LIMIT, open());
}

// Its on_open may be null.
TEST(DriverHostServices, ADriverThatClaimsNoStreamsGetsNone) {
  rig.driver.abi.capabilities = RISE_CAP_COMMAND;
  rig.start();
  LONGS_EQUAL(RISE_E_UNSUPPORTED,
              rig.machine().ask(&rise_host::stream_open, "host", std::uint16_t{1}, 10u));
  LONGS_EQUAL(0, rig.port.calls.size());
}

TEST(DriverHostServices, ImpossibleValuesAreCounted) {
  rig.start();
  const FakeMachine& m = rig.machine();
  LONGS_EQUAL(RISE_OK, m.ask(&rise_host::signal_write, 0, 1000.0));
  LONGS_EQUAL(0, rig.counter(DriverCounter::RejectedValues));
  LONGS_EQUAL(RISE_E_ARGUMENT, m.ask(&rise_host::signal_write, 0, 1000.5));
  LONGS_EQUAL(RISE_E_ARGUMENT, m.ask(&rise_host::signal_write, 0, static_cast<double>(NAN)));
  LONGS_EQUAL(RISE_E_ARGUMENT, m.ask(&rise_host::signal_write, 99, 0.0));
  LONGS_EQUAL(3, rig.counter(DriverCounter::RejectedValues));
}

TEST(DriverHostServices, WithoutALinkThereAreNoSamples) {
  rig.start();
  const FakeMachine& m = rig.machine();
  LONGS_EQUAL(RISE_E_CLOSED, m.ask(&rise_host::sample, 0, rig.clock.now_ns()));
  m.link(RISE_LINK_CONNECTING);
  LONGS_EQUAL(RISE_E_CLOSED, m.ask(&rise_host::sample, 0, rig.clock.now_ns()));
  m.link(RISE_LINK_UP);
  LONGS_EQUAL(RISE_E_ARGUMENT, m.ask(&rise_host::sample, 1, rig.clock.now_ns()));
  LONGS_EQUAL(RISE_OK, m.ask(&rise_host::sample, 0, rig.clock.now_ns()));
  LONGS_EQUAL(rig.clock.now_ns(), rig.counter(DriverCounter::LastSampleMonoNs));
  LONGS_EQUAL(1, rig.instance->publish());
}

TEST(DriverHostServices, WhenTheLinkGoesAllSignalsGo) {
  rig.start();
  const FakeMachine& m = rig.machine();
  m.link(RISE_LINK_UP);
  m.ask(&rise_host::signal_write, 0, 1.0);
  m.ask(&rise_host::sample, 0, rig.clock.now_ns());
  rig.instance->publish();
  m.link(RISE_LINK_DOWN, 0, "reset by peer");
  LONGS_EQUAL(1, rig.instance->publish());
  CHECK(all_frames(rig.region).back().quality() == message::Quality::Bad);
  const auto events = rig.events(EventKind::Link);
  LONGS_EQUAL(2, events.size());
  LONGS_EQUAL(message::LinkState::Up, events[0].code());
  LONGS_EQUAL(message::LinkState::Down, events[1].code());
  CHECK(events[1].severity() == message::Severity::Warning);
  CHECK(message::get_text(events[1].text()) == "reset by peer");
}

TEST(DriverHostServices, ChangesOfTheLinkAreToldAttemptsAreNot) {
  rig.start();
  const FakeMachine& m = rig.machine();
  LONGS_EQUAL(RISE_E_ARGUMENT, m.link(3));
  LONGS_EQUAL(RISE_E_ARGUMENT, m.link(~0u));
  for (int attempt = 0; attempt < 20; ++attempt) {
    m.link(RISE_LINK_CONNECTING);
    CHECK(rig.state().link() == message::LinkState::Connecting);
    m.link(RISE_LINK_DOWN, 0, "refused");
  }
  LONGS_EQUAL(1, rig.events(EventKind::Link).size());
  m.link(RISE_LINK_CONNECTING, 1);
  m.host->link(m.host->context, RISE_LINK_UP, 1, nullptr);
  m.link(RISE_LINK_UP, 1);
  const auto events = rig.events(EventKind::Link);
  LONGS_EQUAL(2, events.size());
  LONGS_EQUAL(1, events[1].detail());
  LONGS_EQUAL(1, rig.state().endpoint());
  m.link(RISE_LINK_UP, 0);  // back on the primary
  LONGS_EQUAL(3, rig.events(EventKind::Link).size());
  m.link(RISE_LINK_CONNECTING);  // lost without a word: its return is news again
  m.link(RISE_LINK_UP);
  LONGS_EQUAL(4, rig.events(EventKind::Link).size());
}

TEST(DriverHostServices, CountersAddUpAndUnknownOnesAreIgnored) {
  rig.start();
  const FakeMachine& m = rig.machine();
  m.ask(&rise_host::count, std::uint32_t{RISE_COUNT_SENT}, std::uint64_t{3});
  m.ask(&rise_host::count, std::uint32_t{RISE_COUNT_SENT}, std::uint64_t{4});
  m.ask(&rise_host::count, std::uint32_t{RISE_COUNT_WRITE_ERRORS}, std::uint64_t{1});
  LONGS_EQUAL(7, rig.counter(DriverCounter::Sent));
  LONGS_EQUAL(1, rig.counter(DriverCounter::WriteErrors));
  const std::uint64_t state = rig.counter(DriverCounter::State);
  for (const std::uint32_t unknown : {16u, 17u, 24u, 1000u, ~0u}) {
    m.ask(&rise_host::count, unknown, std::uint64_t{5});
  }
  LONGS_EQUAL(state, rig.counter(DriverCounter::State));
  LONGS_EQUAL(0, rig.counter(DriverCounter::LastHeartbeatMonoNs));
  rig.step();
  m.ask(&rise_host::count, std::uint32_t{RISE_COUNT_HEARTBEATS}, std::uint64_t{1});
  LONGS_EQUAL(rig.clock.now_ns(), rig.counter(DriverCounter::LastHeartbeatMonoNs));
}

TEST(DriverHostServices, RoundTripsGoToTheirHistogram) {
  rig.start();
  rig.machine().ask(&rise_host::round_trip, std::int64_t{123'456});
  rig.machine().ask(&rise_host::round_trip, std::int64_t{-1});
  const rise::shm::HistogramView view(*rig.health().histograms()->Get(1));
  LONGS_EQUAL(2, view.count());
  LONGS_EQUAL(0, view.min());
  LONGS_EQUAL(123'456, view.max());
}

TEST(DriverHostServices, NoticesAreEvents) {
  rig.start();
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::notice, 17, "control has 4 axes"));
  LONGS_EQUAL(RISE_OK, rig.machine().host->notice(rig.machine().host->context, 18, nullptr));
  const auto events = rig.events(EventKind::Notice);
  LONGS_EQUAL(2, events.size());
  LONGS_EQUAL(17, events[0].code());
  LONGS_EQUAL(InstanceRig::kMachine, events[0].machine());
  CHECK(message::get_text(events[0].text()) == "control has 4 axes");
  LONGS_EQUAL(0, events[1].text_length());
}

TEST(DriverHostServices, RandomBitsComeFromTheSeed) {
  const auto first_of = [](std::uint64_t seed) {
    InstanceRig one;
    one.spec.seed = seed;
    one.start();
    std::vector<std::uint32_t> bits;
    for (int i = 0; i < 8; ++i) bits.push_back(one.machine().ask(&rise_host::random));
    return bits;
  };
  CHECK(first_of(1) == first_of(1));
  CHECK(first_of(1) != first_of(2));
  CHECK(first_of(2) != first_of(3));
}

TEST(DriverHostServices, AMachineThatDoesNotExistGetsNoAnswers) {
  rig.start();
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.machine().ask(&rise_host::output_value, 0u, 1.0));
  LONGS_EQUAL(RISE_E_ARGUMENT,
              rig.machine().ask(&rise_host::command_done, std::uint64_t{1}, 1u, 0.0, 0));
}
