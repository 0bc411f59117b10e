// What a cycle costs besides its work: clock readings, histograms, counters, flight recorder,
// driver accounting. A lane of drivers that do nothing, on a port that does nothing, cycle after
// cycle without waiting. The work that is left, judging safety and looking for something to
// publish, is timed by itself and taken off.

#include <optional>

#include "bench/idle_core.hpp"
#include "rt_core/guard/driver_call.hpp"

namespace {

using namespace rise;
using bench::now_ns;
using bench::NoWait;

struct Cost {
  double cycle_ns = 0;  // all of it
  double work_ns = 0;   // judge and publish of all machines
};

Cost measure(std::size_t machines, std::uint64_t cycles, bool guarded) {
  NoWait clock;
  const cycle::Clock table = clock.table();
  const auto core = bench::idle_core("bench-bookkeeping", "bench_after = 0\n", machines, &table,
                                     bench::idle_port);
  cycle::Lane& lane = core->lane(0);
  guard::CallMonitor monitor;
  std::optional<guard::PreparedThread> prepared;  // then each call into a driver is a guarded one
  if (guarded) prepared.emplace(&monitor);
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
        core->machine(m).judge(conditions, start);
        core->machine(m).publish();
      }
    }
    best.work_ns =
        std::min(best.work_ns, static_cast<double>(now_ns() - start) / static_cast<double>(cycles));
  }
  return best;
}

}  // namespace

int main() {
  const Cost eight = measure(8, 400'000, false);
  const Cost many = measure(108, 40'000, false);
  bench::result("bookkeeping.8_machines.ns_per_cycle", eight.cycle_ns - eight.work_ns, "ns");
  const Cost guarded = measure(8, 400'000, true);
  bench::result("bookkeeping.8_machines.with_containment.ns_per_cycle",
                guarded.cycle_ns - guarded.work_ns, "ns");
  bench::result("bookkeeping.ns_per_driver",
                (many.cycle_ns - many.work_ns - eight.cycle_ns + eight.work_ns) / 100, "ns");
  bench::result("bookkeeping.8_machines.judge_and_publish_ns", eight.work_ns, "ns");
  // Guard, budget and histogram of one more driver.
  const Cost many_guarded = measure(108, 40'000, true);
  bench::result(
      "bookkeeping.ns_per_contained_driver",
      (many_guarded.cycle_ns - many_guarded.work_ns - guarded.cycle_ns + guarded.work_ns) / 100,
      "ns");
  return 0;
}
