// A thread with an event loop of its own. What belongs to one Loop is touched by its thread only,
// so it needs no locks; other threads hand in work by post().
//
// Asio stays behind this header: a file that only needs a loop and timers compiles in a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace rise::net {

class Loop {
 public:
  // The thread starts now. `name` is what `top -H` shows: 15 characters at most.
  explicit Loop(const std::string& name);
  // As stop().
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `work` on the loop's thread, in the order of the calls. Any thread. Never runs it at once.
  void post(std::function<void()> work);
  // Runs `work` on the loop's thread and waits for it. Any other thread; after stop() nothing is
  // run.
  void run(const std::function<void()>& work);
  // Whether the caller is the loop's thread.
  [[nodiscard]] bool here() const;
  // Lets what is under way come to its end, for `patience` at most, and joins the thread. Any other
  // thread; once is enough.
  void stop(std::chrono::milliseconds patience = std::chrono::seconds(2));
  [[nodiscard]] boost::asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls back once after a time. The loop's thread only, the constructor included.
class Timer {
 public:
  explicit Timer(Loop* loop);
  ~Timer();  // cancels
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was set before.
  void start(std::chrono::milliseconds after, std::function<void()> call);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rise::net
