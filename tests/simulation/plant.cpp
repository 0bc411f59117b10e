#include "tests/simulation/plant.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "config/schema/document.hpp"
#include "drivers/focas/simulator/process/settings.hpp"
#include "drivers/telemetry/driver.hpp"
#include "drivers/telemetry/simulator/settings.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/random.hpp"

namespace rise::simulation {

namespace {

constexpr std::int64_t kStart_ns = 1'000'000'000'000;
constexpr std::int64_t kMaxLateness_ns = 60'000;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "simulation: %s\n", why.c_str());
  std::exit(2);
}

// cncsim's sessions as a peer of the simulated network.
io::SimulatedPeer peer_of(cncsim::Machine* machine) {
  io::SimulatedPeer peer;
  peer.self = machine;
  // The network numbers connections by itself; the sessions have numbers of their own.
  static thread_local std::map<std::pair<void*, std::uint32_t>, std::uint32_t> numbers;
  peer.on_connect = [](void* self, std::uint32_t connection, std::int64_t now_ns) {
    const std::uint32_t number = static_cast<cncsim::Machine*>(self)->sessions.connect(now_ns);
    if (number != 0) numbers[{self, connection}] = number;
    return number != 0;
  };
  peer.on_bytes = [](void* self, std::uint32_t connection, const std::uint8_t* bytes,
                     std::uint32_t length, std::int64_t now_ns, std::vector<std::uint8_t>* reply) {
    return static_cast<cncsim::Machine*>(self)->sessions.on_bytes(numbers[{self, connection}],
                                                                  {bytes, length}, now_ns, reply);
  };
  peer.on_closed = [](void* self, std::uint32_t connection, std::int64_t) {
    static_cast<cncsim::Machine*>(self)->sessions.disconnect(numbers[{self, connection}]);
    numbers.erase({self, connection});
  };
  peer.next_due_ns = [](void* self, std::uint32_t connection) {
    return static_cast<cncsim::Machine*>(self)->sessions.next_due_ns(numbers[{self, connection}]);
  };
  peer.poll = [](void* self, std::uint32_t connection, std::int64_t now_ns,
                 std::vector<std::uint8_t>* reply) {
    return static_cast<cncsim::Machine*>(self)->sessions.poll(numbers[{self, connection}], now_ns,
                                                              reply);
  };
  return peer;
}

}  // namespace

bool Plant::verbose = false;

Plant::Plant(const PlantSpec& spec) : clock_(kStart_ns, spec.seed, kMaxLateness_ns) {
  std::vector<config::Problem> problems;
  const cncsim::Config controls =
      cncsim::read_config(config::parse(spec.controls, &problems), 1'700'000'000, &problems);
  const std::string toml =
      "[core]\nname = \"simulation\"\nhugepages = false\nhistory_s = 30\nseed = " +
      std::to_string(spec.seed & 0x7fffffff) + "\n" + spec.core;
  plan::Plan plan = plan::make_plan(
      toml,
      [](const std::string& name) {
        return driver::Library::adopt(name == "telemetry" ? telemetry::driver()
                                                          : rise_driver_entry());
      },
      &problems);
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", config::to_string(problem, "simulation").c_str());
  }
  if (!problems.empty()) give_up("the config of the scenario is wrong");
  fleet_ = cncsim::make_fleet(controls.machines);
  clock_table_ = clock_.table();
  if (spec.busy) {
    busy_random_ = spec.seed;
    clock_table_.self = this;
    clock_table_.now = [](void* self) { return static_cast<Plant*>(self)->clock_.now_ns(); };
    clock_table_.stamp = [](void* self) { return static_cast<Plant*>(self)->busy_stamp(); };
    clock_table_.wait_until = [](void* self, std::int64_t deadline_ns) {
      const cycle::Clock clock = static_cast<Plant*>(self)->clock_.table();
      return clock.wait_until(clock.self, deadline_ns);
    };
  }
  core::CoreOptions options;
  options.directory = spec.folder;
  options.clock = &clock_table_;
  options.config = toml;
  options.port = [&](std::uint32_t, const io::StreamSink& sink) {
    network_ = std::make_unique<io::SimulatedNetwork>(spec.seed, sink);
    return network_->table();
  };
  if (!spec.sensors.empty()) {
    options.datagrams = [&](std::uint32_t, const io::DatagramSink& sink) {
      datagrams_ = std::make_unique<io::SimulatedDatagrams>(spec.seed, sink);
      return datagrams_->table();
    };
  }
  auto made = core::Core::make(std::move(plan), options);
  if (!made) give_up(made.error());
  core_ = std::move(*made);
  if (!spec.sensors.empty()) place_sensors(spec.sensors);
  for (const auto& machine : fleet_) {
    network_->listen(machine->spec.address, machine->spec.port, peer_of(machine.get()));
  }
  auto reader = shm::Reader::open(core_->region(), "", shm::Start::Oldest);
  if (!reader) give_up(reader.error());
  reader_ = std::make_unique<shm::Reader>(std::move(*reader));
  core_->lane(0).begin();
}

