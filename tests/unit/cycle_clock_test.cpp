#include "rt_core/cycle/clock.hpp"

#include <CppUTest/TestHarness.h>
#include <signal.h>
#include <time.h>

#include <cmath>
#include <cstdlib>
#include <set>

using namespace rise::cycle;

TEST_GROUP(CycleSimulatedClock){};

TEST(CycleSimulatedClock, ItStandsStillUntilSomebodyWaits) {
  SimulatedClock simulated(1000, 1, 0);
  const Clock clock = simulated.table();
  for (int i = 0; i < 100; ++i) {
    LONGS_EQUAL(1000, clock.now(clock.self));
    LONGS_EQUAL(1000, clock.stamp(clock.self));
  }
  LONGS_EQUAL(5000, clock.wait_until(clock.self, 5000));
  LONGS_EQUAL(5000, clock.now(clock.self));
  LONGS_EQUAL(5000, clock.wait_until(clock.self, 4000));  // never goes back
  simulated.spend(17);
  LONGS_EQUAL(5017, simulated.now_ns());
}

TEST(CycleSimulatedClock, LatenessIsBoundedAndTheSameForTheSameSeed) {
  SimulatedClock a(0, 42, 1000);
  SimulatedClock b(0, 42, 1000);
  SimulatedClock c(0, 43, 1000);
  std::set<std::int64_t> lateness;
  bool differs = false;
  for (std::int64_t deadline = 10'000; deadline < 10'000'000; deadline += 10'000) {
    const std::int64_t now = a.table().wait_until(&a, deadline);
    CHECK(now >= deadline && now < deadline + 1000);
    LONGS_EQUAL(now, b.table().wait_until(&b, deadline));
    differs = differs || now != c.table().wait_until(&c, deadline);
    lateness.insert(now - deadline);
  }
  CHECK(differs);
  CHECK(lateness.size() > 100);
}

TEST_GROUP(CycleSystemClock) {
  SystemClock system;
  Clock clock = system.table();
};

TEST(CycleSystemClock, ItNeverWakesEarly) {
  for (int i = 0; i < 20; ++i) {
    const std::int64_t deadline = clock.now(clock.self) + 500'000;
    CHECK(clock.wait_until(clock.self, deadline) >= deadline);
    CHECK(clock.now(clock.self) >= deadline);
  }
}

TEST(CycleSystemClock, ATimeThatHasPassedIsNoWait) {
  const std::int64_t before = clock.now(clock.self);
  const std::int64_t woken = clock.wait_until(clock.self, before - 1'000'000'000);
  CHECK(woken >= before);
  CHECK(woken <= clock.now(clock.self));
}

TEST(CycleSystemClock, StampsDoNotGoBackAndFollowTheClock) {
  const std::int64_t start = clock.wait_until(clock.self, clock.now(clock.self) + 1000);
  const std::int64_t first = clock.stamp(clock.self);
  std::int64_t last = first;
  std::int64_t now = start;
  for (int i = 0; i < 10'000'000 && now - start < 5'000'000; ++i) {
    const std::int64_t stamp = clock.stamp(clock.self);
    CHECK(stamp >= last);
    last = stamp;
    now = clock.now(clock.self);
  }
  // Over 5 ms the two scales agree to a hundredth, whoever interrupts: between the readings of the
  // last round lies what is allowed on top.
  const std::int64_t after = clock.stamp(clock.self);
  CHECK(static_cast<double>(last - start) <= static_cast<double>(now - start) * 1.01);
  CHECK(static_cast<double>(after - start) >= static_cast<double>(now - start) * 0.99);
}

TEST(CycleSystemClock, AllLanesMeasureWithTheSameRate) {
  const SystemClock other;
  CHECK(system.rate() == other.rate());
  CHECK(system.uses_tsc() == (system.rate() != 0));
}

TEST(CycleSystemClock, TheRateIsRightToOneInTenThousand) {
  // Each stamp between two readings of the clock; of many the tightest, so that an interrupt in
  // between is no fault of the rate.
  const auto tightest = [&](std::int64_t* stamp, std::int64_t* now) {
    std::int64_t gap = INT64_MAX;
    for (int i = 0; i < 1000; ++i) {
      const std::int64_t before = clock.now(clock.self);
      const std::int64_t between = clock.stamp(clock.self);
      const std::int64_t after = clock.now(clock.self);
      if (after - before >= gap) continue;
      gap = after - before;
      *stamp = between;
      *now = before + gap / 2;
    }
    return gap;
  };
  std::int64_t stamps[2] = {};
  std::int64_t nows[2] = {};
  std::int64_t slack = tightest(&stamps[0], &nows[0]);
  const timespec pause{0, 200'000'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  slack += tightest(&stamps[1], &nows[1]);
  const std::int64_t error = (stamps[1] - stamps[0]) - (nows[1] - nows[0]);
  CHECK(std::abs(error) <= (nows[1] - nows[0]) / 10'000 + slack);
}

TEST(CycleSystemClock, SignalsDoNotEndTheSleep) {
  static volatile sig_atomic_t signals;
  signals = 0;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { signals = signals + 1; };
  ::sigaction(SIGVTALRM, &action, &before);
  timer_t timer{};
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGVTALRM;
  LONGS_EQUAL(0, ::timer_create(CLOCK_MONOTONIC, &event, &timer));
  const itimerspec often{{0, 2'000'000}, {0, 2'000'000}};
  ::timer_settime(timer, 0, &often, nullptr);
  const std::int64_t deadline = clock.now(clock.self) + 20'000'000;
  const std::int64_t woken = clock.wait_until(clock.self, deadline);
  ::timer_delete(timer);
  ::sigaction(SIGVTALRM, &before, nullptr);
  CHECK(signals > 0);
  CHECK(woken >= deadline);
}
