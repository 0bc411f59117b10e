// NAME: a driver for a device that answers text lines over TCP. It works as it is, with device.py;
// make it yours from here. A driver is a state machine: bytes, time and commands come in, bytes and
// signals go out. It does no I/O of its own, reads no clock, takes no memory after its constructor,
// and never waits; so a driver in trouble cannot hold up the others of its lane.
//
//   we say      the device answers
//   READ        temperature 23.5       every period_ms
//   GET         setpoint 20            once per connection: what is the output's value now?
//   SET 21.5    setpoint 21.5          upon a command; the answer is the read-back
#include <string>

#include "../../rise_lines.hpp"
#include "../../rise_settings.hpp"

namespace sdk = rise::sdk;

namespace {  // so that no other driver's class of this name is mistaken for it

class Driver {
 public:
  static constexpr const char* kName = "NAME";  // also of its table in the config: [machine.NAME]
  static constexpr const char* kVersion = "0.1";
  static constexpr const char* kSummary = "a device that answers lines over TCP";
  // The host checks the config against this table and fills in the defaults.
  static constexpr rise_setting_spec kSettings[] = {
      sdk::string("host", 1, 253, "\"127.0.0.1\"", "address of the device"),
      sdk::integer("port", 1, 65535, "5025", nullptr, "TCP port of the device"),
      sdk::integer("period_ms", 5, 60'000, "100", "ms", "time between two readings"),
      sdk::integer("reply_timeout_ms", 10, 60'000, "500", "ms", "no answer: connect anew"),
      sdk::number("safe_setpoint", -1000, 1000, "0.0", "C", "what a trip sets the output to"),
  };

  // On an ordinary thread, and the only place where memory may be taken. What is wrong with the
  // config goes to setup.error(): all of it, then nothing is started.
  explicit Driver(sdk::Setup& setup)
      : host_(setup.host()), device_(host_), has_output_(setup.outputs() != 0) {
    const sdk::Settings settings(setup.config());
    address_ = settings.string("host");
    device_.use({.host = address_.c_str(),
                 .port = static_cast<std::uint16_t>(settings.integer("port")),
                 .timeout_ns = settings.integer("reply_timeout_ms") * 1'000'000});
    period_ns_ = settings.integer("period_ms") * 1'000'000;
    safe_value_ = settings.number("safe_setpoint");
    group_ = setup.group("main", period_ns_);
    // A value outside of its range never leaves the host: choose what is physically possible.
    temperature_ = setup.number(group_, "temperature", "C", -273.15, 1000);
    setpoint_ = setup.number(group_, "setpoint", "C", -1000, 1000);
    if (setup.outputs() > 1 || (has_output_ && std::string(setup.output(0).target) != "setpoint"))
      setup.error("/output.0.target", "there is one output, and its target is \"setpoint\"");
  }

  // From here on everything runs on the real-time lane. cycle() comes once per cycle of the lane.
  // Only one request is under way at a time; what is most urgent goes first.
  void cycle(const rise_cycle& now) {
    if (!device_.ready(now)) return;
    if (safe_wanted_) {
      device_.ask(kSafe, sdk::RequestText("SET", safe_value_), now.now_ns);
    } else if (command_.id != 0 && command_.expires_ns != 0 && now.now_ns > command_.expires_ns) {
      finish(RISE_COMMAND_DROPPED, 0);  // too old to be carried out any more
    } else if (command_.id != 0) {
      sent_ = device_.ask(kSet, sdk::RequestText("SET", command_.value), now.now_ns);
    } else if (!setpoint_known_) {
      device_.ask(kGet, "GET\n", now.now_ns);
    } else if (now.now_ns >= next_read_ns_ && device_.ask(kRead, "READ\n", now.now_ns)) {
      next_read_ns_ = now.now_ns + period_ns_;
    }
  }
  void on_open(std::int32_t, std::int64_t) { device_.opened(); }
  // Bytes come in any pieces: half a line, three lines. Believe nothing that they say.
  void on_bytes(std::int32_t, sdk::Bytes bytes, std::int64_t now_ns) {
    device_.received(bytes, now_ns, [&](int request, std::string_view line) {
      return request == kRead ? reading(line, now_ns) : setpoint(request, line);
    });
  }
  // The end of a connection: ours, theirs, refused. Whoever waits for a command hears that it is
  // lost; what was accepted is always answered.
  void on_closed(std::int32_t, std::int32_t, std::int64_t now_ns) {
    device_.closed(now_ns);
    setpoint_known_ = false;
    if (command_.id != 0) finish(sent_ ? RISE_COMMAND_FAILED : RISE_COMMAND_DROPPED, 0);
    if (safe_wanted_) host_.safe_done(false);
    safe_wanted_ = false;
  }
  // The core has checked the value. RISE_OK: command_done follows; anything else: refused.
  std::int32_t command(const rise_command& command, std::int64_t) {
    if (command.kind != RISE_COMMAND_SET) return RISE_E_UNSUPPORTED;
    if (!device_.open() || command_.id != 0) return RISE_E_AGAIN;
    command_ = command;
    return RISE_OK;
  }
  // The machine was disarmed or has tripped: what is not sent yet is not sent any more.
  void cancel(std::uint64_t id, std::int64_t) {
    if (command_.id != 0 && !sent_ && (id == 0 || id == command_.id))
      finish(RISE_COMMAND_DROPPED, 0);
  }
  // The machine has tripped: bring the device into its safe state. safe_done follows, always.
  void safe(std::int32_t, std::int64_t now_ns) {
    cancel(0, now_ns);
    safe_wanted_ = device_.open();
    if (!safe_wanted_) host_.safe_done(false);
  }
  void stop(std::int64_t) { device_.stop(); }

 private:
  enum Request { kRead = 1, kGet, kSet, kSafe };

  // Both: false = this is no answer to what was asked, and the connection is made anew.
  bool reading(std::string_view line, std::int64_t now_ns) {
    const auto value = sdk::value_after("temperature", line);
    if (!value) return false;
    host_.link(RISE_LINK_UP);  // not before an answer that makes sense
    host_.write(temperature_, *value);
    host_.sample(group_, now_ns);  // publishes the signals of the group as one sample
    host_.count(RISE_COUNT_SAMPLES);
    return true;
  }
  bool setpoint(int request, std::string_view line) {
    const auto value = sdk::value_after("setpoint", line);
    if (!value) return false;
    host_.link(RISE_LINK_UP);
    host_.write(setpoint_, *value);
    if (has_output_) host_.output_value(0, *value);
    setpoint_known_ = true;
    if (request == kSafe) {
      safe_wanted_ = false;
      host_.safe_done(*value == safe_value_);
    } else if (request == kSet) {
      finish(*value == command_.value ? RISE_COMMAND_APPLIED : RISE_COMMAND_MISMATCH, *value);
    }
    return true;
  }
  void finish(std::uint32_t outcome, double value) {
    if (sent_)
      host_.count(outcome == RISE_COMMAND_APPLIED ? RISE_COUNT_WRITES : RISE_COUNT_WRITE_ERRORS);
    host_.command_done(command_.id, outcome, value);
    command_ = {};
    sent_ = false;
  }

  sdk::Host host_;
  std::string address_;
  sdk::LineDevice<128> device_;
  bool has_output_;
  std::int64_t period_ns_ = 0;
  double safe_value_ = 0;
  std::int32_t group_ = -1, temperature_ = -1, setpoint_ = -1;
  bool setpoint_known_ = false;
  bool safe_wanted_ = false;
  rise_command command_{};  // under way; id 0: none
  bool sent_ = false;
  std::int64_t next_read_ns_ = 0;
};

}  // namespace

RISE_DRIVER(Driver);
