// SPDX-License-Identifier: CC0-1.0
//
// Optional C++20 layer over rise_driver.h: write a class with the methods that your driver needs,
// say RISE_DRIVER(YourClass), done. Nothing here allocates but the instance itself, in configure.
//
//   class Gauge {
//    public:
//     static constexpr const char* kName = "gauge";     // also the name of its table in the config
//     static constexpr const char* kVersion = "1.0";
//     static constexpr const char* kSummary = "one sentence";
//     static constexpr rise_setting_spec kSettings[] = {...};       // optional, rise_settings.hpp
//     explicit Gauge(rise::sdk::Setup& setup);                      // configure
//     void start(int64_t now_ns);                                   // optional
//     void cycle(const rise_cycle& cycle);                          // optional
//     void on_open(int32_t stream, int64_t now_ns);                 // optional
//     void on_bytes(int32_t stream, std::span<const uint8_t> bytes, int64_t now_ns);
//     void on_closed(int32_t stream, int32_t reason, int64_t now_ns);
//     int32_t command(const rise_command& command, int64_t now_ns); // with safe: has outputs
//     void safe(int32_t reason, int64_t now_ns);
//     void cancel(uint64_t id, int64_t now_ns);                     // optional
//     void on_datagram(int32_t port, const rise_datagram& datagram, int64_t now_ns);
//     void stop(int64_t now_ns);                                    // needed with on_bytes
//   };
//
// What a class has decides which capabilities its driver claims. The constructor runs on the set-up
// thread and may allocate and throw: the host hears a refusal. All other methods run on the lane;
// an exception that leaves one of them ends in std::terminate, upon which the core benches the
// driver: build with -fno-exceptions and it cannot happen.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#if defined(__cpp_exceptions)
#include <exception>
#endif

#include "rise_driver.h"

namespace rise::sdk {

using Bytes = std::span<const std::uint8_t>;

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The host's services during [lane] calls. A copy is one pointer. Results as in rise_driver.h.
class Host {
 public:
  explicit Host(const rise_host* host) : host_(host) {}

  // -> stream number, or RISE_E_*. `host` ends with '\0'.
  std::int32_t open(const char* host, std::uint16_t port, std::uint32_t timeout_ms) const {
    return host_->stream_open(host_->context, host, port, timeout_ms);
  }
  std::int32_t send(std::int32_t stream, Bytes bytes) const {
    return host_->stream_send(host_->context, stream, bytes.data(), size(bytes));
  }
  std::int32_t send(std::int32_t stream, std::string_view text) const {
    return send(stream, bytes_of(text));
  }
  std::int32_t close(std::int32_t stream) const {
    return host_->stream_close(host_->context, stream);
  }

  std::int32_t write(std::int32_t signal, double value) const {
    return host_->signal_write(host_->context, signal, value);
  }
  std::int32_t write(std::int32_t signal, std::string_view text) const {
    return host_->text_write(host_->context, signal, text.data(), size(text));
  }
  std::int32_t invalidate(std::int32_t signal) const {
    return host_->signal_invalidate(host_->context, signal);
  }
  std::int32_t sample(std::int32_t group, std::int64_t time_ns) const {
    return host_->sample(host_->context, group, time_ns);
  }

  std::int32_t alarms(std::span<const rise_alarm> active) const {
    return host_->alarms(host_->context, active.data(), size(active));
  }
  // state: RISE_LINK_*; endpoint 0 = primary, 1 = backup.
  std::int32_t link(std::uint32_t state, const char* reason = "",
                    std::uint32_t endpoint = 0) const {
    return host_->link(host_->context, state, endpoint, reason);
  }
  std::int32_t notice(std::int32_t code, const char* text) const {
    return host_->notice(host_->context, code, text);
  }

  // outcome: RISE_COMMAND_*; value as read back; detail = the device's own status.
  std::int32_t command_done(std::uint64_t id, std::uint32_t outcome, double value,
                            std::int32_t detail = 0) const {
    return host_->command_done(host_->context, id, outcome, value, detail);
  }
  std::int32_t output_value(std::uint32_t output, double value) const {
    return host_->output_value(host_->context, output, value);
  }
  std::int32_t safe_done(bool confirmed) const {
    return host_->safe_done(host_->context, confirmed ? 1 : 0);
  }

  void count(std::uint32_t counter, std::uint64_t n = 1) const {
    host_->count(host_->context, counter, n);
  }
  void round_trip(std::int64_t ns) const { host_->round_trip(host_->context, ns); }
  [[nodiscard]] std::uint32_t random() const { return host_->random(host_->context); }

  // Since 1.1: an older host does not have it.
  std::int32_t send_datagram(std::int32_t port, const rise_endpoint& to, Bytes bytes) const {
    if (host_->struct_size <
            offsetof(rise_host, datagram_send) + sizeof(rise_host::datagram_send) ||
        host_->datagram_send == nullptr) {
      return RISE_E_UNSUPPORTED;
    }
    return host_->datagram_send(host_->context, port, &to, bytes.data(), size(bytes));
  }

