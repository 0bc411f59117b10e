// The whole driver on a host in memory: what it takes, what it refuses, and what that says of the
// link.
#include <CppUTest/TestHarness.h>

#include <cmath>
#include <vector>

#include "tests/unit/telemetry_machine_bench.hpp"

using namespace rise::telemetry;
using namespace rise::test;

TEST_GROUP_BASE(TelemetryReceive, MachineTest){};

TEST(TelemetryReceive, TheLinkFollowsTheDatagrams) {
  make("max_age_ms = 200\n" + kOne);
  CHECK(!bench->host.up());
  bench->run(2000);
  CHECK(!bench->host.up());
  play(30);
  CHECK(bench->host.up());
  CHECK(valid("spindle.rms"));
  bench->run(150);
  CHECK(bench->host.up());
  const std::uint64_t before = bench->host.samples_of("spindle");
  bench->run(100);
  CHECK(!bench->host.up());
  LONGS_EQUAL(RISE_LINK_DOWN, bench->host.links.back());
  CHECK(!valid("spindle.rms"));
  LONGS_EQUAL(before + 1, bench->host.samples_of("spindle"));  // that it is invalid was published
  // Back again: what came before the silence is in no window.
  wire.time_ns += 250 * kMs;
  play(25);
  CHECK(bench->host.up());
  CHECK(!valid("spindle.rms"));
  play(5);
  CHECK(valid("spindle.rms"));
}

TEST(TelemetryReceive, ASilentSensorIsInvalidAlone) {
  make("max_age_ms = 100\n" + kOne +
       "[[sensor]]\nid = 2\nname = 'other'\nkind = 'wear'\nrate_hz = 100\n");
  Wire wear;
  wear.sensor = 2;
  wear.kind = wire::Kind::ToolWear;
  wear.samples = {12};
  wear.interval_ns = 0;
  play(28);
  for (int i = 0; i < 30; ++i) {
    bench->run(10);
    bench->send(wear);
    ++wear.sequence;
    wear.time_ns += 10 * kMs;
  }
  CHECK(bench->host.up());
  CHECK(!valid("spindle.rms"));
  DOUBLES_EQUAL(12, value("other.last"), 0);
}

TEST(TelemetryReceive, BadDatagramsAreCountedAndChangeNothing) {
  make(kOne);
  play(5);
  const std::vector<std::uint8_t> good = wire.bytes();
  for (std::size_t size = 0; size < 1480; ++size) {
    if (size == good.size()) continue;
    std::vector<std::uint8_t> bytes = good;
    bytes.resize(size);
    bench->send(bytes);
    bench->run();
  }
  const PortCounters& counters = bench->machine.counters();
  UNSIGNED_LONGS_EQUAL(1479, counters.fault[static_cast<std::size_t>(Fault::Size)]);
  UNSIGNED_LONGS_EQUAL(1479, bench->host.counts[RISE_COUNT_BAD_FRAMES]);
  UNSIGNED_LONGS_EQUAL(5, bench->sensor().sequence().counters().received);
  const auto sends = [&](Fault fault, auto change) {
    const std::uint64_t before = counters.fault[static_cast<std::size_t>(fault)];
    const std::uint64_t own = bench->sensor().bad();
    Wire other = wire;
    change(&other);
    bench->send(other);
    UNSIGNED_LONGS_EQUAL(before + 1, counters.fault[static_cast<std::size_t>(fault)]);
    UNSIGNED_LONGS_EQUAL(own + 1, bench->sensor().bad());
  };
  sends(Fault::Kind, [](Wire* w) { w->kind = wire::Kind::Acoustic; });
  sends(Fault::Channels, [](Wire* w) { w->channels = 2; });
  sends(Fault::Interval, [](Wire* w) { w->interval_ns = 1'020'000; });
  sends(Fault::Interval, [](Wire* w) { w->interval_ns = 980'000; });
  sends(Fault::Time, [](Wire* w) { w->time_ns = -5; });
  sends(Fault::Value, [](Wire* w) { w->samples[3] = NAN; });
  UNSIGNED_LONGS_EQUAL(5, bench->sensor().sequence().counters().received);
  Wire stranger = wire;
  stranger.sensor = 99;
  bench->send(stranger);
  UNSIGNED_LONGS_EQUAL(1, counters.unknown);
  play(30);
  UNSIGNED_LONGS_EQUAL(35, bench->sensor().sequence().counters().received);
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().sequence().counters().lost);
  CHECK(valid("spindle.rms"));
  CHECK(bench->host.notices.size() <= 8);  // one of each kind
}

TEST(TelemetryReceive, OneGoodDatagramMustComeBeforeTheLinkIsUp) {
  make(kOne);
  bench->send(std::vector<std::uint8_t>(100, 7));
  bench->run(3);
  CHECK(!bench->host.up());
  wire.sensor = 3;
  bench->send(wire);
  CHECK(!bench->host.up());
  wire.sensor = 1;
  bench->send(wire);
  CHECK(bench->host.up());
}

TEST(TelemetryReceive, SpoofedSourcesAreRefused) {
  make("peers = ['10.0.0.5', '10.0.0.9']\n" + kOne + "peer = '10.0.0.5'\n");
  bench->send(wire, 0x0a000006);
  bench->send(wire, 0x0500000a);
  bench->send(wire, 0);
  UNSIGNED_LONGS_EQUAL(3, bench->machine.counters().refused);
  bench->send(wire, 0x0a000009);  // a peer, but not this sensor's
  UNSIGNED_LONGS_EQUAL(4, bench->machine.counters().refused);
  CHECK(!bench->host.up());
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().sequence().counters().received);
  bench->send(wire, kPeer);
  CHECK(bench->host.up());
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().sequence().counters().received);
}

