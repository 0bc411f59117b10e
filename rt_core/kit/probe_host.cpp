// The probe as a host: what the driver calls.

#include <cmath>
#include <cstring>

#include "rt_core/guard/driver_call.hpp"
#include "rt_core/kit/probe.hpp"
#include "rt_core/kit/trial.hpp"
#include "rt_core/random.hpp"

namespace rise::kit {

namespace {

// While the host does its part, nothing of it counts against the driver.
class HostsTurn {
 public:
  HostsTurn() : was_(Probe::watch(false)) {}
  ~HostsTurn() { Probe::watch(was_); }
  HostsTurn(const HostsTurn&) = delete;
  HostsTurn& operator=(const HostsTurn&) = delete;

 private:
  bool was_;
  guard::HostSection section_;
};

std::string shown(const std::uint8_t* bytes, std::uint32_t length) {
  std::string out;
  for (std::uint32_t i = 0; i < length && i < 40; ++i) {
    const std::uint8_t c = bytes[i];
    out += c >= 32 && c < 127 ? std::string(1, static_cast<char>(c)) : text("\\x%02x", c);
  }
  return out;
}

}  // namespace

struct HostSide {
  static Probe& of(void* context) { return **static_cast<Probe**>(context); }
  // Forbidden in configure: no lane, no outlet yet.
  static void lane(Probe& probe, std::int32_t rc, const char* function) {
    if (rc == RISE_E_PHASE) probe.wrong(text("%s called outside of the lane", function));
  }

  static void config_error(void* context, const char* path, const char* message) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (path == nullptr || message == nullptr)
      return probe.wrong("config_error: path or message is null");
    probe.real_.config_error(probe.real_.context, path, message);
  }
  static std::int32_t group_declare(void* context, const rise_group_spec* spec) {
    Probe& probe = of(context);
    const HostsTurn turn;
    const std::int32_t rc = probe.real_.group_declare(probe.real_.context, spec);
    if (rc == RISE_E_PHASE) probe.wrong("group_declare called outside of configure");
    if (rc == RISE_E_ARGUMENT) probe.wrong("group_declare: refused: no name, or no period");
    if (rc >= 0) ++probe.groups_;
    return rc;
  }
  static std::int32_t signal_declare(void* context, const rise_signal_spec* spec) {
    Probe& probe = of(context);
    const HostsTurn turn;
    const std::int32_t rc = probe.real_.signal_declare(probe.real_.context, spec);
    const char* name = spec->name == nullptr ? "(null)" : spec->name;
    if (rc == RISE_E_PHASE) probe.wrong("signal_declare called outside of configure");
    if (rc == RISE_E_ARGUMENT) {
      probe.wrong(text("signal_declare: refused: \"%.80s\" (name, group, type or unit)", name));
    }
    if (rc >= 0) probe.signals.emplace_back(name);
    return rc;
  }

