// A core: the plan turned into a shared region, lanes and ports. start() makes a thread of every
// lane; simulations drive the lanes themselves instead, on their own clock and network.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "rt_core/core/caretaker.hpp"
#include "rt_core/core/keepalive.hpp"
#include "rt_core/core/lane_ports.hpp"
#include "rt_core/cycle/clock.hpp"
#include "rt_core/cycle/lane.hpp"
#include "rt_core/guard/watchdog.hpp"
#include "rt_core/plan/plan.hpp"
#include "rt_core/record/recorder.hpp"
#include "rt_core/shm/region_owner.hpp"

namespace rise::core {

struct CoreOptions {
  std::string directory = "/dev/shm";
  // Simulations: the clock of all lanes, and the port of each. Absent: the machine's own.
  const cycle::Clock* clock = nullptr;
  std::function<io::StreamPort(std::uint32_t lane, const io::StreamSink& sink)> port;
  std::function<io::DatagramPort(std::uint32_t lane, const io::DatagramSink& sink)> datagrams;
  // Replays: what else enters a lane, and what the core before this one is to have left.
  std::function<io::Witness(std::uint32_t lane)> witness;
  std::optional<shm::Predecessor> predecessor;
  std::string config;  // the text that the plan was made of, for recordings
};

class Core {
 public:
  // Makes the region and everything in it; starts nothing.
  static Result<std::unique_ptr<Core>> make(plan::Plan plan, const CoreOptions& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Makes a real-time thread of each lane. What the machine refused is in shortfalls(), and in the
  // region.
  Result<Done> start();
  // Asks the lanes for an orderly end, waits for it. Idempotent.
  void stop();
  // What is done outside the lanes: clock offset, page faults, context switches, and a look whether
  // the `in` file is still whole. Every second or so, from an ordinary thread.
  void housekeep();

  [[nodiscard]] const std::vector<std::string>& shortfalls() const { return shortfalls_; }
  [[nodiscard]] const plan::Plan& plan() const { return plan_; }
  [[nodiscard]] shm::OwnedRegion& region() { return region_; }
  [[nodiscard]] cycle::Lane& lane(std::size_t i) { return *lanes_[i]->lane; }
  [[nodiscard]] driver::Instance& machine(std::size_t i) { return *plan_.machines[i]; }
  [[nodiscard]] cycle::LaneInputs& inputs() { return inputs_; }
  // Null: the lane is not recorded. Simulations call its pump() themselves.
  [[nodiscard]] record::Recorder* recorder(std::size_t i) { return lanes_[i]->recorder.get(); }
  // What has happened outside the lanes since it was last asked, for people. With housekeep().
  [[nodiscard]] std::vector<std::string> news();
  // For the watchdogs over the core. Any thread of it, after start().
  [[nodiscard]] std::vector<LanePulse> pulses();
  // After stop(): what the ports have refused and why, one line for each lane that knows.
  [[nodiscard]] std::vector<std::string> figures() const;
  // What the core does without, and where it is.
  [[nodiscard]] std::string describe() const;

 private:
  struct LaneParts {
    cycle::SystemClock clock;
    std::unique_ptr<record::Recorder> recorder;  // null: none
    std::unique_ptr<cycle::Lane> lane;
    LanePorts ports;
    guard::CallMonitor monitor;
    pthread_t thread{};
    bool started = false;
    std::string failure;  // the thread could not start
    std::atomic<int> thread_id{0};
    std::atomic<bool> ready{false};
    bool counts_known = false;
    std::uint64_t base_faults = 0;
    std::uint64_t base_voluntary = 0;
    std::uint64_t base_involuntary = 0;
  };

  explicit Core(plan::Plan plan) : plan_(std::move(plan)) {}
  void leave_lane_cpus();
  void fill_directory();
  Result<Done> make_lane(std::size_t i, const CoreOptions& options);
  void make_recorder(std::size_t i, const CoreOptions& options, const cycle::Clock& clock);
  void start_watchdog();
  void seal_lane(std::size_t i);
  static void* lane_thread(void* argument);
  void run_lane(std::size_t i);
  void shortfall(std::size_t lane, const std::string& text);
  void update_clock_offset();

  plan::Plan plan_;
  shm::OwnedRegion region_;
  cycle::LaneInputs inputs_;
  std::vector<std::unique_ptr<LaneParts>> lanes_;
  std::vector<std::string> shortfalls_;
  guard::Watchdog watchdog_;
  Caretaker caretaker_;
  int dma_latency_fd_ = -1;
  bool noting_death_ = false;
  bool running_ = false;
};

}  // namespace rise::core
