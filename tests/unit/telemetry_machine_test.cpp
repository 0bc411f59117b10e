// The whole driver on a host in memory: signals, windows, groups, the bounds of a cycle.
#include <CppUTest/TestHarness.h>

#include <cmath>
#include <numbers>
#include <random>

#include "drivers/telemetry/driver.hpp"
#include "tests/unit/support/allocations.hpp"
#include "tests/unit/telemetry_machine_bench.hpp"

using namespace rise::telemetry;
using namespace rise::test;

TEST_GROUP_BASE(TelemetryMachine, MachineTest){};

TEST(TelemetryMachine, SignalsAndGroupsAreDeclared) {
  make(kThree);
  for (const char* name :
       {"vibration.spindle.x.rms", "vibration.spindle.z.crest", "vibration.spindle.y.peak",
        "vibration.spindle.x.mean", "vibration.spindle.x.band.10-100",
        "vibration.spindle.z.band.1000-5000", "vibration.spindle.stat.lost", "bearing.mean",
        "bearing.min", "bearing.max", "bearing.last", "bearing.clock.drift", "sound.rms",
        "telemetry.bad"}) {
    CHECK_TEXT(bench->host.find(name) != nullptr, name);
  }
  CHECK(bench->host.find("bearing.rms") == nullptr);
  CHECK(bench->host.find("sound.last") == nullptr);
  LONGS_EQUAL(4, bench->host.groups.size());
  for (const auto& group : bench->host.groups) {
    if (group.name == "vibration.spindle") LONGLONGS_EQUAL(102'400'000, group.period_ns);
    if (group.name == "bearing") LONGLONGS_EQUAL(400'000'000, group.period_ns);
    if (group.name == "sound") LONGLONGS_EQUAL(10'666'666, group.period_ns);
    if (group.name == "statistics") LONGLONGS_EQUAL(1'000'000'000, group.period_ns);
  }
  LONGS_EQUAL(1, bench->host.ports.size());
  LONGS_EQUAL(5005, bench->host.ports[0].port);
}

TEST(TelemetryMachine, AWindowBecomesSignals) {
  make(kOne);
  play(26);
  DOUBLES_EQUAL(5, value("spindle.mean"), 0.1);
  DOUBLES_EQUAL(std::numbers::sqrt2, value("spindle.rms"), 0.02);
  DOUBLES_EQUAL(2, value("spindle.peak"), 0.1);
  DOUBLES_EQUAL(std::numbers::sqrt2, value("spindle.crest"), 0.1);
  DOUBLES_EQUAL(std::numbers::sqrt2, value("spindle.band.10-100"), 0.02);
  CHECK(value("spindle.band.100-500") < 0.01);
  LONGS_EQUAL(1, bench->host.samples_of("spindle"));
  // The window ends with sample 255; its datagram's last sample, 259, was there after 260 ms.
  const std::int64_t time_ns = bench->host.samples.front().time_ns;
  CHECK(time_ns <= bench->now_ns);
  DOUBLES_EQUAL(static_cast<double>(bench->now_ns - 14 * kMs), static_cast<double>(time_ns),
                static_cast<double>(kMs));
  play(26 * 10);
  LONGS_EQUAL(11, bench->host.samples_of("spindle"));
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().broken());
}

TEST(TelemetryMachine, OverlappingWindows) {
  make(kOne + "hop = 64\n");
  play(26 * 4);
  LONGS_EQUAL((1040 - 256) / 64 + 1, bench->host.samples_of("spindle"));
}

TEST(TelemetryMachine, LevelsArePublishedWithTheirWindow) {
  make("[[sensor]]\nid = 1\nname = 't'\nkind = 'temperature'\nrate_hz = 100\nwindow = 4\n");
  wire.kind = wire::Kind::Temperature;
  wire.interval_ns = 0;
  for (const float value : {20.0F, 26.0F, 22.0F, 24.0F}) {
    CHECK(!valid("t.mean"));
    wire.samples = {value};
    bench->run(10);
    bench->send(wire);
    next();
  }
  DOUBLES_EQUAL(23, value("t.mean"), 1e-9);
  DOUBLES_EQUAL(20, value("t.min"), 0);
  DOUBLES_EQUAL(26, value("t.max"), 0);
  DOUBLES_EQUAL(24, value("t.last"), 0);
  LONGLONGS_EQUAL(bench->now_ns, bench->host.samples.front().time_ns);
}