Plant::~Plant() = default;

std::int64_t Plant::period_ns() const { return core_->plan().lanes[0].spec.period_ns; }

// The sensors, and the ports of the machines that are to hear them, in the order of the machines.
void Plant::place_sensors(const std::string& toml) {
  std::vector<config::Problem> problems;
  const sensorsim::Config config =
      sensorsim::read_config(config::parse(toml, &problems), &problems);
  if (!problems.empty()) give_up(config::to_string(problems[0], "sensors"));
  sensors_ = std::make_unique<sensorsim::Schedule>(config);
  sensors_port_ = config.port;
  for (const auto& machine : core_->plan().machines) {
    for (const io::DatagramSpec& port : machine->datagram_ports()) {
      datagrams_->declare(machine->spec().machine, port);
    }
  }
}

void Plant::play_sensors() {
  constexpr std::size_t kMost = 4096;
  const rise_endpoint from{0x0a000005, 5005, 0};
  std::vector<sensorsim::Packet> packets;
  sensors_->make(clock_.now_ns() - kStart_ns, kMost, &packets);
  for (const sensorsim::Packet& packet : packets) {
    datagrams_->arrive(from, sensors_port_, {packet.bytes, packet.length}, clock_.now_ns());
  }
}

bool Plant::run_cycles(std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) {
    if (sensors_ != nullptr) play_sensors();
    const bool on = core_->lane(0).cycle();
    // Nothing is to be lost to the journal: this lane runs faster than any recorder's thread.
    if (record::Recorder* recorder = core_->recorder(0); recorder != nullptr && i % 64 == 0) {
      recorder->pump();
    }
    if (verbose) print_events();
    if (!on) return false;
  }
  return true;
}

void Plant::print_events() {
  message::MachineEvent event;
  while (reader_->next(&event)) {
    std::printf("  %10.4f s  machine %d: %s\n",
                static_cast<double>(event.mono_ns() - kStart_ns) * 1e-9,
                static_cast<std::int16_t>(event.machine()), message::event_text(event).c_str());
  }
  message::CommandResult result;
  while (reader_->next(&result)) {
    std::printf("  %10.4f s  machine %d: command %s\n",
                static_cast<double>(result.mono_ns() - kStart_ns) * 1e-9,
                static_cast<std::int16_t>(result.machine()), message::result_text(result).c_str());
  }
}

std::int64_t Plant::busy_stamp() {
  const std::uint64_t random = next_random(&busy_random_);
  clock_.spend(static_cast<std::int64_t>(random % 3000));
  if (random >> 32 < (std::uint64_t{1} << 32) / 3000) clock_.spend(1'500'000);
  return clock_.now_ns();
}

bool Plant::run_seconds(double seconds) {
  return run_cycles(static_cast<std::uint64_t>(seconds * 1e9) /
                    static_cast<std::uint64_t>(period_ns()));
}

Plant::Place Plant::find(std::size_t machine, const std::string& signal) {
  for (const message::SignalEntry& entry :
       core_->region().table<message::SignalEntry>(shm::SectionKind::Signals)) {
    if (entry.machine() == machine && message::get_text(entry.name()) == signal) {
      return {entry.machine(), entry.page(), entry.slot()};
    }
  }
  give_up("no signal " + signal);
}

std::uint64_t Plant::counter(std::size_t machine, message::DriverCounter which) {
  return core_->region()
      .table<message::DriverHealth>(shm::SectionKind::Drivers)[machine]
      .counters()
      ->Get(static_cast<flatbuffers::uoffset_t>(which));
}

const message::MachineState& Plant::state(std::size_t machine) {
  std::size_t words = 0;
  const shm::Word* cell = core_->region().cell(shm::SectionKind::States, machine, &words);
  // One thread: the cell is never half written.
  std::memcpy(static_cast<void*>(&state_), cell + 1, sizeof state_);
  return state_;
}

void Plant::send(message::CommandKind kind, std::uint16_t machine, std::uint16_t output,
                 double value, message::Approval approval) {
  message::Command command;
  command.mutate_sequence(++sequence_);
  command.mutate_issued_mono_ns(clock_.now_ns());
  command.mutate_ttl_ns(1'000'000'000);
  command.mutate_value(value);
  command.mutate_machine(machine);
  command.mutate_output(output);
  command.mutate_kind(kind);
  command.mutate_approval(approval);
  message::set_text(command.mutable_approver(), "simulation");
  shm::RingShape shape;
  shm::Word* memory = core_->region().commands(0, &shape);
  shm::Word words[sizeof command / sizeof(shm::Word)];
  std::memcpy(words, &command, sizeof command);
  if (!shm::SpscProducer<>(memory, shape).push(words)) give_up("the command ring is full");
}

void Plant::beat() {
  core_->region().control()->sidecar_heartbeat_ns = static_cast<shm::Word>(clock_.now_ns());
}

void Plant::set_stop_word(std::uint64_t value) { core_->region().control()->stop_word = value; }

}  // namespace rise::simulation
