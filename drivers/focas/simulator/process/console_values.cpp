// Console commands that read and write values: macro variables, parameters, PLC memory, wear.
#include <cmath>
#include <cstdio>

#include "drivers/focas/simulator/machine/variables.hpp"
#include "drivers/focas/simulator/process/console.hpp"

namespace rise::cncsim {

namespace {

std::string text_of(double value) {
  if (std::isnan(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string macro(const Target& target, Words& words, bool write) {
  int number = 0;
  if (!words.next_integer(&number)) return "";
  const VariableKind kind = variable_kind(number);
  if (kind == VariableKind::Unknown) return error("there is no #" + std::to_string(number));
  if (!write) return ok(text_of(read_variable(target.machine->control, *target.path, number)));
  if (kind == VariableKind::ReadOnly) return error("#" + std::to_string(number) + " is read-only");
  Words copy = words;
  double value = std::nan("");
  if (copy.next() != "null" && !words.next_number(&value)) return "";
  target.path->macros().set(number, value);
  return ok();
}

// NUMBER [AXIS] [VALUE]: the axis (from 1) only for parameters that have one.
std::string parameter_value(const Target& target, Words& words, bool write) {
  int number = 0;
  if (!words.next_integer(&number)) return "";
  Parameter* found = target.path->parameters().find(number);
  if (found == nullptr) return error("there is no parameter " + std::to_string(number));
  int axis = 1;
  if (found->scope != ParameterScope::Common && !words.next_integer(&axis)) {
    return error("parameter " + std::to_string(number) + " needs an axis or spindle, from 1");
  }
  if (axis < 1 || axis > static_cast<int>(found->values.size())) {
    return error("parameter " + std::to_string(number) + " has " +
                 std::to_string(found->values.size()) + " values");
  }
  ParameterValue& place = found->values[static_cast<std::size_t>(axis - 1)];
  if (!write) return ok(text_of(place.real()));
  double value = 0;
  if (!words.next_number(&value)) return "";
  if (!to_parameter_value(found->type, value, place.decimals, &place)) {
    return error("the value does not fit the type of the parameter");
  }
  return ok();
}

std::string pmc_value(const Target& target, Words& words, bool write) {
  Control& control = target.machine->control;
  PmcAddress address;
  if (!parse_pmc_address(words.next(), &address)) return "";
  const auto area = static_cast<PmcArea>(address.area);
  if (area == PmcArea::F || area == PmcArea::Y) control.refresh_signals();
  const auto range = control.pmc().range(address.area, address.address, address.address);
  if (range.empty()) return error("there is no such address");
  const int bit = address.bit;
  if (!write) return ok(std::to_string(bit < 0 ? range[0] : range[0] >> bit & 1));
  int value = 0;
  if (!words.next_integer(&value) || value < 0 || value > (bit < 0 ? 255 : 1)) return "";
  if (area == PmcArea::F) return error("F signals come from the control");
  if (bit < 0) {
    range[0] = static_cast<std::uint8_t>(value);
  } else {
    control.pmc().set_bit(area, static_cast<std::size_t>(address.address), bit, value != 0);
  }
  control.signals_changed();
  return ok();
}

std::string offset_value(const Target& target, Words& words, bool write) {
  int number = 0;
  int kind = 0;
  if (!words.next_integer(&number) || !words.next_integer(&kind)) return "";
  ToolOffsets& offsets = target.path->offsets();
  if (!offsets.exists(number, kind)) return error("there is no such tool offset");
  if (!write) return ok(text_of(offsets.get(number, kind)));
  double value = 0;
  if (!words.next_number(&value)) return "";
  offsets.set(number, kind, value);
  return ok();
}

std::string access(const Target& target, Words& words, bool write) {
  const std::string_view what = words.next();
  if (what == "macro") return macro(target, words, write);
  if (what == "param") return parameter_value(target, words, write);
  if (what == "pmc") return pmc_value(target, words, write);
  if (what == "offset") return offset_value(target, words, write);
  return "";
}

std::string get(const Target& target, Words& words) { return access(target, words, false); }
std::string set(const Target& target, Words& words) { return access(target, words, true); }

std::string wear(const Target& target, Words& words) {
  int tool = 0;
  if (!words.next_integer(&tool) || tool < 0 || tool > kMaxTools) return "";
  if (words.empty()) return ok(text_of(target.path->cutting().tool(tool).wear * 100));
  double percent = 0;
  if (!words.next_number(&percent) || percent < 0) return "";
  target.path->cutting().set_wear(tool, percent / 100);
  return ok();
}

}  // namespace

const Console::Command kValueCommands[] = {
    {"get", get, "macro NUMBER | param NUMBER [AXIS] | pmc D100 | offset NUMBER KIND"},
    {"set", set,
     "macro NUMBER VALUE|null | param NUMBER [AXIS] VALUE | pmc G8.5 VALUE | "
     "offset NUMBER KIND VALUE"},
    {"wear", wear, "TOOL [PERCENT]"},
    {nullptr, nullptr, nullptr},
};

}  // namespace rise::cncsim
