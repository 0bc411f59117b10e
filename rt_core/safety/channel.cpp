#include "rt_core/safety/channel.hpp"

namespace rise::safety {

using message::Refusal;
using message::SafetyState;
using message::TripReason;

TripReason Channel::cause(const Conditions& c) {
  if (c.stop_word) return TripReason::StopWord;
  if (c.input_lost) return TripReason::InputLost;
  if (c.limit_violated) return TripReason::Limit;
  if (!c.driver_running) return TripReason::DriverBenched;
  if (!c.link_up || !c.fresh) return TripReason::LinkLost;
  // After the link: without one no limit sees anything, and it is the link that is to be named.
  if (c.limit_blind) return TripReason::Limit;
  if (c.overrun) return TripReason::Overrun;
  if (c.sidecar_needed && !c.sidecar_alive) return TripReason::SidecarLost;
  return TripReason::None;
}

bool Channel::evaluate(const Conditions& conditions) {
  switch (state_) {
    case SafetyState::Tripped: return false;
    case SafetyState::Starting:
    case SafetyState::Disarmed:
      if (conditions.stop_word || conditions.input_lost) break;
      if (state_ == SafetyState::Starting && conditions.link_up && conditions.fresh) {
        state_ = SafetyState::Disarmed;
        return true;
      }
      return false;
    case SafetyState::Armed:
      if (cause(conditions) == TripReason::None) return false;
      break;
  }
  return trip(cause(conditions));
}

bool Channel::trip(TripReason reason) {
  if (state_ == SafetyState::Tripped) return false;
  reason_ = reason;
  state_ = SafetyState::Tripped;
  return true;
}

Refusal Channel::arm(const Conditions& conditions) {
  if (state_ != SafetyState::Disarmed) return Refusal::WrongState;
  if (!conditions.link_up || !conditions.fresh || conditions.limit_blind) return Refusal::NotFresh;
  if (!conditions.sidecar_alive && conditions.sidecar_needed) return Refusal::NotFresh;
  if (cause(conditions) != TripReason::None) return Refusal::TripConditionActive;
  state_ = SafetyState::Armed;
  return Refusal::None;
}

Refusal Channel::disarm() {
  if (state_ != SafetyState::Armed && state_ != SafetyState::Disarmed) return Refusal::WrongState;
  state_ = SafetyState::Disarmed;
  return Refusal::None;
}

Refusal Channel::reset(const Conditions& conditions) {
  if (state_ != SafetyState::Tripped) return Refusal::WrongState;
  if (cause(conditions) != TripReason::None) return Refusal::TripConditionActive;
  state_ = SafetyState::Disarmed;
  reason_ = TripReason::None;
  return Refusal::None;
}

}  // namespace rise::safety
