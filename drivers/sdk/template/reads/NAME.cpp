// NAME: a driver for a device that answers "READ" with "temperature 23.5" over TCP. It works as it
// is, with device.py; make it yours from here. A driver is a state machine: bytes and time come in,
// bytes and signals go out. It does no I/O of its own, reads no clock, takes no memory after its
// constructor, and never waits. For a device that is also written to: rise driver new --outputs.
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
  };

  // On an ordinary thread, and the only place where memory may be taken.
  explicit Driver(sdk::Setup& setup) : host_(setup.host()), device_(host_) {
    const sdk::Settings settings(setup.config());
    address_ = settings.string("host");
    device_.use({.host = address_.c_str(),
                 .port = static_cast<std::uint16_t>(settings.integer("port")),
                 .timeout_ns = settings.integer("reply_timeout_ms") * 1'000'000});
    period_ns_ = settings.integer("period_ms") * 1'000'000;
    group_ = setup.group("main", period_ns_);
    // A value outside of its range never leaves the host: choose what is physically possible.
    temperature_ = setup.number(group_, "temperature", "C", -273.15, 1000);
  }

  // From here on everything runs on the real-time lane. cycle() comes once per cycle of the lane.
  void cycle(const rise_cycle& now) {
    if (!device_.ready(now) || now.now_ns < next_read_ns_) return;
    if (device_.ask(1, "READ\n", now.now_ns)) next_read_ns_ = now.now_ns + period_ns_;
  }
  void on_open(std::int32_t, std::int64_t) { device_.opened(); }
  // Bytes come in any pieces: half a line, three lines. Believe nothing that they say: false means
  // that this is no answer to what was asked, and the connection is made anew.
  void on_bytes(std::int32_t, sdk::Bytes bytes, std::int64_t now_ns) {
    device_.received(bytes, now_ns, [&](int, std::string_view line) {
      const auto value = sdk::value_after("temperature", line);
      if (!value) return false;
      host_.link(RISE_LINK_UP);  // not before an answer that makes sense
      host_.write(temperature_, *value);
      host_.sample(group_, now_ns);  // publishes the signals of the group as one sample
      host_.count(RISE_COUNT_SAMPLES);
      return true;
    });
  }
  void on_closed(std::int32_t, std::int32_t, std::int64_t now_ns) { device_.closed(now_ns); }
  void stop(std::int64_t) { device_.stop(); }

 private:
  sdk::Host host_;
  std::string address_;
  sdk::LineDevice<128> device_;
  std::int64_t period_ns_ = 0;
  std::int64_t next_read_ns_ = 0;
  std::int32_t group_ = -1, temperature_ = -1;
};

}  // namespace

RISE_DRIVER(Driver);
