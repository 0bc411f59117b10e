#include "rt_core/cycle/clock.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "rt_core/monotonic.hpp"
#include "rt_core/random.hpp"

namespace rise::cycle {

namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t tick() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

// The kernel measures at boot and at run time whether the counter is constant and the same on all
// cores; if it made it its own clock source, it may be ours.
bool kernel_trusts_tsc() {
#if !defined(__x86_64__)
  return false;
#endif
  std::FILE* file =
      std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
  if (file == nullptr) return false;
  char name[32] = {};
  const bool read = std::fgets(name, sizeof name, file) != nullptr;
  std::fclose(file);
  return read && std::strncmp(name, "tsc", 3) == 0;
}

// Both counters at the same moment: whatever comes between the two readings of the tick (an
// interrupt, the hypervisor) makes the pair worse and the gap wider, so the tightest of a few is
// taken.
struct Pair {
  std::int64_t mono_ns = 0;
  std::uint64_t tick = 0;  // the middle
  std::uint64_t gap = 0;
};

Pair read_pair() {
  constexpr int kTries = 10;
  Pair best;
  best.gap = UINT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = tick();
    const std::int64_t mono_ns = monotonic_ns();
    const std::uint64_t gap = tick() - before;
    if (gap < best.gap) best = {mono_ns, before + gap / 2, gap};
  }
  return best;
}

// Nanoseconds per tick times 2^32; 0: the tick is not to be used.
std::uint64_t calibrate() {
  if (!kernel_trusts_tsc()) return 0;
  const Pair start = read_pair();
  const timespec pause{0, 20'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  const Pair end = read_pair();
  if (end.tick <= start.tick || end.mono_ns <= start.mono_ns) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(end.mono_ns - start.mono_ns) * 0x1p32 /
                                    static_cast<double>(end.tick - start.tick));
}

}  // namespace

SystemClock::SystemClock() {
  // Once per process: all lanes measure with the same rule.
  static const std::uint64_t rate = calibrate();
  ns_per_tick_ = rate;
  tsc_ = rate != 0;
  rebase();
}

// Once per cycle: so an error of the calibration (some 1e-6) is at most nanoseconds within a cycle.
void SystemClock::rebase() {
  base_ns_ = monotonic_ns();
  base_tick_ = tick();
}

std::int64_t SystemClock::now(void* self) {
  (void)self;
  return monotonic_ns();
}

std::int64_t SystemClock::stamp(void* self) {
  const auto* clock = static_cast<SystemClock*>(self);
  const Wide ticks = tick() - clock->base_tick_;
  return clock->base_ns_ + static_cast<std::int64_t>(ticks * clock->ns_per_tick_ >> 32);
}

std::int64_t SystemClock::wait_until(void* self, std::int64_t deadline_ns) {
  auto* clock = static_cast<SystemClock*>(self);
  const timespec deadline{deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
  // A signal ends the sleep early; sleep on, a bounded number of times.
  for (int i = 0; i < 16; ++i) {
    if (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == 0) break;
  }
  clock->rebase();
  return clock->base_ns_;
}

std::int64_t SimulatedClock::now(void* self) { return static_cast<SimulatedClock*>(self)->now_ns_; }

std::int64_t SimulatedClock::wait_until(void* self, std::int64_t deadline_ns) {
  auto* clock = static_cast<SimulatedClock*>(self);
  if (clock->now_ns_ < deadline_ns) clock->now_ns_ = deadline_ns;
  if (clock->max_lateness_ns_ > 0) {
    clock->now_ns_ += static_cast<std::int64_t>(
        next_random(&clock->random_) % static_cast<std::uint64_t>(clock->max_lateness_ns_));
  }
  return clock->now_ns_;
}

}  // namespace rise::cycle
