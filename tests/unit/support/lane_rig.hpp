// A whole core on simulated time: its lanes are driven by hand, cycle by cycle; its machines have
// the fake driver; its network is simulated and has one peer, "peer:1".
#pragma once

#include <CppUTest/TestHarness.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rt_core/core/core.hpp"
#include "rt_core/io/sim_network.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/histogram.hpp"
#include "tests/unit/support/fake_driver.hpp"
#include "tests/unit/support/shared_region.hpp"

namespace rise::test {

// Answers every message with "ok"; remembers when each came.
struct OkPeer {
  std::vector<std::pair<std::int64_t, std::string>> heard;
  int connections = 0;
  int closed = 0;

  io::SimulatedPeer table() {
    io::SimulatedPeer peer;
    peer.self = this;
    peer.on_connect = [](void* self, std::uint32_t, std::int64_t) {
      ++static_cast<OkPeer*>(self)->connections;
      return true;
    };
    peer.on_bytes = [](void* self, std::uint32_t, const std::uint8_t* bytes, std::uint32_t length,
                       std::int64_t now_ns, std::vector<std::uint8_t>* reply) {
      static_cast<OkPeer*>(self)->heard.emplace_back(
          now_ns, std::string(reinterpret_cast<const char*>(bytes), length));
      reply->insert(reply->end(), {'o', 'k'});
      return true;
    };
    peer.on_closed = [](void* self, std::uint32_t, std::int64_t) {
      ++static_cast<OkPeer*>(self)->closed;
    };
    return peer;
  }
};

class LaneRig {
 public:
  static constexpr std::int64_t kPeriod = 1'000'000;

  // `lane`: more lines for the [[lane]] table; machines "m0", "m1", ...
  void make(int machine_count = 1, const std::string& lane = "", const std::string& more = "") {
    std::string toml = "[core]\nname = \"unit\"\nseed = 7\nhugepages = false\n" + more +
                       "\n[[lane]]\nname = \"main\"\ncpu = -2\n" + lane + "\n";
    for (int i = 0; i < machine_count; ++i) {
      toml += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"fake\"\n" + machine;
    }
    std::vector<config::Problem> problems;
    plan::Plan plan = plan::make_plan(toml, driver.source(), &problems);
    for (const config::Problem& problem : problems) {
      FAIL(config::to_string(problem, "unit").c_str());
    }
    table = clock.table();
    core::CoreOptions options;
    options.directory = directory.path();
    options.clock = &table;
    options.config = toml;
    options.port = [this](std::uint32_t, const io::StreamSink& sink) {
      network = std::make_unique<io::SimulatedNetwork>(7, sink);
      network->listen("peer", 1, peer.table());
      return network->table();
    };
    auto made = core::Core::make(std::move(plan), options);
    CHECK_OK(made);
    core = std::move(*made);
  }
  void begin() { core->lane(0).begin(); }
  // False: the lane has ended.
  bool cycle() { return core->lane(0).cycle(); }
  void run(int cycles) {
    for (int i = 0; i < cycles; ++i) CHECK(cycle());
  }
  // All machines linked, sampled and armed, the sidecar alive.
  void arm() {
    for (FakeMachine* m : driver.machines) {
      m->link(RISE_LINK_UP);
      m->ask(&rise_host::sample, 0, clock.now_ns());
    }
    beat();
    CHECK(cycle());
    send(message::CommandKind::Arm, shm::kWholeLane);
    CHECK(cycle());
    for (std::size_t i = 0; i < driver.machines.size(); ++i) {
      CHECK(safety(i) == message::SafetyState::Armed);
    }
  }
  void beat() {
    core->region().control()->sidecar_heartbeat_ns = static_cast<std::uint64_t>(clock.now_ns());
  }
  void set_stop_word(std::uint64_t value) { core->region().control()->stop_word = value; }

  // Puts a command into the ring, as it is.
  void push(const message::Command& command) {
    shm::RingShape shape;
    shm::Word* memory = core->region().commands(0, &shape);
    shm::Word words[sizeof command / sizeof(shm::Word)];
    std::memcpy(words, &command, sizeof command);
    CHECK(shm::SpscProducer<>(memory, shape).push(words));
  }
  message::Command command(message::CommandKind kind, std::uint16_t to = 0, double value = 0) {
    message::Command command;
    command.mutate_sequence(++sequence);
    command.mutate_issued_mono_ns(clock.now_ns());
    command.mutate_ttl_ns(1'000'000'000);
    command.mutate_machine(to);
    command.mutate_kind(kind);
    command.mutate_value(value);
    message::set_text(command.mutable_approver(), "anna");
    return command;
  }
  std::uint64_t send(message::CommandKind kind, std::uint16_t to = 0, double value = 0) {
    push(command(kind, to, value));
    return sequence;
  }
  [[nodiscard]] std::vector<message::CommandResult> results() {
    return all_results(core->region());
  }
  [[nodiscard]] message::CommandResult last_result() {
    const auto all = results();
    return all.empty() ? message::CommandResult() : all.back();
  }
  [[nodiscard]] std::vector<message::MachineEvent> events(message::EventKind kind) {
    std::vector<message::MachineEvent> some;
    for (const auto& event : all_events(core->region())) {
      if (event.kind() == kind) some.push_back(event);
    }
    return some;
  }
  [[nodiscard]] std::size_t notices(message::LaneNotice notice) {
    std::size_t n = 0;
    for (const auto& event : events(message::EventKind::Lane)) {
      n += event.code() == static_cast<std::int32_t>(notice) ? 1 : 0;
    }
    return n;
  }
  [[nodiscard]] message::CoreHealth& health() {
    return core->region().table<message::CoreHealth>(shm::SectionKind::Lanes)[0];
  }
  [[nodiscard]] std::uint64_t counter(message::LaneCounter which) {
    return health().counters()->Get(static_cast<flatbuffers::uoffset_t>(which));
  }
  [[nodiscard]] shm::HistogramView histogram(message::LaneHistogram which) {
    return shm::HistogramView(
        *health().histograms()->Get(static_cast<flatbuffers::uoffset_t>(which)));
  }
  [[nodiscard]] message::SafetyState safety(std::size_t i) {
    return core->machine(i).supervisor().channel().state();
  }
  [[nodiscard]] message::TripReason reason(std::size_t i) {
    return core->machine(i).supervisor().channel().reason();
  }
  [[nodiscard]] message::MachineState state(std::size_t i) {
    return snapshot<message::MachineState>(core->region(), shm::SectionKind::States, i);
  }

  TempDirectory directory;
  cycle::SimulatedClock clock{1'000'000'000'000, 3, 0};
  cycle::Clock table;
  FakeDriver driver;
  OkPeer peer;
  std::string machine;  // more lines for each [[machine]]
  std::unique_ptr<io::SimulatedNetwork> network;
  std::unique_ptr<core::Core> core;
  std::uint64_t sequence = 0;
};

}  // namespace rise::test
