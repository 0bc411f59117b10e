#include "rt_core/driver/instance.hpp"

#include <algorithm>
#include <cstring>

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
  // What the services work with may be gone already: ~Seat allows none of them.
  delete offered_.load(std::memory_order_relaxed);
  delete given_up_.load(std::memory_order_relaxed);
}

rise_config Instance::abi_config() const {
  rise_config config{};
  config.struct_size = sizeof config;
  config.setting_count = static_cast<std::uint32_t>(spec_.settings.size());
  config.output_count = static_cast<std::uint32_t>(output_specs_.size());
  config.stream_limit = kMaxStreams;
  config.datagram_limit = Seat::kMaxDatagramPorts;
  config.settings = spec_.settings.data();
  config.outputs = output_specs_.data();
  config.machine = spec_.name.c_str();
  config.cycle_period_ns = spec_.cycle_period_ns;
  return config;
}

bool Instance::configure(std::vector<ConfigFault>* faults) {
  const std::size_t before = faults->size();
  seat_ = std::make_unique<Seat>(this, spec_.driver, spec_.library);
  const bool configured = seat_->configure(abi_config(), faults);
  signals_ = std::move(seat_->signals);  // also of one with faults: limits are checked against them
  datagram_ports_ = seat_->datagram_ports;
  if (!configured) return false;
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
    if (signal < 0) continue;
    // A signal that is sampled rarely is not blind between two samples.
    const std::int64_t period_ns = signals_.entries()[static_cast<std::size_t>(signal)].period_ns();
    supervisor.limits.push_back({static_cast<std::uint16_t>(signal), limit.spec,
                                 std::max(spec_.max_sample_age_ns, 2 * period_ns)});
  }
  supervisor.max_sample_age_ns = spec_.max_sample_age_ns;
  supervisor.sidecar_loss = spec_.sidecar_loss;
  safety::Actuator actuator;
  actuator.self = this;
  actuator.command = [](void* self, const rise_command& command,
                        std::int64_t now_ns) -> std::int32_t {
    auto* instance = static_cast<Instance*>(self);
    const rise_driver* driver = instance->seat_->driver;
    if (!instance->running() || (driver->capabilities & RISE_CAP_COMMAND) == 0)
      return RISE_E_UNSUPPORTED;
    std::int32_t rc = RISE_E_CLOSED;
    instance->call([&](void* seat) { rc = driver->command(seat, &command, now_ns); });
    return rc;
  };
  actuator.safe = [](void* self, std::int32_t reason, std::int64_t now_ns) {
    auto* instance = static_cast<Instance*>(self);
    const rise_driver* driver = instance->seat_->driver;
    const bool can = (driver->capabilities & RISE_CAP_COMMAND) != 0;
    // Not after stop(): then the driver has said good-bye to the device.
    if (!can || instance->state_ != DriverState::Running ||
        !instance->call([&](void* seat) { driver->safe(seat, reason, now_ns); })) {
      instance->supervisor_->safe_done(false);
    }
  };
  actuator.cancel = [](void* self, std::uint64_t id, std::int64_t now_ns) {
    auto* instance = static_cast<Instance*>(self);
    const rise_driver* driver = instance->seat_->driver;
    if (!instance->running() || driver->cancel == nullptr) return;
    instance->call([&](void* seat) { driver->cancel(seat, id, now_ns); });
  };
  supervisor_.emplace(std::move(supervisor), actuator, outlet);
}

template <class Function>
bool Instance::call_untimed(Function&& function) {
  struct Call {
    std::remove_reference_t<Function>* function;
    void* instance;
  } argument{&function, seat_->instance};
  guard::Fault fault;
  const bool whole = guard::guarded_call(
      [](void* a) {
        auto* c = static_cast<Call*>(a);
        (*c->function)(c->instance);
      },
      &argument, &fault);
  if (!whole) broke_off(fault);
  return whole;
}

template <class Function>
bool Instance::call(Function&& function) {
  const Timed timed(this);
  return call_untimed(function);
}

void Instance::start(std::int64_t now_ns) {
  seat_->phase = Seat::Phase::Lane;
  set_state(DriverState::Running, message::Severity::Info, "started");
  call([&](void* seat) { seat_->driver->start(seat, now_ns); });
}