TEST(TelemetryReceive, OnlyPeersAreListenedTo) {
  make("peers = ['10.0.0.9', '10.0.0.5']\n" + kOne);
  for (const std::uint32_t from : {0x0a000006U, 0x0a000004U, 0x0a00000aU, 0U, ~0U}) {
    bench->send(wire, from);
  }
  UNSIGNED_LONGS_EQUAL(5, bench->machine.counters().refused);
  CHECK(!bench->host.up());
  bench->send(wire, 0x0a000009);
  ++wire.sequence;
  bench->send(wire, kPeer);
  UNSIGNED_LONGS_EQUAL(2, bench->sensor().sequence().counters().received);
}

TEST(TelemetryReceive, AFloodIsBounded) {
  make("datagrams_per_cycle = 100\n" + kOne);
  play(3);
  const std::uint64_t calls = bench->host.calls;
  const std::vector<std::uint8_t> bytes = wire.bytes();
  for (int i = 0; i < 10'000; ++i) bench->send(bytes, kPeer);
  UNSIGNED_LONGS_EQUAL(9'900, bench->machine.counters().dropped);
  UNSIGNED_LONGS_EQUAL(99, bench->sensor().sequence().counters().duplicate);
  CHECK(bench->host.calls - calls < 10);  // values and samples; nothing per datagram
  bench->run();
  next();
  bench->send(wire, kPeer);  // the next cycle has its own share
  UNSIGNED_LONGS_EQUAL(9'900, bench->machine.counters().dropped);
  UNSIGNED_LONGS_EQUAL(5, bench->sensor().sequence().counters().received);
}

TEST(TelemetryReceive, TimeRunningBackwardsBreaksTheWindow) {
  make(kOne);
  wire.time_ns = 1000 * kMs;
  play(20);
  wire.time_ns -= 500 * kMs;
  play(20);
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().time_faults());
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().broken());
  CHECK(!valid("spindle.rms"));
  play(6);
  CHECK(valid("spindle.rms"));
  wire.time_ns += 500 * kMs;  // and jumping forward without a gap in the numbers
  play(1);
  UNSIGNED_LONGS_EQUAL(2, bench->sensor().time_faults());
}

TEST(TelemetryReceive, ARestartOfTheDevice) {
  make(kOne);
  play(40);
  wire.boot = 8;
  wire.sequence = 0;
  wire.time_ns = 0;
  play(20);
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().sequence().counters().restarts);
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().time_faults());
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().windows());
  play(10);
  UNSIGNED_LONGS_EQUAL(2, bench->sensor().windows());
}

TEST(TelemetryReceive, ADeviceThatSaysItIsNotWell) {
  make(kOne);
  play(30);
  CHECK(valid("spindle.rms"));
  wire.flags = kFlagFault;
  play(3);
  CHECK(!valid("spindle.rms"));
  CHECK(bench->host.up());
  wire.flags = 0;
  play(27);
  CHECK(valid("spindle.rms"));
  bench->run(1000);
  DOUBLES_EQUAL(60, value("spindle.stat.received"), 0);
}

TEST(TelemetryReceive, AStoppedDriverTakesNothing) {
  make(kOne);
  play(30);
  bench->machine.stop();
  CHECK(!bench->host.up());
  const std::uint64_t calls = bench->host.calls;
  play(30);
  UNSIGNED_LONGS_EQUAL(calls, bench->host.calls);
}
