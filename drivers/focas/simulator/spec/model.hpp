// The control models that can be played: what they announce, and which command set they speak.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rise::cncsim {

enum class MachineType : std::uint8_t { Mill, Lathe };

// One model as it leaves the factory. Which numbers were seen on real controls and which are
// invented is told in README.md, "limits of truth".
struct Model {
  const char* name;      // as in the config: "31i"
  const char* cnc_type;  // two characters of sysinfo: "31", " 0"
  const char* series_mill;
  const char* series_lathe;
  const char* software;  // four characters
  std::uint16_t version;
  std::uint16_t family;
  std::uint16_t max_axes;
  std::uint16_t max_paths;
};

// All names, separated by '|', for the settings table.
inline constexpr char kModelChoices[] = "30i|31i|32i|0i-D|0i-F|16i|18i|21i|0i-A|0i-B|0i-C";

// nullptr: no such model.
const Model* find_model(std::string_view name);

// A model with what the config overrides. This is what the protocol layer asks.
struct Personality {
  std::string cnc_type;
  std::string series;
  std::string software;
  MachineType machine = MachineType::Mill;
  std::uint16_t version = 4;  // of the open reply; below 3: legacy command set and layouts
  std::uint16_t family = 0;   // legacy: 0..2 make the vendor's client ask for more, see README.md
  std::uint16_t add_info = 0;
  std::uint16_t max_axes = 32;
  std::uint16_t max_spindles = 8;
  std::uint16_t max_paths = 10;  // path records in the open reply of a new control

  [[nodiscard]] bool is_new() const { return version >= 3; }
};

}  // namespace rise::cncsim