  static std::int32_t stream_open(void* context, const char* host, std::uint16_t port,
                                  std::uint32_t timeout_ms) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (host == nullptr || std::strlen(host) > 253 || port == 0) {
      probe.wrong("stream_open: no host, one over 253 bytes, or port 0");
      return RISE_E_ARGUMENT;
    }
    ++probe.opens;
    if (probe.stopped_) ++probe.opens_after_stop;
    probe.open_times_ns.push_back(probe.now_ns_);
    if (probe_mode.connecting) probe_mode.connecting(probe.machine_, host, port);
    // Each machine has its own device, also where all think of it as 127.0.0.1.
    const std::string own = probe.machine_ + "/" + host;
    const std::int32_t rc =
        probe.real_.stream_open(probe.real_.context, own.c_str(), port, timeout_ms);
    lane(probe, rc, "stream_open");
    if (rc >= 0) {
      probe.known_streams_.insert(rc);
      probe.open_streams.insert(rc);
      probe.local_streams_[rc] = static_cast<std::int32_t>(probe.opens) - 1;
      probe.say("stream_open %s:%u -> %d", host, port, probe.local(rc));
    } else {
      probe.say("stream_open %s:%u -> %d", host, port, rc);
    }
    return rc;
  }
  static std::int32_t stream_send(void* context, std::int32_t stream, const std::uint8_t* bytes,
                                  std::uint32_t length) {
    Probe& probe = of(context);
    const HostsTurn turn;
    ++probe.sends;
    ++probe.sends_in_call;
    if (!probe.known_streams_.contains(stream)) {
      probe.wrong(text("stream_send: stream %d was never opened", stream));
      return RISE_E_CLOSED;
    }
    if (bytes == nullptr || length == 0 || length > 8192) {
      probe.wrong(text("stream_send: %u bytes%s", length, bytes == nullptr ? " at null" : ""));
      return RISE_E_ARGUMENT;
    }
    if (probe_mode.queue_full) return RISE_E_AGAIN;
    probe.say("stream_send %d \"%s\" %u", probe.local(stream), shown(bytes, length).c_str(),
              length);
    const std::int32_t rc = probe.real_.stream_send(probe.real_.context, stream, bytes, length);
    lane(probe, rc, "stream_send");
    return rc;
  }
  static std::int32_t stream_close(void* context, std::int32_t stream) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (!probe.known_streams_.contains(stream))
      probe.wrong(text("stream_close: stream %d was never opened", stream));
    probe.say("stream_close %d", probe.local(stream));
    probe.open_streams.erase(stream);
    const std::int32_t rc = probe.real_.stream_close(probe.real_.context, stream);
    lane(probe, rc, "stream_close");
    return rc;
  }

  static bool unknown_signal(Probe& probe, std::int32_t signal, const char* function) {
    if (signal >= 0 && static_cast<std::size_t>(signal) < probe.signals.size()) return false;
    probe.wrong(text("%s: there is no signal %d", function, signal));
    return true;
  }
  static std::int32_t signal_write(void* context, std::int32_t signal, double value) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (!unknown_signal(probe, signal, "signal_write")) {
      const std::string& name = probe.signals[static_cast<std::size_t>(signal)];
      if (!std::isfinite(value)) probe.wrong(text("signal_write: %s is not finite", name.c_str()));
      probe.say("signal_write %s %.17g", name.c_str(), value);
      ++probe.writes;
      if (probe.write_log.size() < 100000)
        probe.write_log += text("%s %.17g\n", name.c_str(), value);
    }
    const std::int32_t rc = probe.real_.signal_write(probe.real_.context, signal, value);
    lane(probe, rc, "signal_write");
    return rc;
  }
  static std::int32_t text_write(void* context, std::int32_t signal, const char* bytes,
                                 std::uint32_t length) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (unknown_signal(probe, signal, "text_write")) return RISE_E_ARGUMENT;
    if ((bytes == nullptr && length != 0) || length > 65536) {
      probe.wrong(text("text_write: %u bytes%s", length, bytes == nullptr ? " at null" : ""));
      return RISE_E_ARGUMENT;
    }
    const std::string& name = probe.signals[static_cast<std::size_t>(signal)];
    const std::string value =
        shown(reinterpret_cast<const std::uint8_t*>(bytes), std::min(length, RISE_TEXT_MAX));
    probe.say("text_write %s \"%s\"", name.c_str(), value.c_str());
    ++probe.writes;
    if (probe.write_log.size() < 100000) probe.write_log += name + " " + value + "\n";
    const std::int32_t rc = probe.real_.text_write(probe.real_.context, signal, bytes, length);
    lane(probe, rc, "text_write");
    if (rc == RISE_E_ARGUMENT) probe.wrong(text("text_write: %s is no text", name.c_str()));
    return rc;
  }
  static std::int32_t signal_invalidate(void* context, std::int32_t signal) {
    Probe& probe = of(context);
    const HostsTurn turn;
    unknown_signal(probe, signal, "signal_invalidate");
    probe.say("signal_invalidate %d", signal);
    return probe.real_.signal_invalidate(probe.real_.context, signal);
  }
  static std::int32_t sample(void* context, std::int32_t group, std::int64_t time_ns) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (group < 0 || group >= probe.groups_) {
      probe.wrong(text("sample: there is no group %d", group));
      return RISE_E_ARGUMENT;
    }
    if (time_ns > probe.now_ns_ + 1'000'000'000) probe.wrong("sample: a time in the future");
    probe.say("sample %d", group);
    const std::int32_t rc = probe.real_.sample(probe.real_.context, group, time_ns);
    lane(probe, rc, "sample");
    return rc;
  }

  static std::int32_t alarms(void* context, const rise_alarm* alarms, std::uint32_t count) {
    Probe& probe = of(context);
    const HostsTurn turn;
    bool bad = count > 10000 || (count != 0 && alarms == nullptr);
    if (!bad && count != 0) bad = alarms->struct_size < sizeof(rise_alarm);
    for (std::uint32_t i = 0; !bad && i < count; ++i) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(alarms);
      const auto* alarm =
          reinterpret_cast<const rise_alarm*>(bytes + std::size_t{i} * alarms->struct_size);
      bad = (alarm->text == nullptr && alarm->text_length != 0) || alarm->text_length > 65536;
    }
    if (bad) {
      probe.wrong(text("alarms: a list of %u that is malformed", count));
      return RISE_E_ARGUMENT;
    }
    probe.say("alarms %u", count);
    return probe.real_.alarms(probe.real_.context, alarms, count);
  }
  static std::int32_t link(void* context, std::uint32_t state, std::uint32_t endpoint,
                           const char* reason) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (state > RISE_LINK_UP || endpoint > 1)
      probe.wrong(text("link: state %u, endpoint %u", state, endpoint));
    probe.say("link %u %u %.60s", state, endpoint, reason == nullptr ? "" : reason);
    probe.link = state;
    const std::int32_t rc = probe.real_.link(probe.real_.context, state, endpoint, reason);
    lane(probe, rc, "link");
    return rc;
  }
  static std::int32_t notice(void* context, std::int32_t code, const char* words) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (words == nullptr) probe.wrong("notice: its text is null");
    probe.say("notice %d %.80s", code, words == nullptr ? "" : words);
    return probe.real_.notice(probe.real_.context, code, words);
  }

  static std::int32_t command_done(void* context, std::uint64_t id, std::uint32_t outcome,
                                   double value, std::int32_t detail) {
    Probe& probe = of(context);
    const HostsTurn turn;
    const auto found = probe.commands.find(id);
    if (found == probe.commands.end()) {
      probe.wrong("command_done: no command of this id is under way");
      return RISE_E_ARGUMENT;
    }
    if (found->second != 0) probe.wrong("command_done: a second time for one command");
    if (outcome < RISE_COMMAND_APPLIED || outcome > RISE_COMMAND_DROPPED)
      probe.wrong(text("command_done: outcome %u", outcome));
    probe.say("command_done %u %.17g %d", outcome, value, detail);
    found->second = outcome;
    return RISE_OK;  // the kit's commands are no business of the safety supervisor
  }
  static std::int32_t output_value(void* context, std::uint32_t output, double value) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (output >= probe.output_count_) {
      probe.wrong(text("output_value: there is no output %u", output));
      return RISE_E_ARGUMENT;
    }
    probe.say("output_value %u %.17g", output, value);
    return probe.real_.output_value(probe.real_.context, output, value);
  }
  static std::int32_t safe_done(void* context, std::uint32_t confirmed) {
    Probe& probe = of(context);
    const HostsTurn turn;
    probe.say("safe_done %u", confirmed);
    ++probe.safe_done;
    return RISE_OK;
  }

  static void count(void* context, std::uint32_t counter, std::uint64_t n) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (counter >= RISE_COUNT_LIMIT) return probe.wrong(text("count: no counter %u", counter));
    probe.counters[counter] += n;
    probe.real_.count(probe.real_.context, counter, n);
  }
  static void round_trip(void* context, std::int64_t ns) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (ns < 0) probe.wrong("round_trip: less than nothing");
    probe.real_.round_trip(probe.real_.context, ns);
  }
  static std::uint32_t random(void* context) {
    return static_cast<std::uint32_t>(next_random(&of(context).random_) >> 32);
  }

  // Datagrams are the kit's own business: what arrives is what a check makes up.
  static std::int32_t datagram_declare(void* context, const rise_datagram_spec* spec) {
    Probe& probe = of(context);
    const HostsTurn turn;
    if (spec == nullptr || spec->struct_size < sizeof *spec || spec->port == 0) {
      probe.wrong("datagram_declare: no port");
      return RISE_E_ARGUMENT;
    }
    return probe.datagram_ports++;
  }
  static std::int32_t datagram_send(void* context, std::int32_t port, const rise_endpoint* to,
                                    const std::uint8_t* bytes, std::uint32_t length) {
    Probe& probe = of(context);
    const HostsTurn turn;
    ++probe.sends_in_call;
    if (port < 0 || port >= probe.datagram_ports || to == nullptr || length > RISE_DATAGRAM_MAX ||
        (bytes == nullptr && length != 0)) {
      probe.wrong(text("datagram_send: port %d, %u bytes", port, length));
      return RISE_E_ARGUMENT;
    }
    if (probe_mode.queue_full) return RISE_E_AGAIN;
    probe.say("datagram_send %d \"%s\" %u", port, shown(bytes, length).c_str(), length);
    return RISE_OK;
  }
};

rise_host host_table(const rise_host& real) {
  rise_host table = real;
  table.config_error = &HostSide::config_error;
  table.group_declare = &HostSide::group_declare;
  table.signal_declare = &HostSide::signal_declare;
  table.stream_open = &HostSide::stream_open;
  table.stream_send = &HostSide::stream_send;
  table.stream_close = &HostSide::stream_close;
  table.signal_write = &HostSide::signal_write;
  table.text_write = &HostSide::text_write;
  table.signal_invalidate = &HostSide::signal_invalidate;
  table.sample = &HostSide::sample;
  table.alarms = &HostSide::alarms;
  table.link = &HostSide::link;
  table.notice = &HostSide::notice;
  table.command_done = &HostSide::command_done;
  table.output_value = &HostSide::output_value;
  table.safe_done = &HostSide::safe_done;
  table.count = &HostSide::count;
  table.round_trip = &HostSide::round_trip;
  table.random = &HostSide::random;
  table.datagram_declare = &HostSide::datagram_declare;
  table.datagram_send = &HostSide::datagram_send;
  return table;
}

}  // namespace rise::kit
