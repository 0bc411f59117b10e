// One instance of the driver: a port, its sensors, and the analysis that is spread over the cycles.
// configure on the set-up thread; everything else on the lane, without allocation, lock or clock.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "drivers/telemetry/analysis.hpp"
#include "drivers/telemetry/sensor.hpp"
#include "drivers/telemetry/settings.hpp"

namespace rise::telemetry {

struct PortCounters {
  std::uint64_t received = 0;  // all
  std::uint64_t used = 0;
  std::uint64_t unknown = 0;  // sensor
  std::uint64_t refused = 0;  // source
  std::uint64_t dropped = 0;  // beyond datagrams_per_cycle
  std::uint64_t fault[kFaults] = {};
  [[nodiscard]] std::uint64_t bad() const;
};

class Machine {
 public:
  std::int32_t configure(const rise_host* host, const rise_config& config);
  void start(std::int64_t now_ns);
  void on_datagram(std::int32_t port, const rise_datagram& datagram, std::int64_t now_ns);
  void cycle(const rise_cycle& cycle);
  void stop();

  [[nodiscard]] const PortCounters& counters() const { return counters_; }
  [[nodiscard]] const Sensor* sensor(std::uint32_t id) const;
  // The most that a cycle has done, in units of work; for tests and benches.
  [[nodiscard]] std::int64_t largest_work() const { return largest_work_; }

 private:
  // Sensors whose signals are sampled together; bits are the sensors' `member`.
  struct Group {
    std::uint32_t number = 0;
    std::uint64_t alive = 0;
    std::uint64_t fresh = 0;  // have written since the last sample
    std::int64_t time_ns = 0;
  };
  static constexpr std::uint32_t kStatisticsPerCycle = 8;  // sensors

  std::int32_t declare(const rise_host& host, const Settings& settings);
  bool affordable(const rise_host& host, const rise_config& config, const Settings& settings) const;
  [[nodiscard]] bool is_peer(std::uint32_t address) const;
  Sensor* find(std::uint32_t id);
  void bad(Fault fault, Sensor* sensor);
  void tell(std::uint32_t what, const char* text);

  void before_write(Group* group, const Sensor& sensor);
  void after_write(Group* group, const Sensor& sensor, std::int64_t time_ns);
  void flush(Group* group, std::int64_t time_ns);
  void lose(Sensor* sensor, std::int64_t now_ns);
  void revive(Sensor* sensor);
  void link(std::uint32_t state, const char* reason);

  void analyse(std::int64_t budget, std::int64_t now_ns);
  bool begin_analysis();
  void statistics(std::int64_t now_ns);
  void count(std::uint32_t counter) { host_->count(host_->context, counter, 1); }

  const rise_host* host_ = nullptr;
  std::vector<Sensor> sensors_;  // sorted by id
  std::vector<Group> groups_;
  std::vector<std::uint32_t> peers_;
  std::vector<std::unique_ptr<Spectrum>> spectra_;
  std::int64_t work_per_cycle_ = 0;
  std::uint32_t datagrams_per_cycle_ = 0;
  std::int64_t statistics_ns_ = 0;
  std::int32_t port_ = -1;
  std::uint32_t statistics_group_ = 0;
  PortSignals signals_;

  PortCounters counters_;
  std::uint32_t in_this_cycle_ = 0;
  std::uint32_t alive_ = 0;   // sensors
  std::uint32_t link_ = ~0U;  // as last told
  std::uint32_t told_ = 0;    // notices, one bit each
  bool stopped_ = false;
  Analysis analysis_;
  Sensor* analysed_ = nullptr;
  std::uint32_t era_ = 0;  // of analysed_ when it began
  std::size_t turn_ = 0;   // sensor that is asked first for a window
  std::int64_t largest_work_ = 0;
  std::int64_t statistics_due_ns_ = 0;
  std::int64_t statistics_last_ns_ = 0;
  std::size_t statistics_next_ = 0;  // sensor; sensors_.size(): none is left
  std::int64_t statistics_elapsed_ns_ = 1;
};

}  // namespace rise::telemetry
