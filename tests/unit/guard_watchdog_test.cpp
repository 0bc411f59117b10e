#include "rt_core/guard/watchdog.hpp"

#include <CppUTest/TestHarness.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "rt_core/monotonic.hpp"

using rise::monotonic_ns;
using rise::guard::CallMonitor;
using rise::guard::Fault;
using rise::guard::guarded_call;
using rise::guard::HostSection;
using rise::guard::Watchdog;

// ThreadSanitizer keeps signals back until the next call that it watches, which never comes in a
// loop.
#ifndef RISE_TSAN

namespace {

constexpr std::int64_t kLimit_ns = 20'000'000;

void sleep_ns(std::int64_t ns) {
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

std::int64_t cpu_time_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Result {
  bool whole = false;
  Fault fault;
  std::uint64_t broken_off = 0;
};

Result watched_call(void (*body)(void*), void* argument = nullptr,
                    const Watchdog::Limit& limit = {kLimit_ns}) {
  Result result;
  CallMonitor monitor;
  Watchdog watchdog;
  watchdog.watch(&monitor, limit);
  watchdog.start({});
  std::thread thread([&] {
    CHECK(rise::guard::prepare_calls(&monitor));
    result.whole = guarded_call(body, argument, &result.fault);
    rise::guard::finish_calls();
  });
  thread.join();
  result.broken_off = watchdog.broken_off();
  watchdog.stop();
  return result;
}

}  // namespace

TEST_GROUP(GuardWatchdog){void setup() override{rise::guard::install_fault_handlers();
}
}
;

TEST(GuardWatchdog, BreaksOffAnEndlessLoop) {
  const Result result = watched_call([](void*) {
    for (volatile bool forever = true; forever;) {
    }
  });
  CHECK(!result.whole);
  CHECK(result.fault.kind == Fault::Kind::Stuck);
  LONGS_EQUAL(1, result.broken_off);
}

// For an hour, but only for a moment once somebody needs the thread.
TEST(GuardWatchdog, BreaksOffSoonerWhenItIsUrgent) {
  struct Urgency {
    std::atomic<bool> now{false};
    std::atomic<std::int64_t> asked{0};
    std::atomic<bool> early{false};
  } urgency;
  const Watchdog::Limit limit{3'600'000'000'000, kLimit_ns,
                              [](void* self) {
                                static_cast<Urgency*>(self)->asked.fetch_add(1);
                                return static_cast<Urgency*>(self)->now.load();
                              },
                              &urgency};
  const Result result = watched_call(
      [](void* argument) {
        auto* u = static_cast<Urgency*>(argument);
        const std::int64_t start = cpu_time_ns();
        for (volatile bool forever = true; forever;) {
          // Not urgent: five times the limit pass, and nothing happens.
          if (cpu_time_ns() - start > 5 * kLimit_ns) {
            u->early.store(u->asked.load() == 0);
            u->now.store(true);
          }
        }
      },
      &urgency, limit);
  CHECK(!result.whole);
  CHECK(result.fault.kind == Fault::Kind::Stuck);
  CHECK(urgency.now.load());
  CHECK(!urgency.early.load());
}

// It looks once in a minute: only being woken makes it look now.
TEST(GuardWatchdog, IsWokenByTheUrgentWord) {
  alignas(8) static std::uint32_t word = 0;
  CallMonitor monitor;
  Watchdog watchdog;
  watchdog.watch(&monitor, {3'600'000'000'000, kLimit_ns,
                            [](void*) { return std::atomic_ref(word).load() != 0; }, nullptr});
  watchdog.start({0, 60'000'000'000, &word});
  std::atomic<bool> in_call{false};
  Fault fault;
  bool whole = true;
  std::thread thread([&] {
    CHECK(rise::guard::prepare_calls(&monitor));
    whole = guarded_call(
        [](void* argument) {
          static_cast<std::atomic<bool>*>(argument)->store(true);
          for (volatile bool forever = true; forever;) {
          }
        },
        &in_call, &fault);
    rise::guard::finish_calls();
  });
  while (!in_call.load()) sleep_ns(1'000'000);
  std::atomic_ref(word).store(1);
  const std::int64_t start = monotonic_ns();
  // Again and again: it may not have begun to wait.
  while (monitor.thread_id.load() != 0) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, 1);
    sleep_ns(1'000'000);
  }
  thread.join();
  CHECK(!whole);
  CHECK(fault.kind == Fault::Kind::Stuck);
  CHECK(monotonic_ns() - start < 50'000'000'000);
  watchdog.stop();
}

// Whoever may map the word can wake it in a loop: it must not become a thread of high priority that
// spins.
TEST(GuardWatchdog, IsNotKeptBusyByWakes) {
  constexpr std::int64_t kLook_ns = 10'000'000;
  alignas(8) static std::uint32_t word = 0;
  static std::atomic<std::int64_t> looks{0};
  looks.store(0);
  CallMonitor monitor;
  Watchdog watchdog;
  watchdog.watch(&monitor, {3'600'000'000'000, kLimit_ns,
                            [](void*) {
                              looks.fetch_add(1);
                              return false;
                            },
                            nullptr});
  watchdog.start({0, kLook_ns, &word});
  const std::int64_t start = monotonic_ns();
  std::int64_t woken = 0;
  while (monotonic_ns() - start < 50 * kLook_ns) {
    woken += ::syscall(SYS_futex, &word, FUTEX_WAKE, 1);
  }
  watchdog.stop();
  const std::int64_t periods = (monotonic_ns() - start) / kLook_ns + 1;
  CHECK(woken > 10);  // the control: it could have been
  CHECK(looks.load() <= 2 * periods + 2);
}

TEST(GuardWatchdog, BreaksOffAWait) {
  const Result result = watched_call([](void*) { sleep_ns(3'600'000'000'000); });
  CHECK(!result.whole);
  CHECK(result.fault.kind == Fault::Kind::Stuck);
}

TEST(GuardWatchdog, ManyShortCallsAreLeftAlone) {  // the control
  CallMonitor monitor;
  Watchdog watchdog;
  watchdog.watch(&monitor, {kLimit_ns});
  watchdog.start({});
  bool whole = true;
  std::thread thread([&] {
    CHECK(rise::guard::prepare_calls(&monitor));
    for (int i = 0; i < 100; ++i) {
      Fault fault;
      whole = whole && guarded_call(
                           [](void*) {
                             const std::int64_t end = cpu_time_ns() + kLimit_ns / 20;
                             while (cpu_time_ns() < end) {
                             }
                           },
                           nullptr, &fault);
    }
    rise::guard::finish_calls();
  });
  thread.join();
  watchdog.stop();
  CHECK(whole);
  LONGS_EQUAL(0, watchdog.broken_off());
}

// A host's service is not broken off half-way: the break comes at its end.
TEST(GuardWatchdog, WaitsForTheEndOfAHostSection) {
  struct State {
    volatile bool section_done = false;
    volatile bool went_on = false;
  } state;
  const Result result = watched_call(
      [](void* argument) {
        auto* s = static_cast<State*>(argument);
        {
          const HostSection section;
          const std::int64_t end = cpu_time_ns() + 4 * kLimit_ns;
          while (cpu_time_ns() < end) {
          }
          s->section_done = true;
        }
        s->went_on = true;
      },
      &state);
  CHECK(!result.whole);
  CHECK(result.fault.kind == Fault::Kind::Stuck);
  CHECK(state.section_done);
  CHECK(!state.went_on);
}

#endif
