// What a lane's recording ([[lane]] record) holds of bytes between drivers and devices, as an MCAP
// file: one topic per machine. So raw I/O is recorded where it is asked for, by the lane's own
// recorder, and read with the same tools as all the rest.
#pragma once

#include <cstdint>
#include <string>

#include "rt_core/result.hpp"

namespace rise::recorder {

struct RawTotals {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // of the devices
  std::uint64_t cycles = 0;
  bool cut = false;   // the recording was cut off
  std::string fault;  // where it stopped making sense; "" = nowhere
};

// `out` must not exist.
Result<RawTotals> import_raw(const std::string& recording, const std::string& out);

}  // namespace rise::recorder
