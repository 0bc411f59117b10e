// What a cycle costs besides its work: clock readings, histograms, counters, flight recorder,
// driver accounting. A lane of drivers that do nothing, on a port that does nothing, cycle after
// cycle without waiting. The work that is left, judging safety and looking for something to
// publish, is timed by itself and taken off.

#include <cstdlib>
#include <memory>
#include <string>

#include "bench/result.hpp"
#include "rt_core/core/core.hpp"

namespace {

using namespace rise;
using bench::now_ns;

rise_driver idle_driver() {
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
  driver.stop = [](void*, std::int64_t) {};
  driver.destroy = [](void*) {};
  return driver;
}

const rise_driver kDriver = idle_driver();

// Real stamps, but nobody waits: the next release is now.
struct NoWait {
  cycle::SystemClock clock;
  cycle::Clock inner = clock.table();
  cycle::Clock table() {
    cycle::Clock out;
    out.self = this;
    out.now = [](void* self) {
      return static_cast<NoWait*>(self)->inner.now(static_cast<NoWait*>(self)->inner.self);
    };
    out.stamp = [](void* self) {
      return static_cast<NoWait*>(self)->inner.stamp(static_cast<NoWait*>(self)->inner.self);
    };
    out.wait_until = [](void* self, std::int64_t) {
      auto* me = static_cast<NoWait*>(self);
      return me->inner.stamp(me->inner.self);
    };
    return out;
  }
};

struct Cost {
  double cycle_ns = 0;  // all of it
  double work_ns = 0;   // judge and publish of all machines
};

Cost measure(std::size_t machines, std::uint64_t cycles) {
  std::string toml =
      "[core]\nname = \"bench-bookkeeping\"\nhugepages = false\n[[lane]]\nname = \"l\"\n"
      "bench_after = 0\n";
  for (std::size_t i = 0; i < machines; ++i) {
    toml += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"idle\"\n";
  }
  std::vector<config::Problem> problems;
  plan::Plan plan = plan::make_plan(
      toml, [](const std::string&) { return driver::Library::adopt(&kDriver); }, &problems);
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", config::to_string(problem, "bench").c_str());
  }
  if (!problems.empty()) std::exit(1);
  NoWait clock;
  const cycle::Clock table = clock.table();
  static io::PortCounters counters;
  core::CoreOptions options;
  options.clock = &table;
  options.port = [](std::uint32_t, const io::StreamSink&) {
    io::StreamPort port;
    port.exchange = [](void*, std::int64_t) {};
    port.counters = &counters;
    return port;
  };
  auto core = core::Core::make(std::move(plan), options);
  if (!core) {
    std::fprintf(stderr, "%s\n", core.error().c_str());
    std::exit(1);
  }
  cycle::Lane& lane = (*core)->lane(0);
  lane.begin();
  for (int i = 0; i < 10'000; ++i) [[maybe_unused]] const bool on = lane.cycle();
  Cost best{1e9, 1e9};  // of five runs: the others were disturbed
  for (int run = 0; run < 5; ++run) {
    std::int64_t start = now_ns();
    for (std::uint64_t i = 0; i < cycles; ++i) [[maybe_unused]] const bool on = lane.cycle();
    best.cycle_ns = std::min(best.cycle_ns,
                             static_cast<double>(now_ns() - start) / static_cast<double>(cycles));
    const safety::Conditions conditions;
    start = now_ns();
    for (std::uint64_t i = 0; i < cycles; ++i) {
      for (std::size_t m = 0; m < machines; ++m) {
        (*core)->machine(m).judge(conditions, start);
        (*core)->machine(m).publish();
      }
    }
    best.work_ns =
        std::min(best.work_ns, static_cast<double>(now_ns() - start) / static_cast<double>(cycles));
  }
  return best;
}

}  // namespace

int main() {
  const Cost eight = measure(8, 400'000);
  const Cost many = measure(108, 40'000);
  bench::result("bookkeeping.8_machines.ns_per_cycle", eight.cycle_ns - eight.work_ns, "ns");
  bench::result("bookkeeping.ns_per_driver",
                (many.cycle_ns - many.work_ns - eight.cycle_ns + eight.work_ns) / 100, "ns");
  bench::result("bookkeeping.8_machines.judge_and_publish_ns", eight.work_ns, "ns");
  return 0;
}
