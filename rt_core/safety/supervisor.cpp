#include "rt_core/safety/supervisor.hpp"

namespace rise::safety {

using message::SafetyState;
using message::TripReason;

Supervisor::Supervisor(SupervisorSpec spec, const Actuator& actuator, shm::Outlet* outlet)
    : spec_(std::move(spec)), actuator_(actuator), outlet_(outlet), outputs_(spec_.outputs.size()) {
  for (SignalLimit& limit : spec_.limits) {
    if (limit.max_age_ns == 0) limit.max_age_ns = spec_.max_sample_age_ns;
    limits_.emplace_back(limit.spec);
  }
}

void Supervisor::start_tripped(TripReason reason) {
  adopts_found_ = false;
  // Nothing reaches the machine yet: it gets its safe outputs when the link is up, see insist().
  if (channel_.trip(reason)) tell_state();
}

void Supervisor::judge(const Conditions& lane, DriverConditions driver, std::int64_t now_ns) {
  const bool link_came_back = driver.link_up && !current_.link_up;
  const bool stop_raised = lane.stop_word && !current_.stop_word;
  if (current_.link_up && !driver.link_up) link_lost();
  // In place: a copy of what was just written byte by byte would have to wait for it.
  current_ = lane;
  current_.link_up = driver.link_up;
  current_.driver_running = driver.running;
  fill_in(now_ns);
  if (channel_.evaluate(current_)) {
    if (channel_.state() == SafetyState::Tripped) {
      tripped(now_ns);
    } else {
      tell_state();
    }
  } else if (channel_.state() == SafetyState::Tripped) {
    insist(stop_raised, link_came_back, now_ns);
  }
  roll_back(now_ns);
  if (winding_down_ && (!rolling_back_ || now_ns >= trip_by_ns_)) {
    trip_if_armed(TripReason::CoreStop, now_ns);
  }
  if (pending_count_ != 0) expire_pending(now_ns);
}

void Supervisor::fill_in(std::int64_t now_ns) {
  current_.sidecar_needed = spec_.sidecar_loss == SidecarLoss::Trip;
  current_.fresh = last_sample_ns_ != 0 && now_ns - last_sample_ns_ <= spec_.max_sample_age_ns;
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    tell_limit(i, limits_[i].pass(now_ns));
    if (!limits_[i].spec().trips) continue;
    current_.limit_violated = current_.limit_violated || limits_[i].violated();
    current_.limit_blind =
        current_.limit_blind || limits_[i].blind(now_ns, spec_.limits[i].max_age_ns);
  }
}

void Supervisor::value(std::uint16_t signal, double value, std::int64_t now_ns) {
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    if (spec_.limits[i].signal == signal) tell_limit(i, limits_[i].observe(value, now_ns));
  }
}

void Supervisor::tell_limit(std::size_t limit, LimitChange change) {
  if (change == LimitChange::None) return;
  const bool violated = change == LimitChange::Violated;
  shm::Event event;
  event.kind = message::EventKind::Notice;
  event.severity = violated ? message::Severity::Warning : message::Severity::Info;
  event.machine = spec_.machine;
  event.code = spec_.limits[limit].signal;
  event.value = limits_[limit].value();
  event.text = violated ? "signal beyond its limit" : "signal within its limit again";
  outlet_->event(event);
}

// A sample, or an output's value, from before the loss says nothing about the machine that comes
// back.
void Supervisor::link_lost() {
  last_sample_ns_ = 0;
  for (Limit& limit : limits_) limit.forget();
  for (OutputState& output : outputs_) output.known = false;
}

void Supervisor::trip_if_armed(TripReason reason, std::int64_t now_ns) {
  if (channel_.state() == SafetyState::Armed && channel_.trip(reason)) tripped(now_ns);
}

// A tripped machine gets its safe outputs and nothing else.
void Supervisor::tripped(std::int64_t now_ns) {
  make_safe(now_ns);
  tell_state();
}

void Supervisor::make_safe(std::int64_t now_ns) {
  withdraw(now_ns);
  safe_confirmed_ = 0;
  safe_called_ns_ = now_ns;
  actuator_.safe(actuator_.self, static_cast<std::int32_t>(channel_.reason()), now_ns);
}

// Safe outputs are asked for again until the device has confirmed them; and whoever raises the stop
// word gets them anew, whatever was confirmed before.
void Supervisor::insist(bool stop_raised, bool link_came_back, std::int64_t now_ns) {
  if (stop_raised) {
    changed_ = true;
    make_safe(now_ns);
    return;
  }
  if (safe_confirmed_ == 1 || !current_.link_up) return;
  if (!link_came_back && now_ns - safe_called_ns_ < kSafeAgain_ns) return;
  safe_called_ns_ = now_ns;
  actuator_.safe(actuator_.self, static_cast<std::int32_t>(channel_.reason()), now_ns);
}

void Supervisor::safe_done(bool confirmed) {
  const std::uint8_t before = safe_confirmed_;
  safe_confirmed_ = confirmed ? 1 : 2;
  changed_ = changed_ || safe_confirmed_ != before;
}

// Provisional values first: a rollback after the safe outputs might undo them. The time that this
// takes is bounded, and no emergency stands behind it; if one arises, the machine trips at once.
void Supervisor::wind_down(std::int64_t trip_by_ns, std::int64_t now_ns) {
  winding_down_ = true;
  trip_by_ns_ = trip_by_ns;
  withdraw(now_ns);
}

bool Supervisor::quiet() const {
  if (channel_.state() == SafetyState::Tripped) return safe_confirmed_ == 1;
  return channel_.state() != SafetyState::Armed && !rolling_back_;
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

bool Supervisor::take_changed() {
  const bool changed = changed_;
  changed_ = false;
  return changed;
}

}  // namespace rise::safety
