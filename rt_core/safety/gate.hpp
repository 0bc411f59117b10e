// What every command must pass before a driver sees it, whatever the sidecar says: identity, age,
// sequence, kind, state, limits. Pure.
#pragma once

#include <cstdint>

#include "rise_generated.h"

namespace rise::safety {

// Limits of one output, from the config. The command names it by its number.
struct OutputSpec {
  double min = 0;
  double max = 0;
  double max_step = 0;  // largest change against the known value; 0 = any
};

// What is known of an output at run time.
struct OutputState {
  bool known = false;  // `value` was read from the machine
  double value = 0;
  bool approved_known = false;  // there is a value to roll back to
  double approved = 0;
  bool provisional = false;  // `value` was set by a provisional command
};

// Checks that concern the command alone; one gate per lane.
class Gate {
 public:
  explicit Gate(std::uint64_t max_ttl_ns = 10'000'000'000) : max_ttl_ns_(max_ttl_ns) {}

  // None: passed, and the sequence number is used up. `expired` tells a refusal from an old age.
  struct Verdict {
    message::Refusal refusal = message::Refusal::None;
    bool expired = false;
  };
  [[nodiscard]] Verdict admit(const message::Command& command, std::int64_t now_ns);
  [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }

 private:
  std::uint64_t max_ttl_ns_;
  std::uint64_t last_sequence_ = 0;
};

// The value against the output's limits.
[[nodiscard]] message::Refusal check_value(double value, const OutputSpec& spec,
                                           const OutputState& state);

// True if the core's time is beyond the command's time-to-live.
[[nodiscard]] bool expired(const message::Command& command, std::int64_t now_ns);

}  // namespace rise::safety
