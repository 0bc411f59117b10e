// The cutting model: spindle and servo loads, temperatures, vibration and tool wear from what the
// machine is doing. Simple on purpose; the formulas are in README.md, "cutting model".
#pragma once

#include <array>
#include <vector>

#include "drivers/focas/simulator/program/segment.hpp"
#include "drivers/focas/simulator/spec/random.hpp"
#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

// What the machine does during one step of the model.
struct CuttingInput {
  double speed_mm_s = 0;          // along the way
  double acceleration_mm_s2 = 0;  // along the way
  AxisValues direction{};         // change of each axis per millimetre of way
  double rpm = 0;                 // of the first spindle
  double acceleration_rpm_s = 0;
  int tool = 0;
  bool cutting = false;  // the tool is in the material
};

struct ToolState {
  double wear = 0;       // 0 new, 1 worn
  double cutting_s = 0;  // since it was new
  int replacements = 0;  // how many worn ones were replaced
};

class CuttingModel {
 public:
  CuttingModel(const CuttingSpec& spec, const PathSpec& path, MachineType machine,
               std::uint64_t seed);

  void step(const CuttingInput& input, double dt_s);
  // The tool changer puts a new tool in the place of a worn one.
  void change_tool(int tool);
  void set_wear(int tool, double wear);

  [[nodiscard]] double spindle_load_percent() const { return spindle_load_; }
  [[nodiscard]] double spindle_c() const { return spindle_c_; }
  [[nodiscard]] double servo_load_percent(std::size_t axis) const { return servo_load_[axis]; }
  [[nodiscard]] double motor_c(std::size_t axis) const { return motor_c_[axis]; }
  [[nodiscard]] double coder_c(std::size_t axis) const { return coder_c_[axis]; }
  [[nodiscard]] double vibration_mm_s() const { return vibration_; }
  [[nodiscard]] double removal_cm3_min() const { return removal_mm3_s_ * 60 / 1000; }
  [[nodiscard]] double power_kw() const { return power_w_ / 1000; }
  [[nodiscard]] double force_n() const { return force_n_; }
  [[nodiscard]] const ToolState& tool(int number) const;

 private:
  void step_spindle(const CuttingInput& input, double dt_s);
  void step_axes(const CuttingInput& input, double dt_s);
  void step_vibration(const CuttingInput& input);
  ToolState& place_of(int tool);
  double noise();

  CuttingSpec spec_;
  PathSpec path_;
  MachineType machine_;
  Random random_;
  std::array<ToolState, kMaxTools + 1> tools_{};  // by number; 0: no tool called yet
  AxisValues servo_load_{};
  AxisValues motor_c_{};
  AxisValues coder_c_{};
  double spindle_load_ = 0;
  double spindle_c_ = 0;
  double vibration_ = 0;
  double removal_mm3_s_ = 0;
  double power_w_ = 0;
  double force_n_ = 0;
};

}  // namespace rise::cncsim
