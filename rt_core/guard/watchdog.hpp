// Breaks off driver calls that do not end. A thread of its own: a timer on the lane's core would
// not do, because on PREEMPT_RT it expires in a thread of priority FIFO 1, behind the lane that
// loops.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "rt_core/guard/driver_call.hpp"

namespace rise::guard {

class Watchdog {
 public:
  struct Spec {
    int priority = 0;          // SCHED_FIFO; 0: ordinary. Above all lanes.
    std::int64_t look_ns = 0;  // how often it looks; 0 = a quarter of the smallest limit
    // A word that is 0 while nothing is urgent, in memory that other processes may share. Whoever
    // sets it may wake us by futex(2), so that we need not look more often for its sake; what is
    // urgent for another reason is noticed at the next usual look. Null: none.
    const std::uint32_t* urgent_word = nullptr;
  };
  // How long a call may take on one thread.
  struct Limit {
    std::int64_t usual_ns = 0;
    std::int64_t urgent_ns = 0;            // while `urgent` says so; 0: as usual
    bool (*urgent)(void* self) = nullptr;  // the watchdog's thread asks, at each look
    void* self = nullptr;
  };

  Watchdog() = default;
  ~Watchdog() { stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Set-up thread, before start(). A call on that thread that has run for so long, or has slept in
  // it, is broken off. Time in which the thread was kept from running does not count.
  void watch(CallMonitor* monitor, const Limit& limit);
  // -> empty, or what is missing (the thread runs nevertheless, with ordinary priority).
  std::string start(const Spec& spec);
  void stop();
  [[nodiscard]] std::uint64_t broken_off() const {
    return broken_off_.load(std::memory_order_relaxed);
  }

 private:
  struct Watched {
    CallMonitor* monitor = nullptr;
    Limit limit;
    std::uint64_t sequence = 0;
    std::int64_t since_ns = 0;
    std::int64_t cpu_ns = 0;
    bool told = false;
  };
  static void* thread(void* self);
  void run();
  void wait_until(std::int64_t time_ns);
  static bool is_urgent(const Watched& watched);
  void look(Watched* watched, bool urgent, std::int64_t now_ns);

  std::vector<Watched> watched_;
  Spec spec_;
  std::int64_t urgent_look_ns_ = 0;  // how often it looks while something is urgent
  bool woken_ = false;               // the last wait ended early
  pthread_t thread_{};
  bool started_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> broken_off_{0};
};

}  // namespace rise::guard