 private:
  template <class Span>
  static std::uint32_t size(const Span& span) {
    return static_cast<std::uint32_t>(span.size());
  }
  const rise_host* host_;
};

// What the constructor gets: the config, and the declarations. Not to be kept.
class Setup {
 public:
  Setup(const rise_host* host, const rise_config* config) : host_(host), config_(config) {}

  // To be kept: the services of the lane.
  [[nodiscard]] Host host() const { return Host(host_); }
  // For rise::sdk::Settings (rise_settings.hpp).
  [[nodiscard]] const rise_config& config() const { return *config_; }

  // Declarations. Only the first refusal counts; configure then fails with it.
  std::int32_t group(const char* name, std::int64_t period_ns) {
    const rise_group_spec spec = {sizeof spec, 0, name, period_ns};
    return note(host_->group_declare(host_->context, &spec));
  }
  std::int32_t number(std::int32_t group, const char* name, const char* unit, double min,
                      double max) {
    return signal(RISE_SIGNAL_NUMBER, group, name, unit, nullptr, min, max);
  }
  std::int32_t integer(std::int32_t group, const char* name, const char* unit, double min,
                       double max) {
    return signal(RISE_SIGNAL_INTEGER, group, name, unit, nullptr, min, max);
  }
  std::int32_t flag(std::int32_t group, const char* name) {
    return signal(RISE_SIGNAL_FLAG, group, name, "", nullptr, 0, 1);
  }
  // choices: "0=mdi|1=memory".
  std::int32_t choice(std::int32_t group, const char* name, const char* choices, double max) {
    return signal(RISE_SIGNAL_CHOICE, group, name, "", choices, 0, max);
  }
  std::int32_t text(std::int32_t group, const char* name) {
    return signal(RISE_SIGNAL_TEXT, group, name, "", nullptr, 0, 0);
  }
  // Since 1.1. address, multicast group: nullptr = any, none.
  std::int32_t datagram_port(std::uint16_t port, const char* address = nullptr,
                             const char* group = nullptr) {
    if (host_->struct_size <
            offsetof(rise_host, datagram_declare) + sizeof(rise_host::datagram_declare) ||
        host_->datagram_declare == nullptr) {
      return note(RISE_E_UNSUPPORTED);
    }
    const rise_datagram_spec spec = {sizeof spec, port, 0, address, group};
    return note(host_->datagram_declare(host_->context, &spec));
  }

  // The outputs that the integrator has white-listed.
  [[nodiscard]] std::uint32_t outputs() const { return config_->output_count; }
  [[nodiscard]] const rise_output_spec& output(std::uint32_t i) const {
    // Elements are struct_size apart, which a newer host may have made larger than ours.
    const auto* bytes = reinterpret_cast<const unsigned char*>(config_->outputs);
    return *reinterpret_cast<const rise_output_spec*>(bytes + std::size_t{i} *
                                                                  config_->outputs->struct_size);
  }

  // A fault of the config. Go on and find all of them; configure fails in the end. A path that
  // begins with '/' is below the machine's table: "/output.0.target".
  void error(const char* path, const char* message) {
    host_->config_error(host_->context, path, message);
    if (result_ == RISE_OK) result_ = RISE_E_CONFIG;
  }
  [[nodiscard]] std::int32_t result() const { return result_; }

 private:
  std::int32_t signal(std::uint32_t type, std::int32_t group, const char* name, const char* unit,
                      const char* choices, double min, double max) {
    const rise_signal_spec spec = {
        sizeof spec, type, static_cast<std::uint32_t>(group), 0, name, unit, choices, min, max};
    return note(host_->signal_declare(host_->context, &spec));
  }
  std::int32_t note(std::int32_t number) {
    if (number < 0 && result_ == RISE_OK) result_ = number;
    return number;
  }
  const rise_host* host_;
  const rise_config* config_;
  std::int32_t result_ = RISE_OK;
};

// The C table of a class. Each entry is a function that calls the method, and nothing else.
template <class Type>
struct Table {
  static constexpr bool kHasStart = requires(Type t) { t.start(std::int64_t{}); };
  static constexpr bool kHasCycle = requires(Type t, const rise_cycle& c) { t.cycle(c); };
  static constexpr bool kHasOpen = requires(Type t) { t.on_open(0, std::int64_t{}); };
  static constexpr bool kHasBytes = requires(Type t, Bytes b) { t.on_bytes(0, b, std::int64_t{}); };
  static constexpr bool kHasClosed = requires(Type t) { t.on_closed(0, 0, std::int64_t{}); };
  static constexpr bool kHasCommand = requires(Type t, const rise_command& c) {
    { t.command(c, std::int64_t{}) } -> std::same_as<std::int32_t>;
  };
  static constexpr bool kHasSafe = requires(Type t) { t.safe(0, std::int64_t{}); };
  static constexpr bool kHasCancel = requires(Type t) {
    t.cancel(std::uint64_t{}, std::int64_t{});
  };
  static constexpr bool kHasStop = requires(Type t) { t.stop(std::int64_t{}); };
  static constexpr bool kHasDatagram = requires(Type t, const rise_datagram& d) {
    t.on_datagram(0, d, std::int64_t{});
  };
  static_assert(std::is_constructible_v<Type, Setup&>, "needs a constructor Type(Setup&)");
  static_assert(kHasBytes == kHasClosed, "on_bytes and on_closed come together");
  static_assert(kHasCommand == kHasSafe, "command and safe come together");
  static_assert(!kHasBytes || kHasStop, "a driver with streams has a stop() that closes them");