void Instance::post_notice(std::string_view text) {
  // Acquire: pairs with the lane's release; the one before is told.
  if (notice_posted_.load(std::memory_order_acquire)) return;
  posted_length_ = std::min(text.size(), sizeof posted_notice_);
  std::memcpy(posted_notice_, text.data(), posted_length_);
  notice_posted_.store(true, std::memory_order_release);  // the text is complete
}

void Instance::step(const rise_cycle& cycle, std::int64_t* mark_ns) {
  if (notice_posted_.load(std::memory_order_acquire)) {  // the text is complete
    if (witness_ != nullptr && witness_->notice != nullptr) {
      witness_->notice(witness_->self, spec_.machine, posted_notice_, posted_length_);
    }
    notice(kCare, {posted_notice_, posted_length_});
    notice_posted_.store(false, std::memory_order_release);  // the text may be overwritten
  }
  // Relaxed: what it points to is read only after taking it out, see change_seats().
  if (offered_.load(std::memory_order_relaxed) != nullptr) {
    if (witness_ != nullptr && witness_->seat != nullptr) {
      witness_->seat(witness_->self, spec_.machine);
    }
    change_seats(cycle.now_ns);
  }
  if (!running()) return;
  rise_cycle c = cycle;
  if (state_ == DriverState::Stopping) c.flags |= RISE_CYCLE_STOPPING;
  call_untimed([&](void* seat) { seat_->driver->cycle(seat, &c); });
  const std::int64_t now_ns = stamp_(clock_);
  spent_ns_ += now_ns - *mark_ns;
  *mark_ns = now_ns;
}

void Instance::on_open(std::int32_t stream, std::int64_t now_ns) {
  if (!running()) return;
  call([&](void* seat) { seat_->driver->on_open(seat, stream, now_ns); });
}

void Instance::on_bytes(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length,
                        std::int64_t now_ns) {
  add_counter(DriverCounter::BytesReceived, length);
  if (!running()) return;
  call([&](void* seat) { seat_->driver->on_bytes(seat, stream, bytes, length, now_ns); });
}

void Instance::on_closed(std::int32_t stream, std::int32_t reason, std::int64_t now_ns) {
  forget(stream);
  if (!running()) return;
  call([&](void* seat) { seat_->driver->on_closed(seat, stream, reason, now_ns); });
}

void Instance::on_datagram(std::int32_t number, const rise_datagram& datagram,
                           std::int64_t now_ns) {
  add_counter(DriverCounter::BytesReceived, datagram.length);
  const auto at = std::find(datagram_numbers_.begin(), datagram_numbers_.end(), number);
  if (at == datagram_numbers_.end() || !running()) return;
  const auto port = static_cast<std::int32_t>(at - datagram_numbers_.begin());
  call([&](void* seat) { seat_->driver->on_datagram(seat, port, &datagram, now_ns); });
}

void Instance::judge(const safety::Conditions& lane, std::int64_t now_ns) {
  supervisor_->judge(lane, {link_up(), running()}, now_ns);
}

bool Instance::account(std::int64_t* spent_ns) {
  *spent_ns = spent_ns_;
  spent_ns_ = 0;
  if (!running()) return false;
  step_histogram_.record(*spent_ns);
  const Budget::Verdict verdict = budget_.observe(*spent_ns);
  if (verdict == Budget::Verdict::InTime) return false;
  add_counter(DriverCounter::LateSteps, 1);
  if (verdict != Budget::Verdict::Bench || state_ != DriverState::Running) return false;
  bench("over its time budget too often");
  return true;
}

void Instance::broke_off(const guard::Fault& fault) {
  seat_->broken = true;
  add_counter(DriverCounter::Faults, 1);
  char text[message::kMaxEventText];
  bench({text, guard::describe(fault, text, sizeof text)});
}

