#include "drivers/focas/simulator/machine/cutting.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rise::cncsim {

namespace {

constexpr double kPi = std::numbers::pi;

// The constants of README.md, "cutting model".
constexpr double kIdleShare = 0.02;      // of rated power, as soon as the spindle turns
constexpr double kFrictionShare = 0.06;  // of rated power, at the highest speed
constexpr double kLoadMeter_s = 0.1;     // time constant of the spindle load meter
constexpr double kServoMeter_s = 0.05;
constexpr double kFeedForceShare = 0.4;  // of the cutting force, against the feed
constexpr double kMaxForce_n = 5000;
constexpr double kServoFriction = 6;        // % as soon as an axis moves
constexpr double kServoViscous = 6;         // % at rapid traverse
constexpr double kServoAcceleration = 70;   // % at the axis' full acceleration
constexpr double kServoGravity = 10;        // % that hold the Z axis of a mill
constexpr double kMotorRise_c = 60;         // at 100 % servo load
constexpr double kMotorSpeedRise_c = 20;    // at rapid traverse
constexpr double kCoderShare = 0.7;         // of the motor's rise reaches the pulse coder
constexpr double kSpindleRise_c = 45;       // at 100 % spindle load
constexpr double kSpindleSpeedRise_c = 18;  // at the highest speed
constexpr double kReferenceShare = 0.1;     // of rated power: the load that tool_life_min is for
constexpr double kWearExponent = 0.8;
constexpr double kMostWear = 1.5;
constexpr double kVibrationFloor = 0.3;      // mm/s
constexpr double kVibrationUnbalance = 1.6;  // mm/s at the highest speed
constexpr double kVibrationCutting = 0.9;    // mm/s per square root of kW
constexpr double kVibrationWear = 2;         // a worn tool chatters (1 + this) times as much
constexpr double kResonance = 0.62;          // of the highest speed
constexpr double kResonanceWidth = 0.05;
constexpr double kResonanceHeight = 1.2;  // mm/s

// First-order lag.
void approach(double* value, double target, double dt_s, double time_s) {
  *value += (target - *value) * std::min(1.0, dt_s / time_s);
}

}  // namespace

CuttingModel::CuttingModel(const CuttingSpec& spec, const PathSpec& path, MachineType machine,
                           std::uint64_t seed)
    : spec_(spec), path_(path), machine_(machine), random_(seed) {
  motor_c_.fill(spec.ambient_c);
  coder_c_.fill(spec.ambient_c);
  spindle_c_ = spec.ambient_c;
}

double CuttingModel::noise() { return 1 + spec_.noise_percent / 100 * (2 * random_.unit() - 1); }

ToolState& CuttingModel::place_of(int tool) {
  return tools_[static_cast<std::size_t>(std::clamp(tool, 0, kMaxTools))];
}

const ToolState& CuttingModel::tool(int number) const {
  return tools_[static_cast<std::size_t>(std::clamp(number, 0, kMaxTools))];
}

void CuttingModel::change_tool(int tool) {
  ToolState& state = place_of(tool);
  if (state.wear < 1) return;
  state = {0, 0, state.replacements + 1};
}

void CuttingModel::set_wear(int tool, double wear) {
  place_of(tool).wear = std::clamp(wear, 0.0, kMostWear);
}

void CuttingModel::step(const CuttingInput& input, double dt_s) {
  ToolState& tool = place_of(input.tool);
  const double rated_w = path_.spindles.empty() ? 10000 : path_.spindles[0].power_kw * 1000;
  removal_mm3_s_ = input.cutting ? spec_.depth_mm * spec_.width_mm * input.speed_mm_s : 0;
  // N/mm2 * mm3/s = N mm/s = 1e-3 W
  power_w_ = removal_mm3_s_ * spec_.specific_force_n_mm2 * 1e-3 *
             (1 + tool.wear * spec_.wear_force_percent / 100);
  const double surface_mm_s = kPi * spec_.tool_diameter_mm * std::fabs(input.rpm) / 60;
  force_n_ = 0;
  if (power_w_ > 0) {
    force_n_ =
        surface_mm_s > 0 ? std::min(kMaxForce_n, power_w_ * 1e3 / surface_mm_s) : kMaxForce_n;
    const double load = power_w_ / (kReferenceShare * rated_w);
    tool.wear += dt_s / (spec_.tool_life_min * 60) * std::pow(load, kWearExponent);
    tool.wear = std::min(tool.wear, kMostWear);
    tool.cutting_s += dt_s;
  }
  step_spindle(input, dt_s);
  step_axes(input, dt_s);
  step_vibration(input);
}

void CuttingModel::step_spindle(const CuttingInput& input, double dt_s) {
  if (path_.spindles.empty()) return;
  const SpindleSpec& spindle = path_.spindles[0];
  const double rated_w = spindle.power_kw * 1000;
  const double speed = std::fabs(input.rpm) / spindle.max_rpm;
  const double idle_w = speed > 0 ? rated_w * (kIdleShare + kFrictionShare * speed) : 0;
  const double omega = input.rpm * 2 * kPi / 60;
  const double swing_w =
      std::fabs(spindle.inertia_kgm2 * omega * input.acceleration_rpm_s * 2 * kPi / 60);
  const double load = 100 * (power_w_ + idle_w + swing_w) / rated_w;
  approach(&spindle_load_, load * noise(), dt_s, kLoadMeter_s);
  const double share = spindle_load_ / 100;
  approach(&spindle_c_,
           spec_.ambient_c + kSpindleRise_c * share * share + kSpindleSpeedRise_c * speed, dt_s,
           spec_.thermal_time_s);
}

void CuttingModel::step_axes(const CuttingInput& input, double dt_s) {
  for (std::size_t i = 0; i < path_.axes.size(); ++i) {
    const AxisSpec& axis = path_.axes[i];
    const double speed = input.direction[i] * input.speed_mm_s;
    const double acceleration = input.direction[i] * input.acceleration_mm_s2;
    const double part = std::fabs(speed) / (axis.rapid_mm_min / 60);
    double load = 0;
    if (speed != 0) {
      load = std::copysign(kServoFriction + kServoViscous * part, speed) +
             100 * kFeedForceShare * force_n_ * input.direction[i] / spec_.rated_axis_force_n;
    }
    load += kServoAcceleration * acceleration / axis.acceleration_mm_s2;
    if (machine_ == MachineType::Mill && axis.name[0] == 'Z') load += kServoGravity;
    approach(&servo_load_[i], load * noise(), dt_s, kServoMeter_s);
    const double share = servo_load_[i] / 100;
    approach(&motor_c_[i],
             spec_.ambient_c + kMotorRise_c * share * share + kMotorSpeedRise_c * part, dt_s,
             spec_.thermal_time_s);
    approach(&coder_c_[i], spec_.ambient_c + kCoderShare * (motor_c_[i] - spec_.ambient_c), dt_s,
             spec_.thermal_time_s);
  }
}

void CuttingModel::step_vibration(const CuttingInput& input) {
  const double highest = path_.spindles.empty() ? 1 : path_.spindles[0].max_rpm;
  const double speed = std::fabs(input.rpm) / highest;
  const double off = (speed - kResonance) / kResonanceWidth;
  const double wear = place_of(input.tool).wear;
  const double level = kVibrationFloor + kVibrationUnbalance * speed * speed +
                       kResonanceHeight / (1 + off * off) * (speed > 0 ? 1 : 0) +
                       kVibrationCutting * (1 + kVibrationWear * wear) * std::sqrt(power_w_ / 1000);
  vibration_ = level * noise();
}

}  // namespace rise::cncsim
