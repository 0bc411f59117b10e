// Feed, spindle and load meters.
#include <cmath>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/figures.hpp"

namespace rise::cncsim::command {

namespace {

// A servo's current at 100 % load, A.
constexpr double kRatedCurrent_a = 20;

// One kind of spindle data; false: no such kind.
bool spindle_value(const Path& path, std::int32_t kind, std::size_t index, double* value) {
  const Spindle& spindle = path.spindles()[index];
  switch (kind) {
    case 0:
    case 4: *value = index == 0 ? path.cutting().spindle_load_percent() : 0; return true;
    case 1: *value = spindle.spec().max_rpm; return true;
    case 2: *value = 1; return true;  // gear
    case 3:
    case 5: *value = std::fabs(spindle.rpm()); return true;
    default: return false;
  }
}

}  // namespace

Status actual_feed(Call& call) {
  const double mm_min = call.path.speed_mm_s() * 60;
  call.answer.put_number(shows_inch(call.path) ? fixed_point(mm_min / 25.4, 2)
                                               : fixed_point(mm_min, 0));
  return Status::Ok;
}

Status actual_spindle(Call& call) {
  if (call.path.spindles().empty()) return Status::Function;
  call.answer.put_number(fixed_point(std::fabs(call.path.spindles()[0].rpm()), 0));
  return Status::Ok;
}

// Arguments: kind, spindle (from 1; -1: all of the path). 0 is the first one, too: public clients
// (a pyfanuc, and what was made of it) ask for the load with kind and spindle 0.
Status spindle_data(Call& call) {
  const std::size_t count = call.path.spindles().size();
  const std::int32_t which = call.argument(1) == 0 ? 1 : call.argument(1);
  if (count == 0) return Status::NoOption;
  if (which != -1 && (which < 1 || which > static_cast<std::int32_t>(count))) {
    return Status::Attribute;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (which != -1 && static_cast<std::size_t>(which) != i + 1) continue;
    double value = 0;
    if (!spindle_value(call.path, call.argument(0), i, &value)) return Status::Attribute;
    call.answer.put_number(fixed_point(value, 0));
  }
  return Status::Ok;
}

Status spindle_names(Call& call) {
  for (const Spindle& spindle : call.path.spindles()) {
    call.answer.put_text(spindle.spec().name, 4);
  }
  return Status::Ok;
}

// Argument 1: load in percent, 3: current in A with two digits; signed, all axes.
Status servo_load(Call& call) {
  const std::int32_t kind = call.argument(0);
  if (kind != 1 && kind != 3) return Status::Attribute;
  const int decimals = kind == 1 ? 0 : 2;
  const double scale = kind == 1 ? 1 : kRatedCurrent_a / 100;
  const std::size_t axes = call.path.spec().axes.size();
  for (std::size_t i = 0; i < call.max_axes(); ++i) {
    call.answer.put_number(
        i < axes ? fixed_point(call.path.cutting().servo_load_percent(i) * scale, decimals)
                 : beyond(call.control, i, decimals));
  }
  return Status::Ok;
}

}  // namespace rise::cncsim::command
