#include "plugins/host/thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace rise::host {

ThreadPool::ThreadPool(const ThreadPoolOptions& options) : options_(options) {
  const std::lock_guard lock(mutex_);
  const std::size_t threads = std::clamp<std::size_t>(options.threads, 1, 64);
  while (threads_.size() < threads) start_thread();
}

void ThreadPool::add_thread() {
  const std::lock_guard lock(mutex_);
  start_thread();
}

void ThreadPool::start_thread() {
  const std::string name = options_.name + "-" + std::to_string(threads_.size());
  threads_.emplace_back([this] { run(); });
  const pthread_t handle = threads_.back().native_handle();
  ::pthread_setname_np(handle, name.substr(0, 15).c_str());
  if (options_.cpus.empty()) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (const int cpu : options_.cpus) CPU_SET(static_cast<std::size_t>(cpu), &cpus);
  // Without effect if none of them is there: then it runs wherever the process may.
  ::pthread_setaffinity_np(handle, sizeof cpus, &cpus);
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ThreadPool::post(Task task, unsigned priority) {
  {
    const std::lock_guard lock(mutex_);
    waiting_[std::clamp(priority, 1u, unsigned{kPriorities}) - 1].push_back(std::move(task));
    ++under_way_;
  }
  changed_.notify_one();
}

void ThreadPool::post_at(Clock::time_point time, Task task) {
  {
    const std::lock_guard lock(mutex_);
    timers_.push({time, posted_timers_++, std::move(task)});
  }
  changed_.notify_one();
}

void ThreadPool::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return under_way_ == 0; });
}

bool ThreadPool::wait_idle_for(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, limit, [this] { return under_way_ == 0; });
}

ThreadPoolCounts ThreadPool::counts() const {
  const std::lock_guard lock(mutex_);
  ThreadPoolCounts counts;
  for (const auto& queue : waiting_) counts.waiting += queue.size();
  counts.done = done_;
  counts.threw = threw_;
  return counts;
}

ThreadPool::Task ThreadPool::next() {
  if (!timers_.empty() && timers_.top().time <= Clock::now()) {
    // top() is const; it is popped at once.
    Task task = std::move(const_cast<Timer&>(timers_.top()).task);
    timers_.pop();
    ++under_way_;
    return task;
  }
  const auto take = [](std::deque<Task>* queue) {
    Task task = std::move(queue->front());
    queue->pop_front();
    return task;
  };
  if (++turns_ % kTurns == 0) {
    for (auto queue = waiting_.rbegin(); queue != waiting_.rend(); ++queue) {
      if (!queue->empty()) return take(&*queue);
    }
  }
  for (auto& queue : waiting_) {
    if (!queue.empty()) return take(&queue);
  }
  return {};
}

void ThreadPool::run() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    Task task = next();
    if (!task) {
      if (timers_.empty()) {
        changed_.wait(lock);
      } else {
        // A copy: while we wait, another thread may take that timer.
        const Clock::time_point time = timers_.top().time;
        changed_.wait_until(lock, time);
      }
      continue;
    }
    lock.unlock();
    bool threw = false;
    try {
      task();
    } catch (...) {
      threw = true;
    }
    task = nullptr;  // what it holds is destroyed without the lock
    lock.lock();
    ++done_;
    threw_ += threw ? 1u : 0u;
    if (--under_way_ == 0) idle_.notify_all();
  }
}

}  // namespace rise::host
