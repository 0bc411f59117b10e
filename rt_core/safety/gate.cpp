#include "rt_core/safety/gate.hpp"

#include <cmath>

namespace rise::safety {

using message::Command;
using message::Refusal;

namespace {

// Both sides read the same clock, so a command cannot come from the future; a millisecond is
// granted for a core that reads its time once per cycle.
constexpr std::int64_t kFutureTolerance_ns = 1'000'000;

}  // namespace

bool expired(const Command& command, std::int64_t now_ns) {
  const std::int64_t age = now_ns - command.issued_mono_ns();
  return age > 0 && static_cast<std::uint64_t>(age) > command.ttl_ns();
}

Gate::Verdict Gate::admit(const Command& command, std::int64_t now_ns) {
  // The sequence comes first and is used up in any case: whatever else is wrong with a command, the
  // same bytes cannot be tried again later.
  if (command.sequence() <= last_sequence_) return {Refusal::Replayed, false};
  last_sequence_ = command.sequence();
  const std::int64_t issued = command.issued_mono_ns();
  if (issued < 0 || issued > now_ns + kFutureTolerance_ns) return {Refusal::FromTheFuture, false};
  if (command.ttl_ns() > max_ttl_ns_) return {Refusal::TtlTooLong, false};
  if (expired(command, now_ns)) return {Refusal::None, true};
  if (command.approver()->Get(0) == 0) return {Refusal::NoApprover, false};
  return {};
}

Refusal check_value(double value, const OutputSpec& spec, const OutputState& state) {
  if (!std::isfinite(value)) return Refusal::NotFinite;
  if (value < spec.min) return Refusal::BelowMin;
  if (value > spec.max) return Refusal::AboveMax;
  if (spec.max_step > 0) {
    // A step cannot be judged against an unknown value, so it is refused; nor against NaN, hence
    // the comparison this way round.
    if (!state.known || !(std::fabs(value - state.value) <= spec.max_step))
      return Refusal::StepTooLarge;
  }
  return Refusal::None;
}

}  // namespace rise::safety
