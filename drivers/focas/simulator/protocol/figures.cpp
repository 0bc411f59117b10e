#include "drivers/focas/simulator/protocol/figures.hpp"

#include <algorithm>
#include <cmath>

namespace rise::cncsim {

using focas::wire::Number;

Number fixed_point(double value, int decimals) {
  constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  const double scaled = std::nearbyint(value * kPowers[std::clamp(decimals, 0, 9)]);
  const double limited = std::clamp(scaled, -2147483647.0, 2147483647.0);
  return {static_cast<std::int32_t>(limited), 10, static_cast<std::int16_t>(decimals)};
}

bool shows_inch(const Path& path) { return path.modal().active(ModalGroup::Unit) == 200; }

Number coordinate(const Control& control, const Path& path, Coordinate kind, std::size_t axis) {
  const int decimals = control.spec().decimals;
  double value = 0;
  switch (kind) {
    case Coordinate::Machine: return fixed_point(path.machine_position()[axis], decimals);
    case Coordinate::Absolute: value = path.absolute_mm(axis); break;
    case Coordinate::Relative: value = path.relative_mm(axis); break;
    case Coordinate::Distance: value = path.distance_mm(axis); break;
  }
  const bool inch = shows_inch(path) && !path.spec().axes[axis].rotary;
  return inch ? fixed_point(value / 25.4, decimals + 1) : fixed_point(value, decimals);
}

Number beyond(const Control& control, std::size_t index, int decimals) {
  if (!control.spec().stale_elements) return {0, 10, static_cast<std::int16_t>(decimals)};
  // Pieces of text and absurd exponents, as captured from real controls.
  return {static_cast<std::int32_t>(0x20304d00 + index), 0x5859, 0x4d20};
}

}  // namespace rise::cncsim
