// One machine outside of any lane: an instance of the fake driver with a port that only remembers.
#pragma once

#include <CppUTest/TestHarness.h>

#include <optional>

#include "rt_core/cycle/clock.hpp"
#include "rt_core/driver/instance.hpp"
#include "tests/unit/support/fake_driver.hpp"
#include "tests/unit/support/shared_region.hpp"

namespace rise::test {

class FakePort {
 public:
  std::int32_t open_answer = 0;  // counted up if not negative
  std::int32_t send_answer = RISE_OK;
  std::vector<std::string> calls;
  io::PortCounters counters;

  io::StreamPort table() {
    io::StreamPort port;
    port.self = this;
    port.start = [](void*) { return true; };
    port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                   std::uint32_t timeout_ms) {
      auto* fake = static_cast<FakePort*>(self);
      fake->calls.push_back("open " + std::to_string(owner) + " " + host + " " +
                            std::to_string(number) + " " + std::to_string(timeout_ms));
      return fake->open_answer < 0 ? fake->open_answer : fake->open_answer++;
    };
    port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes,
                   std::uint32_t length) {
      auto* fake = static_cast<FakePort*>(self);
      fake->calls.push_back("send " + std::to_string(stream) + " " +
                            std::string(reinterpret_cast<const char*>(bytes), length));
      return fake->send_answer;
    };
    port.close = [](void* self, std::int32_t stream) -> std::int32_t {
      static_cast<FakePort*>(self)->calls.push_back("close " + std::to_string(stream));
      return RISE_OK;
    };
    port.exchange = [](void*, std::int64_t) {};
    port.counters = &counters;
    return port;
  }
};

class InstanceRig {
 public:
  static constexpr std::uint16_t kMachine = 1;

  InstanceRig() {
    spec.name = "mill";
    spec.machine = kMachine;
    spec.driver = &driver.abi;
    outlet.begin_cycle(1, clock.now_ns(), 0);
  }
  bool configure() {
    instance.emplace(spec);
    return instance->configure(&faults);
  }
  // Configured, bound and started.
  void start() {
    CHECK(configure());
    bind();
    instance->start(clock.now_ns());
  }
  void bind() {
    instance->lay_out(0);
    const cycle::Clock table = clock.table();
    instance->bind(&outlet, port.table(), &health(), table.stamp, table.self);
  }
  void step(std::int64_t advance_ns = 1'000'000) {
    clock.spend(advance_ns);
    outlet.begin_cycle(++cycle, clock.now_ns(), 0);
    rise_cycle c{};
    c.struct_size = sizeof c;
    c.number = cycle;
    c.now_ns = clock.now_ns();
    std::int64_t mark_ns = clock.now_ns();
    instance->step(c, &mark_ns);
  }
  // Judged as a lane does in which all is well.
  void judge() { instance->judge({.sidecar_alive = true}, clock.now_ns()); }
  FakeMachine& machine() { return driver.machine(0); }
  message::DriverHealth& health() {
    return region.table<message::DriverHealth>(shm::SectionKind::Drivers)[kMachine];
  }
  std::uint64_t counter(message::DriverCounter which) {
    return health().counters()->Get(static_cast<flatbuffers::uoffset_t>(which));
  }
  std::vector<message::MachineEvent> events(message::EventKind kind) {
    std::vector<message::MachineEvent> some;
    for (const auto& event : all_events(region)) {
      if (event.kind() == kind) some.push_back(event);
    }
    return some;
  }
  message::MachineState state() {
    instance->publish();
    return snapshot<message::MachineState>(region, shm::SectionKind::States, kMachine);
  }

  TempDirectory directory;
  shm::OwnedRegion region = make_region(small_plan(directory.path()));
  shm::Outlet outlet{region, 0};
  cycle::SimulatedClock clock{1'000'000'000'000, 1, 0};
  FakeDriver driver;
  FakePort port;
  driver::InstanceSpec spec;
  std::vector<driver::ConfigFault> faults;
  std::optional<driver::Instance> instance;
  std::uint64_t cycle = 1;
};

}  // namespace rise::test
