// What a machine does with a control that refuses, or that is not the one of the config.
#include <CppUTest/TestHarness.h>

#include "tests/unit/focas_machine_bench.hpp"

using rise::test::MachineBench;

namespace {

const std::string kPath = "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n";
const std::string kFast =
    "[[group]]\nname = 'fast'\nperiod_ms = 10\n"
    "items = ['status', 'alarms', 'position.absolute', 'feed', 'spindle.load']\n";
const std::string kSlow =
    "[[group]]\nname = 'slow'\nperiod_ms = 100\n"
    "items = ['program.name', 'macro.500', 'parts.count', 'pmc.r100']\n";

}  // namespace

TEST_GROUP(FocasMachineRefusals){};

TEST(FocasMachineRefusals, ConfiguredOtherwiseThanTheControl) {
  MachineBench bench(
      "[[path]]\naxes = ['X', 'Z', 'Y', 'C', 'B']\nspindles = 3\ninch = true\n"
      "[[path]]\naxes = ['X']\n" +
      kFast);
  CHECK(bench.run_up());
  bench.run(100);
  std::string all;
  for (const auto& notice : bench.host.notices) all += notice.text + "\n";
  CHECK(all.find("control has 1 paths, 2 are configured") != std::string::npos);
  CHECK(all.find("path 1 of the control has 4 axes, 5 are configured") != std::string::npos);
  CHECK(all.find("axis 2 of path 1 is Y, configured as z") != std::string::npos);
  CHECK(all.find("axis 4 of path 1 is A, configured as c") != std::string::npos);
  CHECK(all.find("path 1 of the control has 1 spindles, 3 are configured") != std::string::npos);
  CHECK(all.find("position of axis x, path 1 is in mm, configured as in") != std::string::npos);
  // What the control does not have has no value; what is behind its last axis is stale memory.
  // What has another name or unit there must not have a value here.
  for (const char* axis : {"x", "z", "y", "c", "b"}) {
    CHECK(!bench.host.value(std::string("axis.") + axis + ".position"));
  }
  CHECK(bench.host.value("spindle.0.load").has_value());
  CHECK(!bench.host.value("spindle.1.load"));
  CHECK(!bench.host.value("path.2.feed.actual"));
  CHECK(bench.host.sample_count(0) > 0);
}

TEST(FocasMachineRefusals, WhatTheControlLacksIsAskedOnce) {
  MachineBench bench(kPath + kFast);
  bench.control().refuse[0x24] = rise::focas::wire::Status::NoOption;
  CHECK(bench.run_up());
  bench.run(200);
  CHECK(!bench.host.value("feed.actual"));
  LONGS_EQUAL(1, bench.control().count(0x24));
  LONGS_EQUAL(1, bench.count(RISE_COUNT_REFUSED_ITEMS));
  CHECK(bench.host.sample_count(0) > 15);
}

TEST(FocasMachineRefusals, WhatIsBusyIsAskedAgain) {
  MachineBench bench(kPath + kFast);
  bench.control().refuse[0x24] = rise::focas::wire::Status::Busy;
  CHECK(bench.run_up());
  bench.run(200);
  CHECK(!bench.host.value("feed.actual"));
  CHECK(bench.control().count(0x24) > 15);
  bench.control().refuse.clear();
  bench.run(20);
  CHECK(bench.host.value("feed.actual").has_value());
}

TEST(FocasMachineRefusals, ARefusedFrameTakesTheValuesAndTheSessionGoesOn) {
  MachineBench bench(kPath + kFast);
  CHECK(bench.run_up());
  bench.run(50);
  CHECK(bench.host.value("feed.actual").has_value());
  const std::size_t samples = bench.host.samples.size();
  bench.control().refuse_frames = rise::focas::wire::Status::Reject;
  bench.run(50);
  CHECK(!bench.host.value("feed.actual"));
  LONGS_EQUAL(samples, bench.host.samples.size());
  LONGS_EQUAL(1, bench.control().opened);
  bench.control().refuse_frames.reset();
  bench.run(50);
  CHECK(bench.host.value("feed.actual").has_value());
}

