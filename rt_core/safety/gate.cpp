#include "rt_core/safety/gate.hpp"

#include <cmath>

namespace rise::safety {

using message::Command;
using message::Outcome;
using message::Refusal;

namespace {

// Both sides read the same clock, so a command cannot come from the future; a millisecond is
// granted for what two processors may differ.
constexpr std::int64_t kFutureTolerance_ns = 1'000'000;

bool expired(const Command& command, std::int64_t now_ns) {
  const std::int64_t age = now_ns - command.issued_mono_ns();
  return age > 0 && static_cast<std::uint64_t>(age) > command.ttl_ns();
}

}  // namespace

Gate::Verdict Gate::admit(const Command& command, std::int64_t now_ns) {
  const auto refused = [](Refusal why) { return Verdict{Outcome::Refused, why}; };
  // The sequence comes first and is used up: whatever else is wrong with a command, the same bytes
  // cannot be tried again later. It is the time of the command's making; were one from the future
  // kept, no command would pass until then.
  if (command.sequence() <= last_sequence_) return refused(Refusal::Replayed);
  const std::int64_t latest_ns = now_ns + kFutureTolerance_ns;
  if (command.sequence() > static_cast<std::uint64_t>(latest_ns)) {
    return refused(Refusal::FromTheFuture);
  }
  last_sequence_ = command.sequence();
  const std::int64_t issued = command.issued_mono_ns();
  if (issued < 0 || issued > latest_ns) return refused(Refusal::FromTheFuture);
  if (command.ttl_ns() > max_ttl_ns_) return refused(Refusal::TtlTooLong);
  if (expired(command, now_ns)) return {Outcome::Expired, Refusal::None};
  if (command.approver()->Get(0) == 0) return refused(Refusal::NoApprover);
  return {};
}

Refusal check_range(double value, const OutputSpec& spec) {
  if (!std::isfinite(value)) return Refusal::NotFinite;
  if (value < spec.min) return Refusal::BelowMin;
  if (value > spec.max) return Refusal::AboveMax;
  return Refusal::None;
}

Refusal check_value(double value, const OutputSpec& spec, const OutputState& state) {
  if (const Refusal refusal = check_range(value, spec); refusal != Refusal::None) return refusal;
  if (spec.max_step > 0) {
    // A step cannot be judged against an unknown value, so it is refused; nor against NaN, hence
    // the comparison this way round.
    if (!state.known || !(std::fabs(value - state.value) <= spec.max_step))
      return Refusal::StepTooLarge;
  }
  return Refusal::None;
}

}  // namespace rise::safety
