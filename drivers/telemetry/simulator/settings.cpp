#include "drivers/telemetry/simulator/settings.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "config/schema/schema.hpp"
#include "drivers/sdk/rise_settings.hpp"
#include "drivers/telemetry/datagram.hpp"

namespace rise::sensorsim {

namespace {

using sdk::choice;
using sdk::integer;
using sdk::number;
using sdk::required;
using sdk::string;

constexpr double kLargest = 1e12;

constexpr rise_setting_spec kSettings[] = {
    string("target.host", 7, 15, "\"127.0.0.1\"", "IPv4 address that is sent to"),
    integer("target.port", 1, 65535, "5005", nullptr, "UDP port that is sent to"),
    string("target.source", 0, 15, "\"\"", "local IPv4 address; empty: as the system chooses"),
    number("target.duration_s", 0, 1e9, "0.0", "s", "ends after this; 0: runs until a signal"),

    required(string("sensor.*.name", 1, 63, nullptr, "for people")),
    required(integer("sensor.*.id", 0, 4294967295.0, nullptr, nullptr, "number of the sensor")),
    integer("sensor.*.count", 1, 1000, "1", nullptr,
            "so many of this kind; id and seed count up from one to the next"),
    choice("sensor.*.kind", "vibration|temperature|wear|acoustic|custom", "\"vibration\"",
           "kind of the sensor"),
    choice("sensor.*.format", "float32|int16", "\"float32\"", "how samples are sent"),
    integer("sensor.*.channels", 1, 8, "3", nullptr, "values of a sample"),
    number("sensor.*.rate_hz", 0.001, 1e6, "1000.0", "Hz", "samples of a channel per s"),
    integer("sensor.*.samples", 1, 712, "100", nullptr, "samples of a channel in a datagram"),
    number("sensor.*.scale", 1e-12, 1e12, "0.001", nullptr, "int16: value of one step"),
    integer("sensor.*.seed", 0, 9e15, "1", nullptr, "of noise and faults"),
    integer("sensor.*.boot", 0, 4294967295.0, "1", nullptr,
            "number of the boot; counts up with each restart; 0: not told"),
    integer("sensor.*.sequence", 0, 4294967295.0, "0", nullptr, "of the first datagram"),
    number("sensor.*.clock_s", 0, 4e9, "0.0", "s", "device's clock at the start"),
    number("sensor.*.drift_ppm", -20000, 20000, "0.0", "ppm", "device's clock runs faster by this"),
    number("sensor.*.mean", -kLargest, kLargest, "0.0", nullptr, "of the signal"),
    number("sensor.*.noise", 0, kLargest, "0.0", nullptr, "standard deviation"),
    number("sensor.*.rise", -kLargest, kLargest, "0.0", nullptr, "the mean goes up by this"),
    number("sensor.*.rise_s", 0.001, 1e9, "60.0", "s", "time constant of the rise"),
    number("sensor.*.wear", 0, 1000, "0.0", "%", "of the tool at the start"),
    number("sensor.*.wear_per_h", 0, 1e6, "0.0", "%", "wear per hour"),
    number("sensor.*.wear_limit", 0, 1000, "100.0", "%", "then the tool is changed; 0: never"),
    number("sensor.*.wear_gain", 0, 1000, "0.0", nullptr,
           "sines grow by this part of themselves per 100 % of wear"),
    required(number("sensor.*.sine.*.hz", 0, 1e6, nullptr, "Hz", "frequency")),
    number("sensor.*.sine.*.amplitude", 0, kLargest, "1.0", nullptr, "peak value"),
    number("sensor.*.sine.*.phase_deg", -3600, 3600, "0.0", "deg", "at the start"),
    integer("sensor.*.sine.*.channel", -1, 7, "-1", nullptr, "-1: all"),
    required(choice("sensor.*.fault.*.kind",
                    "loss|duplicate|reorder|drift|jump|backwards|garbage|size|nan|flag|flood|"
                    "restart|silence",
                    nullptr, "what happens, see drivers/telemetry/README.md")),
    number("sensor.*.fault.*.probability", 0, 1, "1.0", nullptr, "of each datagram"),
    integer("sensor.*.fault.*.count", 0, 1e9, "0", nullptr, "hits until it is over; 0: no limit"),
    number("sensor.*.fault.*.after_s", 0, 1e9, "0.0", "s", "from the start"),
    number("sensor.*.fault.*.for_s", 0, 1e9, "0.0", "s", "0: for ever"),
    number("sensor.*.fault.*.every_s", 0, 1e9, "0.0", "s", "again and again; 0: once"),
    number("sensor.*.fault.*.amount", -1e6, 1e6, "0.0", nullptr,
           "reorder, flood: datagrams; drift: ppm; jump, backwards: ms; size: bytes; flag: flags"),
};

constexpr const char* kKinds[] = {"", "vibration", "temperature", "wear", "acoustic", "custom"};
constexpr const char* kFaults[] = {"loss",      "duplicate", "reorder", "drift", "jump",
                                   "backwards", "garbage",   "size",    "nan",   "flag",
                                   "flood",     "restart",   "silence"};

template <std::size_t N>
std::uint8_t place_of(const char* const (&names)[N], const std::string& name) {
  const auto at = std::find(std::begin(names), std::end(names), name);
  return static_cast<std::uint8_t>(at - std::begin(names));
}

class Reader {
 public:
  Reader(const config::Document& document, const config::Settings& in,
         std::vector<config::Problem>* problems)
      : document_(document), in_(in), problems_(problems) {}

