// The G-code interpreter: spelling, modal state, geometry, program flow, alarms. No time here:
// blocks are read one after the other.
#include <CppUTest/TestHarness.h>

#include <cmath>

#include "drivers/focas/simulator/program/interpreter.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::test::legacy_spec;
using rise::test::mill_spec;

namespace {

// An interpreter with one program in memory, at its start.
struct Reader {
  explicit Reader(const std::string& text, ControlSpec given = mill_spec())
      : spec(std::move(given)),
        is_new(personality_of(spec).is_new()),
        store(512 * 1024),
        parameters(spec, spec.paths[0], is_new),
        interpreter(spec, spec.paths[0], parameters, store, is_new) {
    store.make_folder(path_folder(0));
    std::vector<ProgramPtr> added;
    CHECK(store.add(path_folder(0), text, {}, true, &added) == ProgramStore::Result::Done);
    interpreter.set_folder(path_folder(0));
    interpreter.select(added.front());
  }
  Step next() {
    Step step;
    interpreter.next(false, &step);
    return step;
  }
  // Steps up to the end, an alarm, or so many.
  std::vector<Step> all(int most = 100) {
    std::vector<Step> steps;
    for (int i = 0; i < most; ++i) {
      steps.push_back(next());
      if (steps.back().failed || steps.back().end == Step::End::Finish) break;
    }
    return steps;
  }
  ControlSpec spec;
  bool is_new;
  ProgramStore store;
  Parameters parameters;
  Interpreter interpreter;
};

// The alarm of the first block.
int alarm_of(const std::string& block, ControlSpec spec = mill_spec()) {
  Reader reader("O1\n" + block + "\nM30\n", std::move(spec));
  const Step step = reader.next();
  return step.failed ? step.alarm.number : 0;
}

int parse_fault(const char* line) {
  Block block;
  return parse_block(line, false, &block).number;
}

void check_end(const Step& step, double x, double y, double z) {
  CHECK(!step.failed);
  LONGS_EQUAL(1, step.segment_count);
  DOUBLES_EQUAL(x, step.segments[0].end[0], 1e-9);
  DOUBLES_EQUAL(y, step.segments[0].end[1], 1e-9);
  DOUBLES_EQUAL(z, step.segments[0].end[2], 1e-9);
}

}  // namespace

TEST_GROUP(SimulatorBlock){};

TEST(SimulatorBlock, WordsAreReadWithTheirNumbers) {
  Block block;
  CHECK(!parse_block("N10 G01X-12.5 y+.25(comment X9) Z 7 F1500 ; G99", false, &block));
  LONGS_EQUAL(6, block.count);
  BYTES_EQUAL('N', block.words[0].letter);
  DOUBLES_EQUAL(-12.5, block.words[2].value, 1e-12);
  CHECK(block.words[2].point);
  BYTES_EQUAL('Y', block.words[3].letter);
  DOUBLES_EQUAL(0.25, block.words[3].value, 1e-12);
  DOUBLES_EQUAL(7, block.words[4].value, 1e-12);
  CHECK(!block.words[4].point);
}

TEST(SimulatorBlock, WrongSpellingHasItsAlarm) {
  LONGS_EQUAL(3, parse_fault("X1234567890"));
  LONGS_EQUAL(4, parse_fault("12.5"));
  LONGS_EQUAL(5, parse_fault("G1 X Y2"));
  LONGS_EQUAL(5, parse_fault("X-"));
  LONGS_EQUAL(6, parse_fault("X--1"));
  LONGS_EQUAL(6, parse_fault("X1-2"));
  LONGS_EQUAL(7, parse_fault("X1.2.3"));
  LONGS_EQUAL(9, parse_fault("X1 #5"));
  LONGS_EQUAL(9, parse_fault("G1 /X1"));
  LONGS_EQUAL(0, parse_fault("(only a comment"));
  LONGS_EQUAL(0, parse_fault(""));
}

TEST(SimulatorBlock, BlockSkipActsOnlyWhenItIsOn) {
  Block block;
  CHECK(!parse_block("/2 G1 X1", false, &block));
  LONGS_EQUAL(2, block.count);
  CHECK(!block.skipped);
  CHECK(!parse_block("/ G1 X1", true, &block));
  CHECK(block.skipped);
}

TEST_GROUP(SimulatorInterpreter){};

