// Where the time comes from. Nothing else in rt_core or in a driver reads a clock, so that the same
// code runs on simulated time. A table of functions that is chosen at start.
#pragma once

#include <cstdint>

namespace rise::cycle {

struct Clock {
  void* self = nullptr;
  // CLOCK_MONOTONIC in nanoseconds.
  std::int64_t (*now)(void* self) = nullptr;
  // The same scale, cheaper, good for differences within one cycle.
  std::int64_t (*stamp)(void* self) = nullptr;
  // Sleeps until an absolute time; returns now(). Called between cycles only.
  std::int64_t (*wait_until)(void* self, std::int64_t deadline_ns) = nullptr;
};

// The clock of the machine. wait_until is clock_nanosleep, and nothing else: on PREEMPT_RT every
// other timer (timerfd, io_uring timeouts, wait limits) expires in the ktimers thread at FIFO 1 and
// so can come milliseconds late behind any other real-time thread. stamp() reads the time stamp
// counter where the kernel itself trusts it as its clock source, else CLOCK_MONOTONIC. The first
// one of a process measures the counter's rate and takes 20 ms for it.
class SystemClock {
 public:
  SystemClock();
  [[nodiscard]] Clock table() { return {this, &now, tsc_ ? &stamp : &now, &wait_until}; }
  [[nodiscard]] bool uses_tsc() const { return tsc_; }
  // Nanoseconds per tick of the counter, times 2^32; 0: not used. The same for all of a process.
  [[nodiscard]] std::uint64_t rate() const { return ns_per_tick_; }

 private:
  static std::int64_t now(void* self);
  static std::int64_t stamp(void* self);
  static std::int64_t wait_until(void* self, std::int64_t deadline_ns);
  void rebase();

  bool tsc_ = false;
  std::uint64_t ns_per_tick_ = 0;  // times 2^32
  std::int64_t base_ns_ = 0;
  std::uint64_t base_tick_ = 0;
};

// A clock that stands still until somebody waits. Waiting takes no time at all, but wakes late by a
// seeded, bounded amount, as a real one does.
class SimulatedClock {
 public:
  SimulatedClock(std::int64_t start_ns, std::uint64_t seed, std::int64_t max_lateness_ns)
      : now_ns_(start_ns), random_(seed), max_lateness_ns_(max_lateness_ns) {}
  [[nodiscard]] Clock table() { return {this, &now, &now, &wait_until}; }
  [[nodiscard]] std::int64_t now_ns() const { return now_ns_; }
  // As if the code just run had taken this long.
  void spend(std::int64_t ns) { now_ns_ += ns; }

 private:
  static std::int64_t now(void* self);
  static std::int64_t wait_until(void* self, std::int64_t deadline_ns);

  std::int64_t now_ns_;
  std::uint64_t random_;
  std::int64_t max_lateness_ns_;
};

}  // namespace rise::cycle
