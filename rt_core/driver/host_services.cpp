#include "rt_core/driver/host_services.hpp"

#include <string_view>

#include "rt_core/driver/instance.hpp"
#include "rt_core/random.hpp"

namespace rise::driver {

struct HostServices {
  static Instance& of(void* context) { return *static_cast<Instance*>(context); }
  static bool in_lane(void* context) { return of(context).phase_ == Instance::Phase::Lane; }
  static bool configuring(void* context) {
    return of(context).phase_ == Instance::Phase::Configuring;
  }

  // ------------------------------------------------------------------------------------- set-up
  static void config_error(void* context, const char* path, const char* message) {
    if (!configuring(context)) return;
    of(context).faults_->push_back(
        {path == nullptr ? "" : path, message == nullptr ? "" : message});
  }
  static std::int32_t group_declare(void* context, const rise_group_spec* spec) {
    return configuring(context) ? of(context).signals_.declare_group(*spec) : RISE_E_PHASE;
  }
  static std::int32_t signal_declare(void* context, const rise_signal_spec* spec) {
    return configuring(context) ? of(context).signals_.declare_signal(*spec) : RISE_E_PHASE;
  }

  // -------------------------------------------------------------------------------------- streams
  static std::int32_t stream_open(void* context, const char* host, std::uint16_t port,
                                  std::uint32_t timeout_ms) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
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
    return instance.port_.close(instance.port_.self, stream);
  }

  // -------------------------------------------------------------------------------------- signals
  static std::int32_t signal_write(void* context, std::int32_t signal, double value) {
    if (!in_lane(context)) return RISE_E_PHASE;
    Instance& instance = of(context);
    const std::int32_t rc = instance.signals_.write(signal, value);
    if (rc != RISE_OK) {
      ++instance.counters_[static_cast<std::size_t>(message::DriverCounter::RejectedValues)];
    }
    return rc;
  }
  static std::int32_t text_write(void* context, std::int32_t signal, const char* text,
                                 std::uint32_t length) {
    if (!in_lane(context)) return RISE_E_PHASE;
    return of(context).signals_.write_text(signal, {text, length}, of(context).outlet_);
  }
  static std::int32_t signal_invalidate(void* context, std::int32_t signal) {
    return in_lane(context) ? of(context).signals_.invalidate(signal) : RISE_E_PHASE;
  }
  static std::int32_t sample(void* context, std::int32_t group, std::int64_t time_ns) {
    return in_lane(context) ? of(context).sample(group, time_ns) : RISE_E_PHASE;
  }

  // ------------------------------------------------------------------------------------ reporting
  static std::int32_t alarms(void* context, const rise_alarm* alarms, std::uint32_t count) {
    return in_lane(context) ? of(context).set_alarms(alarms, count) : RISE_E_PHASE;
  }
  static std::int32_t link(void* context, std::uint32_t state, std::uint32_t endpoint,
                           const char* reason) {
    return in_lane(context) ? of(context).set_link(state, endpoint, reason) : RISE_E_PHASE;
  }
  static std::int32_t notice(void* context, std::int32_t code, const char* text) {
    if (!in_lane(context)) return RISE_E_PHASE;
    shm::Event event;
    event.kind = message::EventKind::Notice;
    event.severity = message::Severity::Warning;
    event.machine = of(context).spec_.machine;
    event.code = code;
    event.text = text == nullptr ? "" : text;
    of(context).outlet_->event(event);
    return RISE_OK;
  }
  static std::int32_t command_done(void* context, std::uint64_t id, std::uint32_t outcome,
                                   double value, std::int32_t detail) {
    if (!in_lane(context)) return RISE_E_PHASE;
    return of(context).supervisor_->command_done(id, outcome, value, detail);
  }
  static std::int32_t output_value(void* context, std::uint32_t output, double value) {
    return in_lane(context) ? of(context).supervisor_->output_value(output, value) : RISE_E_PHASE;
  }
  static std::int32_t safe_done(void* context, std::uint32_t confirmed) {
    if (!in_lane(context)) return RISE_E_PHASE;
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

rise_host make_host(Instance* instance) {
  rise_host host{};
  host.struct_size = sizeof host;
  host.abi_major = RISE_ABI_MAJOR;
  host.abi_minor = RISE_ABI_MINOR;
  host.context = instance;
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
  return host;
}

}  // namespace rise::driver
