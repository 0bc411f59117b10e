// What containment costs while nothing happens, and how soon the lane runs on when something does:
// a driver call with and without guard, seal and watchdog; from a crash, a forbidden system call
// and an endless loop to the instruction behind the call.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "bench/idle_core.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/guard/seal.hpp"
#include "rt_core/guard/watchdog.hpp"

namespace {

using namespace rise;
using bench::now_ns;

constexpr int kRounds = 15;
constexpr int kCallsPerRound = 133'000;
constexpr int kFaults = 2'000;
constexpr int kLoops = 20;
constexpr int kCrashes = 100;
constexpr std::int64_t kLimit_ns = 10'000'000;     // stuck_after: 10 cycles of 1 ms
constexpr std::int64_t kStopLimit_ns = 2'000'000;  // stuck_after_stop: 2

std::atomic<bool> stop_waits{false};

struct Driver {
  volatile std::uint64_t calls = 0;
  volatile std::int64_t broken_at_ns = 0;
};

// Behind a pointer that the compiler cannot see through, as a driver is.
void (*volatile driver_cycle)(void*) = [](void* self) {
  auto* driver = static_cast<Driver*>(self);
  driver->calls = driver->calls + 1;
};

// The best of several rounds: what it costs without whatever else the machine does.
template <class Call>
double best_ns_per_call(Call call) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t start = now_ns();
    for (int i = 0; i < kCallsPerRound; ++i) call();
    best = std::min(best, static_cast<double>(now_ns() - start) / kCallsPerRound);
  }
  return best;
}

// -> median ns from the fault to the lane.
double time_to_return(void (*fault)(void*), int times) {
  std::vector<std::int64_t> samples;
  for (int i = 0; i < times; ++i) {
    Driver driver;
    guard::Fault what;
    if (guard::guarded_call(fault, &driver, &what)) return -1;
    samples.push_back(now_ns() - driver.broken_at_ns);
  }
  return bench::percentile(&samples, 0.5);
}

// The longest that one machine's crash holds up the cycle of a lane with 8: caught, the driver
// benched, its signals invalid, an event told. -> median ns of that cycle
double crashing_cycle() {
  static bool crash = false;
  static rise_driver driver = bench::kIdleDriver;
  driver.cycle = [](void*, const rise_cycle*) {
    if (!crash) return;
    crash = false;
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;  // NOLINT(clang-analyzer-core.NullDereference): it is to crash
  };
  std::vector<std::int64_t> samples;
  for (int i = 0; i < kCrashes; ++i) {
    bench::NoWait clock;
    const cycle::Clock table = clock.table();
    const auto core =
        bench::idle_core("bench-crash", "bench_after = 0\n", 8, &table, bench::idle_port, &driver);
    cycle::Lane& lane = core->lane(0);
    lane.begin();
    for (int k = 0; k < 100; ++k) [[maybe_unused]] const bool on = lane.cycle();
    crash = true;
    const std::int64_t start = now_ns();
    [[maybe_unused]] const bool on = lane.cycle();
    samples.push_back(now_ns() - start);
  }
  return bench::percentile(&samples, 0.5);
}

struct Figure {
  const char* name;
  double value;
  const char* unit;
};

// The sealed thread cannot print: what it measures is printed by another.
void run(std::vector<Figure>* figures) {
  const auto result = [&](const char* name, double value, const char* unit) {
    figures->push_back({name, value, unit});
  };
  Driver driver;
  guard::Fault fault;
  const double bare = best_ns_per_call([&] { driver_cycle(&driver); });
  const double guarded = best_ns_per_call(
      [&] { static_cast<void>(guard::guarded_call(driver_cycle, &driver, &fault)); });
  result("containment.bare_call.ns", bare, "ns");
  result("containment.guarded_call.ns", guarded, "ns");
  result("containment.cost_per_call.ns", guarded - bare, "ns");

  result("containment.crash_to_lane.p50_us",
         time_to_return(
             [](void* self) {
               static_cast<Driver*>(self)->broken_at_ns = now_ns();
               volatile int* volatile nowhere = nullptr;
               *nowhere = 1;  // NOLINT(clang-analyzer-core.NullDereference): it is to crash
             },
             kFaults) /
             1000,
         "us");
  result("containment.cycle_with_a_crash.p50_us", crashing_cycle() / 1000, "us");
  if (const std::string missing = guard::seal_thread({guard::SealMode::Trap, false});
      missing.empty()) {
    const auto forbidden = [](void* self) {
      static_cast<Driver*>(self)->broken_at_ns = now_ns();
      ::syscall(SYS_getuid);
    };
    result("containment.system_call_to_lane.p50_us", time_to_return(forbidden, kFaults) / 1000,
           "us");
  }
  const auto loop = [](void* self) {
    static_cast<Driver*>(self)->broken_at_ns = now_ns();
    for (volatile bool forever = true; forever;) {
    }
  };
  result("containment.loop_to_lane.p50_ms", time_to_return(loop, kLoops) / 1e6, "ms");
  result("containment.loop_limit.ms", static_cast<double>(kLimit_ns) / 1e6, "ms");
  stop_waits.store(true);
  result("containment.loop_to_stop.p50_ms", time_to_return(loop, kLoops) / 1e6, "ms");
  result("containment.loop_to_stop_limit.ms", static_cast<double>(kStopLimit_ns) / 1e6, "ms");
}

}  // namespace

int main() {
  guard::install_fault_handlers();
  guard::CallMonitor monitor;
  guard::Watchdog watchdog;
  watchdog.watch(&monitor,
                 {kLimit_ns, kStopLimit_ns, [](void*) { return stop_waits.load(); }, nullptr});
  watchdog.start({});
  std::vector<Figure> figures;
  figures.reserve(16);
  std::thread lane([&] {  // a thread of its own: the seal stays with it
    if (!guard::prepare_calls(&monitor)) return;
    run(&figures);
    guard::finish_calls();
  });
  lane.join();
  watchdog.stop();
  for (const Figure& figure : figures) bench::result(figure.name, figure.value, figure.unit);
}
