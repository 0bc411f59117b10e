// The supervisor's outputs: what is set on command, what is under way, and how provisional values
// go back to the approved ones.
#include <algorithm>
#include <cmath>

#include "rt_core/message/text.hpp"
#include "rt_core/safety/supervisor.hpp"

namespace rise::safety {

using message::Command;
using message::CommandKind;
using message::Outcome;
using message::Refusal;
using message::SafetyState;

namespace {

// Whatever is not approved is provisional; the word comes from outside.
bool provisional(const Command& command) {
  return command.approval() != message::Approval::Approved;
}

}  // namespace

void Supervisor::command(const Command& command, std::int64_t now_ns) {
  const SafetyState before = channel_.state();
  Refusal refusal = Refusal::None;
  switch (command.kind()) {
    case CommandKind::Arm:
      refusal = winding_down_ ? Refusal::WrongState : channel_.arm(current_);
      break;
    case CommandKind::Disarm: refusal = channel_.disarm(); break;
    case CommandKind::Reset:
      refusal = winding_down_ ? Refusal::WrongState : channel_.reset(current_);
      break;
    case CommandKind::FeedHold:
      refusal = hand_over(RISE_COMMAND_FEED_HOLD, command, false, now_ns);
      break;
    case CommandKind::SetOutput: refusal = set_output(command, now_ns); break;
    default: refusal = Refusal::UnknownKind; break;
  }
  if (refusal != Refusal::None) {
    tell(command, Outcome::Refused, refusal, 0, 0);
    return;
  }
  tell(command, Outcome::Accepted, Refusal::None, command.value(), 0);
  if (channel_.state() == before) return;
  if (before == SafetyState::Armed) withdraw(now_ns);
  tell_state();
}

Refusal Supervisor::set_output(const Command& command, std::int64_t now_ns) {
  if (command.output() >= outputs_.size()) return Refusal::UnknownOutput;
  if (channel_.state() != SafetyState::Armed) return Refusal::NotArmed;
  if (winding_down_) return Refusal::WrongState;
  // Nobody is there to approve it, and the loss that would take it back has been.
  if (provisional(command) && spec_.sidecar_loss != SidecarLoss::Ignore &&
      !current_.sidecar_alive) {
    return Refusal::NotFresh;
  }
  const OutputState& output = outputs_[command.output()];
  const Refusal refusal = check_value(command.value(), spec_.outputs[command.output()], output);
  if (refusal != Refusal::None) return refusal;
  // One at a time: a step is judged against what is there, not against what is on its way.
  if (under_way(command.output())) return Refusal::DriverBusy;
  return hand_over(RISE_COMMAND_SET, command, false, now_ns);
}

bool Supervisor::under_way(std::size_t output) const {
  return std::any_of(std::begin(pending_), std::end(pending_), [&](const Pending& pending) {
    return pending.used && pending.command.kind() == CommandKind::SetOutput &&
           pending.command.output() == output;
  });
}

Refusal Supervisor::hand_over(std::uint32_t kind, const Command& command, bool rollback,
                              std::int64_t now_ns) {
  const bool set = kind == RISE_COMMAND_SET;
  if (pending_count_ >= (set ? kMaxPending - 1 : kMaxPending)) return Refusal::DriverBusy;
  Pending& pending = *std::find_if(std::begin(pending_), std::end(pending_),
                                   [](const Pending& place) { return !place.used; });
  rise_command out{};
  out.struct_size = sizeof out;
  out.kind = kind;
  out.output = command.output();
  out.id = next_id_++;
  out.value = command.value();
  // The gate has seen that neither is negative or beyond reason. A feed hold is never too old.
  if (set && !rollback) {
    out.expires_ns = command.issued_mono_ns() + static_cast<std::int64_t>(command.ttl_ns());
  }
  // Taken before the call: the driver may answer from inside it.
  pending = {};
  pending.used = true;
  pending.rollback = rollback;
  pending.id = out.id;
  pending.since_ns = now_ns;
  pending.expires_ns = out.expires_ns;
  pending.command = command;
  ++pending_count_;
  if (set) {
    OutputState& output = outputs_[command.output()];
    pending.was_provisional = output.provisional;
    if (!rollback && provisional(command)) output.provisional = true;
  }
  const std::int32_t rc = actuator_.command(actuator_.self, out, now_ns);
  if (rc == RISE_OK) {
    if (set && !rollback) {  // governed anew, as long as there is somebody who does
      outputs_[command.output()].rollback_due = false;
      outputs_[command.output()].rollback_told = false;
    }
    return Refusal::None;
  }
  if (pending.used && pending.id == out.id) {  // else it was answered from inside the call
    if (set) outputs_[command.output()].provisional = pending.was_provisional;
    release(&pending);
  }
  return rc == RISE_E_AGAIN ? Refusal::DriverBusy : Refusal::DriverCannot;
}

void Supervisor::release(Pending* pending) {
  pending->used = false;
  --pending_count_;
}

std::int32_t Supervisor::command_done(std::uint64_t id, std::uint32_t outcome, double value,
                                      std::int32_t detail) {
  if (outcome < RISE_COMMAND_APPLIED || outcome > RISE_COMMAND_DROPPED) return RISE_E_ARGUMENT;
  for (Pending& pending : pending_) {
    if (!pending.used || pending.id != id) continue;
    const Pending done = pending;
    release(&pending);
    Outcome told = Outcome::Failed;
    if (outcome == RISE_COMMAND_APPLIED)
      told = done.rollback ? Outcome::RolledBack : Outcome::Applied;
    if (outcome == RISE_COMMAND_MISMATCH) told = Outcome::Mismatch;
    if (outcome == RISE_COMMAND_DROPPED && done.expires_ns != 0 && !done.withdrawn) {
      told = Outcome::Expired;
    }
    bool tells = true;
    if (done.command.kind() == CommandKind::SetOutput) {
      OutputState& output = outputs_[done.command.output()];
      // A rollback that does not work is tried again and again, and told once.
      tells = !done.rollback || !output.rollback_told || outcome == RISE_COMMAND_APPLIED;
      settle(done, outcome, value);
      if (done.rollback) output.rollback_told = outcome != RISE_COMMAND_APPLIED;
    }
    if (tells) tell(done.command, told, Refusal::None, value, detail);
    return RISE_OK;
  }
  return RISE_E_ARGUMENT;
}

// What the answer says about the output.
void Supervisor::settle(const Pending& done, std::uint32_t outcome, double value) {
  OutputState& output = outputs_[done.command.output()];
  if (done.rollback) output.retry_ns = outlet_->now_ns() + kRollbackPause_ns;
  if (outcome == RISE_COMMAND_DROPPED) {
    output.provisional = done.was_provisional;
    return;
  }
  // Refused, or lost half-way: nobody knows until the driver says it.
  output.known = outcome != RISE_COMMAND_FAILED && std::isfinite(value);
  if (output.known) output.value = value;
  if (outcome != RISE_COMMAND_APPLIED) return;
  if (!done.rollback && provisional(done.command)) return;
  output.provisional = false;
  output.rollback_due = false;
  if (done.rollback || !output.known) return;
  // The value as the device rounds it, unless that is one we would not send again.
  const bool good = check_range(value, spec_.outputs[done.command.output()]) == Refusal::None;
  output.approved_known = true;
  output.approved = good ? value : done.command.value();
}

std::int32_t Supervisor::output_value(std::uint32_t number, double value) {
  if (number >= outputs_.size() || !std::isfinite(value)) return RISE_E_ARGUMENT;
  OutputState& output = outputs_[number];
  output.known = true;
  output.value = value;
  // What we found is what people had approved before us; unless the core before us did not come to
  // its end, or nobody can have meant it.
  if (adopts_found_ && !output.approved_known && !output.provisional &&
      check_range(value, spec_.outputs[number]) == Refusal::None) {
    output.approved_known = true;
    output.approved = value;
  }
  return RISE_OK;
}

// What was not yet sent shall not be: the permission for it is gone.
void Supervisor::withdraw(std::int64_t now_ns) {
  for (Pending& pending : pending_) pending.withdrawn = pending.used;
  if (actuator_.cancel != nullptr) actuator_.cancel(actuator_.self, 0, now_ns);
}

void Supervisor::expire_pending(std::int64_t now_ns) {
  for (Pending& pending : pending_) {
    if (!pending.used) continue;
    if (!pending.overdue && pending.expires_ns != 0 && now_ns > pending.expires_ns) {
      pending.overdue = true;
      if (actuator_.cancel != nullptr) actuator_.cancel(actuator_.self, pending.id, now_ns);
    }
    if (!pending.used || now_ns - pending.since_ns < kPendingLimit_ns) continue;
    const Pending done = pending;
    release(&pending);
    if (done.command.kind() == CommandKind::SetOutput) settle(done, RISE_COMMAND_FAILED, 0);
    tell(done.command, Outcome::Failed, Refusal::None, 0, RISE_E_AGAIN);
  }
}

// Goes by what is, not by what changes: as long as a provisional value stands that nobody governs,
// it is to go back, however often that fails, and also after a trip was reset.
void Supervisor::roll_back(std::int64_t now_ns) {
  const bool lost = spec_.sidecar_loss == SidecarLoss::Rollback && !current_.sidecar_alive;
  if (!lost && !winding_down_ && !rolling_back_) return;
  rolling_back_ = false;
  const bool may =
      channel_.state() != SafetyState::Tripped && current_.link_up && current_.driver_running;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    OutputState& output = outputs_[i];
    if ((lost || winding_down_) && output.provisional) output.rollback_due = true;
    if (!output.rollback_due) continue;
    rolling_back_ = true;
    if (!may || now_ns < output.retry_ns || under_way(i)) continue;
    const Refusal refusal = roll_back_output(i, now_ns);
    if (refusal == Refusal::DriverBusy) return;  // the rest in a later cycle, in order
    if (refusal != Refusal::None) output.retry_ns = now_ns + kRollbackPause_ns;
  }
}