// The control takes fewer blocks than the config says: it gets smaller frames, and everything,
// names and units of the axes, too, is read.
TEST(FocasMachineRefusals, FramesThatAreRefusedGetSmaller) {
  for (const std::size_t most : {1u, 2u, 3u, 7u}) {
    MachineBench bench(kPath + kFast + kSlow);
    bench.control().parameters[6711] = {3, 0, {77}};
    bench.control().most_blocks = most;
    CHECK(bench.run_up());
    bench.run(1000);
    LONGS_EQUAL(1, bench.control().opened);
    DOUBLES_EQUAL(104.003, *bench.host.value("axis.a.position"), 1e-9);
    DOUBLES_EQUAL(77, *bench.host.value("parts.count"), 0);
    CHECK(bench.host.sample_count(0) >= 60);
    CHECK(bench.control().count(0x89) >= 1 && bench.control().count(0x88) >= 1);
    CHECK(bench.count(RISE_COUNT_REFUSED_ITEMS) <= 30);
    for (const auto& notice : bench.host.notices) LONGS_EQUAL(4, notice.code);
  }
}

// One command that the control cannot stand must not cost the others their samples.
TEST(FocasMachineRefusals, AReadThatIsRefusedWithItsFrameIsLeftOut) {
  MachineBench bench(kPath + kFast);
  bench.control().poison = 0x24;
  CHECK(bench.run_up());
  bench.run(1000);
  LONGS_EQUAL(1, bench.control().opened);
  CHECK(!bench.host.value("feed.actual"));
  CHECK(bench.host.value("axis.x.position").has_value());
  CHECK(bench.host.sample_count(0) >= 80);
}

TEST(FocasMachineRefusals, AControlThatRefusesEverythingIsLeft) {
  MachineBench bench(kPath + kFast);
  CHECK(bench.run_up());
  bench.run(50);
  bench.control().refuse_frames = rise::focas::wire::Status::Reject;
  CHECK(bench.run_until([&] { return !bench.host.up(); }));
  LONGS_EQUAL(1, bench.control().closed);
}

