// Values of the machine as numbers of the wire.
#pragma once

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::cncsim {

// `value` with a fixed number of digits behind the point, as the control shows it.
focas::wire::Number fixed_point(double value, int decimals);

enum class Coordinate : std::uint8_t { Absolute, Machine, Relative, Distance };

// One coordinate of an axis in the control's unit: with G20 all but the machine coordinate of a
// linear axis are inches, with one more digit.
focas::wire::Number coordinate(const Control& control, const Path& path, Coordinate kind,
                               std::size_t axis);

// Does the operator see inches?
bool shows_inch(const Path& path);

// What stands behind the controlled axes: zero, or junk of the kind that real controls send.
focas::wire::Number beyond(const Control& control, std::size_t index, int decimals);

}  // namespace rise::cncsim
