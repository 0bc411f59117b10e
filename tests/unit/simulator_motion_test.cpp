// Motion: the axes never exceed their acceleration, arrive exactly, and obey overrides; and the
// state of a control does not depend on how often it is asked.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::test::Bench;
using rise::test::mill_spec;

namespace {

constexpr double kTick_s = 0.002;

struct Extremes {
  double acceleration = 0;  // largest, as a part of the axis' limit
  double rapid = 0;         // largest speed, as a part of the axis' rapid rate
  double feed_mm_s = 0;     // largest speed along the way while feeding
  double seconds = 0;
  bool finished = false;
};

// Runs tick by tick until the program is over; accelerations are taken from the positions alone.
template <class EachTick>
Extremes watch(Bench* bench, double most_s, EachTick each) {
  Extremes found;
  const PathSpec& spec = bench->path().spec();
  AxisValues last = bench->path().machine_position();
  AxisValues speed{};
  while (found.seconds < most_s) {
    if (bench->path().run() == Run::Reset) {
      found.finished = true;
      break;
    }
    bench->run(kTick_s);
    found.seconds += kTick_s;
    for (std::size_t i = 0; i < spec.axes.size(); ++i) {
      const double position = bench->path().machine_position()[i];
      const double now = (position - last[i]) / kTick_s;
      const double change = std::fabs(now - speed[i]) / kTick_s;
      found.acceleration = std::max(found.acceleration, change / spec.axes[i].acceleration_mm_s2);
      found.rapid = std::max(found.rapid, std::fabs(now) / (spec.axes[i].rapid_mm_min / 60));
      speed[i] = now;
      last[i] = position;
    }
    if (bench->path().in_feed()) {
      found.feed_mm_s = std::max(found.feed_mm_s, bench->path().speed_mm_s());
    }
    each(found.seconds);
  }
  return found;
}

Extremes watch(Bench* bench, double most_s) {
  return watch(bench, most_s, [](double) {});
}

// Speeds are differences of positions over a tick, so that an acceleration that begins within a
// tick is seen over two; what is left is rounding, and the corner that counts as tangent.
constexpr double kAllowed = 1.02;

}  // namespace

TEST_GROUP(SimulatorMotion){};

TEST(SimulatorMotion, LinesKeepTheLimitsAndArrive) {
  Bench bench(mill_spec());
  bench.start(
      "O1\nG0 X123.456 Y-77.7 Z3.\nG1 X0.001 F6000.\nG1 X0. Y0. Z0. F100000.\nG0 X0.0004\nM30\n");
  const Extremes found = watch(&bench, 60);
  CHECK(found.finished);
  CHECK(found.acceleration <= kAllowed);
  CHECK(found.acceleration > 0.9);
  CHECK(found.rapid <= 1.0001);
  DOUBLES_EQUAL(0.0004, bench.path().machine_position()[0], 1e-12);
  DOUBLES_EQUAL(0, bench.path().machine_position()[1], 1e-12);
  DOUBLES_EQUAL(0, bench.path().machine_position()[2], 1e-12);
}

TEST(SimulatorMotion, RandomProgramsKeepTheLimits) {
  Random random(7);
  for (int program = 0; program < 20; ++program) {
    std::string text = "O1\nG90 F3000.\n";
    double y = 0;
    for (int block = 0; block < 25; ++block) {
      char line[96];
      const double x = random.unit() * 200 - 100;
      y = random.unit() * 200 - 100;
      const double radius = 200 + random.unit() * 100;
      const char* codes[] = {"G0", "G1", "G2", "G3"};
      const std::uint64_t code = random.below(4);
      if (code < 2) {
        std::snprintf(line, sizeof line, "%s X%.3f Y%.3f Z%.3f F%.0f\n", codes[code], x, y,
                      random.unit() * 10 - 5, 200 + random.unit() * 9000);
      } else {
        std::snprintf(line, sizeof line, "%s X%.3f Y%.3f R%.3f F%.0f\n", codes[code], x, y, radius,
                      200 + random.unit() * 9000);
      }
      text += line;
    }
    text += "M30\n";
    Bench bench(mill_spec());
    bench.start(text);
    const Extremes found = watch(&bench, 600);
    CHECK_TRUE_TEXT(found.finished, text.c_str());
    CHECK_TRUE_TEXT(found.acceleration <= kAllowed, text.c_str());
    DOUBLES_EQUAL(y, bench.path().machine_position()[1], 0.0005);
  }
}

TEST(SimulatorMotion, TimeIsThatOfTheTrapezoid) {
  // 100 mm at 6000 mm/min with 3000 mm/s2: 1 s of way, and once v/a for the two ramps.
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F6000.\nM30\n");
  const Extremes found = watch(&bench, 10);
  DOUBLES_EQUAL(1 + 100.0 / 3000, found.seconds, 0.1 + 2 * kTick_s);  // and 0.1 s for M30
  DOUBLES_EQUAL(100, found.feed_mm_s, 1e-6);
}

