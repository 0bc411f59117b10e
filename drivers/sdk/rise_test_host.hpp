// SPDX-License-Identifier: CC0-1.0
//
// A host for unit tests of a driver, without the core: it drives the driver's calls on a clock that
// only moves when the test says so, and keeps what the driver has done.
//
//   rise::sdk::TestHost host(*rise_driver_entry());
//   host.set("port", 9000);                          // others have their defaults
//   host.configure();                                // false: see host.errors
//   host.start();
//   host.run_ms(10);                                 // cycles of 1 ms
//   int32_t stream = host.last_stream();             // the driver has asked for a connection
//   host.open(stream);
//   host.receive(stream, "temperature 23.5\n");
//   host.value("temperature") == 23.5                // nothing: invalid, or never written
//
// It is strict where the core is: an unknown signal, a value out of range or a call in the wrong
// phase is refused, and counted in `refused`. It allocates; it is for tests.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rise_driver.h"

namespace rise::sdk {

class TestHost {
 public:
  struct Stream {
    std::string host;
    std::uint16_t port = 0;
    bool open = false;
    bool closing = false;  // the driver has closed it
    std::string sent;      // see sent(), which takes it
  };
  struct Signal {
    std::string name;
    std::int32_t group = 0;
    std::uint32_t type = 0;
    double min = 0;
    double max = 0;
    std::optional<double> value;
    std::optional<std::string> text;
  };
  struct Done {
    std::uint64_t id = 0;
    std::uint32_t outcome = 0;
    double value = 0;
  };
  struct Datagram {
    std::int32_t port = 0;
    rise_endpoint to{};
    std::string bytes;
  };

  // What the driver has done. Free for the test to look at and to clear.
  std::vector<std::string> errors;  // of the config: "path: message"
  std::vector<std::string> notices;
  std::vector<std::string> alarms;  // texts of those that are active
  std::vector<Done> done;           // commands that have ended
  std::vector<Datagram> datagrams;
  std::vector<std::uint16_t> datagram_ports;
  std::map<std::int32_t, Stream> streams;
  std::vector<Signal> signals;
  std::vector<std::uint64_t> samples;  // by group
  std::map<std::uint32_t, double> outputs;
  std::uint64_t counters[RISE_COUNT_LIMIT] = {};
  std::uint32_t link = RISE_LINK_DOWN;
  std::string link_reason;
  std::optional<bool> safe_confirmed;
  int refused = 0;              // calls of the driver that its host did not accept
  bool queue_full = false;      // sends are answered RISE_E_AGAIN
  std::int64_t expires_ns = 0;  // of the commands that follow; 0: never
  std::int64_t now_ns = 1'000'000'000;
  std::int64_t period_ns = 1'000'000;

  explicit TestHost(const rise_driver& driver) : driver_(driver) { fill(); }
  ~TestHost() {
    if (instance_ != nullptr) driver_.destroy(instance_);
  }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  // Settings; those that are not set have the default of the driver's table.
  void set(const std::string& path, const char* value) {
    given_[path] = {RISE_SETTING_STRING, 0, 0, value};
  }
  void set(const std::string& path, bool value) {
    given_[path] = {RISE_SETTING_BOOL, value, 0, ""};
  }
  void set(const std::string& path, int value) {
    given_[path] = {RISE_SETTING_INTEGER, value, double(value), ""};
  }
  void set(const std::string& path, double value) {
    given_[path] = {RISE_SETTING_NUMBER, 0, value, ""};
  }
  void add_output(const char* name, const char* target, double min, double max) {
    outputs_.push_back({sizeof(rise_output_spec), 0, name, target, min, max});
  }