// A control that is starting up refuses what it offers later.
TEST(FocasMachineRefusals, WhatWasRefusedIsAskedAgainAfterMinutes) {
  MachineBench bench(kPath + "[[group]]\nname = 'g'\nperiod_ms = 1000\nitems = ['feed']\n");
  bench.control().refuse[0x24] = rise::focas::wire::Status::Function;
  CHECK(bench.run_up());
  bench.run(400'000);
  LONGS_EQUAL(3, bench.control().count(0x24));
  LONGS_EQUAL(1, bench.host.notices.size());  // told once
  bench.control().refuse.clear();
  bench.run(200'000);
  CHECK(bench.host.value("feed.actual").has_value());
}

// The axes are named, or measured, otherwise than the config says: no values under wrong names.
TEST(FocasMachineRefusals, AxesThatAreNotThoseOfTheConfigHaveNoValues) {
  const std::string items =
      "[[group]]\nname = 'g'\nperiod_ms = 10\nitems = ['position.absolute', 'position.machine', "
      "'servo.load', 'parameter.1320.y']\n";
  MachineBench bench(kPath + items);
  bench.host.keep_sample_values = true;
  bench.control().parameters[1320] = {3, 0, {1, 2, 3, 4}};
  bench.control().axis_names = "XZYA";
  bench.control().units = {0, 0, 0, 0};
  bench.control().machine_units = {1, 0, 0, 2};
  CHECK(bench.run_up());
  bench.run(200);
  CHECK(bench.host.value("axis.x.position").has_value());
  CHECK(!bench.host.value("axis.x.machine_position"));  // in inches there
  CHECK(bench.host.value("axis.x.load").has_value());
  for (const char* lost : {"axis.y.position", "axis.z.position", "axis.y.load", "axis.z.load",
                           "axis.y.machine_position", "parameter.1320.y", "axis.a.position"}) {
    CHECK_TEXT(!bench.host.value(lost), lost);
  }
  CHECK(bench.host.value("axis.a.machine_position").has_value());
  CHECK(bench.host.value("axis.a.load").has_value());
  // Not for one sample, either.
  const auto y = static_cast<std::size_t>(bench.host.find("axis.y.position"));
  for (const auto& sample : bench.host.samples) CHECK(!sample.values[y]);
  LONGS_EQUAL(4, bench.host.notices.size());
  // Somebody puts it right.
  bench.control().axis_names = "XYZA";
  bench.control().units = {0, 0, 0, 2};
  bench.run(61'000);
  CHECK(bench.host.value("axis.y.position").has_value());
  CHECK(bench.host.value("axis.a.position").has_value());
  CHECK(bench.host.value("parameter.1320.y").has_value());
  // And somebody changes the control to inches.
  bench.control().units = {1, 1, 1, 2};
  bench.run(61'000);
  CHECK(!bench.host.value("axis.y.position"));
  CHECK(bench.host.value("axis.a.position").has_value());
}

// However small the frames are: no sample before the unit is known. And none after it has changed,
// though the next sample is an hour away.
TEST(FocasMachineRefusals, PositionsWaitForTheirUnits) {
  for (const int blocks : {1, 2, 10}) {
    MachineBench bench("max_blocks = " + std::to_string(blocks) + "\n" + kPath +
                       "[[group]]\nname = 'g'\nperiod_ms = 2\nitems = ['position.machine']\n");
    bench.host.keep_sample_values = true;
    bench.control().machine_units = {1, 0, 0, 2};
    CHECK(bench.run_up());
    bench.run(100);
    CHECK(bench.host.samples.size() > 10);
    for (const auto& sample : bench.host.samples) CHECK(!sample.values[0]);
    CHECK(bench.host.value("axis.y.machine_position").has_value());
  }
  MachineBench slow(kPath +
                    "[[group]]\nname = 'g'\nperiod_ms = 3600000\nitems = ['position.machine']\n");
  CHECK(slow.run_up());
  slow.run(2000);
  CHECK(slow.host.value("axis.x.machine_position").has_value());
  slow.control().machine_units = {1, 0, 0, 2};
  slow.run(60'000);
  CHECK(!slow.host.value("axis.x.machine_position"));
  CHECK(slow.host.value("axis.y.machine_position").has_value());
}

TEST(FocasMachineRefusals, AControlThatDoesNotNameItsAxesIsBelieved) {
  MachineBench bench(kPath + kFast);
  bench.control().refuse = {{0x88, rise::focas::wire::Status::Function},
                            {0x89, rise::focas::wire::Status::Busy}};
  CHECK(bench.run_up());
  bench.run(100);
  CHECK(bench.host.value("axis.a.position").has_value());
}

// The name of an axis is a guess at its unit; the config knows better.
TEST(FocasMachineRefusals, UnitsOfAxesFromTheConfig) {
  MachineBench bench("[[path]]\naxes = ['X', 'Y', 'Z', 'A']\nunits = ['mm', 'deg', 'in', 'mm']\n" +
                     kFast);
  STRCMP_EQUAL("deg",
               bench.host.signals[static_cast<std::size_t>(bench.host.find("axis.y.position"))]
                   .unit.c_str());
  bench.control().units = {0, 2, 1, 0};
  CHECK(bench.run_up());
  bench.run(100);
  for (const char* axis : {"x", "y", "z", "a"}) {
    CHECK(bench.host.value(std::string("axis.") + axis + ".position").has_value());
  }
  MachineBench wrong("[[path]]\naxes = ['X', 'Y']\nunits = ['mm']\n" + kFast);
  LONGS_EQUAL(RISE_E_CONFIG, wrong.result);
  CHECK(wrong.host.has_fault("path.0.units"));
}

TEST(FocasMachineRefusals, ToolOffsetsOfTheOtherSortOfMachine) {
  MachineBench bench(kPath + "[[group]]\nname = 'g'\nperiod_ms = 10\nitems = ['offset.1']\n");
  bench.control().lathe = true;
  CHECK(bench.run_up());
  bench.run(100);
  LONGS_EQUAL(0, bench.control().count(0x08));
  CHECK(bench.host.notices.back().text.find("lathe = true") != std::string::npos);
}
