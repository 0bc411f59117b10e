// What an instance tells the world: samples, state, link, alarms, counters.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "rt_core/driver/instance.hpp"
#include "rt_core/message/text.hpp"

namespace rise::driver {

using message::DriverCounter;
using message::DriverState;

std::int32_t Instance::sample(std::int32_t group, std::int64_t time_ns) {
  if (!link_up()) return RISE_E_CLOSED;
  // One sample from the future would look fresh until then.
  if (time_ns > stamp_(clock_)) return RISE_E_ARGUMENT;
  const std::int32_t rc = signals_.sample(group, time_ns);
  if (rc != RISE_OK) return rc;
  supervisor_->sampled(time_ns);
  if (!spec_.limits.empty()) {
    signals_.for_each_value(group, [&](std::uint16_t signal, double value) {
      supervisor_->value(signal, value, time_ns);
    });
  }
  set_counter(DriverCounter::LastSampleMonoNs, static_cast<std::uint64_t>(time_ns));
  return RISE_OK;
}

std::uint32_t Instance::publish() {
  if (supervisor_->take_changed()) snapshot_due_ = true;
  if (snapshot_due_) tell_state_snapshot();
  return signals_.publish(outlet_);
}

void Instance::set_state(DriverState state, message::Severity severity, std::string_view why) {
  state_ = state;
  set_counter(DriverCounter::State, static_cast<std::uint64_t>(state));
  snapshot_due_ = true;
  shm::Event event;
  event.kind = message::EventKind::DriverState;
  event.severity = severity;
  event.machine = spec_.machine;
  event.code = static_cast<std::int32_t>(state);
  event.text = why;
  outlet_->event(event);
}

std::int32_t Instance::set_link(std::uint32_t state, std::uint32_t endpoint,
                                std::string_view reason) {
  if (state > RISE_LINK_UP) return RISE_E_ARGUMENT;
  if (state == link_ && endpoint == endpoint_) return RISE_OK;
  const bool was_up = link_up();
  link_ = state;
  endpoint_ = endpoint;
  snapshot_due_ = true;
  if (was_up && !link_up()) {
    supervisor_->link_lost();  // also if it is back before the next judgement
    signals_.invalidate_all(outlet_);
  }
  // Attempts to connect are in the snapshot; as events they and their failures would be noise.
  if (state == RISE_LINK_CONNECTING) {
    if (was_up) told_link_ = state;  // what was told last does not hold any more
    return RISE_OK;
  }
  if (state == told_link_ && endpoint == told_endpoint_) return RISE_OK;
  told_link_ = state;
  told_endpoint_ = endpoint;
  shm::Event event;
  event.kind = message::EventKind::Link;
  event.severity = link_up() ? message::Severity::Info : message::Severity::Warning;
  event.machine = spec_.machine;
  event.code = static_cast<std::int32_t>(state);
  event.detail = static_cast<std::int32_t>(endpoint);
  event.text = reason;
  outlet_->event(event);
  return RISE_OK;
}

std::int32_t Instance::set_alarms(const rise_alarm* alarms, std::uint32_t count) {
  // A driver of ABI 1.0 knows them up to and with `text`.
  constexpr std::size_t kOldestBytes = offsetof(rise_alarm, text) + sizeof(rise_alarm::text);
  if (count != 0 && (alarms == nullptr || alarms->struct_size < kOldestBytes))
    return RISE_E_ARGUMENT;
  message::AlarmState now[kMaxAlarms];
  const std::uint32_t kept = std::min<std::uint32_t>(count, kMaxAlarms);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(alarms);
  for (std::uint32_t i = 0; i < kept; ++i) {
    rise_alarm alarm{};
    std::memcpy(&alarm, bytes + std::size_t{i} * alarms->struct_size,
                std::min<std::size_t>(alarms->struct_size, sizeof alarm));
    now[i].mutate_number(alarm.number);
    now[i].mutate_type(static_cast<std::int16_t>(alarm.type));
    now[i].mutate_axis(static_cast<std::int16_t>(alarm.axis));
    now[i].mutate_path(static_cast<std::uint16_t>(alarm.path));
    now[i].mutate_text_length(static_cast<std::uint16_t>(
        message::set_text(now[i].mutable_text(), {alarm.text, alarm.text_length})));
  }
  const guard::HostSection section;  // from here on nothing of the driver's is read
  const auto same = [](const message::AlarmState& a, const message::AlarmState& b) {
    return a.number() == b.number() && a.type() == b.type() && a.axis() == b.axis() &&
           a.path() == b.path();
  };
  const auto listed = [&](const message::AlarmState& alarm, const message::AlarmState* list,
                          std::uint32_t n) {
    return std::any_of(list, list + n,
                       [&](const message::AlarmState& a) { return same(a, alarm); });
  };
  for (std::uint32_t i = 0; i < alarm_count_; ++i) {
    if (!listed(alarms_[i], now, kept)) tell_alarm(alarms_[i], false);
  }
  for (std::uint32_t i = 0; i < kept; ++i) {
    if (!listed(now[i], alarms_, alarm_count_)) tell_alarm(now[i], true);
  }
  std::copy(now, now + kept, alarms_);
  alarm_count_ = kept;
  return RISE_OK;
}

void Instance::tell_alarm(const message::AlarmState& alarm, bool on) {
  snapshot_due_ = true;
  shm::Event event;
  event.kind = on ? message::EventKind::AlarmOn : message::EventKind::AlarmOff;
  event.severity = on ? message::Severity::Error : message::Severity::Info;
  event.machine = spec_.machine;
  event.code = alarm.number();
  event.detail = alarm.type();
  event.value = alarm.axis();
  event.path = alarm.path();
  event.text = message::get_text(alarm.text());
  outlet_->event(event);
}

void Instance::tell_state_snapshot() {
  snapshot_due_ = false;
  message::MachineState state;
  state.mutate_mono_ns(outlet_->now_ns());
  state.mutate_link(static_cast<message::LinkState>(link_));
  state.mutate_endpoint(static_cast<std::uint8_t>(endpoint_));
  state.mutate_safety(supervisor_->channel().state());
  state.mutate_trip_reason(supervisor_->channel().reason());
  state.mutate_safe_confirmed(supervisor_->safe_confirmed());
  state.mutate_driver(state_);
  state.mutate_alarm_count(static_cast<std::uint16_t>(alarm_count_));
  const std::uint32_t listed = std::min<std::uint32_t>(alarm_count_, 8);
  for (std::uint32_t i = 0; i < listed; ++i) state.mutable_alarms()->Mutate(i, alarms_[i]);
  outlet_->state(spec_.machine, state);
}

void Instance::count(std::uint32_t counter, std::uint64_t n) {
  shm::Hardware::store(&counters_[counter], counters_[counter] + n, std::memory_order_relaxed);
  if (counter == RISE_COUNT_HEARTBEATS) {
    set_counter(DriverCounter::LastHeartbeatMonoNs, static_cast<std::uint64_t>(outlet_->now_ns()));
  }
}

void Instance::notice(std::int32_t code, std::string_view text) {
  shm::Event event;
  event.kind = message::EventKind::Notice;
  event.severity = message::Severity::Warning;
  event.machine = spec_.machine;
  event.code = code;
  event.text = text;
  outlet_->event(event);
}

// Relaxed: a number for people, ordered with nothing.
void Instance::set_counter(DriverCounter counter, std::uint64_t value) {
  shm::Hardware::store(&counters_[static_cast<std::size_t>(counter)], value,
                       std::memory_order_relaxed);
}

void Instance::add_counter(DriverCounter counter, std::uint64_t n) {
  set_counter(counter, counters_[static_cast<std::size_t>(counter)] + n);
}

}  // namespace rise::driver
