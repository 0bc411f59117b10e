// One life of a plugin: from being made to its end. What it has posted and set going ends with it;
// what it has subscribed may be kept for its next life.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/host/plugin.hpp"
#include "plugins/host/thread_pool.hpp"
#include "plugins/routing/routes.hpp"

namespace rise::host {

// What the host gives to all lives.
struct Surroundings {
  bus::Bus* bus = nullptr;
  ThreadPool* pool = nullptr;
  routing::Routes* routes = nullptr;
  std::string region;
  std::function<void(Level, const std::string& who, std::string_view text)> log;
  std::function<std::string()> all_metrics;
};

class Life : public Context, public std::enable_shared_from_this<Life> {
 public:
  using Clock = std::chrono::steady_clock;
  // So many calls of handlers that throw, one after the other, and it is the plugin that is at
  // fault.
  static constexpr unsigned kFailuresInARow = 20;

  // A subscription that waits for the life that makes the same one.
  struct Kept {
    bus::SubscribeOptions options;  // without handler
    bus::Consumer consumer;
  };

  // kept: of the life before.
  Life(std::string name, const PluginInfo* info, const Surroundings* surroundings,
       std::vector<Kept> kept)
      : name_(std::move(name)),
        info_(info),
        surroundings_(surroundings),
        inherited_(std::move(kept)) {}

  // Makes and starts it, on the pool. settings outlive it.
  void begin(const config::Settings* settings);
  // Stops and destroys it, and waits for that and for all its calls under way at most so long.
  // False: they have not ended; it is given up, and nothing of it is called any more.
  // keep: what it has subscribed goes on collecting, for the next life.
  bool end(std::chrono::milliseconds limit, bool keep);
  // After end(): what is kept.
  [[nodiscard]] std::vector<Kept> take_kept();
  // It has started: what it has not subscribed again, it does not want any more.
  void forget_inherited();
  // Why it has to end; empty: it does well.
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] bool started() const { return started_.load(std::memory_order_acquire); }
  // The call under way that has taken the longest; zero: none.
  [[nodiscard]] Clock::duration longest_call() const;
  [[nodiscard]] std::size_t calls_left() const;  // under way
  struct HealthNow {
    Health health = Health::Good;
    std::string text;
  };
  [[nodiscard]] HealthNow health_now() const;
  void collect(MetricsText* metrics);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const std::string& region() const override { return surroundings_->region; }
  [[nodiscard]] bus::Bus& bus() override { return *surroundings_->bus; }
  void subscribe(bus::SubscribeOptions options) override;
  void transport(routing::Transport transport) override;
  void post(std::function<void()> task) override;
  void every_ms(std::uint32_t ms, std::function<void()> task) override;
  void log(Level level, std::string_view text) override;
  void health(Health health, std::string_view text) override;
  void metrics(std::function<void(MetricsText*)> collect) override;
  [[nodiscard]] std::string all_metrics() override { return surroundings_->all_metrics(); }
  void fail(std::string_view why) override;

 private:
  // Marks a call as under way. False: this life is over, and the call is not to be made.
  bool enter(Clock::time_point* began);
  void leave(Clock::time_point began);
  // Runs it as a call of this life; an exception ends the life. -> false: it was not run, or threw.
  bool guarded(const std::function<void()>& call);
  void again(std::uint32_t ms, const std::shared_ptr<std::function<void()>>& task);
  // No handler runs from now on, but those at work.
  void silence(std::vector<Kept>* subscriptions, bool keep);

  const std::string name_;
  const PluginInfo* info_;
  const Surroundings* surroundings_;

  mutable std::mutex mutex_;  // what follows
  std::condition_variable left_;
  std::vector<Clock::time_point> under_way_;
  bool over_ = false;
  std::string fault_;
  HealthNow health_;
  std::vector<Kept> subscriptions_;
  std::vector<Kept> inherited_;
  std::vector<Kept> kept_;
  std::vector<std::shared_ptr<void>> transports_;
  std::vector<std::function<void(MetricsText*)>> collectors_;
  std::unique_ptr<Plugin> plugin_;
  std::atomic<bool> started_{false};
  std::atomic<unsigned> failures_in_a_row_{0};
};

}  // namespace rise::host