Refusal Supervisor::roll_back_output(std::size_t i, std::int64_t now_ns) {
  OutputState& output = outputs_[i];
  Command command;
  command.mutate_kind(CommandKind::SetOutput);
  command.mutate_machine(spec_.machine);
  command.mutate_output(static_cast<std::uint16_t>(i));
  command.mutate_value(output.approved);
  command.mutate_issued_mono_ns(now_ns);
  message::set_text(command.mutable_approver(),
                    winding_down_ ? "core: stopping" : "core: sidecar lost");
  // Without a value that was approved and may be sent there is no way back: people must know.
  Refusal refusal = output.approved_known ? check_range(output.approved, spec_.outputs[i])
                                          : Refusal::NothingApproved;
  if (refusal == Refusal::None) refusal = hand_over(RISE_COMMAND_SET, command, true, now_ns);
  if (refusal != Refusal::None && refusal != Refusal::DriverBusy && !output.rollback_told) {
    output.rollback_told = true;
    tell(command, Outcome::Refused, refusal, 0, 0);
  }
  return refusal;
}

void Supervisor::tell(const Command& command, Outcome outcome, Refusal refusal, double value,
                      std::int32_t detail) {
  message::CommandResult result;
  result.mutate_sequence(command.sequence());
  result.mutate_issued_mono_ns(command.issued_mono_ns());
  result.mutate_value(value);
  result.mutate_requested(command.value());
  result.mutate_detail(detail);
  result.mutate_machine(spec_.machine);
  result.mutate_output(command.output());
  result.mutate_kind(command.kind());
  result.mutate_outcome(outcome);
  result.mutate_refusal(refusal);
  message::set_text(result.mutable_approver(), message::get_text(command.approver()));
  outlet_->result(&result);
}

}  // namespace rise::safety
