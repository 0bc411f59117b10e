#include "plugins/net/loop.hpp"

#include <pthread.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>
#include <utility>

namespace rise::net {

namespace asio = boost::asio;

struct Loop::State {
  // One thread runs it: the hint spares locks between the threads that do not exist.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::promise<void> ended;
  std::future<void> end = ended.get_future();
  std::atomic<bool> stopped{false};
  std::thread thread;
};

Loop::Loop(const std::string& name) : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] {
    state->context.run();
    state->ended.set_value();
  });
  ::pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

Loop::~Loop() { stop(); }

void Loop::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

void Loop::run(const std::function<void()>& work) {
  if (state_->stopped) return;
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> wait = done->get_future();
  post([&work, done] {
    work();
    done->set_value();
  });
  wait.wait();
}

bool Loop::here() const { return std::this_thread::get_id() == state_->thread.get_id(); }

void Loop::stop(std::chrono::milliseconds patience) {
  if (state_->stopped.exchange(true)) return;
  state_->work.reset();
  if (state_->end.wait_for(patience) != std::future_status::ready) state_->context.stop();
  state_->thread.join();
}

asio::io_context& Loop::context() { return state_->context; }

struct Timer::State {
  explicit State(asio::io_context* context) : timer(*context) {}
  asio::steady_timer timer;
  // A timer that has just expired cannot be cancelled any more: its call is already queued.
  std::uint64_t round = 0;
  std::function<void()> call;
};

Timer::Timer(Loop* loop) : state_(std::make_shared<State>(&loop->context())) {}

Timer::~Timer() { cancel(); }

void Timer::start(std::chrono::milliseconds after, std::function<void()> call) {
  state_->call = std::move(call);
  const std::uint64_t round = ++state_->round;
  state_->timer.expires_after(after);
  state_->timer.async_wait([state = state_, round](const boost::system::error_code& error) {
    if (error || state->round != round) return;
    const std::function<void()> due = std::exchange(state->call, nullptr);
    if (due) due();
  });
}

void Timer::cancel() {
  ++state_->round;
  state_->call = nullptr;
  state_->timer.cancel();
}

}  // namespace rise::net
