#include "rt_core/driver/instance.hpp"

#include <algorithm>
#include <cstring>

#include "rt_core/driver/host_services.hpp"
#include "rt_core/message/text.hpp"

namespace rise::driver {

using message::DriverCounter;
using message::DriverState;

constexpr bool same(std::uint32_t abi, DriverCounter schema) {
  return abi == static_cast<std::uint32_t>(schema);
}
static_assert(same(RISE_COUNT_SENT, DriverCounter::Sent) &&
                  same(RISE_COUNT_RECEIVED, DriverCounter::Received) &&
                  same(RISE_COUNT_BAD_FRAMES, DriverCounter::BadFrames) &&
                  same(RISE_COUNT_TIMEOUTS, DriverCounter::Timeouts) &&
                  same(RISE_COUNT_RECONNECTS, DriverCounter::Reconnects) &&
                  same(RISE_COUNT_FAILOVERS, DriverCounter::Failovers) &&
                  same(RISE_COUNT_FAILBACKS, DriverCounter::Failbacks) &&
                  same(RISE_COUNT_SAMPLES, DriverCounter::Samples) &&
                  same(RISE_COUNT_LATE_SAMPLES, DriverCounter::LateSamples) &&
                  same(RISE_COUNT_REFUSED_ITEMS, DriverCounter::RefusedItems) &&
                  same(RISE_COUNT_HEARTBEATS, DriverCounter::Heartbeats) &&
                  same(RISE_COUNT_WRITES, DriverCounter::Writes) &&
                  same(RISE_COUNT_WRITE_ERRORS, DriverCounter::WriteErrors) &&
                  same(RISE_COUNT_LIMIT, DriverCounter::State),
              "the schema and the ABI count the same things");

Instance::Instance(InstanceSpec spec) : spec_(std::move(spec)), budget_(spec_.budget) {
  std::fill(std::begin(streams_), std::end(streams_), -1);
  random_ = spec_.seed;
  for (const OutputConfig& output : spec_.outputs) {
    output_specs_.push_back({sizeof(rise_output_spec), 0, output.name.c_str(),
                             output.target.c_str(), output.limits.min, output.limits.max});
  }
}

Instance::~Instance() {
  if (driver_instance_ != nullptr) spec_.driver->destroy(driver_instance_);
}

bool Instance::configure(std::vector<ConfigFault>* faults) {
  const std::size_t before = faults->size();
  host_ = make_host(this);
  rise_config config{};
  config.struct_size = sizeof config;
  config.setting_count = static_cast<std::uint32_t>(spec_.settings.size());
  config.output_count = static_cast<std::uint32_t>(output_specs_.size());
  config.stream_limit = kMaxStreams;
  config.settings = spec_.settings.data();
  config.outputs = output_specs_.data();
  config.machine = spec_.name.c_str();
  config.cycle_period_ns = spec_.cycle_period_ns;
  faults_ = faults;
  phase_ = Phase::Configuring;
  const std::int32_t rc = spec_.driver->configure(&host_, &config, &driver_instance_);
  phase_ = Phase::SetUp;
  faults_ = nullptr;
  if (rc != RISE_OK) {
    driver_instance_ = nullptr;
    if (faults->size() == before) {
      faults->push_back({"", "driver " + std::string(spec_.driver->name) +
                                 " refused its settings (" + std::to_string(rc) + ")"});
    }
    return false;
  }
  if (!spec_.outputs.empty() && (spec_.driver->capabilities & RISE_CAP_COMMAND) == 0) {
    faults->push_back({"", "driver " + std::string(spec_.driver->name) + " has no outputs"});
  }
  return faults->size() == before;
}

void Instance::bind(shm::Outlet* outlet, const io::StreamPort& port, message::DriverHealth* health,
                    std::int64_t (*stamp)(void*), void* clock) {
  outlet_ = outlet;
  port_ = port;
  health_ = health;
  stamp_ = stamp;
  clock_ = clock;
  health->mutate_machine(spec_.machine);
  health->mutate_lane(spec_.lane);
  counters_ = const_cast<std::uint64_t*>(
      reinterpret_cast<const std::uint64_t*>(health->mutable_counters()->data()));
  step_histogram_ = shm::HistogramRecorder(health->histograms()->Get(0));
  round_trip_histogram_ = shm::HistogramRecorder(health->histograms()->Get(1));
  set_counter(DriverCounter::BudgetNs, static_cast<std::uint64_t>(spec_.budget.budget_ns));

  safety::SupervisorSpec supervisor;
  supervisor.machine = spec_.machine;
  for (const OutputConfig& output : spec_.outputs) supervisor.outputs.push_back(output.limits);
  for (const LimitConfig& limit : spec_.limits) {
    const std::int32_t signal = signals_.find(limit.signal);
    if (signal >= 0) supervisor.limits.push_back({static_cast<std::uint16_t>(signal), limit.spec});
  }
  supervisor.max_sample_age_ns = spec_.max_sample_age_ns;
  supervisor.sidecar_loss = spec_.sidecar_loss;
  safety::Actuator actuator;
  actuator.self = this;
  actuator.command = [](void* self, const rise_command& command,
                        std::int64_t now_ns) -> std::int32_t {
    auto* instance = static_cast<Instance*>(self);
    if (!instance->running() || instance->spec_.driver->command == nullptr)
      return RISE_E_UNSUPPORTED;
    const Timed timed(instance);
    return instance->spec_.driver->command(instance->driver_instance_, &command, now_ns);
  };
  actuator.safe = [](void* self, std::int32_t reason, std::int64_t now_ns) {
    auto* instance = static_cast<Instance*>(self);
    const bool can = (instance->spec_.driver->capabilities & RISE_CAP_COMMAND) != 0;
    if (!can || !instance->running()) {
      instance->supervisor_->safe_done(false);
      return;
    }
    const Timed timed(instance);
    instance->spec_.driver->safe(instance->driver_instance_, reason, now_ns);
  };
  supervisor_.emplace(std::move(supervisor), actuator, outlet);
}

void Instance::start(std::int64_t now_ns) {
  phase_ = Phase::Lane;
  set_state(DriverState::Running, message::Severity::Info, "started");
  const Timed timed(this);
  spec_.driver->start(driver_instance_, now_ns);
}

void Instance::step(const rise_cycle& cycle, std::int64_t* mark_ns) {
  if (!running()) return;
  spec_.driver->cycle(driver_instance_, &cycle);
  const std::int64_t now_ns = stamp_(clock_);
  spent_ns_ += now_ns - *mark_ns;
  *mark_ns = now_ns;
}

void Instance::on_open(std::int32_t stream, std::int64_t now_ns) {
  if (!running()) return;
  const Timed timed(this);
  spec_.driver->on_open(driver_instance_, stream, now_ns);
}

void Instance::on_bytes(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length,
                        std::int64_t now_ns) {
  set_counter(DriverCounter::BytesReceived,
              counters_[static_cast<std::size_t>(DriverCounter::BytesReceived)] + length);
  if (!running()) return;
  const Timed timed(this);
  spec_.driver->on_bytes(driver_instance_, stream, bytes, length, now_ns);
}

void Instance::on_closed(std::int32_t stream, std::int32_t reason, std::int64_t now_ns) {
  forget(stream);
  if (!running()) return;
  const Timed timed(this);
  spec_.driver->on_closed(driver_instance_, stream, reason, now_ns);
}

void Instance::judge(const safety::LaneConditions& lane, std::int64_t now_ns) {
  supervisor_->judge(lane, link_up(), state_ == DriverState::Running, now_ns);
}

std::int32_t Instance::sample(std::int32_t group, std::int64_t time_ns) {
  if (!link_up()) return RISE_E_CLOSED;
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

bool Instance::account(std::int64_t* spent_ns) {
  *spent_ns = spent_ns_;
  spent_ns_ = 0;
  if (!running()) return false;
  step_histogram_.record(*spent_ns);
  const Budget::Verdict verdict = budget_.observe(*spent_ns);
  if (verdict == Budget::Verdict::InTime) return false;
  set_counter(DriverCounter::LateSteps,
              counters_[static_cast<std::size_t>(DriverCounter::LateSteps)] + 1);
  if (verdict != Budget::Verdict::Bench || state_ != DriverState::Running) return false;
  bench("over its time budget too often");
  return true;
}

void Instance::bench(const char* why) {
  if (state_ == DriverState::Benched) return;
  set_state(DriverState::Benched, message::Severity::Error, why);
  for (const std::int32_t stream : streams_) {
    if (stream >= 0) port_.close(port_.self, stream);
  }
  link_ = RISE_LINK_DOWN;
  signals_.invalidate_all(outlet_);
}

void Instance::stop(std::int64_t now_ns) {
  if (state_ != DriverState::Running) return;
  set_state(DriverState::Stopping, message::Severity::Info, "stopping");
  const Timed timed(this);
  spec_.driver->stop(driver_instance_, now_ns);
}

bool Instance::finished() const {
  return std::all_of(std::begin(streams_), std::end(streams_),
                     [](std::int32_t stream) { return stream < 0; });
}

void Instance::finish() {
  if (running()) set_state(DriverState::Stopped, message::Severity::Info, "stopped");
}

void Instance::set_state(DriverState state, message::Severity severity, const char* why) {
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

std::int32_t Instance::set_link(std::uint32_t state, std::uint32_t endpoint, const char* reason) {
  if (state > RISE_LINK_UP) return RISE_E_ARGUMENT;
  if (state == link_ && endpoint == endpoint_) return RISE_OK;
  const bool was_up = link_up();
  link_ = state;
  endpoint_ = endpoint;
  snapshot_due_ = true;
  if (was_up && !link_up()) signals_.invalidate_all(outlet_);
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
  event.text = reason == nullptr ? "" : reason;
  outlet_->event(event);
  return RISE_OK;
}

std::int32_t Instance::set_alarms(const rise_alarm* alarms, std::uint32_t count) {
  if (count != 0 && (alarms == nullptr || alarms->struct_size < sizeof(rise_alarm)))
    return RISE_E_ARGUMENT;
  message::AlarmState now[kMaxAlarms];
  const std::uint32_t kept = std::min<std::uint32_t>(count, kMaxAlarms);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(alarms);
  for (std::uint32_t i = 0; i < kept; ++i) {
    const auto& alarm =
        *reinterpret_cast<const rise_alarm*>(bytes + std::size_t{i} * alarms->struct_size);
    now[i].mutate_number(alarm.number);
    now[i].mutate_type(static_cast<std::int16_t>(alarm.type));
    now[i].mutate_axis(static_cast<std::int16_t>(alarm.axis));
    now[i].mutate_text_length(static_cast<std::uint16_t>(
        message::set_text(now[i].mutable_text(), {alarm.text, alarm.text_length})));
  }
  const auto same = [](const message::AlarmState& a, const message::AlarmState& b) {
    return a.number() == b.number() && a.type() == b.type() && a.axis() == b.axis();
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

// Relaxed: a number for people, ordered with nothing.
void Instance::set_counter(DriverCounter counter, std::uint64_t value) {
  shm::Hardware::store(&counters_[static_cast<std::size_t>(counter)], value,
                       std::memory_order_relaxed);
}

bool Instance::owns(std::int32_t stream) const {
  return stream >= 0 &&
         std::find(std::begin(streams_), std::end(streams_), stream) != std::end(streams_);
}

void Instance::forget(std::int32_t stream) {
  for (std::int32_t& slot : streams_) {
    if (slot == stream) slot = -1;
  }
}

}  // namespace rise::driver
