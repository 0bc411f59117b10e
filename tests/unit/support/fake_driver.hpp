// A driver that does what a test tells it, and remembers how it was called.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/driver/library.hpp"
#include "rt_core/plan/plan.hpp"

namespace rise::test {

class FakeDriver;

// One instance.
struct FakeMachine {
  FakeDriver* driver = nullptr;
  const rise_host* host = nullptr;
  std::string name;
  std::vector<std::string> calls;  // of everything but cycle
  std::uint64_t cycles = 0;
  std::uint32_t flags = 0;  // of the last cycle
  bool stopped = false;     // stop() was called: it has said good-bye and does nothing any more
  std::string received;
  std::vector<rise_command> commands;
  std::vector<std::int32_t> streams;  // that are open
  std::vector<std::string> settings;  // "path=value"
  std::vector<std::string> outputs;   // "name target min max"

  // A host service: ask(&rise_host::signal_write, 0, 1.5).
  template <class Function, class... Arguments>
  auto ask(Function rise_host::*service, Arguments... arguments) const {
    return (host->*service)(host->context, arguments...);
  }
  std::int32_t group(const char* group_name, std::int64_t period_ns) const {
    const rise_group_spec spec{sizeof spec, 0, group_name, period_ns};
    return ask(&rise_host::group_declare, &spec);
  }
  std::int32_t signal(const char* signal_name, std::uint32_t in_group,
                      std::uint32_t type = RISE_SIGNAL_NUMBER, double min = -1000,
                      double max = 1000) const {
    const rise_signal_spec spec{sizeof spec, type,    in_group, 0,  signal_name,
                                "mm",        nullptr, min,      max};
    return ask(&rise_host::signal_declare, &spec);
  }
  std::int32_t link(std::uint32_t state, std::uint32_t endpoint = 0,
                    const char* reason = "") const {
    return ask(&rise_host::link, state, endpoint, reason);
  }
  std::int32_t text(std::int32_t number, std::string_view value) const {
    return ask(&rise_host::text_write, number, value.data(),
               static_cast<std::uint32_t>(value.size()));
  }
  std::int32_t send(std::int32_t stream, std::string_view bytes) const {
    return ask(&rise_host::stream_send, stream, reinterpret_cast<const std::uint8_t*>(bytes.data()),
               static_cast<std::uint32_t>(bytes.size()));
  }
  // Number of calls that begin so.
  [[nodiscard]] std::size_t called(std::string_view begin) const {
    std::size_t n = 0;
    for (const std::string& call : calls) n += call.starts_with(begin) ? 1 : 0;
    return n;
  }
};

class FakeDriver {
 public:
  explicit FakeDriver(const char* name = "fake");
  ~FakeDriver() { current_ = previous_; }
  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;

  // Declares one group "fast" of 10 ms with the signals 0 "value", 1 "other", 2 "text".
  static std::int32_t declare_some(FakeMachine* machine);
  // Finds this driver under its name and no other.
  [[nodiscard]] plan::DriverSource source() {
    return [this](const std::string& wanted) -> Result<driver::Library> {
      ++lookups;
      if (wanted == abi.name) return driver::Library::adopt(&abi);
      return Failure{"driver \"" + wanted + "\" is not installed"};
    };
  }
  [[nodiscard]] FakeMachine& machine(std::size_t i) { return *machines.at(i); }

  rise_driver abi{};
  std::function<std::int32_t(FakeMachine*, const rise_config&)> on_configure;
  std::function<void(FakeMachine*)> on_start;
  std::function<void(FakeMachine*, const rise_cycle&)> on_cycle;
  std::function<void(FakeMachine*, std::int32_t)> on_open;
  std::function<void(FakeMachine*, std::string_view)> on_bytes;
  std::function<void(FakeMachine*, std::int32_t)> on_closed;
  std::function<std::int32_t(FakeMachine*, const rise_command&)> on_command;
  std::function<void(FakeMachine*)> on_safe;
  std::function<void(FakeMachine*, std::uint64_t)> on_cancel;
  std::function<void(FakeMachine*)> on_destroy;
  std::function<void(FakeMachine*)> on_stop;
  std::vector<FakeMachine*> machines;  // configured and not destroyed
  int destroyed = 0;
  int lookups = 0;

