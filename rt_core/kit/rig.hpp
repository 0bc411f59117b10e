// A core with its real lane, real instances and the driver under test, on simulated time and a
// simulated network, with a probe in between. Faster than real time; the same seed, the same run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rt_core/core/core.hpp"
#include "rt_core/io/sim_network.hpp"
#include "rt_core/kit/peer.hpp"
#include "rt_core/kit/probe.hpp"
#include "rt_core/kit/trial.hpp"
#include "rt_core/shm/reader.hpp"

namespace rise::kit {

struct RigMachine {
  std::string name = "a";
  PeerSpec peer = {};
  std::size_t slot = 0;                 // of the probe: which copy of the driver
  const rise_driver* driver = nullptr;  // null: the subject's, loaded by the rig
  std::vector<std::pair<std::string, std::string>> changes = {};  // of the config: path, TOML
};

class Rig {
 public:
  Rig(Trial& trial, const RigMachine& machine)
      : Rig(trial, std::vector<RigMachine>{machine}, false) {}
  // expect_refusal: the config may be refused, see problems().
  Rig(Trial& trial, const std::vector<RigMachine>& machines, bool expect_refusal);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // False: the config was refused. Then nothing else may be called.
  [[nodiscard]] bool ok() const { return core_ != nullptr; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

  void begin();
  // False: something was found that makes going on useless (a crash that was contained).
  bool run_ms(std::int64_t ms);
  // Asks for the end, runs to it. -> how long it took, ms; -1: streams were left open.
  std::int64_t stop();

  [[nodiscard]] Probe& probe(std::size_t i = 0) { return *Probe::find(machines_[i].name); }
  [[nodiscard]] Peer& peer(std::size_t i = 0) { return *peers_[i]; }
  [[nodiscard]] io::SimulatedNetwork& network() { return *network_; }
  [[nodiscard]] core::Core& core() { return *core_; }
  [[nodiscard]] std::int64_t now_ns() const { return clock_.now_ns(); }
  // The device's side of all open streams says something unasked.
  void speak(std::size_t i = 0);
  // From now on.
  void set_manner(std::size_t i, Manner manner);
  // Runs until the driver has opened a connection and sent something, at most so long.
  bool reconnects(std::int64_t ms);

 private:
  void take_turn();
  void send_datagrams();
  void watch_events();
  void connecting(const std::string& machine, const std::string& host, std::uint16_t port);

  Trial& trial_;
  int found_before_;
  std::vector<RigMachine> machines_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::string> problems_;
  cycle::SimulatedClock clock_;
  cycle::Clock clock_table_;
  std::unique_ptr<io::SimulatedNetwork> network_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<shm::Reader> reader_;
};

}  // namespace rise::kit
