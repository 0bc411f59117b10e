#include "rt_core/safety/supervisor.hpp"

#include <cmath>
#include <cstring>

#include "rt_core/message/text.hpp"

namespace rise::safety {

using message::Command;
using message::CommandKind;
using message::Outcome;
using message::Refusal;
using message::SafetyState;

Supervisor::Supervisor(SupervisorSpec spec, const Actuator& actuator, shm::Outlet* outlet)
    : spec_(std::move(spec)), actuator_(actuator), outlet_(outlet), outputs_(spec_.outputs.size()) {
  for (const SignalLimit& limit : spec_.limits) limits_.emplace_back(limit.spec);
}

Conditions Supervisor::conditions(const LaneConditions& lane, bool link_up, bool driver_running,
                                  std::int64_t now_ns) const {
  Conditions c;
  c.stop_word = lane.stop_word;
  c.input_lost = lane.input_lost;
  c.overrun = lane.overrun;
  c.sidecar_alive = lane.sidecar_alive;
  c.sidecar_needed = spec_.sidecar_loss == SidecarLoss::Trip;
  c.link_up = link_up;
  c.fresh = last_sample_ns_ != 0 && now_ns - last_sample_ns_ <= spec_.max_sample_age_ns;
  c.driver_running = driver_running;
  c.limit_violated = violations_ != 0;
  return c;
}

void Supervisor::judge(const LaneConditions& lane, bool link_up, bool driver_running,
                       std::int64_t now_ns) {
  const bool link_came_back = link_up && !current_.link_up;
  current_ = conditions(lane, link_up, driver_running, now_ns);
  if (channel_.evaluate(current_)) {
    if (channel_.state() == SafetyState::Tripped) {
      trip(now_ns);
    } else {
      tell_state();
    }
  } else if (link_came_back && safe_wanted_ && safe_confirmed_ != 1) {
    // The machine could not be reached when it tripped: it gets its safe outputs now.
    actuator_.safe(actuator_.self, static_cast<std::int32_t>(channel_.reason()), now_ns);
  }
  if (sidecar_was_alive_ && !lane.sidecar_alive && spec_.sidecar_loss == SidecarLoss::Rollback) {
    begin_rollback();
  }
  sidecar_was_alive_ = lane.sidecar_alive;
  if (rolling_back_) roll_back(now_ns);
  if (pending_count_ != 0) expire_pending(now_ns);
}

void Supervisor::trip(std::int64_t now_ns) {
  safe_wanted_ = true;
  safe_confirmed_ = 0;
  rolling_back_ = false;  // a tripped machine gets its safe outputs and nothing else
  for (Pending& pending : pending_) pending.orphaned = false;
  actuator_.safe(actuator_.self, static_cast<std::int32_t>(channel_.reason()), now_ns);
  tell_state();
}

void Supervisor::tell_state() {
  changed_ = true;
  shm::Event event;
  event.kind = message::EventKind::Safety;
  event.severity =
      channel_.state() == SafetyState::Tripped ? message::Severity::Error : message::Severity::Info;
  event.machine = spec_.machine;
  event.code = static_cast<std::int32_t>(channel_.state());
  event.detail = static_cast<std::int32_t>(channel_.reason());
  event.text = message::EnumNameTripReason(channel_.reason());
  outlet_->event(event);
}

void Supervisor::value(std::uint16_t signal, double value, std::int64_t now_ns) {
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    if (spec_.limits[i].signal != signal) continue;
    const LimitChange change = limits_[i].observe(value, now_ns);
    if (change == LimitChange::None) continue;
    const bool violated = change == LimitChange::Violated;
    if (limits_[i].spec().trips) violations_ += violated ? 1u : ~0u;
    shm::Event event;
    event.kind = message::EventKind::Notice;
    event.severity = violated ? message::Severity::Warning : message::Severity::Info;
    event.machine = spec_.machine;
    event.code = signal;
    event.value = value;
    event.text = violated ? "signal beyond its limit" : "signal within its limit again";
    outlet_->event(event);
  }
}