  bool configure() {
    std::vector<rise_setting> settings;
    for (std::uint32_t i = 0; i < driver_.setting_count; ++i) take_default(driver_.settings[i]);
    for (const auto& [path, value] : given_) {
      settings.push_back({sizeof(rise_setting), value.type, path.c_str(), value.integer,
                          value.number, value.string.c_str()});
    }
    rise_config config{};
    config.struct_size = sizeof config;
    config.setting_count = static_cast<std::uint32_t>(settings.size());
    config.output_count = static_cast<std::uint32_t>(outputs_.size());
    config.stream_limit = 4;
    config.settings = settings.data();
    config.outputs = outputs_.data();
    config.machine = "test";
    config.cycle_period_ns = period_ns;
    config.datagram_limit = 2;
    configuring_ = true;
    const std::int32_t rc = driver_.configure(&host_, &config, &instance_);
    configuring_ = false;
    if (rc != RISE_OK) instance_ = nullptr;
    return rc == RISE_OK && errors.empty();
  }
  void start() {
    in_lane_ = true;
    driver_.start(instance_, now_ns);
  }
  // One cycle after the other, until the time is over.
  void run_ms(std::int64_t ms) {
    for (const std::int64_t end = now_ns + ms * 1'000'000; now_ns < end;) {
      now_ns += period_ns;
      const rise_cycle cycle = {sizeof cycle, stopping_ ? RISE_CYCLE_STOPPING : 0, ++cycle_, now_ns,
                                period_ns};
      driver_.cycle(instance_, &cycle);
    }
  }
  // The network, as the test plays it.
  void open(std::int32_t stream) {
    streams[stream].open = true;
    driver_.on_open(instance_, stream, now_ns);
  }
  void receive(std::int32_t stream, std::string_view bytes) {
    driver_.on_bytes(instance_, stream, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                     static_cast<std::uint32_t>(bytes.size()), now_ns);
  }
  void closed(std::int32_t stream, std::int32_t reason) {
    streams.erase(stream);
    driver_.on_closed(instance_, stream, reason, now_ns);
  }
  void receive_datagram(std::int32_t port, std::string_view bytes) {
    rise_datagram datagram{};
    datagram.struct_size = sizeof datagram;
    datagram.length = static_cast<std::uint32_t>(bytes.size());
    datagram.bytes = reinterpret_cast<const std::uint8_t*>(bytes.data());
    datagram.from = {0x7f000001, 9, 0};
    driver_.on_datagram(instance_, port, &datagram, now_ns);
  }
  // -> the driver's answer; *id: what `done` will name.
  std::int32_t command(std::uint32_t output, double value, std::uint32_t kind = RISE_COMMAND_SET) {
    rise_command command{};
    command.struct_size = sizeof command;
    command.kind = kind;
    command.output = output;
    command.id = ++command_;
    command.value = value;
    command.expires_ns = expires_ns;
    return driver_.command(instance_, &command, now_ns);
  }
  // id 0: all of them.
  void cancel(std::uint64_t id = 0) {
    if (driver_.cancel != nullptr) driver_.cancel(instance_, id, now_ns);
  }
  void safe(std::int32_t reason = 1) { driver_.safe(instance_, reason, now_ns); }
  void stop() {
    stopping_ = true;
    driver_.stop(instance_, now_ns);
  }

  // The stream that was asked for last; -1: none.
  [[nodiscard]] std::int32_t last_stream() const {
    return streams.empty() ? -1 : streams.rbegin()->first;
  }
  // What was sent since the last time.
  std::string sent(std::int32_t stream) {
    std::string text;
    text.swap(streams[stream].sent);
    return text;
  }
  [[nodiscard]] const Signal* find(std::string_view name) const {
    for (const Signal& signal : signals) {
      if (signal.name == name) return &signal;
    }
    return nullptr;
  }
  [[nodiscard]] std::optional<double> value(std::string_view name) const {
    const Signal* signal = find(name);
    return signal == nullptr || link != RISE_LINK_UP ? std::nullopt : signal->value;
  }