TEST(SimulatorMotion, TangentBlocksAreRunThrough) {
  const std::string contour =
      "G1 X50. F3000.\nG3 X60. Y10. R10.\nG1 Y50.\nG3 X50. Y60. R10.\nG1 X0.\nM30\n";
  Bench smooth(mill_spec());
  smooth.start("O1\nG64\n" + contour);
  double slowest = 1e9;
  const Extremes found = watch(&smooth, 60, [&](double) {
    const double x = smooth.path().machine_position()[0];
    const double y = smooth.path().machine_position()[1];
    const bool middle = x > 20 && y < 40;
    if (middle) slowest = std::min(slowest, smooth.path().speed_mm_s());
  });
  CHECK(found.finished);
  CHECK(found.acceleration <= kAllowed);
  DOUBLES_EQUAL(50, slowest, 1e-6);
  Bench exact(mill_spec());
  exact.start("O1\nG61\n" + contour);
  CHECK(watch(&exact, 60).seconds > found.seconds + 0.03);
}

TEST(SimulatorMotion, SmallArcsAreSlowedDown) {
  // v^2/r must stay below the share of the acceleration that the turn may use.
  Bench bench(mill_spec());
  bench.start("O1\nG0 X2.\nG3 I-2. F10000.\nG3 I-2.\nM30\n");
  const Extremes found = watch(&bench, 30);
  CHECK(found.finished);
  CHECK(found.acceleration <= kAllowed);
  DOUBLES_EQUAL(std::sqrt(3000 / std::sqrt(2.0) * 2), found.feed_mm_s, 0.01);
}

TEST(SimulatorMotion, OverridesScaleFeedAndRapid) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F6000.\nG0 X0.\nM30\n");
  write_feed_override(&bench.control.pmc(), 0, 50);
  write_rapid_override(&bench.control.pmc(), 0, 25);
  bench.control.signals_changed();
  double rapid_mm_s = 0;
  const Extremes found = watch(&bench, 30, [&](double) {
    if (bench.path().in_rapid()) rapid_mm_s = std::max(rapid_mm_s, bench.path().speed_mm_s());
  });
  DOUBLES_EQUAL(50, found.feed_mm_s, 1e-6);
  DOUBLES_EQUAL(24000.0 / 60 / 4, rapid_mm_s, 1e-6);
  CHECK(found.acceleration <= kAllowed);
}

TEST(SimulatorMotion, ChangesOfTheOverrideKeepTheLimits) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X400. F9000.\nX0. Y100.\nM30\n");
  Random random(3);
  int ticks = 0;
  const Extremes found = watch(&bench, 120, [&](double) {
    if (++ticks % 17 != 0) return;
    write_feed_override(&bench.control.pmc(), 0, static_cast<int>(random.below(255)));
    bench.control.signals_changed();
  });
  CHECK(found.finished);
  CHECK(found.acceleration <= kAllowed);
  CHECK(found.feed_mm_s > 150);
  DOUBLES_EQUAL(0, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorMotion, FeedPerRevolutionFollowsTheSpindle) {
  Bench bench(mill_spec());
  bench.start("O1\nS1200 M3\nG95 G1 X50. F0.5\nM30\n");
  const Extremes found = watch(&bench, 30);
  CHECK(found.finished);
  DOUBLES_EQUAL(1200 * 0.5 / 60, found.feed_mm_s, 0.01);
}

TEST(SimulatorMotion, RotaryAxesAloneCountDegrees) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 A90. F3600.\nM30\n");
  const Extremes found = watch(&bench, 30);
  DOUBLES_EQUAL(60, found.feed_mm_s, 1e-6);
  DOUBLES_EQUAL(90, bench.path().machine_position()[3], 1e-12);
}

TEST(SimulatorMotion, TheStateDoesNotDependOnWhoAsks) {
  const std::string text =
      "O1\nS3000 M3\nG0 X10. Z5.\nG1 Z-5. F500.\nX60. F1500.\nG3 X70. Y10. R10.\nG4 P100\nG0 "
      "Z50.\nM30\n";
  ControlSpec spec = mill_spec();
  spec.cutting.noise_percent = 5;
  Bench often(spec);
  Bench seldom(spec);
  often.start(text);
  seldom.start(text);
  for (int i = 0; i < 4000; ++i) often.run(0.001);
  seldom.run(4);
  for (std::size_t axis = 0; axis < 4; ++axis) {
    CHECK(often.path().machine_position()[axis] == seldom.path().machine_position()[axis]);
    CHECK(often.path().cutting().servo_load_percent(axis) ==
          seldom.path().cutting().servo_load_percent(axis));
  }
  CHECK(often.path().cutting().vibration_mm_s() == seldom.path().cutting().vibration_mm_s());
  LONGS_EQUAL(often.path().block_count(), seldom.path().block_count());
  CHECK(often.path().machine_position()[0] > 0);
}
