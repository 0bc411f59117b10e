#include <CppUTest/TestHarness.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/host/thread_pool.hpp"
#include "tests/plugins/bus_rig.hpp"

using namespace rise::bus;
using rise::test::message;
using rise::test::reader;

TEST_GROUP(BusThreads){};

// Many publish to many, who come and go: each message reaches whoever was there all the time once.
TEST(BusThreads, NothingIsLostOrTwice) {
  rise::host::ThreadPool pool({2, "test", {}});
  constexpr int kThreads = 3;
  constexpr int kEach = 4000;
  std::atomic<int> seen[kThreads] = {};
  std::atomic<bool> in_order{true};
  {
    BusOptions options;
    options.post = [&](std::function<void()> task) { pool.post(std::move(task)); };
    Bus bus(options);
    SubscribeOptions steady;
    steady.name = "steady";
    steady.pattern = "#";
    steady.limits = {{100'000, 100'000, 100'000, 100'000, 100'000}};
    steady.handler = [&](const MessagePtr& m) {
      if (m->topic == "b") return;
      const int thread = m->source[0] - '0';
      if (seen[thread]++ != std::stoi(m->payload)) in_order = false;
    };
    Consumer consumer = bus.subscribe(steady);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          Message m = message("a/" + std::to_string(i % 7), std::to_string(i));
          m.source = std::to_string(t);
          (void)bus.publish(m);
          if (i % 100 == 0) {
            std::string text;
            SubscribeOptions passing = reader("a/+", &text);
            passing.handler = [](const MessagePtr&) {};
            const Consumer here = bus.subscribe(passing);
            (void)bus.publish(message("b"));
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    pool.wait_idle();
  }
  for (const auto& count : seen) LONGS_EQUAL(kEach, count.load());
  CHECK(in_order.load());
}