void Supervisor::command(const Command& command, std::int64_t now_ns) {
  Refusal refusal = Refusal::None;
  switch (command.kind()) {
    case CommandKind::Arm: refusal = channel_.arm(current_); break;
    case CommandKind::Disarm: refusal = channel_.disarm(); break;
    case CommandKind::Reset: refusal = channel_.reset(current_); break;
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
  if (command.kind() == CommandKind::Arm || command.kind() == CommandKind::Disarm ||
      command.kind() == CommandKind::Reset) {
    if (command.kind() == CommandKind::Reset) safe_wanted_ = false;
    tell_state();
  }
}

Refusal Supervisor::set_output(const Command& command, std::int64_t now_ns) {
  if (command.output() >= outputs_.size()) return Refusal::UnknownOutput;
  if (channel_.state() != SafetyState::Armed) return Refusal::NotArmed;
  const Refusal refusal =
      check_value(command.value(), spec_.outputs[command.output()], outputs_[command.output()]);
  if (refusal != Refusal::None) return refusal;
  return hand_over(RISE_COMMAND_SET, command, false, now_ns);
}

Refusal Supervisor::hand_over(std::uint32_t kind, const Command& command, bool rollback,
                              std::int64_t now_ns) {
  for (Pending& pending : pending_) {
    if (pending.used) continue;
    rise_command out{};
    out.struct_size = sizeof out;
    out.kind = kind;
    out.output = command.output();
    out.id = next_id_;
    out.value = command.value();
    // Taken before the call: the driver may answer from inside it.
    pending = {true, rollback, false, next_id_++, now_ns, command};
    ++pending_count_;
    const std::int32_t rc = actuator_.command(actuator_.self, out, now_ns);
    if (rc == RISE_OK) return Refusal::None;
    if (pending.used) {  // else it was answered, and its place given back, from inside the call
      pending.used = false;
      --pending_count_;
    }
    return rc == RISE_E_AGAIN ? Refusal::DriverBusy : Refusal::DriverCannot;
  }
  return Refusal::DriverBusy;
}

std::int32_t Supervisor::command_done(std::uint64_t id, std::uint32_t outcome, double value,
                                      std::int32_t detail) {
  if (outcome < RISE_COMMAND_APPLIED || outcome > RISE_COMMAND_MISMATCH) return RISE_E_ARGUMENT;
  for (Pending& pending : pending_) {
    if (!pending.used || pending.id != id) continue;
    pending.used = false;
    --pending_count_;
    const bool set = pending.command.kind() == CommandKind::SetOutput;
    if (set && outcome != RISE_COMMAND_FAILED) {
      OutputState& output = outputs_[pending.command.output()];
      output.known = std::isfinite(value);
      output.value = value;
      output.provisional =
          !pending.rollback && pending.command.approval() == message::Approval::Provisional;
      if (output.provisional && pending.orphaned) rolling_back_ = true;
      if (outcome == RISE_COMMAND_APPLIED && !output.provisional && output.known) {
        output.approved_known = true;
        output.approved = value;
      }
    }
    Outcome told = Outcome::Failed;
    if (outcome == RISE_COMMAND_APPLIED)
      told = pending.rollback ? Outcome::RolledBack : Outcome::Applied;
    if (outcome == RISE_COMMAND_MISMATCH) told = Outcome::Mismatch;
    tell(pending.command, told, Refusal::None, value, detail);
    return RISE_OK;
  }
  return RISE_E_ARGUMENT;
}

std::int32_t Supervisor::output_value(std::uint32_t number, double value) {
  if (number >= outputs_.size() || !std::isfinite(value)) return RISE_E_ARGUMENT;
  OutputState& output = outputs_[number];
  output.known = true;
  output.value = value;
  if (!output.approved_known) {  // what we found is what people had approved before us
    output.approved_known = true;
    output.approved = value;
  }
  return RISE_OK;
}

void Supervisor::safe_done(bool confirmed) {
  safe_confirmed_ = confirmed ? 1 : 2;
  changed_ = true;
}

// What the driver has not yet answered cannot go back now: it does when the answer comes.
void Supervisor::begin_rollback() {
  if (channel_.state() == SafetyState::Tripped) return;  // see trip()
  rolling_back_ = true;
  for (Pending& pending : pending_) pending.orphaned = pending.used;
}

void Supervisor::roll_back(std::int64_t now_ns) {
  rolling_back_ = false;
  if (!current_.link_up || !current_.driver_running) {
    rolling_back_ = channel_.state() != SafetyState::Tripped;
    return;
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    OutputState& output = outputs_[i];
    if (!output.provisional || !output.approved_known) continue;
    Command command;
    command.mutate_kind(CommandKind::SetOutput);
    command.mutate_machine(spec_.machine);
    command.mutate_output(static_cast<std::uint16_t>(i));
    command.mutate_value(output.approved);
    command.mutate_issued_mono_ns(now_ns);
    message::set_text(command.mutable_approver(), "core: sidecar lost");
    const Refusal refusal = hand_over(RISE_COMMAND_SET, command, true, now_ns);
    if (refusal == Refusal::DriverBusy) {
      rolling_back_ = true;  // the rest in a later cycle
      return;
    }
    output.provisional = false;
    if (refusal != Refusal::None) tell(command, Outcome::Refused, refusal, 0, 0);
  }
}

void Supervisor::expire_pending(std::int64_t now_ns) {
  for (Pending& pending : pending_) {
    if (!pending.used || now_ns - pending.since_ns < kPendingLimit_ns) continue;
    pending.used = false;
    --pending_count_;
    tell(pending.command, Outcome::Failed, Refusal::None, 0, RISE_E_AGAIN);
  }
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

bool Supervisor::take_changed() {
  const bool changed = changed_;
  changed_ = false;
  return changed;
}

}  // namespace rise::safety