TEST(SimulatorInterpreter, AbsoluteAndIncremental) {
  Reader reader("O1\nG90 G0 X10. Y20.\nG91 X1. Z-2.\nG90 Y5.\nM30\n");
  check_end(reader.next(), 10, 20, 0);
  check_end(reader.next(), 11, 20, -2);
  check_end(reader.next(), 11, 5, -2);
  CHECK(reader.next().end == Step::End::Finish);
}

TEST(SimulatorInterpreter, InchesAndNumbersWithoutPoint) {
  Reader reader("O1\nG20 G0 X1.\nG21 X10\nM30\n");
  check_end(reader.next(), 25.4, 0, 0);
  check_end(reader.next(), 10, 0, 0);
  Reader counts("O1\nG0 X1500 Y2.\nG20 X10000\nM30\n");
  counts.parameters.set_integer(parameter::kPointBits, 0);
  check_end(counts.next(), 1.5, 2, 0);
  check_end(counts.next(), 25.4, 2, 0);
}

TEST(SimulatorInterpreter, WorkOffsetsMoveTheOrigin) {
  Reader reader("O1\nG54 G0 X1.\nG55 X1.\nG53 X1.\nG92 X100.\nX101.\nM30\n");
  reader.parameters.set_real(1220, 0, 0.5);
  reader.parameters.set_real(1221, 0, 10);
  reader.parameters.set_real(1222, 0, 20);
  check_end(reader.next(), 11.5, 0, 0);
  check_end(reader.next(), 21.5, 0, 0);
  check_end(reader.next(), 1, 0, 0);
  CHECK(reader.next().segment_count == 0);
  check_end(reader.next(), 2, 0, 0);
}

TEST(SimulatorInterpreter, ArcsByCenterAndByRadiusAreTheSame) {
  const char* pairs[][2] = {
      {"G3 X0. Y10. I-10. J0.", "G3 X0. Y10. R10."},
      {"G2 X0. Y-10. I-10. J0.", "G2 X0. Y-10. R10."},
      {"G3 X0. Y-10. I-10. J0.", "G3 X0. Y-10. R-10."},
      {"G2 X0. Y10. I-10. J0.", "G2 X0. Y10. R-10."},
  };
  const double turns[] = {0.25, -0.25, 0.75, -0.75};
  for (std::size_t i = 0; i < 4; ++i) {
    Segment segments[2];
    for (std::size_t form = 0; form < 2; ++form) {
      Reader reader(std::string("O1\nG0 X10. Y0.\n") + pairs[i][form] + " F100.\nM30\n");
      (void)reader.next();
      const Step step = reader.next();
      CHECK_TRUE_TEXT(!step.failed && step.segment_count == 1, pairs[i][form]);
      segments[form] = step.segments[0];
      DOUBLES_EQUAL(turns[i] * 2 * M_PI, segments[form].sweep_rad, 1e-9);
      DOUBLES_EQUAL(10, segments[form].radius_mm, 1e-9);
      DOUBLES_EQUAL(std::fabs(turns[i]) * 20 * M_PI, segments[form].length_mm, 1e-9);
    }
    for (const double part : {0.1, 0.5, 0.9}) {
      const AxisValues a = segments[0].position_at(part * segments[0].length_mm);
      const AxisValues b = segments[1].position_at(part * segments[1].length_mm);
      DOUBLES_EQUAL(a[0], b[0], 1e-9);
      DOUBLES_EQUAL(a[1], b[1], 1e-9);
      DOUBLES_EQUAL(10, std::hypot(a[0], a[1]), 1e-9);
    }
  }
}

TEST(SimulatorInterpreter, FullCircleHelixAndTheOtherPlanes) {
  Reader circle("O1\nG0 X10.\nG2 I-10. F100.\nM30\n");
  (void)circle.next();
  DOUBLES_EQUAL(-2 * M_PI, circle.next().segments[0].sweep_rad, 1e-9);
  Reader helix("O1\nG0 X10.\nG3 I-10. Z30. F100.\nM30\n");
  (void)helix.next();
  const Segment segment = helix.next().segments[0];
  DOUBLES_EQUAL(std::hypot(20 * M_PI, 30), segment.length_mm, 1e-9);
  DOUBLES_EQUAL(15, segment.position_at(segment.length_mm / 2)[2], 1e-9);
  // G18: the plane runs from Z to X, so that G3 turns from +Z to +X.
  Reader zx("O1\nG18 G0 Z10.\nG3 X10. Z0. K-10. F100.\nM30\n");
  (void)zx.next();
  DOUBLES_EQUAL(M_PI / 2, zx.next().segments[0].sweep_rad, 1e-9);
  Reader yz("O1\nG19 G0 Y10.\nG3 Y0. Z10. R10. F100.\nM30\n");
  (void)yz.next();
  DOUBLES_EQUAL(M_PI / 2, yz.next().segments[0].sweep_rad, 1e-9);
}

