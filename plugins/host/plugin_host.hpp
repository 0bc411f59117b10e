// Keeps the plugins of a config running: makes each, looks after it, ends it when it fails or does
// not return, and makes it anew, waiting longer each time. None of them can hold up the others, or
// whoever calls look().
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/host/life.hpp"
#include "plugins/routing/routes.hpp"

namespace rise::host {

struct PluginChoice {
  std::string name;  // of the [[plugin]]
  const PluginInfo* info = nullptr;
  config::Settings settings;
};

struct HostOptions {
  std::string region = "rise";
  ThreadPoolOptions pool;
  std::vector<routing::RouteSpec> routes;
  std::chrono::milliseconds stall{10'000};   // a call that takes longer is given up
  std::chrono::milliseconds restart{1'000};  // wait until a plugin is made anew; doubles ...
  std::chrono::milliseconds restart_max{
      60'000};  // ... up to this; it starts over after running as long
  std::chrono::milliseconds start_limit{3'000};  // how long starting() waits for a plugin
  std::chrono::milliseconds stop_limit{3'000};   // for each plugin to end
  std::function<void(Level, const std::string& who, std::string_view text)> log;
};

enum class PluginState : std::uint8_t { Starting, Running, Stopping, Waiting, Stopped };

struct PluginView {
  std::string name;
  std::string plugin;
  PluginState state = PluginState::Stopped;
  Health health = Health::Good;
  std::string text;  // why it waits, or what its health says
  std::uint64_t restarts = 0;
};

class PluginHost {
 public:
  PluginHost(const HostOptions& options, std::vector<PluginChoice> choices);
  // What does not end is left behind: see abandoned().
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  void start();
  void stop();
  // Every 10 to 100 ms, on one thread: looks after them, and lets the bus's time pass.
  void look();

  [[nodiscard]] bus::Bus& bus() { return bus_; }
  // A plugin's first life has not started yet, though it still may: what is published now would
  // pass it by. Nobody waits for a second life, or for one that takes too long.
  [[nodiscard]] bool starting() const;
  [[nodiscard]] std::vector<PluginView> views() const;
  [[nodiscard]] std::vector<routing::RouteView> routes() const { return routes_.view(); }
  // Lives that did not end: threads of the process are lost in them, which can then end by
  // std::_Exit only.
  [[nodiscard]] std::uint64_t abandoned() const;
  // More for the page of metrics, from the host's own side.
  void metrics(std::function<void(MetricsText*)> collect);
  [[nodiscard]] std::string all_metrics() const;

 private:
  using Clock = Life::Clock;
  struct Ward {
    PluginChoice choice;
    std::shared_ptr<Life> life;  // null: none now
    std::future<bool> ending;    // Stopping: what Life::end says
    PluginState state = PluginState::Stopped;
    Clock::time_point since{};  // its state
    Clock::time_point due{};    // Waiting: until then
    std::chrono::milliseconds wait{0};
    std::string why;
    std::uint64_t restarts = 0;
    std::vector<Life::Kept> kept;  // Waiting: what the last life has subscribed
  };
  void begin(Ward* ward);
  void look_after(Ward* ward);
  void put_down(Ward* ward, const std::string& why);
  void put_away(Ward* ward);
  void say(Level level, const std::string& who, const std::string& text) const;

  HostOptions options_;
  ThreadPool pool_;
  bus::Bus bus_;
  routing::Routes routes_;
  Surroundings surroundings_;
  mutable std::mutex mutex_;  // wards and collectors
  std::vector<Ward> wards_;
  std::vector<std::function<void(MetricsText*)>> collectors_;
  std::uint64_t abandoned_ = 0;
  bool running_ = false;
};

// "running", ...
const char* text_of(PluginState state);
const char* text_of(Health health);

}  // namespace rise::host
