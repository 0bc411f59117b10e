// A whole plant in one thread: the core with its real lanes and the real focas driver, on a
// simulated clock and network, and cncsim's controls as peers. The same seed gives the same run,
// event by event, and much faster than real time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/simulator/process/fleet.hpp"
#include "drivers/telemetry/simulator/schedule.hpp"
#include "rt_core/core/core.hpp"
#include "rt_core/io/sim_datagrams.hpp"
#include "rt_core/io/sim_network.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/reader.hpp"

namespace rise::simulation {

struct PlantSpec {
  std::uint64_t seed = 1;
  std::string controls;  // cncsim config
  std::string core;      // rise config, without [core]
  std::string folder;    // for the region's files
  // Code takes time: every reading of the clock is a little later, sometimes much, so that cycles
  // overrun.
  bool busy = false;
  std::string sensors = {};  // sensorsim config; empty: none. They send to its target.port
};

class Plant {
 public:
  // Prints every event of every plant.
  static bool verbose;

  explicit Plant(const PlantSpec& spec);
  ~Plant();
  Plant(const Plant&) = delete;
  Plant& operator=(const Plant&) = delete;

  // Cycles of lane 0; false: the lane has ended.
  bool run_cycles(std::uint64_t n);
  bool run_seconds(double seconds);

  [[nodiscard]] core::Core& core() { return *core_; }
  [[nodiscard]] io::SimulatedNetwork& network() { return *network_; }
  // Null: there are no sensors.
  [[nodiscard]] io::SimulatedDatagrams* datagrams() { return datagrams_.get(); }
  // From now on they say nothing.
  void hush_sensors() { sensors_.reset(); }
  [[nodiscard]] const sensorsim::Schedule& sensors() const { return *sensors_; }
  [[nodiscard]] cncsim::Machine& control(std::size_t i) { return *fleet_[i]; }
  [[nodiscard]] cycle::SimulatedClock& clock() { return clock_; }
  [[nodiscard]] shm::Reader& reader() { return *reader_; }
  [[nodiscard]] std::int64_t period_ns() const;

  // The number of a signal of a machine, and where frames carry it.
  struct Place {
    std::uint16_t machine = 0;
    std::uint16_t page = 0;
    std::uint16_t slot = 0;
  };
  [[nodiscard]] Place find(std::size_t machine, const std::string& signal);
  [[nodiscard]] std::uint64_t counter(std::size_t machine, message::DriverCounter which);
  [[nodiscard]] const message::MachineState& state(std::size_t machine);

  // Puts a command into the ring as the sidecar would, at simulated time.
  void send(message::CommandKind kind, std::uint16_t machine, std::uint16_t output, double value,
            message::Approval approval = message::Approval::Approved);
  void beat();
  void set_stop_word(std::uint64_t value);

  // A bound on loops that wait for something to happen.
  template <class Condition>
  bool run_until(Condition condition, double seconds) {
    const std::int64_t end = clock_.now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    while (clock_.now_ns() < end) {
      if (condition()) return true;
      if (!run_cycles(1)) return false;
    }
    return condition();
  }

 private:
  cycle::SimulatedClock clock_;
  cycle::Clock clock_table_;
  cncsim::Fleet fleet_;
  std::unique_ptr<io::SimulatedNetwork> network_;
  std::unique_ptr<io::SimulatedDatagrams> datagrams_;
  std::unique_ptr<sensorsim::Schedule> sensors_;
  std::uint16_t sensors_port_ = 0;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<shm::Reader> reader_;
  void print_events();
  void place_sensors(const std::string& toml);
  void play_sensors();
  std::int64_t busy_stamp();
  std::uint64_t busy_random_ = 0;
  message::MachineState state_;
  std::uint64_t sequence_ = 0;
};

// What a seed found wrong.
class Faults {
 public:
  void check(bool good, const std::string& what) {
    if (!good && list_.size() < 20) list_.push_back(what);
  }
  [[nodiscard]] const std::vector<std::string>& list() const { return list_; }

 private:
  std::vector<std::string> list_;
};

}  // namespace rise::simulation
