#include "rt_core/kit/rig.hpp"

#include "rt_core/message/event_text.hpp"

namespace rise::kit {

namespace {

constexpr std::int64_t kStart_ns = 1'000'000'000'000;
constexpr std::int64_t kLatency_ns = 50'000;

std::string config_of(const Subject& subject, const std::vector<RigMachine>& machines,
                      std::uint64_t seed) {
  std::string list;
  for (const RigMachine& machine : machines) {
    SettingsTree tree = subject.machine;
    tree.set("name", quoted_toml(machine.name));
    tree.set("lane", "\"main\"");
    for (const auto& [path, toml] : machine.changes) tree.set(path, toml);
    list += (list.empty() ? "" : ", ") + tree.toml();
  }
  // Nothing benches here: the checks judge, and time stands still during a cycle anyway.
  static int cores = 0;  // several may live at the same time
  return "machine = [" + list + "]\n" + "[core]\nname = \"kit-" + std::to_string(++cores) +
         "\"\nhugepages = false\n" +
         "history_s = 1\nflight_cycles = 16\nstop_grace_ms = 1000\nseed = " +
         std::to_string((seed & 0x7fffffff) + 1) +
         "\n[[lane]]\nname = \"main\"\nperiod_us = 1000\nbench_after = 0\ncpu = -2\n";
}

}  // namespace

Rig::Rig(Trial& trial, const std::vector<RigMachine>& machines, bool expect_refusal)
    : trial_(trial),
      found_before_(trial.findings()),
      machines_(machines),
      clock_(kStart_ns, trial.seed, 0) {
  probe_mode.scene = trial.scene;
  probe_mode.seed = trial.seed;
  for (RigMachine& machine : machines_) {
    machine.peer.seed = machine.peer.seed * 1000003 + trial.seed;
    peers_.push_back(
        std::make_unique<Peer>(machine.peer, trial.subject.dialog, trial.subject.words));
  }
  std::vector<config::Problem> problems;
  std::size_t next = 0;
  plan::Plan plan = plan::make_plan(
      config_of(trial.subject, machines_, trial.seed),
      [&](const std::string&) -> Result<driver::Library> {
        const RigMachine& machine = machines_[next++];
        if (machine.driver != nullptr)
          return driver::Library::adopt(Probe::wrap(machine.slot, machine.driver));
        static std::vector<driver::Library> loaded;  // for the life of the process
        if (loaded.empty()) {
          Result<driver::Library> library = driver::Library::load(trial.subject.path);
          if (!library) return Failure{library.error()};
          loaded.push_back(std::move(*library));
        }
        return driver::Library::adopt(Probe::wrap(machine.slot, &loaded[0].driver()));
      },
      &problems);
  for (const config::Problem& problem : problems)
    problems_.push_back(problem.path + ": " + problem.message);
  if (!problems.empty()) {
    if (!expect_refusal) {
      trial.find("the config is refused: " + problems_[0] +
                 (trial.subject.from_config ? "" : "; give one that fits with --config"));
    }
    return;
  }
  clock_table_ = clock_.table();
  core::CoreOptions options;
  options.directory = trial.subject.folder;
  options.clock = &clock_table_;
  options.port = [&](std::uint32_t, const io::StreamSink& sink) {
    network_ = std::make_unique<io::SimulatedNetwork>(trial.seed, sink);
    return network_->table();
  };
  auto made = core::Core::make(std::move(plan), options);
  if (!made) {
    problems_.push_back(made.error());
    trial.find("the kit cannot make a core: " + made.error());
    return;
  }
  core_ = std::move(*made);
  io::NetworkFaults faults;
  // Always the same: what one machine does changes nothing for another.
  faults.latency_min_ns = faults.latency_max_ns = kLatency_ns;
  network_->set_faults(faults);
  auto reader = shm::Reader::open(core_->region(), "", shm::Start::Oldest);
  if (reader) reader_ = std::make_unique<shm::Reader>(std::move(*reader));
}

Rig::~Rig() = default;

void Rig::connecting(const std::string& machine, const std::string& host, std::uint16_t port) {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i].name != machine) continue;
    const std::string own = machine + "/" + host;
    const Manner manner = peers_[i]->spec.manner;
    io::NetworkFaults faults;
    faults.latency_min_ns = faults.latency_max_ns = kLatency_ns;
    faults.connect_loss = manner == Manner::Lost ? 1 : 0;
    network_->set_faults(faults);
    if (manner == Manner::Absent) {
      network_->unlisten(own, port);
    } else {
      network_->listen(own, port, peers_[i]->table());
    }
  }
}