  static Type& of(void* instance) { return *static_cast<Type*>(instance); }

  static std::int32_t configure(const rise_host* host, const rise_config* config,
                                void** instance) noexcept {
    Setup setup(host, config);
#if defined(__cpp_exceptions)
    try {
#endif
      std::unique_ptr<Type> made(new (std::nothrow) Type(setup));
      if (made == nullptr) return RISE_E_LIMIT;
      if (setup.result() == RISE_OK) *instance = made.release();
#if defined(__cpp_exceptions)
    } catch (const std::exception& fault) {
      setup.error("", fault.what());
    } catch (...) {
      setup.error("", "an unknown exception while configuring");
    }
#endif
    return setup.result();
  }
  static void start(void* self, std::int64_t now_ns) noexcept {
    if constexpr (kHasStart) of(self).start(now_ns);
  }
  static void cycle(void* self, const rise_cycle* now) noexcept {
    if constexpr (kHasCycle) of(self).cycle(*now);
  }
  static void on_open(void* self, std::int32_t stream, std::int64_t now_ns) noexcept {
    if constexpr (kHasOpen) of(self).on_open(stream, now_ns);
  }
  static void on_bytes(void* self, std::int32_t stream, const std::uint8_t* bytes,
                       std::uint32_t length, std::int64_t now_ns) noexcept {
    if constexpr (kHasBytes) of(self).on_bytes(stream, Bytes(bytes, length), now_ns);
  }
  static void on_closed(void* self, std::int32_t stream, std::int32_t reason,
                        std::int64_t now_ns) noexcept {
    if constexpr (kHasClosed) of(self).on_closed(stream, reason, now_ns);
  }
  static std::int32_t command(void* self, const rise_command* command,
                              std::int64_t now_ns) noexcept {
    if constexpr (kHasCommand) return of(self).command(*command, now_ns);
    return RISE_E_UNSUPPORTED;
  }
  static void safe(void* self, std::int32_t reason, std::int64_t now_ns) noexcept {
    if constexpr (kHasSafe) of(self).safe(reason, now_ns);
  }
  static void stop(void* self, std::int64_t now_ns) noexcept {
    if constexpr (kHasStop) of(self).stop(now_ns);
  }
  static void destroy(void* self) noexcept { delete static_cast<Type*>(self); }
  static void on_datagram(void* self, std::int32_t port, const rise_datagram* datagram,
                          std::int64_t now_ns) noexcept {
    if constexpr (kHasDatagram) of(self).on_datagram(port, *datagram, now_ns);
  }

  static void cancel(void* self, std::uint64_t id, std::int64_t now_ns) noexcept {
    if constexpr (kHasCancel) of(self).cancel(id, now_ns);
  }

  static constexpr rise_driver make() {
    rise_driver driver{};
    driver.struct_size = sizeof driver;
    driver.abi_major = RISE_ABI_MAJOR;
    driver.abi_minor = RISE_ABI_MINOR;
    driver.capabilities = (kHasBytes ? RISE_CAP_STREAM : 0) | (kHasCommand ? RISE_CAP_COMMAND : 0) |
                          (kHasDatagram ? RISE_CAP_DATAGRAM : 0);
    driver.name = Type::kName;
    driver.version = Type::kVersion;
    driver.summary = Type::kSummary;
    if constexpr (requires { Type::kSettings; }) {
      driver.settings = std::data(Type::kSettings);
      driver.setting_count = static_cast<std::uint32_t>(std::size(Type::kSettings));
    }
    driver.configure = &configure;
    driver.start = &start;
    driver.cycle = &cycle;
    driver.on_open = &on_open;
    driver.on_bytes = &on_bytes;
    driver.on_closed = &on_closed;
    driver.command = &command;
    driver.safe = &safe;
    driver.stop = &stop;
    driver.destroy = &destroy;
    driver.on_datagram = &on_datagram;
    if constexpr (kHasCancel) driver.cancel = &cancel;
    return driver;
  }
};

// The table of a class, without the entry point (tests).
template <class Type>
const rise_driver& driver_of() {
  static constexpr rise_driver driver = Table<Type>::make();
  return driver;
}

}  // namespace rise::sdk

// Once per shared object, outside of any namespace; the class itself in an unnamed namespace. The
// table is a static of a plain function, and not of a template: those of templates are "unique" to
// the linker, so that two drivers whose classes have the same name would get one table.
#define RISE_DRIVER(Type)                                                                        \
  extern "C" __attribute__((visibility("default"))) const rise_driver* rise_driver_entry(void) { \
    static constexpr rise_driver driver = ::rise::sdk::Table<Type>::make();                      \
    return &driver;                                                                              \
  }                                                                                              \
  static_assert(true, "so that a semicolon may follow")