TEST(TelemetryMachine, LostAndReorderedDatagramsInWindows) {
  make("reorder = 3\ncoverage = 0.9\n" + kOne);
  play(10);
  const Wire held = wire;
  next();
  play(2);
  bench->send(held, kPeer);  // two later: fills its gap
  play(20);
  CHECK(valid("spindle.band.10-100"));
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().windows());
  next();  // one is lost: 10 of 256 samples
  play(26);
  UNSIGNED_LONGS_EQUAL(2, bench->sensor().windows());
  CHECK(valid("spindle.rms"));
  CHECK(!valid("spindle.band.10-100"));
  for (int i = 0; i < 3; ++i) next();  // 30 of 256: too many
  play(26);
  UNSIGNED_LONGS_EQUAL(2, bench->sensor().windows());
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().broken());
  CHECK(!valid("spindle.rms"));
  play(60);
  CHECK(valid("spindle.rms"));
  const SequenceCounters& counters = bench->sensor().sequence().counters();
  UNSIGNED_LONGS_EQUAL(4, counters.lost + bench->sensor().sequence().missing());
  UNSIGNED_LONGS_EQUAL(1, counters.reordered);
}

TEST(TelemetryMachine, Statistics) {
  make(kOne);
  play(150);
  next();
  play(150);
  bench->send(wire);
  bench->send(wire);
  bench->send(std::vector<std::uint8_t>(3, 0));
  bench->run(1100);
  DOUBLES_EQUAL(301, value("spindle.stat.received"), 0);
  DOUBLES_EQUAL(1, value("spindle.stat.lost"), 0);
  DOUBLES_EQUAL(1, value("spindle.stat.duplicate"), 0);
  DOUBLES_EQUAL(1, value("telemetry.bad"), 0);
  DOUBLES_EQUAL(303, value("telemetry.received"), 0);
  CHECK(value("spindle.stat.rate") < 1000);
  CHECK(value("spindle.stat.windows") > 9);
  CHECK(bench->host.samples_of("statistics") >= 3);
}

TEST(TelemetryMachine, TheRateIsThatOfTheSamples) {
  make("statistics_ms = 500\n" + kOne);
  play(800);
  DOUBLES_EQUAL(1000, value("spindle.stat.rate"), 21);
  DOUBLES_EQUAL(0, value("spindle.stat.lost"), 0);
  // Host and device tick alike here; a datagram arrives 1 ms after its last sample.
  DOUBLES_EQUAL(0, value("spindle.clock.drift"), 0.5);
}

TEST(TelemetryMachine, SharedGroupsAreSampledTogether) {
  const std::string rest = "kind = 'custom'\nchannels = 1\nrate_hz = 100\ngroup = 'both'\n";
  make("max_age_ms = 500\n[[sensor]]\nid = 1\nname = 'a'\n" + rest +
       "[[sensor]]\nid = 2\nname = 'b'\n" + rest);
  LONGS_EQUAL(2, bench->host.groups.size());
  Wire one;
  one.kind = wire::Kind::Custom;
  one.samples = {1};
  one.interval_ns = 0;
  const auto send = [&](std::uint32_t id) {
    one.sensor = id;
    bench->send(one);
  };
  const auto tick = [&] {
    bench->run(10);
    ++one.sequence;
    one.time_ns += 10 * kMs;
  };
  send(1);  // alone so far
  send(2);
  tick();
  const std::uint64_t before = bench->host.samples_of("both");
  for (int i = 0; i < 10; ++i) {
    send(1);
    send(2);
    tick();
  }
  LONGS_EQUAL(before + 10, bench->host.samples_of("both"));
  for (int i = 0; i < 20; ++i) {  // one falls behind, and then silent: the other goes on
    send(1);
    tick();
  }
  CHECK(bench->host.samples_of("both") >= before + 28);
}