TEST(SimulatorInterpreter, WrongBlocksRaiseTheirAlarm) {
  LONGS_EQUAL(10, alarm_of("G41 X1."));
  LONGS_EQUAL(10, alarm_of("G123"));
  LONGS_EQUAL(9, alarm_of("G0 U1."));
  LONGS_EQUAL(11, alarm_of("G1 X1."));
  LONGS_EQUAL(20, alarm_of("G2 X10. Y1. I5. F100"));
  LONGS_EQUAL(22, alarm_of("G2 X10. F100"));
  LONGS_EQUAL(23, alarm_of("G2 X100. R10. F100"));
  LONGS_EQUAL(76, alarm_of("M98"));
  LONGS_EQUAL(78, alarm_of("M98 P77"));
  LONGS_EQUAL(500, alarm_of("G0 X1000.001"));
  LONGS_EQUAL(501, alarm_of("G0 Y-1000.001"));
  LONGS_EQUAL(0, alarm_of("G0 X1000. Y-1000."));
  ControlSpec no_y = mill_spec();
  no_y.paths[0].axes.erase(no_y.paths[0].axes.begin() + 1);
  LONGS_EQUAL(28, alarm_of("G2 X10. R10. F100", no_y));
}

TEST(SimulatorInterpreter, OvertravelKnowsAxisAndTheBellyOfAnArc) {
  Reader reader("O1\nG0 Y995.\nG3 Y-995. X0. R995. F100\nM30\n");
  (void)reader.next();
  CHECK(!reader.next().failed);
  Reader arc("O1\nG0 X990.\nG3 X990. Y20. I0. J10. F100\nM30\n");
  (void)arc.next();
  CHECK(!arc.next().failed);
  Reader belly("O1\nG0 X995. Y0.\nG3 X995. Y20. I0. J10. F100\nM30\n");
  (void)belly.next();
  const Step step = belly.next();
  CHECK(step.failed);
  LONGS_EQUAL(500, step.alarm.number);
  LONGS_EQUAL(kOvertravelAlarm, step.alarm.type);
  LONGS_EQUAL(1, step.alarm.axis);
  STRCMP_CONTAINS("(X)+ OVERTRAVEL", step.alarm.text.c_str());
}

TEST(SimulatorInterpreter, ProgramWithoutEndIsAnAlarm) {
  Reader reader("O1\nG0 X1.\n");
  (void)reader.next();
  const Step step = reader.next();
  CHECK(step.failed);
  LONGS_EQUAL(5010, step.alarm.number);
}

TEST(SimulatorInterpreter, SubprogramsRunAsOftenAsAsked) {
  Reader reader(
      "O1\nM98 P2 L3\nG90 X0.\nM30\n"
      "O2\nG91 G0 X1.\nM98 P3\nM99\n"
      "O3\nY1.\nM99\n");
  const std::vector<Step> steps = reader.all();
  double x = 0;
  double y = 0;
  for (const Step& step : steps) {
    CHECK(!step.failed);
    if (step.segment_count == 0) continue;
    if (step.program->number == 2) x = step.segments[0].end[0];
    if (step.program->number == 3) y = step.segments[0].end[1];
    LONGS_EQUAL(1, step.main->number);
  }
  DOUBLES_EQUAL(3, x, 1e-9);
  DOUBLES_EQUAL(3, y, 1e-9);
  CHECK(steps.back().end == Step::End::Finish);
  LONGS_EQUAL(1, steps.back().program->number);
}

TEST(SimulatorInterpreter, ReturnToSequenceNumber) {
  Reader reader("O1\nM98 P2\nG0 X1.\nN50 G0 Y1.\nM30\nO2\nM99 P50\n");
  const std::vector<Step> steps = reader.all();
  for (const Step& step : steps) CHECK(step.segment_count == 0 || step.segments[0].end[0] == 0);
  LONGS_EQUAL(50, steps[2].sequence);
  Reader missing("O1\nM98 P2\nM30\nO2\nM99 P51\n");
  LONGS_EQUAL(78, missing.all().back().alarm.number);
}

