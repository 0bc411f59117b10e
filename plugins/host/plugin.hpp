// What a plugin of the sidecar is, and what the host gives it. A plugin is a shared object that
// exports rise_plugin_entry; it is built with this tree's headers and compiler (the interface is
// C++), and one that was built for another version of them is refused.
//
//   made (make) --> start --> runs: its tasks, timers and handlers --> stop --> destroyed
//         |            |                    |
//         +------------+--------------------+--- throws, or does not return: stopped and named,
//                                                made anew after restart_s, doubling
//
// All its code runs on threads of the host's pool, or on threads of its own. What it gives to the
// context (tasks, handlers, timers) is guarded: an exception ends this life of the plugin and
// nothing else. A call that does not return within stall_s is given up: its thread is lost to it, a
// new one takes its place in the pool, and the plugin begins anew beside it. Threads of its own it
// guards itself, and tells by fail().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/schema/schema.hpp"
#include "drivers/sdk/rise_driver.h"
#include "plugins/bus/bus.hpp"
#include "plugins/host/metrics_text.hpp"
#include "plugins/routing/transport.hpp"

namespace rise::host {

// Rises with each change of what stands here or in what this includes.
inline constexpr std::uint32_t kPluginAbi = 3;

enum class Health : std::uint8_t { Good, Degraded, Bad };
enum class Level : std::uint8_t { Debug, Info, Warning, Error };

// The host, as one plugin sees it. Any thread; after stop() has returned, none.
class Context {
 public:
  virtual ~Context() = default;
  // Of the [[plugin]] in the config.
  [[nodiscard]] virtual const std::string& name() const = 0;
  // Of the core's shared region.
  [[nodiscard]] virtual const std::string& region() const = 0;
  // To publish on; to receive, see subscribe().
  [[nodiscard]] virtual bus::Bus& bus() = 0;
  // Until stop. options.name empty: the plugin's. An exception of the handler is the message's
  // matter first: it is tried again or becomes a dead letter, as its guarantee asks.
  virtual void subscribe(bus::SubscribeOptions options) = 0;
  // A way out for [[route]]s, until stop.
  virtual void transport(routing::Transport transport) = 0;
  virtual void post(std::function<void()> task) = 0;
  // Again and again until stop; the next time counts from the end of the last.
  virtual void every_ms(std::uint32_t ms, std::function<void()> task) = 0;
  virtual void log(Level level, std::string_view text) = 0;
  // Good until told otherwise. `text`: why, for people.
  virtual void health(Health health, std::string_view text) = 0;
  // Adds what it says to the page of metrics, at each reading.
  virtual void metrics(std::function<void(MetricsText*)> collect) = 0;
  // The page of all metrics: the host's and every plugin's.
  [[nodiscard]] virtual std::string all_metrics() = 0;
  // From a thread of its own: this life is over, for this reason.
  virtual void fail(std::string_view why) = 0;
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual void start() {}
  // Threads of its own have ended when it returns.
  virtual void stop() {}
};

struct PluginInfo {
  std::uint32_t abi = kPluginAbi;
  const char* name = nullptr;
  const char* version = nullptr;
  const char* summary = nullptr;  // one sentence
  // Of [plugin.NAME], relative to it.
  std::span<const rise_setting_spec> settings;
  // Throws: what the table above cannot say is wrong with the settings. The context outlives it.
  std::unique_ptr<Plugin> (*make)(const config::Settings& settings, Context* context) = nullptr;
};

extern "C" {
// Of each plugin.
using PluginEntry = const PluginInfo*();
}
inline constexpr char kPluginEntry[] = "rise_plugin_entry";

}  // namespace rise::host
