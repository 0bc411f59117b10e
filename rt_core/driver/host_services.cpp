#include "rt_core/driver/host_services.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "rt_core/driver/instance.hpp"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/io/address_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/random.hpp"

namespace rise::driver {

using guard::HostSection;

// Every function first reads what the driver points to: if that crashes, it is the driver's crash,
// and nothing has changed yet. What then changes the host's state stands in a HostSection, so that
// the watchdog does not break it off half-way.
struct HostServices {
  static Seat& seat(void* context) { return *static_cast<Seat*>(context); }
  static Instance& of(void* context) { return *seat(context).machine; }
  static bool in_lane(void* context) { return seat(context).phase == Seat::Phase::Lane; }
  static bool configuring(void* context) { return seat(context).phase == Seat::Phase::Configuring; }
  static bool can(void* context, std::uint64_t capability) {
    return (seat(context).driver->capabilities & capability) != 0;
  }
  // Reads a byte of each page.
  static void touch(const std::uint8_t* bytes, std::uint32_t length) {
    if (length == 0) return;
    for (std::uint32_t i = 0; i < length; i += 4096) touch(bytes + i);
    touch(bytes + length - 1);
  }
  static void touch(const std::uint8_t* byte) {
    static_cast<void>(*static_cast<const volatile std::uint8_t*>(byte));
  }

  // ------------------------------------------------------------------------------------- set-up
  static void config_error(void* context, const char* path, const char* message) {
    if (!configuring(context)) return;
    seat(context).faults->push_back(
        {path == nullptr ? "" : path, message == nullptr ? "" : message});
  }
  static std::int32_t group_declare(void* context, const rise_group_spec* spec) {
    return configuring(context) ? seat(context).signals.declare_group(*spec) : RISE_E_PHASE;
  }
  static std::int32_t signal_declare(void* context, const rise_signal_spec* spec) {
    return configuring(context) ? seat(context).signals.declare_signal(*spec) : RISE_E_PHASE;
  }

  static std::int32_t datagram_declare(void* context, const rise_datagram_spec* spec) {
    if (!configuring(context)) return RISE_E_PHASE;
    if (!can(context, RISE_CAP_DATAGRAM)) return RISE_E_UNSUPPORTED;
    auto& ports = seat(context).datagram_ports;
    if (ports.size() == Seat::kMaxDatagramPorts) return RISE_E_LIMIT;
    io::DatagramSpec port;
    port.port = spec->port;
    if (spec->struct_size < sizeof *spec || spec->port == 0 ||
        (spec->address != nullptr && !io::parse_ipv4(spec->address, &port.address)) ||
        (spec->group != nullptr && !io::parse_ipv4(spec->group, &port.group))) {
      return RISE_E_ARGUMENT;
    }
    ports.push_back(port);
    return static_cast<std::int32_t>(ports.size() - 1);
  }