TEST(TelemetryMachine, NoCycleDoesMoreThanItsShare) {
  make(kThree);
  Wire fast;
  fast.channels = 3;
  Wire sound;
  sound.sensor = 3;
  sound.kind = wire::Kind::Acoustic;
  sound.interval_ns = 20'833;
  fast.interval_ns = 100'000;
  fast.samples.assign(300, 1);
  sound.samples.assign(240, 1);
  for (int ms = 0; ms < 2000; ++ms) {
    if (ms % 10 == 0) {
      bench->send(fast);
      ++fast.sequence;
      fast.time_ns += 100 * 100'000;
    }
    if (ms % 5 == 0) {
      bench->send(sound);
      ++sound.sequence;
      sound.time_ns += 240 * 20'833;
    }
    bench->run();
  }
  CHECK(bench->machine.largest_work() > 0);
  CHECK(bench->machine.largest_work() <= 4000 + 300);
  UNSIGNED_LONGS_EQUAL(0, bench->sensor(1).skipped());
  UNSIGNED_LONGS_EQUAL(0, bench->sensor(3).skipped());
  UNSIGNED_LONGS_EQUAL(19, bench->sensor(1).windows());
  UNSIGNED_LONGS_EQUAL((96'000 - 1024) / 512 + 1, bench->sensor(3).windows());
}

// What was begun on samples of before a restart must not be published after it.
TEST(TelemetryMachine, AnAnalysisUnderWayEndsWithItsWindow) {
  make("work_per_cycle = 1000\n" + kOne);
  play(26, false);
  bench->run();  // more work than one cycle's
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().windows());
  wire.boot = 8;
  wire.sequence = 0;
  wire.time_ns = 0;
  play(1, false);
  bench->run(20);
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().windows());
  CHECK(!valid("spindle.rms"));
  play(26);
  UNSIGNED_LONGS_EQUAL(1, bench->sensor().windows());
}

TEST(TelemetryMachine, ALateLaneSkipsWindowsAndSaysSo) {
  make(kOne);
  for (int i = 0; i < 26 * 100; ++i) {  // degraded for long: the ring does not hold so much
    bench->run(10, RISE_CYCLE_DEGRADED);
    play(1, false);
  }
  UNSIGNED_LONGS_EQUAL(0, bench->sensor().windows());
  play(26);
  CHECK(bench->sensor().skipped() > 10);
  CHECK(bench->sensor().windows() > 0);
  CHECK(valid("spindle.rms"));
  LONGS_EQUAL(2600 * 10 / 256, bench->sensor().skipped() + bench->sensor().windows() - 1);
}

TEST(TelemetryMachine, NothingIsAllocatedOnTheLane) {
  make(kThree);
  std::mt19937 random(9);
  std::vector<std::vector<std::uint8_t>> datagrams;
  Wire fast;
  fast.channels = 3;
  fast.interval_ns = 100'000;
  Wire warm;
  warm.sensor = 2;
  warm.kind = wire::Kind::Temperature;
  warm.interval_ns = 0;
  warm.samples = {20};
  for (int i = 0; i < 400; ++i) {
    fast.samples.assign(300, static_cast<float>(random() % 100));
    datagrams.push_back(fast.bytes());
    datagrams.push_back(warm.bytes());
    const std::uint32_t step = random() % 8 == 0 ? 2 : random() % 50 == 0 ? 100 : 1;
    fast.sequence += step;
    fast.time_ns += step * 100 * 100'000;
    if (i % 100 == 99) ++fast.boot;
    ++warm.sequence;
    warm.time_ns += 10 * kMs;
    datagrams.push_back(std::vector<std::uint8_t>(random() % 1600, 3));
  }
  {
    const Allocations allocations;
    for (const auto& bytes : datagrams) {
      bench->send(bytes);
      bench->run(3);
    }
    bench->run(3000);  // silence
    for (const auto& bytes : datagrams) bench->send(bytes);
    bench->run(10);
    bench->machine.stop();
    UNSIGNED_LONGS_EQUAL(0, allocations.count());
  }
  CHECK(bench->sensor(1).windows() > 10);
  const Allocations allocations;  // the guard itself sees something
  ::operator delete(::operator new(16));
  CHECK(allocations.count() > 0);
}

TEST(TelemetryMachine, TheTableOfTheAbi) {
  const rise_driver* table = driver();
  STRCMP_EQUAL("telemetry", table->name);
  UNSIGNED_LONGS_EQUAL(RISE_CAP_DATAGRAM, table->capabilities);
  CHECK(table->on_datagram != nullptr && table->on_bytes == nullptr && table->command == nullptr);
}
