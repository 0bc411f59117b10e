// The parameters of one path. They are the truth for what they name: stroke limits, rapid rates,
// work offsets, part counters.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

enum class ParameterType : std::int16_t { Bit = 0, Byte = 1, Word = 2, TwoWord = 3, Real = 4 };
enum class ParameterScope : std::uint8_t { Common, Axis, Spindle };

struct ParameterValue {
  std::int32_t mantissa = 0;
  std::int16_t decimals = 0;  // Real only

  [[nodiscard]] double real() const;
  friend bool operator==(const ParameterValue&, const ParameterValue&) = default;
};

struct Parameter {
  int number = 0;
  ParameterType type = ParameterType::TwoWord;
  ParameterScope scope = ParameterScope::Common;
  std::vector<ParameterValue> values;  // one, or one for each axis or spindle
};

class Parameters {
 public:
  Parameters(const ControlSpec& control, const PathSpec& path, bool is_new);

  [[nodiscard]] const Parameter* find(int number) const;
  [[nodiscard]] Parameter* find(int number);
  // The first with this number or a higher one; end() if there is none.
  [[nodiscard]] std::vector<Parameter>::const_iterator from(int number) const;
  [[nodiscard]] const std::vector<Parameter>& all() const { return list_; }

  // For parameters that the simulator itself uses and knows to exist.
  [[nodiscard]] double real(int number, std::size_t index = 0) const;
  [[nodiscard]] std::int32_t integer(int number) const;
  [[nodiscard]] bool bit(int number, int position) const;
  void set_real(int number, std::size_t index, double value);
  void set_integer(int number, std::int32_t value);

 private:
  std::vector<Parameter> list_;  // in the order of numbers; fixed after construction
};

// A value that fits the type, from a number; false: out of range.
bool to_parameter_value(ParameterType type, double value, int decimals, ParameterValue* result);

namespace parameter {
inline constexpr int kReplaceBits = 3201;     // bit 2 REP: a download replaces the old program
inline constexpr int kProtectBits = 3202;     // bit 0 NE8, bit 4 NE9: edit protection
inline constexpr int kPointBits = 3401;       // bit 0 DPI: no point means mm, not 0.001 mm
inline constexpr int kArcTolerance = 3410;    // mm
inline constexpr int kExternalOffset = 1220;  // work offset for all systems
inline constexpr int kWorkOffset = 1221;      // .. 1226: G54 .. G59
inline constexpr int kStrokeHigh = 1320;
inline constexpr int kStrokeLow = 1321;
inline constexpr int kDryRunFeed = 1410;
inline constexpr int kRapid = 1420;
inline constexpr int kRapidLowest = 1421;  // rapid override F0
inline constexpr int kMaxFeed = 1430;
inline constexpr int kPartsMade = 6711;
inline constexpr int kPartsTotal = 6712;
inline constexpr int kPartsRequired = 6713;
inline constexpr int kPowerOnMinutes = 6750;
inline constexpr int kOperatingMs = 6751;  // below one minute, and 6752 the minutes
inline constexpr int kOperatingMinutes = 6752;
inline constexpr int kCuttingMs = 6753;
inline constexpr int kCuttingMinutes = 6754;
inline constexpr int kFreeMs = 6755;
inline constexpr int kFreeMinutes = 6756;
inline constexpr int kCycleMs = 6757;
inline constexpr int kCycleMinutes = 6758;
}  // namespace parameter

}  // namespace rise::cncsim
