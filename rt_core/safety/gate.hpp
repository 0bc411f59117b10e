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
  // A provisional command was handed over, and nothing has taken it back or approved it since. Set
  // before its answer: an answer that never comes proves nothing.
  bool provisional = false;
  bool rollback_due = false;   // it is to go back to `approved`, as soon as that can be
  bool rollback_told = false;  // people know that this does not work
  std::int64_t retry_ns = 0;   // not before
};

// Checks that concern the command alone; one gate per lane.
class Gate {
 public:
  explicit Gate(std::uint64_t max_ttl_ns = 10'000'000'000) : max_ttl_ns_(max_ttl_ns) {}

  // Accepted: passed. Refused, with the reason, or Expired. In all cases the sequence number is
  // used up, but for one that lies in the future: a single bad number must not shut out all that
  // follow.
  struct Verdict {
    message::Outcome outcome = message::Outcome::Accepted;
    message::Refusal refusal = message::Refusal::None;
  };
  // now_ns: read after the command was taken, or a good command could seem to come from the future.
  [[nodiscard]] Verdict admit(const message::Command& command, std::int64_t now_ns);
  [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }

 private:
  std::uint64_t max_ttl_ns_;
  std::uint64_t last_sequence_ = 0;
};

// The value against the output's min and max / and against its max_step, too.
[[nodiscard]] message::Refusal check_range(double value, const OutputSpec& spec);
[[nodiscard]] message::Refusal check_value(double value, const OutputSpec& spec,
                                           const OutputState& state);

}  // namespace rise::safety