// Rigs may take turns.
void Rig::take_turn() {
  probe_mode.connecting = [this](const std::string& machine, const std::string& host,
                                 std::uint16_t port) { connecting(machine, host, port); };
}

void Rig::begin() {
  take_turn();
  core_->lane(0).begin();
}

bool Rig::run_ms(std::int64_t ms) {
  take_turn();
  for (std::int64_t i = 0; i < ms; ++i) {
    if (!core_->lane(0).cycle()) return false;
    for (const RigMachine& machine : machines_) {
      Probe* probe = Probe::find(machine.name);
      if (probe == nullptr || probe->fault.empty()) continue;
      trial_.find(probe->fault);
      probe->fault.clear();
      return false;
    }
    if (i % 64 == 0) watch_events();
    if (i % 10 == 9) send_datagrams();
  }
  watch_events();
  return trial_.findings() == found_before_;
}

// Straight to the driver: what a socket would do with them is not what is checked.
void Rig::send_datagrams() {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    Probe* probe = Probe::find(machines_[i].name);
    if (probe == nullptr || probe->datagram_ports == 0) continue;
    const std::vector<std::uint8_t> bytes = peers_[i]->datagram();
    if (!bytes.empty()) probe->datagram(0, bytes, clock_.now_ns());
  }
}

// A core that contains crashes tells of them by benching the driver.
void Rig::watch_events() {
  if (reader_ == nullptr) return;
  message::MachineEvent event;
  while (reader_->next(&event)) {
    if (event.kind() != message::EventKind::DriverState) continue;
    if (static_cast<message::DriverState>(event.code()) != message::DriverState::Benched) continue;
    trial_.find("the core has benched the driver: " + message::event_text(event));
  }
  message::TelemetryFrame frame;
  while (reader_->next(&frame)) continue;
}

std::int64_t Rig::stop() {
  take_turn();
  const std::int64_t start_ns = clock_.now_ns();
  core_->inputs().stop.store(true);
  // A little more than the grace time.
  for (int i = 0; i < 1100; ++i) {
    if (core_->lane(0).cycle()) continue;
    const std::int64_t took_ms = (clock_.now_ns() - start_ns) / 1'000'000;
    for (std::size_t m = 0; m < machines_.size(); ++m) {
      if (!core_->machine(m).finished()) return -1;
    }
    return took_ms;
  }
  return -1;
}

void Rig::speak(std::size_t i) {
  const std::set<std::int32_t> streams = probe(i).open_streams;
  for (const std::int32_t stream : streams) {
    const std::string words = peers_[i]->speak();
    if (words.empty() || !probe(i).connected_streams.contains(stream)) continue;
    core_->machine(i).on_bytes(stream, reinterpret_cast<const std::uint8_t*>(words.data()),
                               static_cast<std::uint32_t>(words.size()), clock_.now_ns());
  }
}

void Rig::set_manner(std::size_t i, Manner manner) { peers_[i]->spec.manner = manner; }

bool Rig::reconnects(std::int64_t ms) {
  const std::uint64_t opens = probe().opens;
  const std::uint64_t received = peers_[0]->received;
  const std::uint64_t connects = peers_[0]->connects;
  for (std::int64_t t = 0; t < ms; t += 100) {
    // Sends again on a connection that stayed, or makes a new one.
    if (peers_[0]->received > received) return true;
    if (probe().opens > opens && peers_[0]->connects > connects) return true;
    if (!run_ms(100)) return true;  // found something else
  }
  return false;
}

}  // namespace rise::kit
