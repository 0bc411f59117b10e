#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "drivers/telemetry/clock_map.hpp"

using namespace rise::telemetry;

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kS = 1'000'000'000;

// A device whose clock runs `ppm` fast, behind a network that delays: at least 50 us, mostly little
// more, sometimes much.
struct Link {
  double ppm = 0;
  double mean_delay_us = 300;
  std::int64_t offset_ns = 0;
  std::int64_t cycle_ns = kMs;  // arrivals are seen at the next cycle
  std::mt19937 random{11};
  std::int64_t host_ns = 5000 * kS;
  std::int64_t start_ns = 5000 * kS;
  ClockMap map;

  [[nodiscard]] std::int64_t device(std::int64_t at_ns) const {
    return offset_ns + std::llround(static_cast<double>(at_ns - start_ns) * (1 + ppm * 1e-6));
  }
  bool step(std::int64_t every_ns, std::int64_t extra_ns = 0) {
    host_ns += every_ns;
    std::exponential_distribution<double> delay(1 / (mean_delay_us * 1e3));
    const std::int64_t arrival = host_ns + 50'000 + std::llround(delay(random)) + extra_ns;
    const std::int64_t seen = (arrival + cycle_ns - 1) / cycle_ns * cycle_ns;
    return map.take(device(host_ns), seen);
  }
  // Mapped time against the true one, now.
  [[nodiscard]] std::int64_t error_ns() const { return map.to_host(device(host_ns)) - host_ns; }
};

}  // namespace

TEST_GROUP(TelemetryClockMap){static void settles(double ppm, std::int64_t every_ns,
                                                  std::int64_t cycle_ns, double within_us,
                                                  double within_ppm){Link link;
link.ppm = ppm;
link.cycle_ns = cycle_ns;
link.offset_ns = 123 * kS;
for (int i = 0; i < static_cast<int>(60 * kS / every_ns); ++i) CHECK(!link.step(every_ns));
CHECK(link.map.has_drift());
DOUBLES_EQUAL(ppm, link.map.drift_ppm(), within_ppm);
// The shortest way is no part of what can be known: 50 us, and what the cycles add.
for (int i = 0; i < 1000; ++i) {
  link.step(every_ns);
  const double error_us = static_cast<double>(link.error_ns()) / 1e3;
  CHECK_TEXT(error_us > 0 && error_us < within_us, std::to_string(error_us).c_str());
}
UNSIGNED_LONGS_EQUAL(0, link.map.jumps());
}
}
;

TEST(TelemetryClockMap, DriftAndJitter) {
  for (const double ppm : {0.0, 25.0, -40.0, 200.0, -1000.0, 10000.0}) {
    settles(ppm, 10 * kMs, 1, 120, 3);
  }
}

TEST(TelemetryClockMap, ArrivalsSeenOncePerCycle) {
  for (const double ppm : {30.0, -80.0}) settles(ppm, 10 * kMs + 12'345, kMs, 400, 12);
}

TEST(TelemetryClockMap, SlowSensors) { settles(50, 500 * kMs, 1, 400, 12); }

TEST(TelemetryClockMap, BeforeAnythingIsKnownTheFirstIsTheEstimate) {
  ClockMap map;
  CHECK(!map.valid());
  CHECK(!map.take(100, 5100));
  CHECK(map.valid());
  LONGLONGS_EQUAL(5000, map.offset_ns(100));
  map.take(200, 5150);  // a shorter way
  LONGLONGS_EQUAL(4950, map.offset_ns(200));
  map.take(300, 5400);  // a longer one
  LONGLONGS_EQUAL(4950, map.offset_ns(300));
  CHECK(!map.has_drift());
}

TEST(TelemetryClockMap, AClockSetForwardIsSeenAtOnce) {
  Link link;
  for (int i = 0; i < 1000; ++i) link.step(10 * kMs);
  link.offset_ns += 3 * kS;
  CHECK(link.step(10 * kMs));
  UNSIGNED_LONGS_EQUAL(1, link.map.jumps());
  CHECK(std::abs(link.error_ns()) < 10 * kMs);
  for (int i = 0; i < 1000; ++i) CHECK(!link.step(10 * kMs));
  CHECK(std::abs(link.error_ns()) < kMs + 200'000);
}

TEST(TelemetryClockMap, AClockSetBackIsSeenWithinAWindow) {
  Link link;
  for (int i = 0; i < 1000; ++i) link.step(10 * kMs);
  link.offset_ns -= 3 * kS;
  int steps = 0;
  while (!link.step(10 * kMs)) ++steps;
  CHECK(steps <= 201);  // what was left of a window with good ones, and one without
  UNSIGNED_LONGS_EQUAL(1, link.map.jumps());
  link.step(10 * kMs);
  CHECK(std::abs(link.error_ns()) < 10 * kMs);
}

TEST(TelemetryClockMap, AStallIsNoJump) {
  Link link;
  for (int i = 0; i < 2000; ++i) link.step(10 * kMs);
  // Half a second of datagrams arrives late: none of them counts.
  for (int i = 0; i < 50; ++i) CHECK(!link.step(10 * kMs, 500 * kMs));
  for (int i = 0; i < 1000; ++i) CHECK(!link.step(10 * kMs));
  UNSIGNED_LONGS_EQUAL(0, link.map.jumps());
  CHECK(std::abs(link.error_ns()) < 1200'000);
}

TEST(TelemetryClockMap, AnyStampsAreSurvived) {
  std::mt19937_64 random(3);
  ClockMap map;
  std::int64_t host_ns = kS;
  for (int i = 0; i < 200'000; ++i) {
    host_ns += static_cast<std::int64_t>(random() % (20 * kMs));
    const std::int64_t device_ns =
        static_cast<std::int64_t>(random() >> (2 + random() % 60)) & ((std::int64_t{1} << 62) - 1);
    map.take(device_ns, host_ns);
    CHECK(std::isfinite(map.drift_ppm()));
    CHECK(std::fabs(map.drift_ppm()) <= ClockMap::kMaxDrift * 1.03e6);
  }
}