  // -------------------------------------------------------------------------------------- streams
  static std::int32_t stream_open(void* context, const char* host, std::uint16_t port,
                                  std::uint32_t timeout_ms) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    // Its on_open may be null.
    if (!can(context, RISE_CAP_STREAM)) return RISE_E_UNSUPPORTED;
    touch(reinterpret_cast<const std::uint8_t*>(host),
          static_cast<std::uint32_t>(::strnlen(host, io::kMaxHostLength + 1)));
    const HostSection section;
    for (std::int32_t& slot : instance.streams_) {
      if (slot >= 0) continue;
      const std::int32_t stream =
          instance.port_.open(instance.port_.self, instance.spec_.machine, host, port, timeout_ms);
      if (stream >= 0) slot = stream;
      return stream;
    }
    return RISE_E_LIMIT;
  }
  static std::int32_t stream_send(void* context, std::int32_t stream, const std::uint8_t* bytes,
                                  std::uint32_t length) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    if (!instance.owns(stream)) return RISE_E_CLOSED;
    if (length > io::kSendQueueBytes) return RISE_E_AGAIN;
    touch(bytes, length);
    const HostSection section;
    const std::int32_t rc = instance.port_.send(instance.port_.self, stream, bytes, length);
    if (rc == RISE_OK) {
      instance.counters_[static_cast<std::size_t>(message::DriverCounter::BytesSent)] += length;
    }
    return rc;
  }
  static std::int32_t stream_close(void* context, std::int32_t stream) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    if (!instance.owns(stream)) return RISE_E_CLOSED;
    const HostSection section;
    return instance.port_.close(instance.port_.self, stream);
  }

  // ------------------------------------------------------------------------------------ datagrams
  static std::int32_t datagram_send(void* context, std::int32_t port, const rise_endpoint* to,
                                    const std::uint8_t* bytes, std::uint32_t length) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    if (port < 0 || static_cast<std::size_t>(port) >= instance.datagram_numbers_.size() ||
        length > RISE_DATAGRAM_MAX) {
      return RISE_E_ARGUMENT;
    }
    const rise_endpoint endpoint = *to;
    touch(bytes, length);
    const HostSection section;
    const std::int32_t number = instance.datagram_numbers_[static_cast<std::size_t>(port)];
    return instance.datagrams_.send(instance.datagrams_.self, number, endpoint, bytes, length);
  }

  // -------------------------------------------------------------------------------------- signals
  static std::int32_t signal_write(void* context, std::int32_t signal, double value) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    const std::int32_t rc = instance.signals_.write(signal, value);
    if (rc != RISE_OK) {
      ++instance.counters_[static_cast<std::size_t>(message::DriverCounter::RejectedValues)];
      // No value to publish, but one to judge: what is far out is the last that may be overlooked.
      if (std::isfinite(value) && instance.link_up() && signal >= 0 &&
          static_cast<std::size_t>(signal) < instance.signals_.count()) {
        const HostSection section;
        instance.supervisor_->value(static_cast<std::uint16_t>(signal), value,
                                    instance.outlet_->now_ns());
      }
    }
    return rc;
  }
  static std::int32_t text_write(void* context, std::int32_t signal, const char* text,
                                 std::uint32_t length) {
    if (!in_lane(context)) return RISE_E_PHASE;
    touch(reinterpret_cast<const std::uint8_t*>(text), std::min(length, RISE_TEXT_MAX));
    const HostSection section;
    return of(context).signals_.write_text(signal, {text, std::min(length, RISE_TEXT_MAX)},
                                           of(context).outlet_);
  }
  static std::int32_t signal_invalidate(void* context, std::int32_t signal) {
    return in_lane(context) ? of(context).signals_.invalidate(signal) : RISE_E_PHASE;
  }
  static std::int32_t sample(void* context, std::int32_t group, std::int64_t time_ns) {
    if (!in_lane(context)) return RISE_E_PHASE;
    const HostSection section;
    return of(context).sample(group, time_ns);
  }

  // ------------------------------------------------------------------------------------ reporting
  template <std::size_t N>
  static std::string_view copy_text(const char* text, char (&copy)[N]) {
    if (text == nullptr) return {};
    const std::size_t length = ::strnlen(text, N);
    std::memcpy(copy, text, length);
    return {copy, length};
  }
  static std::int32_t alarms(void* context, const rise_alarm* alarms, std::uint32_t count) {
    return in_lane(context) ? of(context).set_alarms(alarms, count) : RISE_E_PHASE;
  }
  static std::int32_t link(void* context, std::uint32_t state, std::uint32_t endpoint,
                           const char* reason) {
    if (!in_lane(context)) return RISE_E_PHASE;
    char copy[message::kMaxEventText];
    const std::string_view text = copy_text(reason, copy);
    const HostSection section;
    return of(context).set_link(state, endpoint, text);
  }
  static std::int32_t notice(void* context, std::int32_t code, const char* text) {
    if (!in_lane(context)) return RISE_E_PHASE;
    char copy[message::kMaxEventText];
    const std::string_view words = copy_text(text, copy);
    const HostSection section;
    of(context).notice(code, words);
    return RISE_OK;
  }
  static std::int32_t command_done(void* context, std::uint64_t id, std::uint32_t outcome,
                                   double value, std::int32_t detail) {
    if (!in_lane(context)) return RISE_E_PHASE;
    const HostSection section;
    return of(context).supervisor_->command_done(id, outcome, value, detail);
  }
  static std::int32_t output_value(void* context, std::uint32_t output, double value) {
    if (!in_lane(context)) return RISE_E_PHASE;
    const HostSection section;
    return of(context).supervisor_->output_value(output, value);
  }
  static std::int32_t safe_done(void* context, std::uint32_t confirmed) {
    if (!in_lane(context)) return RISE_E_PHASE;
    const HostSection section;
    of(context).supervisor_->safe_done(confirmed != 0);
    return RISE_OK;
  }

  // ----------------------------------------------------------------------------------- statistics
  static void count(void* context, std::uint32_t counter, std::uint64_t n) {
    if (in_lane(context) && counter < RISE_COUNT_LIMIT) of(context).count(counter, n);
  }
  static void round_trip(void* context, std::int64_t ns) {
    if (in_lane(context)) of(context).round_trip_histogram_.record(ns);
  }
  static std::uint32_t random(void* context) {
    return static_cast<std::uint32_t>(next_random(&of(context).random_) >> 32);
  }
};

rise_host make_host(Seat* seat) {
  rise_host host{};
  host.struct_size = sizeof host;
  host.abi_major = RISE_ABI_MAJOR;
  host.abi_minor = RISE_ABI_MINOR;
  host.context = seat;
  host.config_error = &HostServices::config_error;
  host.group_declare = &HostServices::group_declare;
  host.signal_declare = &HostServices::signal_declare;
  host.stream_open = &HostServices::stream_open;
  host.stream_send = &HostServices::stream_send;
  host.stream_close = &HostServices::stream_close;
  host.signal_write = &HostServices::signal_write;
  host.text_write = &HostServices::text_write;
  host.signal_invalidate = &HostServices::signal_invalidate;
  host.sample = &HostServices::sample;
  host.alarms = &HostServices::alarms;
  host.link = &HostServices::link;
  host.notice = &HostServices::notice;
  host.command_done = &HostServices::command_done;
  host.output_value = &HostServices::output_value;
  host.safe_done = &HostServices::safe_done;
  host.count = &HostServices::count;
  host.round_trip = &HostServices::round_trip;
  host.random = &HostServices::random;
  host.datagram_declare = &HostServices::datagram_declare;
  host.datagram_send = &HostServices::datagram_send;
  return host;
}

}  // namespace rise::driver
