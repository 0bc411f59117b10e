// The caretaker's thread and a lane's, at work on the same machine: drivers benched, made anew,
// seated. For the sanitizers: ThreadSanitizer judges the hand-over of seats, AddressSanitizer
// whether all of it comes back.
#include "rt_core/core/caretaker.hpp"

#include <CppUTest/TestHarness.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "bench/idle_core.hpp"

using namespace rise;

namespace {

std::atomic<int> made{0};
std::atomic<int> destroyed{0};
std::atomic<std::uint64_t> cycles{0};

// Takes longer than its budget, in every tenth cycle and later in all of them.
rise_driver slow_driver() {
  rise_driver driver = bench::idle_driver();
  driver.configure = [](const rise_host* host, const rise_config* config, void** instance) {
    const std::int32_t rc = bench::kIdleDriver.configure(host, config, instance);
    *instance = new std::uint64_t(0);
    ++made;
    return rc;
  };
  driver.cycle = [](void* instance, const rise_cycle*) {
    auto& mine = *static_cast<std::uint64_t*>(instance);
    ++mine;
    ++cycles;
    if (mine < 100) return;
    const std::int64_t end_ns = bench::now_ns() + 300'000;
    while (bench::now_ns() < end_ns) {
    }
  };
  driver.destroy = [](void* instance) {
    delete static_cast<std::uint64_t*>(instance);
    ++destroyed;
  };
  return driver;
}

bool wait_for(int count) {
  for (int i = 0; i < 1000 && made.load() < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return made.load() >= count;
}

}  // namespace

TEST_GROUP(CoreCaretaker) {
  cpu_set_t allowed;
  void setup() override {
    made = destroyed = 0;
    cycles = 0;
    ::sched_getaffinity(0, sizeof allowed, &allowed);
  }
  // A core takes its thread off the lanes' cores; later tests want them back.
  void teardown() override { ::sched_setaffinity(0, sizeof allowed, &allowed); }
};

TEST(CoreCaretaker, ABenchedDriverGetsAnotherSeatWhileItsLaneRuns) {
  static const rise_driver kSlow = slow_driver();
  {
    const auto core = bench::idle_core(
        "caretaker-" + std::to_string(::getpid()),
        "period_us = 1000\npriority = 0\nseal = \"off\"\nstuck_after = 0\nio = \"nonblocking\"\n"
        "bench_after = 3\ndriver_budget_us = 100\nretry_s = 1\nretry_max_s = 1\n",
        4, nullptr, nullptr, &kSlow);
    const auto started = core->start();
    CHECK_TRUE(static_cast<bool>(started));
    CHECK_TRUE(wait_for(4 * 3));  // each twice anew
    const std::uint64_t before = cycles.load();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    CHECK(cycles.load() > before);
    core->stop();
  }
  LONGS_EQUAL(made.load(), destroyed.load());
}
