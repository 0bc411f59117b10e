// The cutting model: more work is more load, more wear, more heat; and it cools down again.
#include <CppUTest/TestHarness.h>

#include <cmath>

#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::test::Bench;
using rise::test::mill_spec;

namespace {

constexpr double kStep_s = 0.01;

CuttingModel model_of(const CuttingSpec& cutting = mill_spec().cutting) {
  return CuttingModel(cutting, mill_spec().paths[0], MachineType::Mill, 1);
}

CuttingInput feeding(double feed_mm_min, double rpm) {
  CuttingInput input;
  input.speed_mm_s = feed_mm_min / 60;
  input.direction[0] = 1;
  input.rpm = rpm;
  input.tool = 1;
  input.cutting = true;
  return input;
}

void work(CuttingModel* model, const CuttingInput& input, double seconds) {
  for (double t = 0; t < seconds; t += kStep_s) model->step(input, kStep_s);
}

}  // namespace

TEST_GROUP(SimulatorCutting){};

TEST(SimulatorCutting, TheFormulasOfTheReadme) {
  CuttingModel model = model_of();
  work(&model, feeding(1500, 4000), 5);
  // Q = depth * width * feed; P = kc * Q (the tool is still new: some parts of a thousand of wear)
  DOUBLES_EQUAL(2 * 10 * 1500 / 1000.0, model.removal_cm3_min(), 1e-9);
  DOUBLES_EQUAL(1.0, model.power_kw(), 0.002);
  // F = P / (pi D n)
  DOUBLES_EQUAL(1000 * 1e3 / (M_PI * 16 * 4000 / 60), model.force_n(), 1);
  // Idle 2 %, friction 6 % at full speed, and the cut.
  DOUBLES_EQUAL(100 * (1.0 / 11 + 0.02 + 0.06 / 2), model.spindle_load_percent(), 0.1);
}

TEST(SimulatorCutting, LoadGrowsWithFeedAndWear) {
  CuttingModel slow = model_of();
  CuttingModel fast = model_of();
  work(&slow, feeding(500, 4000), 2);
  work(&fast, feeding(2000, 4000), 2);
  CHECK(fast.spindle_load_percent() > slow.spindle_load_percent() + 5);
  CHECK(fast.servo_load_percent(0) > slow.servo_load_percent(0));
  CHECK(fast.vibration_mm_s() > slow.vibration_mm_s());
  CuttingModel worn = model_of();
  worn.set_wear(1, 1);
  work(&worn, feeding(2000, 4000), 2);
  CHECK(worn.spindle_load_percent() > fast.spindle_load_percent() * 1.3);
  CHECK(worn.vibration_mm_s() > fast.vibration_mm_s() * 1.5);
}

TEST(SimulatorCutting, ServoLoadHasTheSignOfTheMotion) {
  CuttingModel model = model_of();
  CuttingInput input = feeding(2000, 4000);
  work(&model, input, 1);
  CHECK(model.servo_load_percent(0) > 0);
  input.direction[0] = -1;
  work(&model, input, 1);
  CHECK(model.servo_load_percent(0) < 0);
  DOUBLES_EQUAL(10, model.servo_load_percent(2), 0.01);  // Z holds its weight
}

TEST(SimulatorCutting, WearTakesTheToolsLifeAtTheReferenceLoad) {
  CuttingSpec spec = mill_spec().cutting;
  spec.tool_life_min = 1;
  spec.wear_force_percent = 0;
  CuttingModel model = model_of(spec);
  // A tenth of the rated 11 kW: 1650 mm/min.
  work(&model, feeding(1650, 4000), 60);
  DOUBLES_EQUAL(1, model.tool(1).wear, 0.01);
  DOUBLES_EQUAL(60, model.tool(1).cutting_s, 0.1);
  DOUBLES_EQUAL(0, model.tool(2).wear, 0);
  work(&model, feeding(1650, 4000), 120);
  DOUBLES_EQUAL(1.5, model.tool(1).wear, 1e-9);  // bounded
  model.change_tool(1);
  DOUBLES_EQUAL(0, model.tool(1).wear, 0);
  LONGS_EQUAL(1, model.tool(1).replacements);
  model.set_wear(2, 0.5);
  model.change_tool(2);
  DOUBLES_EQUAL(0.5, model.tool(2).wear, 0);  // good enough to stay
}

TEST(SimulatorCutting, TemperaturesFollowWithTheirTimeConstant) {
  CuttingSpec spec = mill_spec().cutting;
  spec.thermal_time_s = 10;
  CuttingModel model = model_of(spec);
  CuttingInput spinning;
  spinning.rpm = 8000;
  work(&model, spinning, 10);
  const double load = model.spindle_load_percent() / 100;
  const double end = 22 + 45 * load * load + 18;
  DOUBLES_EQUAL(22 + (end - 22) * (1 - std::exp(-1.0)), model.spindle_c(), 0.3);
  work(&model, spinning, 100);
  DOUBLES_EQUAL(end, model.spindle_c(), 0.1);
  work(&model, {}, 100);
  DOUBLES_EQUAL(22, model.spindle_c(), 0.1);
}

TEST(SimulatorCutting, TheSpindleLoadShowsItsAcceleration) {
  Bench bench(mill_spec());
  bench.start("O1\nS8000 M3\nG4 X9.\nM30\n");
  double most = 0;
  for (int i = 0; i < 400; ++i) {
    bench.run(0.01);
    most = std::max(most, bench.path().cutting().spindle_load_percent());
  }
  CHECK(most > 25);
  DOUBLES_EQUAL(8, bench.path().cutting().spindle_load_percent(), 0.1);
}

TEST(SimulatorCutting, AirCutsCostNothing) {
  Bench bench(mill_spec());
  bench.start("O1\nS3000 M3\nG1 Z5. F2000.\nX100.\nZ-1.\nX200.\nM30\n");
  CHECK(bench.run_until(9, [&] { return bench.path().absolute_mm(0) > 50; }));
  DOUBLES_EQUAL(0, bench.path().cutting().power_kw(), 0);
  CHECK(bench.run_until(9, [&] { return bench.path().absolute_mm(0) > 150; }));
  CHECK(bench.path().cutting().power_kw() > 1);
}

TEST(SimulatorCutting, NoiseComesFromTheSeed) {
  ControlSpec spec = mill_spec();
  spec.cutting.noise_percent = 10;
  const auto vibration = [&](std::uint64_t seed) {
    spec.seed = seed;
    Bench bench(spec);
    bench.start("O1\nS3000 M3\nG4 X9.\nM30\n");
    bench.run(3);
    return bench.path().cutting().vibration_mm_s();
  };
  CHECK(vibration(1) == vibration(1));
  CHECK(vibration(1) != vibration(2));
}
