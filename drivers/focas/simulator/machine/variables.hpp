// Macro variables as programs and clients see them: what the path stores, the system variables,
// and the live values of the cutting model at #900 (README.md has the list).
#pragma once

#include "drivers/focas/simulator/machine/control.hpp"

namespace rise::cncsim {

enum class VariableKind : std::uint8_t { Unknown, ReadOnly, Stored };

VariableKind variable_kind(int number);

// NaN: empty. The variable must exist.
double read_variable(const Control& control, const Path& path, int number);

}  // namespace rise::cncsim