TEST(SimulatorInterpreter, NestingHasALimit) {
  Reader endless("O1\nM98 P1\nM30\n");
  LONGS_EQUAL(77, endless.all().back().alarm.number);
  // A legacy control counts repeats in front of the program number, and nests less deep.
  Reader old("O1\nM98 P30002\nM30\nO2\nG91 G0 X1.\nM99\n", legacy_spec());
  double x = 0;
  for (const Step& step : old.all()) x = step.segment_count != 0 ? step.segments[0].end[0] : x;
  DOUBLES_EQUAL(3, x, 1e-9);
}

TEST(SimulatorInterpreter, MainProgramWithM99IsEndless) {
  Reader reader("O1\nG91 G0 X1.\nM99\n");
  for (int i = 1; i <= 5; ++i) {
    DOUBLES_EQUAL(i, reader.next().segments[0].end[0], 1e-9);
    (void)reader.next();
  }
}

TEST(SimulatorInterpreter, ReferenceReturnGoesThroughTheGivenPoint) {
  Reader reader("O1\nG0 X50. Y50. Z-10.\nG28 Z5.\nG28 X60. Y60.\nM30\n");
  (void)reader.next();
  Step step = reader.next();
  LONGS_EQUAL(2, step.segment_count);
  DOUBLES_EQUAL(5, step.segments[0].end[2], 1e-9);
  DOUBLES_EQUAL(0, step.segments[1].end[2], 1e-9);
  DOUBLES_EQUAL(50, step.segments[1].end[0], 1e-9);
  step = reader.next();
  DOUBLES_EQUAL(60, step.segments[0].end[0], 1e-9);
  DOUBLES_EQUAL(0, step.segments[1].end[0], 1e-9);
}

TEST(SimulatorInterpreter, DwellInSecondsAndMilliseconds) {
  Reader reader("O1\nG4 X1.5\nG4 P250\nM30\n");
  DOUBLES_EQUAL(1.5, reader.next().dwell_s, 1e-12);
  const Step step = reader.next();
  DOUBLES_EQUAL(0.25, step.dwell_s, 1e-12);
  LONGS_EQUAL(0, step.segment_count);
}

TEST(SimulatorInterpreter, CodesAndModalState) {
  Reader reader("O1\nN7 T5 S1200 M3 M8 F250.\nG18 G95 G91 M1\nM0\nM30\n");
  Step step = reader.next();
  LONGS_EQUAL(7, step.sequence);
  LONGS_EQUAL(2, step.m_count);
  CHECK(step.tool_called && step.speed_changed && step.modal.coolant);
  DOUBLES_EQUAL(250, step.modal.feed, 1e-12);
  LONGS_EQUAL(1200, step.modal.letter[static_cast<std::size_t>(letter_place('S'))]);
  LONGS_EQUAL(5, step.modal.letter[static_cast<std::size_t>(letter_place('T'))]);
  step = reader.next();
  CHECK(step.end == Step::End::OptionalStop);
  LONGS_EQUAL(180, step.modal.active(ModalGroup::Plane));
  LONGS_EQUAL(950, step.modal.active(ModalGroup::Feed));
  LONGS_EQUAL(910, step.modal.active(ModalGroup::Distance));
  LONGS_EQUAL(1u << 1 | 1u << 2 | 1u << 4, step.modal.commanded_groups);
  CHECK(reader.next().end == Step::End::Stop);
}

TEST(SimulatorInterpreter, LatheHasItsOwnGroups) {
  ControlSpec lathe = mill_spec();
  lathe.machine = MachineType::Lathe;
  Reader reader("O1\nG96 S200 T0305 M3\nG18 G2 Z10. X5. R8. F0.2\nM30\n", lathe);
  const Step step = reader.next();
  LONGS_EQUAL(960, step.modal.code[1]);
  LONGS_EQUAL(960, step.modal.active(ModalGroup::Speed));
  LONGS_EQUAL(3, step.modal.tool);
  CHECK(!reader.next().failed);
}

TEST(SimulatorInterpreter, RewindGoesToTheStart) {
  Reader reader("O1\nN10 G0 X1.\nN20 X2.\nM30\n");
  (void)reader.next();
  DOUBLES_EQUAL(2, reader.next().segments[0].end[0], 1e-9);
  reader.interpreter.rewind();
  DOUBLES_EQUAL(1, reader.next().segments[0].end[0], 1e-9);
}
