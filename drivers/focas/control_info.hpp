// What a control says of itself when a session is opened.
#pragma once

#include <cstdint>

#include "drivers/focas/wire/frame.hpp"

namespace rise::focas {

inline constexpr std::size_t kMaxPaths = 10;

struct ControlInfo {
  std::uint16_t version = 0;  // of the open reply; selects the command set
  std::uint16_t family = 0;
  std::uint16_t max_axes = 0;                // elements in "all axes" replies
  std::uint16_t paths = 0;                   // path records that are valid
  std::uint16_t axes[kMaxPaths] = {};        // controlled, per path
  std::uint16_t servo_axes[kMaxPaths] = {};  // per path; legacy controls do not tell: all
  std::uint16_t spindles[kMaxPaths] = {};    // per path
  bool lathe[kMaxPaths] = {};                // " T", not " M"
  char type[3] = {};                         // "31", "0 ", ... from the system information
  char machine[3] = {};                      // " M", " T"
  char series[5] = {};
  char software[5] = {};

  [[nodiscard]] bool is_new() const { return wire::is_new_control(version); }
  // Two connections to the same control, or to two of the same kind.
  friend bool operator==(const ControlInfo&, const ControlInfo&) = default;
};

// The open reply, in either layout. False: its length fits neither.
bool read_open_reply(const wire::Frame& frame, ControlInfo* info);

// Data of a SystemInfo block. False: too short.
bool read_system_info(wire::Bytes data, ControlInfo* info);

}  // namespace rise::focas