void Instance::bench(std::string_view why) {
  if (state_ == DriverState::Benched) return;
  // First, while the driver may still be called: what safe() queues leaves before the streams
  // close.
  if (state_ == DriverState::Running && !seat_->broken) {
    supervisor_->trip_if_armed(message::TripReason::DriverBenched, outlet_->now_ns());
    if (state_ == DriverState::Benched) return;  // by a crash in safe()
  }
  set_state(DriverState::Benched, message::Severity::Error, why);
  if (seat_->broken) {
    supervisor_->trip_if_armed(message::TripReason::DriverBenched, outlet_->now_ns());
  }
  close_streams();
  link_ = RISE_LINK_DOWN;
  supervisor_->link_lost();
  if (supervisor_->safe_confirmed() == 0) supervisor_->safe_done(false);  // nobody will tell
  signals_.invalidate_all(outlet_);
  benched_.store(true, std::memory_order_relaxed);
}

void Instance::close_streams() {
  for (const std::int32_t stream : streams_) {
    if (stream >= 0) port_.close(port_.self, stream);
  }
}

void Instance::stop(std::int64_t now_ns) {
  if (state_ != DriverState::Running) return;
  supervisor_->trip_if_armed(message::TripReason::CoreStop, now_ns);
  say_good_bye("stopping", now_ns);
}

void Instance::say_good_bye(std::string_view why, std::int64_t now_ns) {
  set_state(DriverState::Stopping, message::Severity::Info, why);
  call([&](void* seat) { seat_->driver->stop(seat, now_ns); });
}

std::unique_ptr<Seat> Instance::prepare(const rise_driver* driver,
                                        std::shared_ptr<const Library> library, std::string* why) {
  auto seat = std::make_unique<Seat>(this, driver, std::move(library));
  std::vector<ConfigFault> faults;
  if (!seat->configure(abi_config(), &faults)) {
    *why = faults.front().path + (faults.front().path.empty() ? "" : ": ") + faults.front().message;
    return nullptr;
  }
  // The region's directory and the sockets stand as long as the core does.
  if (!seat->fits(signals_, datagram_ports_, why)) return nullptr;
  return seat;
}

bool Instance::offer(std::unique_ptr<Seat>* seat) {
  if (given_up_.load(std::memory_order_relaxed) != nullptr) return false;
  Seat* none = nullptr;
  // Release: the lane that takes it finds it complete.
  if (!offered_.compare_exchange_strong(none, seat->get(), std::memory_order_release,
                                        std::memory_order_relaxed)) {
    return false;
  }
  static_cast<void>(seat->release());
  return true;
}

void Instance::give_up(Seat* seat) {
  // Release: whoever collects it finds what the lane has done to it. The place is free: offer() has
  // seen that, and only the lane fills it.
  given_up_.store(seat, std::memory_order_release);
}

// A seat is offered.
void Instance::change_seats(std::int64_t now_ns) {
  if (state_ == DriverState::Running) {
    if (supervisor_->channel().state() == message::SafetyState::Armed) {
      notice(kReloadRefused, "not reloaded: the machine is armed; disarm it first");
      give_up(offered_.exchange(nullptr, std::memory_order_acquire));
      return;
    }
    seat_wanted_since_ns_ = now_ns;
    say_good_bye("stopping for a reload", now_ns);
    return;
  }
  const bool waited = seat_wanted_since_ns_ != 0;
  if (!waited && state_ != DriverState::Benched) return;  // the core stops: nobody sits down now
  if (!finished()) {
    if (waited && now_ns - seat_wanted_since_ns_ > kGoodByeLimit_ns) close_streams();
    return;
  }
  seat_wanted_since_ns_ = 0;
  seat_->phase = Seat::Phase::None;
  give_up(seat_.release());
  seat_.reset(offered_.exchange(nullptr, std::memory_order_acquire));
  seat_->phase = Seat::Phase::Lane;
  signals_.invalidate_all(outlet_);
  link_ = RISE_LINK_DOWN;
  budget_ = Budget(spec_.budget);
  benched_.store(false, std::memory_order_relaxed);
  add_counter(DriverCounter::Seats, 1);
  set_state(DriverState::Running, message::Severity::Info, waited ? "reloaded" : "started anew");
  call([&](void* seat) { seat_->driver->start(seat, now_ns); });
}

bool Instance::finished() const {
  return std::all_of(std::begin(streams_), std::end(streams_),
                     [](std::int32_t stream) { return stream < 0; });
}

void Instance::finish() {
  if (running()) set_state(DriverState::Stopped, message::Severity::Info, "stopped");
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
