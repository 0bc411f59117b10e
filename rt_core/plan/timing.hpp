// Times that are allowed each by itself and cannot work together: found here, before anything
// starts, instead of as a trip, a timeout or a cut session on the shop floor.
#pragma once

#include <string>
#include <vector>

#include "config/schema/schema.hpp"
#include "rt_core/driver/instance.hpp"

namespace rise::plan {

// What a clean end of a session needs beyond the reply that it waits for: closing and its answer.
inline constexpr std::int64_t kCloseMs = 200;
// Cycles that a reply needs at the least: one sends, one receives, one may be late.
inline constexpr std::int64_t kReplyCycles = 3;

struct TimingInput {
  const config::Document& document;
  const config::Settings& settings;         // of rise.toml
  const config::Settings& driver_settings;  // of the machine's own table
  const driver::Instance& machine;          // configured
  std::string at;                           // "machine.0."
  std::string driver_at;                    // "machine.0.focas"
};

// The core knows no driver's settings but these, by convention of name: `reply_timeout_ms`, and
// `group` as the array of the groups in the order in which the driver declares them.
std::vector<config::Problem> timing_faults(const TimingInput& input);

}  // namespace rise::plan
