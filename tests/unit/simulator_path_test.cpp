// A path in operation: start, hold, reset, emergency, stops, loops, counters, timers.
#include <CppUTest/TestHarness.h>

#include <cmath>

#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::test::Bench;
using rise::test::mill_spec;

namespace {

void press(Bench* bench, std::size_t address, int bit, bool on) {
  bench->control.pmc().set_bit(PmcArea::G, address, bit, on);
  bench->control.signals_changed();
}

}  // namespace

TEST_GROUP(SimulatorPath){};

TEST(SimulatorPath, HoldBrakesAndStartGoesOn) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F6000.\nM30\n");
  bench.run(0.3);
  press(&bench, signal::kG8, signal::kHoldBit, false);
  CHECK(bench.path().run() == Run::Hold);
  bench.run(0.1);
  CHECK(!bench.path().moving());
  const double x = bench.path().machine_position()[0];
  CHECK(x > 20 && x < 80);
  bench.run(1);
  DOUBLES_EQUAL(x, bench.path().machine_position()[0], 0);
  // Letting go of the button is not enough, as on a real control.
  press(&bench, signal::kG8, signal::kHoldBit, true);
  bench.run(0.5);
  CHECK(bench.path().run() == Run::Hold);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(100, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorPath, HoldWithinARunOfBlocksKeepsTheWay) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X10. F6000.\nX20.\nX30.\nX40.\nX50.\nM30\n");
  for (int i = 0; i < 40 && bench.path().run() != Run::Reset; ++i) {
    bench.run(0.01);
    press(&bench, signal::kG8, signal::kHoldBit, false);
    bench.run(0.08);
    CHECK(!bench.path().moving());
    press(&bench, signal::kG8, signal::kHoldBit, true);
    (void)bench.path().start();
  }
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(50, bench.path().machine_position()[0], 1e-12);
  LONGS_EQUAL(1, bench.path().parameters().integer(parameter::kPartsMade));
}

TEST(SimulatorPath, ResetBrakesAndRewinds) {
  Bench bench(mill_spec());
  bench.start("O1\nN10 G1 X100. F6000. S500 M3\nM30\n");
  bench.run(0.5);
  const double speed = bench.path().speed_mm_s();
  CHECK(speed > 0);
  bench.path().reset();
  bench.run(0.01);
  CHECK(bench.path().speed_mm_s() < speed);
  CHECK(bench.path().speed_mm_s() > 0);  // it brakes, it does not jump
  bench.run(0.5);
  CHECK(bench.path().run() == Run::Reset);
  const double x = bench.path().machine_position()[0];
  CHECK(x > 0 && x < 100);
  bench.run(1);
  DOUBLES_EQUAL(0, bench.path().spindles()[0].rpm(), 1e-9);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(9, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(100, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorPath, EmergencyStopsAndForbidsTheStart) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F6000.\nM30\n");
  bench.run(0.3);
  bench.control.press_emergency(true);
  bench.run(0.05);
  CHECK(!bench.path().moving());
  CHECK(bench.path().run() == Run::Reset);
  CHECK(bench.path().start() == Refusal::Emergency);
  bench.control.press_emergency(false);
  CHECK(bench.path().start() == Refusal::None);
  // The signal *ESP of the PLC does the same.
  press(&bench, signal::kG8, signal::kEmergencyBit, false);
  bench.run(0.05);
  CHECK(bench.control.emergency());
  CHECK(bench.path().run() == Run::Reset);
}

TEST(SimulatorPath, SingleBlockStopsAfterEachBlock) {
  Bench bench(mill_spec());
  press(&bench, signal::kG46, signal::kSingleBlockBit, true);
  bench.start("O1\nG1 X10. F6000.\nX20.\nX30.\nM30\n");
  for (const double x : {10.0, 20.0, 30.0}) {
    CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Stop; }));
    DOUBLES_EQUAL(x, bench.path().machine_position()[0], 1e-12);
    CHECK(bench.path().start() == Refusal::None);
  }
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
}

TEST(SimulatorPath, ProgramStopsAndOptionalStops) {
  Bench bench(mill_spec());
  const char* text = "O1\nG0 X1.\nM1\nX2.\nM0\nX3.\nM30\n";
  bench.start(text);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Stop; }));
  DOUBLES_EQUAL(2, bench.path().machine_position()[0], 1e-12);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
  bench.path().set_optional_stop(true);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Stop; }));
  DOUBLES_EQUAL(1, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorPath, M30CountsPartsAndLoops) {
  ControlSpec spec = mill_spec();
  spec.loop = true;
  spec.loop_pause_s = 0.5;
  Bench bench(spec);
  bench.start("O1\nG1 X10. F6000.\nX0.\nM30\n");
  bench.run(10);
  const int parts = bench.path().parameters().integer(parameter::kPartsMade);
  CHECK(parts >= 8 && parts <= 15);
  LONGS_EQUAL(parts, bench.path().parameters().integer(parameter::kPartsTotal));
  spec.loop = false;
  Bench once(spec);
  once.start("O1\nG1 X10. F6000.\nM30\n");
  once.run(10);
  LONGS_EQUAL(1, once.path().parameters().integer(parameter::kPartsMade));
  CHECK(once.path().run() == Run::Reset);
}

TEST(SimulatorPath, AutostartAndRestart) {
  ControlSpec spec = mill_spec();
  spec.autostart = true;
  spec.restart_s = 2;
  spec.paths[0].program = "O1\nG1 X100. F600.\nX0.\nM30\n";
  Bench bench(spec);
  bench.run(0.1);
  CHECK(bench.path().run() == Run::Start);
  bench.path().reset();
  bench.run(1);
  CHECK(bench.path().run() == Run::Reset);
  bench.run(1.2);
  CHECK(bench.path().run() == Run::Start);
  bench.path().alarms().raise({1003, 15, 0, "DOOR"});
  bench.run(5);
  CHECK(bench.path().run() == Run::Stop);
  bench.path().alarms().clear(1003);
  bench.run(2.5);
  CHECK(bench.path().run() == Run::Start);
}

