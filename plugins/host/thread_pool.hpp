// The sidecar's threads: what is posted runs soon, what has the higher priority first, and timers
// when their time has come. Tasks do not wait for anything but work; a plugin that has to wait for
// the network does so on threads of its own.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

namespace rise::host {

struct ThreadPoolOptions {
  std::size_t threads = 2;  // 1 to 64
  std::string name = "pool";
  // Cores that they may run on; empty: wherever the process may.
  std::vector<int> cpus;
};

struct ThreadPoolCounts {
  std::size_t waiting = 0;
  std::uint64_t done = 0;
  std::uint64_t threw = 0;  // tasks that ended by an exception: a fault of whoever posted them
};

class ThreadPool {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kPriorities = 5;
  // So many tasks of higher priority at most before one of the lowest that waits has its turn.
  static constexpr std::uint64_t kTurns = 32;

  explicit ThreadPool(const ThreadPoolOptions& options);
  // As stop().
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Ends when the tasks under way have; what waits is dropped. One thread, and no task.
  void stop();

  // Any thread. priority: 1 (critical) to 5 (background), as a message's.
  void post(Task task, unsigned priority = 3);
  void post_at(Clock::time_point time, Task task);
  // Waits until nothing is waiting or running but timers. Not from a task. False: not within that
  // time.
  void wait_idle();
  bool wait_idle_for(std::chrono::milliseconds limit);
  // For one that does not come back from its task: another takes its place.
  void add_thread();
  [[nodiscard]] ThreadPoolCounts counts() const;

 private:
  struct Timer {
    Clock::time_point time;
    std::uint64_t number = 0;  // of two at one time the first that was posted
    Task task;
    bool operator<(const Timer& other) const {
      return time != other.time ? time > other.time : number > other.number;
    }
  };
  void start_thread();
  void run();
  // Empty: there is none. With the lock held.
  Task next();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::array<std::deque<Task>, kPriorities> waiting_;
  std::priority_queue<Timer> timers_;
  std::uint64_t posted_timers_ = 0;
  std::uint64_t turns_ = 0;
  std::size_t under_way_ = 0;  // waiting and running, without timers
  std::uint64_t done_ = 0;
  std::uint64_t threw_ = 0;
  bool over_ = false;
  const ThreadPoolOptions options_;
  std::vector<std::thread> threads_;
};

}  // namespace rise::host