  Config read() {
    Config config;
    config.host = in_.string("target.host");
    config.port = static_cast<std::uint16_t>(in_.integer("target.port"));
    config.source = in_.string("target.source");
    config.duration_s = in_.number("target.duration_s");
    const std::size_t count = in_.count("sensor");
    if (count == 0) problem("sensor", "is missing; give at least one [[sensor]]");
    for (std::size_t i = 0; i < count; ++i) {
      const std::string at = "sensor." + std::to_string(i);
      if (in_.has(at)) replicate(at, sensor(at), &config);
    }
    return config;
  }

 private:
  void problem(const std::string& path, std::string message) {
    const config::Value* value = document_.find(path);
    problems_->push_back({value == nullptr ? 0 : value->line, path, std::move(message)});
  }
  [[nodiscard]] std::uint32_t natural(const std::string& path) const {
    return static_cast<std::uint32_t>(in_.integer(path));
  }

  SensorSpec sensor(const std::string& at) {
    SensorSpec spec;
    spec.name = in_.string(at + ".name");
    spec.id = natural(at + ".id");
    spec.kind = static_cast<telemetry::wire::Kind>(place_of(kKinds, in_.string(at + ".kind")));
    const bool whole = in_.string(at + ".format") == "int16";
    spec.format = whole ? telemetry::wire::Format::Int16 : telemetry::wire::Format::Float32;
    spec.channels = natural(at + ".channels");
    spec.rate_hz = in_.number(at + ".rate_hz");
    spec.samples = natural(at + ".samples");
    spec.scale = static_cast<float>(in_.number(at + ".scale"));
    spec.seed = static_cast<std::uint64_t>(in_.integer(at + ".seed"));
    spec.boot = natural(at + ".boot");
    spec.sequence = natural(at + ".sequence");
    spec.clock_ns = static_cast<std::int64_t>(in_.number(at + ".clock_s") * 1e9);
    spec.drift_ppm = in_.number(at + ".drift_ppm");
    spec.mean = in_.number(at + ".mean");
    spec.noise = in_.number(at + ".noise");
    spec.rise = in_.number(at + ".rise");
    spec.rise_s = in_.number(at + ".rise_s");
    spec.wear = in_.number(at + ".wear");
    spec.wear_per_h = in_.number(at + ".wear_per_h");
    spec.wear_limit = in_.number(at + ".wear_limit");
    spec.wear_gain = in_.number(at + ".wear_gain");
    const std::uint32_t most =
        (telemetry::kDatagramBytes - telemetry::kHeaderBytes) / (whole ? 2U : 4U) / spec.channels;
    if (spec.samples > most) {
      problem(at + ".samples", "does not fit into a datagram; at most " + std::to_string(most) +
                                   " of " + std::to_string(spec.channels) + " channels");
    }
    if (1e9 / spec.rate_hz > 4.294967295e9 && spec.samples > 1)
      problem(at + ".samples", "must be 1 when samples are more than 4.29 s apart");
    for (std::size_t i = 0; i < in_.count(at + ".sine"); ++i) {
      const std::string here = at + ".sine." + std::to_string(i);
      if (!in_.has(here)) continue;
      spec.sines.push_back({in_.number(here + ".hz"), in_.number(here + ".amplitude"),
                            in_.number(here + ".phase_deg"),
                            static_cast<int>(in_.integer(here + ".channel"))});
    }
    for (std::size_t i = 0; i < in_.count(at + ".fault"); ++i) {
      const std::string here = at + ".fault." + std::to_string(i);
      if (in_.has(here)) spec.faults.push_back(fault(here));
    }
    return spec;
  }

  FaultSpec fault(const std::string& at) {
    FaultSpec spec;
    spec.kind = static_cast<FaultKind>(place_of(kFaults, in_.string(at + ".kind")));
    spec.probability = in_.number(at + ".probability");
    spec.count = in_.integer(at + ".count");
    spec.after_s = in_.number(at + ".after_s");
    spec.for_s = in_.number(at + ".for_s");
    spec.every_s = in_.number(at + ".every_s");
    spec.amount = in_.number(at + ".amount");
    if (spec.every_s > 0 && (spec.for_s <= 0 || spec.for_s >= spec.every_s))
      problem(at + ".every_s", "needs for_s, greater than 0 and less than every_s");
    return spec;
  }

  void replicate(const std::string& at, const SensorSpec& first, Config* config) {
    const auto count = natural(at + ".count");
    for (std::uint32_t i = 0; i < count; ++i) {
      SensorSpec spec = first;
      if (count > 1) spec.name += "-" + std::to_string(i + 1);
      spec.id += i;
      spec.seed += i;
      if (!ids_.insert(spec.id).second)
        problem(at + ".id", std::to_string(spec.id) + " is used twice");
      config->sensors.push_back(std::move(spec));
    }
  }

  const config::Document& document_;
  const config::Settings& in_;
  std::vector<config::Problem>* problems_;
  std::set<std::uint32_t> ids_;
};

}  // namespace

std::span<const rise_setting_spec> setting_specs() { return kSettings; }

Config read_config(const config::Document& document, std::vector<config::Problem>* problems) {
  const config::Settings in = config::check(document, setting_specs(), {}, problems);
  return Reader(document, in, problems).read();
}

}  // namespace rise::sensorsim