TEST(SimulatorPath, ABadBlockRaisesAnAlarmAndStops) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X10. F6000.\nN7 G41 X20.\nM30\n");
  CHECK(bench.run_until(5, [&] { return bench.path().alarms().any(); }));
  CHECK(bench.path().run() == Run::Stop);
  const Alarm& alarm = bench.path().alarms().list().front();
  LONGS_EQUAL(10, alarm.number);
  LONGS_EQUAL(kProgramAlarm, alarm.type);
  STRCMP_EQUAL("IMPROPER G-CODE", alarm.text.c_str());
  LONGS_EQUAL(7, bench.path().sequence());
  DOUBLES_EQUAL(10, bench.path().machine_position()[0], 1e-12);
  CHECK(bench.path().start() == Refusal::Alarm);
  bench.path().reset();
  CHECK(!bench.path().alarms().any());
  CHECK(bench.path().run() == Run::Reset);
}

TEST(SimulatorPath, DriveAlarmsSurviveTheResetKey) {
  Bench bench(mill_spec());
  bench.path().alarms().raise({401, 6, 1, "IMPROPER V_READY OFF"});
  bench.path().alarms().raise({10, 3, 0, "IMPROPER G-CODE"});
  bench.path().reset();
  LONGS_EQUAL(1, bench.path().alarms().list().size());
  LONGS_EQUAL(401, bench.path().alarms().list()[0].number);
}

TEST(SimulatorPath, CodesDwellAndSpindleTakeTime) {
  ControlSpec spec = mill_spec();
  spec.tool_change_s = 1;
  spec.m_time_s = 0.25;
  Bench bench(spec);
  bench.start("O1\nT1 M6\nS2000 M3\nG4 X0.5\nG1 X1. F6000.\nM30\n");
  bench.run(0.9);
  CHECK(bench.path().waiting_for_codes());
  bench.run(0.2);
  LONGS_EQUAL(1, bench.path().tool());
  bench.run(0.3);
  CHECK(bench.path().in_dwell());
  bench.run(0.3);
  // 2000 rpm at 4000 rpm/s: the feed waits for the spindle, which is there by now.
  DOUBLES_EQUAL(2000, bench.path().spindles()[0].rpm(), 1);
}

TEST(SimulatorPath, FeedWaitsForTheSpindle) {
  ControlSpec spec = mill_spec();
  spec.m_time_s = 0;
  spec.paths[0].spindles[0].acceleration_rpm_s = 1000;
  Bench bench(spec);
  bench.start("O1\nS4000 M3\nG1 X1. F6000.\nM30\n");
  bench.run(3.5);
  DOUBLES_EQUAL(0, bench.path().machine_position()[0], 0);
  bench.run(1);
  DOUBLES_EQUAL(1, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorPath, ConstantSurfaceSpeed) {
  ControlSpec spec = mill_spec();
  spec.machine = MachineType::Lathe;
  Bench bench(spec);
  bench.start("O1\nG92 S3000\nG96 S157 M3\nG0 X25.\nG4 X5.\nG0 X5.\nG4 X5.\nM30\n");
  bench.run(4);
  DOUBLES_EQUAL(157 * 1000 / (2 * M_PI * 25), bench.path().spindles()[0].rpm(), 1);
  bench.run(5);
  DOUBLES_EQUAL(3000, bench.path().spindles()[0].rpm(), 1);  // limited by G92 S
}

TEST(SimulatorPath, TimersCountWhatTheyAreFor) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F3000.\nG4 X3.\nM30\n");
  bench.run(10);
  const Timers& timers = bench.path().timers();
  DOUBLES_EQUAL(10, static_cast<double>(timers.get(Timer::PowerOn)) * 1e-9, 0.01);
  DOUBLES_EQUAL(5.1, static_cast<double>(timers.get(Timer::Operating)) * 1e-9, 0.1);
  DOUBLES_EQUAL(2.0, static_cast<double>(timers.get(Timer::Cutting)) * 1e-9, 0.05);
  CHECK(timers.get(Timer::Cycle) == timers.get(Timer::Operating));
}

TEST(SimulatorPath, ManualInput) {
  Bench bench(mill_spec());
  CHECK(bench.path().load_mdi("G0 X5.") == Refusal::Mode);
  write_mode(&bench.control.pmc(), 0, Mode::Mdi);
  bench.control.signals_changed();
  CHECK(bench.path().start() == Refusal::NoProgram);
  CHECK(bench.path().load_mdi("G0 X5.\nS1000 M3") == Refusal::None);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(5, bench.path().machine_position()[0], 1e-12);
  bench.run(1);
  DOUBLES_EQUAL(1000, bench.path().spindles()[0].rpm(), 1);  // goes on turning
  LONGS_EQUAL(0, bench.path().parameters().integer(parameter::kPartsMade));
}

TEST(SimulatorPath, AnEmptyEndlessLoopDoesNotHang) {
  Bench bench(mill_spec());
  bench.start("O1\nN1\nM99\n");
  bench.run(5);
  CHECK(bench.path().run() == Run::Start);
  CHECK(bench.path().block_count() > 1000);
}

TEST(SimulatorPath, AProgramOutlivesItsDeletion) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X10. F600.\nM30\n");
  bench.run(0.5);
  CHECK(bench.control.store().remove(path_folder(0), "O0001") == ProgramStore::Result::Done);
  CHECK(bench.run_until(5, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(10, bench.path().machine_position()[0], 1e-12);
}