 private:
  struct Value {
    std::uint32_t type = 0;
    std::int64_t integer = 0;
    double number = 0;
    std::string string;
  };
  static TestHost& of(void* context) { return *static_cast<TestHost*>(context); }
  std::int32_t refuse(std::int32_t rc) {
    ++refused;
    return rc;
  }
  Signal* at(std::int32_t number) {
    const bool known = number >= 0 && static_cast<std::size_t>(number) < signals.size();
    return in_lane_ && known ? &signals[static_cast<std::size_t>(number)] : nullptr;
  }
  Stream* stream_at(std::int32_t number) {
    const auto found = streams.find(number);
    return found == streams.end() || !found->second.open || found->second.closing ? nullptr
                                                                                  : &found->second;
  }
  // Defaults are in TOML notation; elements of arrays have none, they are only given.
  void take_default(const rise_setting_spec& spec) {
    const std::string path = spec.path;
    if (spec.fallback == nullptr || path.find('*') != std::string::npos || given_.contains(path))
      return;
    std::string text = spec.fallback;
    Value value{spec.type, 0, std::strtod(text.c_str(), nullptr), ""};
    value.integer =
        spec.type == RISE_SETTING_BOOL ? text == "true" : std::strtoll(text.c_str(), nullptr, 0);
    if (spec.type == RISE_SETTING_STRING && text.size() >= 2)
      value.string = text.substr(1, text.size() - 2);
    given_[path] = value;
  }

