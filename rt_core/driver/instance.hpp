// One machine: a driver's instance, its signals, its safety, its statistics. The host side of the
// driver ABI: it calls the driver, times each call, and gives it the host's services
// (host_services.cpp).
//
// Set-up thread: the constructor, configure, lay_out, bind, destructor. Lane thread: everything
// else.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/driver/budget.hpp"
#include "rt_core/driver/seat.hpp"
#include "rt_core/driver/signals.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/io/witness.hpp"
#include "rt_core/message/text.hpp"
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

// When a benched driver gets another try.
struct RetrySpec {
  std::int64_t first_ns = 0;  // wait before the first one; 0 = never
  std::int64_t max_ns = 0;    // the wait doubles up to this; it starts over after running as long
};

struct InstanceSpec {
  std::string name;
  std::uint16_t machine = 0;
  std::uint16_t lane = 0;
  const rise_driver* driver = nullptr;
  std::shared_ptr<const Library> library;  // what driver lives in; empty: the program itself
  std::vector<rise_setting> settings;
  std::vector<OutputConfig> outputs;
  std::vector<LimitConfig> limits;
  std::int64_t max_sample_age_ns = 1'000'000'000;
  safety::SidecarLoss sidecar_loss = safety::SidecarLoss::Rollback;
  std::int64_t cycle_period_ns = 1'000'000;
  BudgetSpec budget;
  RetrySpec retry;
  std::uint64_t seed = 1;
};

class Instance {
 public:
  static constexpr std::uint32_t kMaxStreams = 4;
  static constexpr std::size_t kMaxAlarms = 32;
  // How long a driver may take for its good-bye before its streams are closed for a reload.
  static constexpr std::int64_t kGoodByeLimit_ns = 500'000'000;
  // Code of the notice that a reload was refused by the lane.
  static constexpr std::int32_t kReloadRefused = -1;
  // Code of a notice that the core's own care for the driver has posted.
  static constexpr std::int32_t kCare = -2;

  explicit Instance(InstanceSpec spec);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Set-up. False: see faults.
  bool configure(std::vector<ConfigFault>* faults);
  void lay_out(std::uint16_t first_text) { signals_.lay_out(spec_.machine, first_text); }
  // UDP ports that the driver declared; numbers: theirs at the port that carries them.
  [[nodiscard]] const std::vector<io::DatagramSpec>& datagram_ports() const {
    return datagram_ports_;
  }
  void bind_datagrams(const io::DatagramPort& port, std::vector<std::int32_t> numbers) {
    datagrams_ = port;
    datagram_numbers_ = std::move(numbers);
  }
  // Another table for the same ports: one that looks at what passes.
  void rebind_datagrams(const io::DatagramPort& port) { datagrams_ = port; }
  // Who sees the notices and seats that the lane takes in; outlives it.
  void watch(const io::Witness* witness) { witness_ = witness; }
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
  void on_datagram(std::int32_t number, const rise_datagram& datagram, std::int64_t now_ns);
  // The lane's conditions; link and driver are filled in here.
  void judge(const safety::Conditions& lane, std::int64_t now_ns);
  // -> frames written.
  std::uint32_t publish();
  // End of the cycle: what the driver has used of its budget. True: it was benched now.
  bool account(std::int64_t* spent_ns);
  void bench(std::string_view why);
  // Asks for an orderly end; finished() once all streams are closed.
  void stop(std::int64_t now_ns);
  [[nodiscard]] bool finished() const;
  void finish();

  // Another driver instance takes the seat: a reloaded driver, or a new start of a benched one.
  // Ordinary thread: prepares it; nothing of the machine changes. Null: see *why.
  [[nodiscard]] std::unique_ptr<Seat> prepare(const rise_driver* driver,
                                              std::shared_ptr<const Library> library,
                                              std::string* why);
  // Ordinary thread. Gives it to the lane, which lets it take over between two cycles, after an
  // orderly stop of the one before. False: one is waiting already, or the one before that is not
  // yet collected.
  [[nodiscard]] bool offer(std::unique_ptr<Seat>* seat);
  // Ordinary thread. The seat that was given up, to be destroyed there; or one that was refused,
  // because the machine is armed.
  [[nodiscard]] std::unique_ptr<Seat> collect() {
    return std::unique_ptr<Seat>(given_up_.exchange(nullptr, std::memory_order_acq_rel));
  }
  // Lane: somebody asks for a reload. Ordinary thread: was one asked for since the last time?
  void ask_for_reload() { reload_asked_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool take_reload_request() {
    return reload_asked_.exchange(false, std::memory_order_relaxed);
  }
  // Ordinary thread: the lane tells it as an event, in its next cycle. One at a time: while one
  // waits, another is dropped.
  void post_notice(std::string_view text);
  // Any thread: benched, and nobody sits in waiting. Relaxed: looked at again and again.
  [[nodiscard]] bool benched() const { return benched_.load(std::memory_order_relaxed); }

 private:
  friend struct HostServices;
  [[nodiscard]] bool running() const {
    return state_ == message::DriverState::Running || state_ == message::DriverState::Stopping;
  }
  // Calls into the driver, timed; a call that is broken off benches it.
  template <class Function>
  bool call(Function&& function);
  template <class Function>
  bool call_untimed(Function&& function);
  void broke_off(const guard::Fault& fault);
  void change_seats(std::int64_t now_ns);
  void give_up(Seat* seat);
  void say_good_bye(std::string_view why, std::int64_t now_ns);
  void close_streams();
  void notice(std::int32_t code, std::string_view text);
  [[nodiscard]] rise_config abi_config() const;
  void set_state(message::DriverState state, message::Severity severity, std::string_view why);
  std::int32_t set_link(std::uint32_t state, std::uint32_t endpoint, std::string_view reason);
  std::int32_t set_alarms(const rise_alarm* alarms, std::uint32_t count);
  std::int32_t sample(std::int32_t group, std::int64_t time_ns);
  void tell_alarm(const message::AlarmState& alarm, bool on);
  void tell_state_snapshot();
  void count(std::uint32_t counter, std::uint64_t n);
  void set_counter(message::DriverCounter counter, std::uint64_t value);
  void add_counter(message::DriverCounter counter, std::uint64_t n);
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
  std::unique_ptr<Seat> seat_;
  Signals signals_;
  std::vector<io::DatagramSpec> datagram_ports_;
  // Handed over between the lane and the ordinary thread; owned by whoever takes them out.
  std::atomic<Seat*> offered_{nullptr};
  std::atomic<Seat*> given_up_{nullptr};
  std::atomic<bool> reload_asked_{false};
  std::atomic<bool> benched_{false};
  std::atomic<bool> notice_posted_{false};
  char posted_notice_[message::kMaxEventText];
  std::size_t posted_length_ = 0;
  std::int64_t seat_wanted_since_ns_ = 0;         // the one at work was asked to stop; 0 = not
  std::optional<safety::Supervisor> supervisor_;  // from bind() on
  Budget budget_;

  shm::Outlet* outlet_ = nullptr;
  io::StreamPort port_;
  io::DatagramPort datagrams_;
  std::vector<std::int32_t> datagram_numbers_;  // by the driver's own
  message::DriverHealth* health_ = nullptr;
  std::uint64_t* counters_ = nullptr;
  shm::HistogramRecorder step_histogram_;
  shm::HistogramRecorder round_trip_histogram_;
  std::int64_t (*stamp_)(void*) = nullptr;
  void* clock_ = nullptr;
  const io::Witness* witness_ = nullptr;  // may be null, as may its functions

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
