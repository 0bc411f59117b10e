// Which parameters exist, with type, scope and value at power on.
#pragma once

#include <span>

#include "drivers/focas/simulator/spec/parameters.hpp"

namespace rise::cncsim {

struct ParameterRow {
  int number;
  ParameterType type;
  ParameterScope scope;
  double value;
  bool legacy_only = false;
};

// In the order of numbers.
std::span<const ParameterRow> parameter_rows();

}  // namespace rise::cncsim
