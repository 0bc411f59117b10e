// One machine: a driver's instance, its signals, its safety, its statistics. The host side of the
// driver ABI: it calls the driver, times each call, and gives it the host's services
// (host_services.cpp).
//
// Set-up thread: the constructor, configure, lay_out, bind, destructor. Lane thread: everything
// else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/driver/budget.hpp"
#include "rt_core/driver/signals.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/safety/supervisor.hpp"
#include "rt_core/shm/histogram.hpp"
#include "rt_core/shm/outlet.hpp"

namespace rise::driver {

struct OutputConfig {
  std::string name;
  std::string target;
  safety::OutputSpec limits;
};

struct LimitConfig {
  std::string signal;
  safety::LimitSpec spec;
  std::uint32_t line = 0;  // in the config file, for messages
};

struct InstanceSpec {
  std::string name;
  std::uint16_t machine = 0;
  std::uint16_t lane = 0;
  const rise_driver* driver = nullptr;
  std::vector<rise_setting> settings;
  std::vector<OutputConfig> outputs;
  std::vector<LimitConfig> limits;
  std::int64_t max_sample_age_ns = 1'000'000'000;
  safety::SidecarLoss sidecar_loss = safety::SidecarLoss::Rollback;
  std::int64_t cycle_period_ns = 1'000'000;
  BudgetSpec budget;
  std::uint64_t seed = 1;
};

// A fault of the machine's settings found by the driver; the path is relative to the driver's
// table.
struct ConfigFault {
  std::string path;
  std::string message;
};

class Instance {
 public:
  static constexpr std::uint32_t kMaxStreams = 4;
  static constexpr std::size_t kMaxAlarms = 32;

  explicit Instance(InstanceSpec spec);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Set-up. False: see faults.
  bool configure(std::vector<ConfigFault>* faults);
  void lay_out(std::uint16_t first_text) { signals_.lay_out(spec_.machine, first_text); }
  // What it works with from now on; all outlive it.
  void bind(shm::Outlet* outlet, const io::StreamPort& port, message::DriverHealth* health,
            std::int64_t (*stamp)(void*), void* clock);

  [[nodiscard]] const InstanceSpec& spec() const { return spec_; }
  [[nodiscard]] const Signals& signals() const { return signals_; }
  [[nodiscard]] safety::Supervisor& supervisor() { return *supervisor_; }
  [[nodiscard]] message::DriverState state() const { return state_; }
  [[nodiscard]] bool link_up() const { return link_ == RISE_LINK_UP; }

  // Lane. Time spent in the driver is added up until account().
  void start(std::int64_t now_ns);
  // *mark_ns: the time before, then the time after; one clock reading per driver.
  void step(const rise_cycle& cycle, std::int64_t* mark_ns);
  void on_open(std::int32_t stream, std::int64_t now_ns);
  void on_bytes(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length,
                std::int64_t now_ns);
  void on_closed(std::int32_t stream, std::int32_t reason, std::int64_t now_ns);
  void judge(const safety::LaneConditions& lane, std::int64_t now_ns);
  // -> frames written.
  std::uint32_t publish();
  // End of the cycle: what the driver has used of its budget. True: it was benched now.
  bool account(std::int64_t* spent_ns);
  void bench(const char* why);
  // Asks for an orderly end; finished() once all streams are closed.
  void stop(std::int64_t now_ns);
  [[nodiscard]] bool finished() const;
  void finish();

 private:
  friend struct HostServices;
  enum class Phase { SetUp, Configuring, Lane };

  [[nodiscard]] bool running() const {
    return state_ == message::DriverState::Running || state_ == message::DriverState::Stopping;
  }
  void set_state(message::DriverState state, message::Severity severity, const char* why);
  std::int32_t set_link(std::uint32_t state, std::uint32_t endpoint, const char* reason);
  std::int32_t set_alarms(const rise_alarm* alarms, std::uint32_t count);
  std::int32_t sample(std::int32_t group, std::int64_t time_ns);
  void tell_alarm(const message::AlarmState& alarm, bool on);
  void tell_state_snapshot();
  void count(std::uint32_t counter, std::uint64_t n);
  void set_counter(message::DriverCounter counter, std::uint64_t value);
  [[nodiscard]] bool owns(std::int32_t stream) const;
  void forget(std::int32_t stream);

  // Adds the duration of a call into the driver to spent_ns_.
  class Timed {
   public:
    explicit Timed(Instance* instance)
        : instance_(instance), start_ns_(instance->stamp_(instance->clock_)) {}
    ~Timed() { instance_->spent_ns_ += instance_->stamp_(instance_->clock_) - start_ns_; }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

   private:
    Instance* instance_;
    std::int64_t start_ns_;
  };

  InstanceSpec spec_;
  std::vector<rise_output_spec> output_specs_;
  rise_host host_{};
  void* driver_instance_ = nullptr;
  Phase phase_ = Phase::SetUp;
  std::vector<ConfigFault>* faults_ = nullptr;  // during configure
  Signals signals_;
  std::optional<safety::Supervisor> supervisor_;  // from bind() on
  Budget budget_;

  shm::Outlet* outlet_ = nullptr;
  io::StreamPort port_;
  message::DriverHealth* health_ = nullptr;
  std::uint64_t* counters_ = nullptr;
  shm::HistogramRecorder step_histogram_;
  shm::HistogramRecorder round_trip_histogram_;
  std::int64_t (*stamp_)(void*) = nullptr;
  void* clock_ = nullptr;

  message::DriverState state_ = message::DriverState::Configured;
  std::int64_t spent_ns_ = 0;
  std::int32_t streams_[kMaxStreams];
  std::uint32_t link_ = RISE_LINK_DOWN;
  std::uint32_t endpoint_ = 0;
  std::uint32_t told_link_ = RISE_LINK_CONNECTING;  // by the last event; CONNECTING: none yet
  std::uint32_t told_endpoint_ = 0;
  message::AlarmState alarms_[kMaxAlarms];
  std::uint32_t alarm_count_ = 0;
  bool snapshot_due_ = true;
  std::uint64_t random_ = 1;
};

}  // namespace rise::driver