 private:
  static FakeMachine* of(void* instance) { return static_cast<FakeMachine*>(instance); }
  static std::int32_t configure(const rise_host* host, const rise_config* config, void** instance);
  static void destroy(void* instance);
  static inline FakeDriver* current_ = nullptr;  // that is asked to configure: the latest
  FakeDriver* previous_;
};

inline FakeDriver::FakeDriver(const char* name) : previous_(current_) {
  current_ = this;
  abi.struct_size = sizeof abi;
  abi.abi_major = RISE_ABI_MAJOR;
  abi.abi_minor = RISE_ABI_MINOR;
  abi.capabilities = RISE_CAP_STREAM | RISE_CAP_COMMAND;
  abi.name = name;
  abi.version = "1.2.3";
  abi.summary = "does what tests tell it";
  abi.configure = &FakeDriver::configure;
  abi.destroy = &FakeDriver::destroy;
  abi.start = [](void* instance, std::int64_t) {
    of(instance)->calls.push_back("start");
    if (of(instance)->driver->on_start) of(instance)->driver->on_start(of(instance));
  };
  abi.cycle = [](void* instance, const rise_cycle* cycle) {
    ++of(instance)->cycles;
    of(instance)->flags = cycle->flags;
    if (of(instance)->driver->on_cycle) of(instance)->driver->on_cycle(of(instance), *cycle);
  };
  abi.on_open = [](void* instance, std::int32_t stream, std::int64_t) {
    of(instance)->calls.push_back("open");
    of(instance)->streams.push_back(stream);
    if (of(instance)->driver->on_open) of(instance)->driver->on_open(of(instance), stream);
  };
  abi.on_bytes = [](void* instance, std::int32_t, const std::uint8_t* bytes, std::uint32_t length,
                    std::int64_t) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), length);
    of(instance)->calls.push_back("bytes " + std::string(text));
    of(instance)->received += text;
    if (of(instance)->driver->on_bytes) of(instance)->driver->on_bytes(of(instance), text);
  };
  abi.on_closed = [](void* instance, std::int32_t stream, std::int32_t reason, std::int64_t) {
    of(instance)->calls.push_back("closed " + std::to_string(reason));
    std::erase(of(instance)->streams, stream);
    if (of(instance)->driver->on_closed) of(instance)->driver->on_closed(of(instance), stream);
  };
  abi.command = [](void* instance, const rise_command* command, std::int64_t) -> std::int32_t {
    of(instance)->calls.push_back("command");
    of(instance)->commands.push_back(*command);
    return of(instance)->driver->on_command
               ? of(instance)->driver->on_command(of(instance), *command)
               : RISE_OK;
  };
  abi.cancel = [](void* instance, std::uint64_t id, std::int64_t) {
    of(instance)->calls.push_back("cancel " + std::to_string(id));
    if (of(instance)->driver->on_cancel) of(instance)->driver->on_cancel(of(instance), id);
  };
  abi.safe = [](void* instance, std::int32_t reason, std::int64_t) {
    if (of(instance)->stopped) {  // as a real driver: there is no session any more
      of(instance)->calls.push_back("too late for safe");
      of(instance)->ask(&rise_host::safe_done, 0u);
      return;
    }
    of(instance)->calls.push_back("safe " + std::to_string(reason));
    if (of(instance)->driver->on_safe) of(instance)->driver->on_safe(of(instance));
  };
  abi.stop = [](void* instance, std::int64_t) {
    of(instance)->calls.push_back("stop");
    of(instance)->stopped = true;
    if (of(instance)->driver->on_stop) of(instance)->driver->on_stop(of(instance));
  };
}

inline std::int32_t FakeDriver::declare_some(FakeMachine* machine) {
  const bool good = machine->group("fast", 10'000'000) == 0 && machine->signal("value", 0) == 0 &&
                    machine->signal("other", 0) == 1 &&
                    machine->signal("text", 0, RISE_SIGNAL_TEXT) == 2;
  return good ? RISE_OK : RISE_E_LIMIT;
}

inline std::int32_t FakeDriver::configure(const rise_host* host, const rise_config* config,
                                          void** instance) {
  auto* machine = new FakeMachine;
  machine->driver = current_;
  machine->host = host;
  machine->name = config->machine;
  for (std::uint32_t i = 0; i < config->setting_count; ++i) {
    const rise_setting& s = config->settings[i];
    const std::string value = s.type == RISE_SETTING_STRING   ? s.string
                              : s.type == RISE_SETTING_NUMBER ? std::to_string(s.number)
                                                              : std::to_string(s.integer);
    machine->settings.push_back(std::string(s.path) + "=" + value);
  }
  for (std::uint32_t i = 0; i < config->output_count; ++i) {
    const rise_output_spec& o = config->outputs[i];
    machine->outputs.push_back(std::string(o.name) + " " + o.target + " " + std::to_string(o.min) +
                               " " + std::to_string(o.max));
  }
  const std::int32_t rc =
      current_->on_configure ? current_->on_configure(machine, *config) : declare_some(machine);
  if (rc != RISE_OK) {
    delete machine;
    return rc;
  }
  *instance = machine;
  current_->machines.push_back(machine);
  return rc;
}

inline void FakeDriver::destroy(void* instance) {
  FakeDriver* driver = of(instance)->driver;
  if (driver->on_destroy) driver->on_destroy(of(instance));
  std::erase(driver->machines, of(instance));
  ++driver->destroyed;
  delete of(instance);
}

}  // namespace rise::test
