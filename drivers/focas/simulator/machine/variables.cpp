#include "drivers/focas/simulator/machine/variables.hpp"

#include <algorithm>
#include <cmath>

namespace rise::cncsim {

namespace {

constexpr int kFirstLive = 900;
constexpr int kLastLive = 910;
constexpr int kFirstMotor = 911;  // .. 918: servo motor temperatures
constexpr int kFirstServo = 921;  // .. 928: servo loads
constexpr int kLiveAxes = 8;

bool is_axis_value(int number) {
  return (number >= kFirstMotor && number < kFirstMotor + kLiveAxes) ||
         (number >= kFirstServo && number < kFirstServo + kLiveAxes);
}

bool is_live(int number) {
  return (number >= kFirstLive && number <= kLastLive) || is_axis_value(number);
}

// Position variables: #5001 end of block, #5021 machine, #5041 work coordinate, 20 axes each.
bool is_position(int number) { return number >= 5001 && number <= 5060; }

double live_value(const Control& control, const Path& path, int number) {
  const CuttingModel& model = path.cutting();
  const ToolState& tool = model.tool(path.tool());
  const double life_min = control.spec().cutting.tool_life_min;
  const auto axes = static_cast<int>(path.spec().axes.size());
  if (is_axis_value(number)) {
    const bool load = number >= kFirstServo;
    const int axis = number - (load ? kFirstServo : kFirstMotor);
    if (axis >= axes) return std::nan("");
    const auto index = static_cast<std::size_t>(axis);
    return load ? model.servo_load_percent(index) : model.motor_c(index);
  }
  switch (number) {
    case 900: return path.tool();
    case 901: return tool.wear * 100;
    case 902: return tool.cutting_s / 60;
    case 903: return life_min * std::max(0.0, 1 - tool.wear);
    case 904: return model.vibration_mm_s();
    case 905: return model.removal_cm3_min();
    case 906: return model.power_kw();
    case 907: return model.force_n();
    case 908: return model.spindle_load_percent();
    case 909: return model.spindle_c();
    default: return tool.replacements;
  }
}

double position_value(const Path& path, int number) {
  const int block = (number - 5001) / 20;
  const auto axis = static_cast<std::size_t>((number - 5001) % 20);
  if (axis >= path.spec().axes.size()) return std::nan("");
  if (block == 1) return path.machine_position()[axis];
  return path.absolute_mm(axis) + (block == 0 ? path.distance_mm(axis) : 0);
}

// System variables; false: not one of them.
bool system_value(const Control& control, const Path& path, int number, double* value) {
  const Modal& modal = path.modal();
  const DateTime now = control.date_time();
  switch (number) {
    case 3001: *value = std::floor(static_cast<double>(control.elapsed_ns()) / 1e6); return true;
    case 3002:
      *value = static_cast<double>(path.timers().get(Timer::Operating)) / 3.6e12;
      return true;
    case 3011: *value = now.year * 10000 + now.month * 100 + now.day; return true;
    case 3012: *value = now.hour * 10000 + now.minute * 100 + now.second; return true;
    case 3901: *value = path.parameters().integer(parameter::kPartsMade); return true;
    case 3902: *value = path.parameters().integer(parameter::kPartsRequired); return true;
    case 4109: *value = modal.feed; return true;
    case 4113: *value = modal.letter[static_cast<std::size_t>(letter_place('M'))]; return true;
    case 4114: *value = path.sequence(); return true;
    case 4115: {
      const ProgramPtr program = path.running_program();
      *value = program ? program->number : 0;
      return true;
    }
    case 4119: *value = modal.spindle; return true;
    case 4120: *value = modal.tool; return true;
    default: break;
  }
  if (number >= 4001 && number < 4001 + static_cast<int>(kModalGroups)) {
    *value = modal.code[static_cast<std::size_t>(number - 4001)] / 10.0;
    return true;
  }
  if (!is_position(number)) return false;
  *value = position_value(path, number);
  return true;
}

}  // namespace

VariableKind variable_kind(int number) {
  if (is_live(number)) return VariableKind::ReadOnly;
  if (Macros::exists(number)) return VariableKind::Stored;
  constexpr int kSystem[] = {3001, 3002, 3011, 3012, 3901, 3902,
                             4109, 4113, 4114, 4115, 4119, 4120};
  const bool modal = number >= 4001 && number < 4001 + static_cast<int>(kModalGroups);
  const bool known = std::find(std::begin(kSystem), std::end(kSystem), number) != std::end(kSystem);
  return modal || known || is_position(number) ? VariableKind::ReadOnly : VariableKind::Unknown;
}

double read_variable(const Control& control, const Path& path, int number) {
  if (is_live(number)) return live_value(control, path, number);
  if (Macros::exists(number)) return path.macros().get(number);
  double value = std::nan("");
  system_value(control, path, number, &value);
  return value;
}

}  // namespace rise::cncsim
