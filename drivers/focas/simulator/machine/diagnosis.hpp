// Diagnosis numbers: read-only values that the machine makes up when they are asked for.
#pragma once

#include <span>

#include "drivers/focas/simulator/machine/control.hpp"

namespace rise::cncsim {

enum class DiagnosisType : std::int16_t {
  Byte = 0,
  Word = 1,
  TwoWord = 2,
  Bits = 3,
  Bit = 4,
  Real = 5
};

struct DiagnosisRow {
  int number;
  DiagnosisType type;
  ParameterScope scope;
  double (*value)(const Path& path, std::size_t index);
};

// In the order of numbers.
std::span<const DiagnosisRow> diagnosis_rows();

}  // namespace rise::cncsim
