// A core of drivers that do nothing, on one lane that never waits.
#pragma once

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "bench/result.hpp"
#include "rt_core/core/core.hpp"

namespace rise::bench {

inline rise_driver idle_driver() {
  rise_driver driver{};
  driver.struct_size = sizeof driver;
  driver.abi_major = RISE_ABI_MAJOR;
  driver.abi_minor = RISE_ABI_MINOR;
  driver.name = "idle";
  driver.version = "1";
  driver.summary = "does nothing";
  driver.configure = [](const rise_host* host, const rise_config*, void** instance) {
    const rise_group_spec group{sizeof group, 0, "g", 1'000'000'000};
    host->group_declare(host->context, &group);
    rise_signal_spec signal{};
    signal.struct_size = sizeof signal;
    signal.type = RISE_SIGNAL_NUMBER;
    signal.name = "x";
    signal.max = 1;
    host->signal_declare(host->context, &signal);
    *instance = nullptr;
    return std::int32_t{RISE_OK};
  };
  driver.start = [](void*, std::int64_t) {};
  driver.cycle = [](void*, const rise_cycle*) {};
  driver.capabilities = RISE_CAP_STREAM;
  driver.on_open = [](void*, std::int32_t, std::int64_t) {};
  driver.on_bytes = [](void*, std::int32_t, const std::uint8_t*, std::uint32_t, std::int64_t) {};
  driver.on_closed = [](void*, std::int32_t, std::int32_t, std::int64_t) {};
  driver.stop = [](void*, std::int64_t) {};
  driver.destroy = [](void*) {};
  return driver;
}

inline const rise_driver kIdleDriver = idle_driver();

// The lane's own clock, but nobody waits: the next release is now.
struct NoWait {
  cycle::SystemClock clock;
  cycle::Clock table() {
    cycle::Clock out = clock.table();
    out.wait_until = [](void* self, std::int64_t) {
      return static_cast<cycle::SystemClock*>(self)->table().stamp(self);
    };
    return out;
  }
};

inline io::StreamPort idle_port(std::uint32_t, const io::StreamSink&) {
  static io::PortCounters counters;
  io::StreamPort port;
  port.exchange = [](void*, std::int64_t) {};
  port.counters = &counters;
  return port;
}

// name: of the region. lane: more lines of the [[lane]]. clock, port and driver outlive it; without
// clock and port it has the machine's own, and start() makes its lane run.
inline std::unique_ptr<core::Core> idle_core(
    const std::string& name, const std::string& lane, std::size_t machines,
    const cycle::Clock* clock,
    std::function<io::StreamPort(std::uint32_t, const io::StreamSink&)> port,
    const rise_driver* driver = &kIdleDriver) {
  std::string toml = "[core]\nname = \"" + name +
                     "\"\nhugepages = false\nlock_memory = false\nhold_dma_latency = "
                     "false\n[[lane]]\nname = \"l\"\n" +
                     lane;
  for (std::size_t i = 0; i < machines; ++i) {
    toml += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"idle\"\n";
  }
  std::vector<config::Problem> problems;
  plan::Plan plan = plan::make_plan(
      toml, [driver](const std::string&) { return driver::Library::adopt(driver); }, &problems);
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", config::to_string(problem, "bench").c_str());
  }
  if (!problems.empty()) std::exit(1);
  core::CoreOptions options;
  options.clock = clock;
  options.port = std::move(port);
  auto core = core::Core::make(std::move(plan), options);
  if (!core) {
    std::fprintf(stderr, "%s\n", core.error().c_str());
    std::exit(1);
  }
  return std::move(*core);
}

}  // namespace rise::bench