  // The rise_host, function by function.
  void fill() {
    host_.struct_size = sizeof host_;
    host_.abi_major = RISE_ABI_MAJOR;
    host_.abi_minor = RISE_ABI_MINOR;
    host_.context = this;
    host_.config_error = [](void* c, const char* path, const char* message) {
      of(c).errors.push_back(std::string(path) + ": " + message);
    };
    host_.group_declare = [](void* c, const rise_group_spec* spec) -> std::int32_t {
      if (!of(c).configuring_ || spec->period_ns <= 0) return of(c).refuse(RISE_E_ARGUMENT);
      of(c).samples.push_back(0);
      return static_cast<std::int32_t>(of(c).samples.size()) - 1;
    };
    host_.signal_declare = [](void* c, const rise_signal_spec* spec) -> std::int32_t {
      TestHost& self = of(c);
      if (!self.configuring_ || spec->name == nullptr || self.find(spec->name) != nullptr ||
          spec->group >= self.samples.size()) {
        return self.refuse(RISE_E_ARGUMENT);
      }
      self.signals.push_back({spec->name, static_cast<std::int32_t>(spec->group), spec->type,
                              spec->min, spec->max, std::nullopt, std::nullopt});
      return static_cast<std::int32_t>(self.signals.size()) - 1;
    };
    host_.stream_open = [](void* c, const char* host, std::uint16_t port,
                           std::uint32_t) -> std::int32_t {
      if (!of(c).in_lane_) return of(c).refuse(RISE_E_PHASE);
      if (of(c).streams.size() == 4) return of(c).refuse(RISE_E_LIMIT);
      of(c).streams[of(c).next_stream_] = {host, port, false, false, ""};
      return of(c).next_stream_++;
    };
    host_.stream_send = [](void* c, std::int32_t stream, const std::uint8_t* bytes,
                           std::uint32_t length) -> std::int32_t {
      Stream* to = of(c).stream_at(stream);
      if (to == nullptr) return of(c).refuse(RISE_E_CLOSED);
      if (of(c).queue_full) return RISE_E_AGAIN;
      to->sent.append(reinterpret_cast<const char*>(bytes), length);
      return RISE_OK;
    };
    host_.stream_close = [](void* c, std::int32_t stream) -> std::int32_t {
      const auto found = of(c).streams.find(stream);
      if (found == of(c).streams.end()) return of(c).refuse(RISE_E_CLOSED);
      found->second.closing = true;
      return RISE_OK;
    };
    host_.signal_write = [](void* c, std::int32_t number, double value) -> std::int32_t {
      Signal* signal = of(c).at(number);
      if (signal == nullptr) return of(c).refuse(RISE_E_ARGUMENT);
      const bool good = std::isfinite(value) && value >= signal->min && value <= signal->max;
      signal->value = good ? std::optional<double>(value) : std::nullopt;
      return good ? RISE_OK : of(c).refuse(RISE_E_ARGUMENT);
    };
    host_.text_write = [](void* c, std::int32_t number, const char* text,
                          std::uint32_t length) -> std::int32_t {
      Signal* signal = of(c).at(number);
      if (signal == nullptr || signal->type != RISE_SIGNAL_TEXT)
        return of(c).refuse(RISE_E_ARGUMENT);
      signal->text = std::string(text, length < RISE_TEXT_MAX ? length : RISE_TEXT_MAX);
      return RISE_OK;
    };
    host_.signal_invalidate = [](void* c, std::int32_t number) -> std::int32_t {
      Signal* signal = of(c).at(number);
      if (signal == nullptr) return of(c).refuse(RISE_E_ARGUMENT);
      signal->value.reset();
      return RISE_OK;
    };
    host_.sample = [](void* c, std::int32_t group, std::int64_t) -> std::int32_t {
      if (group < 0 || static_cast<std::size_t>(group) >= of(c).samples.size())
        return of(c).refuse(RISE_E_ARGUMENT);
      if (of(c).link != RISE_LINK_UP) return of(c).refuse(RISE_E_CLOSED);
      ++of(c).samples[static_cast<std::size_t>(group)];
      return RISE_OK;
    };
    host_.alarms = [](void* c, const rise_alarm* active, std::uint32_t count) -> std::int32_t {
      of(c).alarms.clear();
      for (std::uint32_t i = 0; i < count; ++i)
        of(c).alarms.emplace_back(active[i].text, active[i].text_length);
      return RISE_OK;
    };
    host_.link = [](void* c, std::uint32_t state, std::uint32_t,
                    const char* reason) -> std::int32_t {
      if (state > RISE_LINK_UP) return of(c).refuse(RISE_E_ARGUMENT);
      of(c).link = state;
      of(c).link_reason = reason == nullptr ? "" : reason;
      if (state == RISE_LINK_UP) return RISE_OK;
      for (Signal& signal : of(c).signals) signal.value.reset();
      return RISE_OK;
    };
    host_.notice = [](void* c, std::int32_t, const char* text) -> std::int32_t {
      of(c).notices.emplace_back(text);
      return RISE_OK;
    };
    host_.command_done = [](void* c, std::uint64_t id, std::uint32_t outcome, double value,
                            std::int32_t) -> std::int32_t {
      of(c).done.push_back({id, outcome, value});
      return RISE_OK;
    };
    host_.output_value = [](void* c, std::uint32_t output, double value) -> std::int32_t {
      if (output >= of(c).outputs_.size()) return of(c).refuse(RISE_E_ARGUMENT);
      of(c).outputs[output] = value;
      return RISE_OK;
    };
    host_.safe_done = [](void* c, std::uint32_t confirmed) -> std::int32_t {
      of(c).safe_confirmed = confirmed != 0;
      return RISE_OK;
    };
    host_.count = [](void* c, std::uint32_t counter, std::uint64_t n) {
      if (counter < RISE_COUNT_LIMIT) of(c).counters[counter] += n;
    };
    host_.round_trip = [](void*, std::int64_t) {};
    host_.random = [](void* c) { return of(c).random_ = of(c).random_ * 1664525u + 1013904223u; };
    host_.datagram_declare = [](void* c, const rise_datagram_spec* spec) -> std::int32_t {
      if (!of(c).configuring_ || spec->port == 0) return of(c).refuse(RISE_E_ARGUMENT);
      of(c).datagram_ports.push_back(spec->port);
      return static_cast<std::int32_t>(of(c).datagram_ports.size()) - 1;
    };
    host_.datagram_send = [](void* c, std::int32_t port, const rise_endpoint* to,
                             const std::uint8_t* bytes, std::uint32_t length) -> std::int32_t {
      if (of(c).queue_full) return RISE_E_AGAIN;
      of(c).datagrams.push_back({port, *to, {reinterpret_cast<const char*>(bytes), length}});
      return RISE_OK;
    };
  }

  const rise_driver& driver_;
  rise_host host_{};
  void* instance_ = nullptr;
  std::map<std::string, Value> given_;
  std::vector<rise_output_spec> outputs_;
  bool configuring_ = false;
  bool in_lane_ = false;
  bool stopping_ = false;
  std::uint64_t cycle_ = 0;
  std::uint64_t command_ = 0;
  std::int32_t next_stream_ = 0;
  std::uint32_t random_ = 1;
};

}  // namespace rise::sdk
