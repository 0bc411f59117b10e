#include "drivers/focas/simulator/spec/parameters.hpp"

#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/spec/parameter_table.hpp"

namespace rise::cncsim {

namespace {

constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

std::size_t count_of(ParameterScope scope, const PathSpec& path) {
  switch (scope) {
    case ParameterScope::Common: return 1;
    case ParameterScope::Axis: return path.axes.size();
    case ParameterScope::Spindle: return path.spindles.size();
  }
  return 1;
}

}  // namespace

double ParameterValue::real() const { return mantissa / kPowers[std::clamp<int>(decimals, 0, 9)]; }

bool to_parameter_value(ParameterType type, double value, int decimals, ParameterValue* result) {
  double low = -2147483648.0;
  double high = 2147483647.0;
  if (type == ParameterType::Bit || type == ParameterType::Byte) low = -128, high = 255;
  if (type == ParameterType::Word) low = -32768, high = 65535;
  const bool real = type == ParameterType::Real;
  const double scaled = std::nearbyint(real ? value * kPowers[std::clamp(decimals, 0, 9)] : value);
  if (!(scaled >= low && scaled <= high)) return false;
  auto mantissa = static_cast<std::int32_t>(scaled);
  if (type == ParameterType::Bit) mantissa &= 0xff;  // clients extend the sign of the eighth bit
  *result = {mantissa, static_cast<std::int16_t>(real ? decimals : 0)};
  return true;
}

Parameters::Parameters(const ControlSpec& control, const PathSpec& path, bool is_new) {
  for (const ParameterRow& row : parameter_rows()) {
    if (row.legacy_only && is_new) continue;
    ParameterValue value;
    to_parameter_value(row.type, row.value, control.decimals, &value);
    list_.push_back({row.number, row.type, row.scope, {}});
    list_.back().values.assign(count_of(row.scope, path), value);
  }
  for (std::size_t i = 0; i < path.axes.size(); ++i) {
    const AxisSpec& axis = path.axes[i];
    find(1006)->values[i].mantissa = axis.rotary ? 1 : 0;
    find(1020)->values[i].mantissa = static_cast<unsigned char>(axis.name[0]);
    find(1023)->values[i].mantissa = static_cast<std::int32_t>(i + 1);
    set_real(parameter::kStrokeHigh, i, axis.high_mm);
    set_real(parameter::kStrokeLow, i, axis.low_mm);
    set_real(parameter::kRapid, i, axis.rapid_mm_min);
    set_real(parameter::kMaxFeed, i, axis.max_feed_mm_min);
  }
  for (std::size_t i = 0; i < path.spindles.size(); ++i) {
    const auto most = static_cast<std::int32_t>(path.spindles[i].max_rpm);
    for (const int number : {3741, 3742, 3743, 3744, 3772, 4020}) {
      find(number)->values[i].mantissa = most;
    }
  }
  set_integer(8130, static_cast<std::int32_t>(path.axes.size()));
}

std::vector<Parameter>::const_iterator Parameters::from(int number) const {
  return std::lower_bound(
      list_.begin(), list_.end(), number,
      [](const Parameter& parameter, int wanted) { return parameter.number < wanted; });
}

const Parameter* Parameters::find(int number) const {
  const auto place = from(number);
  return place == list_.end() || place->number != number ? nullptr : &*place;
}

Parameter* Parameters::find(int number) {
  const auto place = static_cast<std::size_t>(from(number) - list_.cbegin());
  return place == list_.size() || list_[place].number != number ? nullptr : &list_[place];
}

double Parameters::real(int number, std::size_t index) const {
  return find(number)->values[index].real();
}

std::int32_t Parameters::integer(int number) const { return find(number)->values[0].mantissa; }

bool Parameters::bit(int number, int position) const {
  return (integer(number) >> position & 1) != 0;
}

void Parameters::set_real(int number, std::size_t index, double value) {
  ParameterValue& place = find(number)->values[index];
  const int decimals = place.decimals;
  to_parameter_value(ParameterType::Real, value, decimals, &place);
}

void Parameters::set_integer(int number, std::int32_t value) {
  find(number)->values[0].mantissa = value;
}

}  // namespace rise::cncsim
