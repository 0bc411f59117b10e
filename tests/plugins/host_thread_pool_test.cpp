#include "plugins/host/thread_pool.hpp"

#include <CppUTest/TestHarness.h>

#include <atomic>
#include <future>
#include <string>

using rise::host::ThreadPool;
using namespace std::chrono_literals;

namespace {

// Keeps the pool's only thread busy until it is let go.
class Gate {
 public:
  explicit Gate(ThreadPool* pool) {
    pool->post([this] {
      entered_.set_value();
      open_.get_future().wait();
    });
    entered_.get_future().wait();
  }
  void open() { open_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> open_;
};

}  // namespace

TEST_GROUP(HostThreadPool){};

TEST(HostThreadPool, RunsWhatIsPosted) {
  std::atomic<int> sum{0};
  ThreadPool pool({4, "test", {}});
  for (int i = 1; i <= 1000; ++i) pool.post([&sum, i] { sum += i; });
  pool.wait_idle();
  LONGS_EQUAL(500'500, sum.load());
  LONGS_EQUAL(1000, pool.counts().done);
}

TEST(HostThreadPool, TheHigherPriorityFirst) {
  std::string text;
  ThreadPool pool({1, "test", {}});
  Gate gate(&pool);
  for (const auto& [priority, mark] :
       {std::pair(5u, 'e'), std::pair(3u, 'c'), std::pair(1u, 'a'), std::pair(4u, 'd'),
        std::pair(3u, 'C'), std::pair(2u, 'b')}) {
    pool.post([&text, letter = mark] { text += letter; }, priority);
  }
  gate.open();
  pool.wait_idle();
  STRCMP_EQUAL("abcCde", text.c_str());
}

TEST(HostThreadPool, TheLowestHasItsTurn) {
  std::string text;
  ThreadPool pool({1, "test", {}});
  Gate gate(&pool);
  pool.post([&text] { text += 'z'; }, 5);
  for (std::uint64_t i = 0; i < 2 * ThreadPool::kTurns; ++i) pool.post([&text] { text += '.'; }, 1);
  gate.open();
  pool.wait_idle();
  CHECK(text.find('z') < ThreadPool::kTurns);
}

TEST(HostThreadPool, TimersRunInTheirOrderAndNotBefore) {
  std::string text;
  const auto start = ThreadPool::Clock::now();
  std::promise<ThreadPool::Clock::time_point> last;
  {
    ThreadPool pool({1, "test", {}});
    pool.post_at(start + 30ms, [&] {
      text += 'b';
      last.set_value(ThreadPool::Clock::now());
    });
    pool.post_at(start + 10ms, [&] { text += 'a'; });
    pool.post_at(start + 1h, [&] { text += 'c'; });
    CHECK(last.get_future().get() >= start + 30ms);
  }
  STRCMP_EQUAL("ab", text.c_str());
}

TEST(HostThreadPool, ATaskThatThrowsEndsNothingElse) {
  std::atomic<int> ran{0};
  ThreadPool pool({1, "test", {}});
  pool.post([] { throw 1; });
  pool.post([&] { ++ran; });
  pool.wait_idle();
  LONGS_EQUAL(1, ran.load());
  LONGS_EQUAL(1, pool.counts().threw);
}
