#include "drivers/telemetry/settings.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>

#include "drivers/sdk/rise_settings.hpp"
#include "drivers/telemetry/analysis.hpp"

namespace rise::telemetry {

namespace {

using sdk::choice;
using sdk::flag;
using sdk::integer;
using sdk::number;
using sdk::required;
using sdk::string;

constexpr rise_setting_spec kSpecs[] = {
    integer("port", 1, 65535, "5005", nullptr, "UDP port on which the sensors are received"),
    string("address", 0, 15, "\"0.0.0.0\"", "local IPv4 address; 0.0.0.0: all"),
    string("multicast", 0, 15, "\"\"", "IPv4 multicast group to join; empty: none"),
    string("peers.*", 7, 15, nullptr, "IPv4 addresses that are listened to; none: all"),
    integer("max_age_ms", 10, 3600000, "1000", "ms",
            "a sensor that is silent for so long has no valid signals"),
    integer("statistics_ms", 50, 3600000, "1000", "ms", "how often the statistics are published"),
    integer("work_per_cycle", 1000, 1e8, "20000", nullptr,
            "limit for the analysis in one cycle, in units of about one sample (1 ns)"),
    integer("datagrams_per_cycle", 1, 100000, "512", nullptr,
            "more in one cycle are dropped and counted"),
    integer("reorder", 0, 63, "8", nullptr,
            "a missing datagram is given up when so many behind it are there"),
    number("coverage", 0.1, 1, "0.9", nullptr,
           "share of a window's samples that must be there; bands need all of them"),
    integer("clock_window_ms", 100, 600000, "1000", "ms",
            "the shortest way of a datagram is looked for in windows of this length"),
    integer("clock_jump_ms", 1, 3600000, "100", "ms",
            "a step of the device's clock by more than this begins its estimate anew"),
    required(integer("sensor.*.id", 0, 4294967295.0, nullptr, nullptr,
                     "number of the sensor, as in its datagrams")),
    required(string("sensor.*.name", 1, 40, nullptr,
                    "first part of its signals' names, e.g. \"vibration.spindle\"")),
    choice("sensor.*.kind", "vibration|temperature|wear|acoustic|custom", "\"vibration\"",
           "kind of the sensor, as in its datagrams"),
    integer("sensor.*.channels", 0, 8, "0", nullptr, "0: 3 for vibration, otherwise 1"),
    string("sensor.*.axes.*", 1, 12, nullptr,
           "names of the channels; without: x, y, z for three, otherwise 0, 1, ..."),
    string("sensor.*.unit", 0, 15, "\"\"", "unit of the samples"),
    required(number("sensor.*.rate_hz", 0.0001, 1e6, nullptr, "Hz", "samples of a channel per s")),
    choice("sensor.*.analysis", "auto|waveform|level", "\"auto\"",
           "waveform: rms, peak, crest, mean, bands; level: mean, min, max, last; auto: waveform "
           "for vibration and acoustic"),
    integer("sensor.*.window", 0, 8192, "0", nullptr,
            "samples of an analysis; 0: 1024 for waveforms, 1 for levels"),
    integer("sensor.*.hop", 0, 8192, "0", nullptr,
            "samples from one analysis to the next; 0: as the window, no overlap"),
    integer("sensor.*.bands.*.*", 0, 1000000, nullptr, "Hz",
            "lower and upper edge of a band, e.g. [[10, 100], [100, 1000]]"),
    flag("sensor.*.detrend", "true", "rms, peak and crest without the mean"),
    string("sensor.*.peer", 0, 15, "\"\"", "the only address it may send from; empty: any peer"),
    integer("sensor.*.max_age_ms", 0, 3600000, "0", "ms", "0: as max_age_ms of the driver"),
    string("sensor.*.group", 0, 31, "\"\"",
           "sensors of one group are sampled together; empty: see the README"),
};

bool plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

wire::Kind kind_of(std::string_view name) {
  if (name == "vibration") return wire::Kind::Vibration;
  if (name == "temperature") return wire::Kind::Temperature;
  if (name == "wear") return wire::Kind::ToolWear;
  if (name == "acoustic") return wire::Kind::Acoustic;
  return wire::Kind::Custom;
}

class Reader {
 public:
  Reader(const rise_host& host, const rise_config& config, Settings* out)
      : host_(host), in_(config), out_(*out) {}

  bool read() {
    const auto ms = [&](const char* name) { return in_.integer(name) * 1'000'000; };
    out_.port = static_cast<std::uint16_t>(in_.integer("port"));
    out_.address = address("address", nullptr);
    out_.multicast = address("multicast", nullptr);
    if (!out_.multicast.empty()) {
      std::uint32_t group = 0;
      if (parse_address(out_.multicast, &group) && (group >> 28) != 0xE)
        fault("multicast", "is no multicast address; those are 224.0.0.0 to 239.255.255.255");
    }
    out_.statistics_ns = ms("statistics_ms");
    out_.work_per_cycle = in_.integer("work_per_cycle");
    out_.datagrams_per_cycle = static_cast<std::uint32_t>(in_.integer("datagrams_per_cycle"));
    out_.reorder = static_cast<std::uint32_t>(in_.integer("reorder"));
    out_.coverage = in_.number("coverage");
    out_.clock = {ms("clock_window_ms"), ms("clock_jump_ms")};
    for (std::size_t i = 0; in_.find("peers." + std::to_string(i)) != nullptr; ++i) {
      std::uint32_t peer = 0;
      address("peers." + std::to_string(i), &peer);
      out_.peers.push_back(peer);
    }
    if (out_.peers.size() > kMaxPeers) fault("peers", "more than 64 addresses");
    std::sort(out_.peers.begin(), out_.peers.end());
    for (std::size_t i = 0;; ++i) {
      const std::string at = "sensor." + std::to_string(i) + ".";
      if (in_.find(at + "id") == nullptr) break;
      sensor(at);
    }
    if (out_.sensors.empty()) fault("sensor", "is missing; at least one sensor is needed");
    if (out_.sensors.size() > kMaxSensors) fault("sensor", "more than 64 sensors");
    groups();
    std::sort(out_.sensors.begin(), out_.sensors.end(),
              [](const SensorSettings& a, const SensorSettings& b) { return a.id < b.id; });
    return good_;
  }

 private:
  void fault(const std::string& path, const std::string& message) {
    host_.config_error(host_.context, path.c_str(), message.c_str());
    good_ = false;
  }

  std::string address(const std::string& path, std::uint32_t* number) {
    std::string text(in_.string(path));
    std::uint32_t parsed = 0;
    if (!text.empty() && !parse_address(text, &parsed))
      fault(path, "is no IPv4 address like \"10.0.0.5\"");
    if (number != nullptr) *number = parsed;
    return text;
  }

  std::uint32_t natural(const std::string& path) const {
    return static_cast<std::uint32_t>(in_.integer(path));
  }

  void sensor(const std::string& at) {
    SensorSettings sensor;
    sensor.id = natural(at + "id");
    sensor.name = in_.string(at + "name");
    sensor.kind = kind_of(in_.string(at + "kind"));
    sensor.unit = in_.string(at + "unit");
    sensor.rate_hz = in_.number(at + "rate_hz");
    if (!(sensor.rate_hz > 0)) sensor.rate_hz = 1;  // refused already; what follows divides by it
    sensor.detrend = in_.flag(at + "detrend", true);
    sensor.group = in_.string(at + "group");
    const std::string_view analysis = in_.string(at + "analysis");
    const bool fast = sensor.kind == wire::Kind::Vibration || sensor.kind == wire::Kind::Acoustic;
    sensor.waveform = analysis == "waveform" || (analysis != "level" && fast);
    sensor.window = natural(at + "window");
    if (sensor.window == 0) sensor.window = sensor.waveform ? 1024 : 1;
    sensor.hop = natural(at + "hop");
    if (sensor.hop == 0) sensor.hop = sensor.window;
    if (sensor.hop > sensor.window) fault(at + "hop", "is greater than the window");
    if (!sensor.waveform && sensor.hop != sensor.window)
      fault(at + "hop", "levels have no overlap; leave it out");
    const std::int64_t age_ms = in_.integer(at + "max_age_ms");
    sensor.max_age_ns = (age_ms != 0 ? age_ms : in_.integer("max_age_ms")) * 1'000'000;
    address(at + "peer", &sensor.peer);
    if (!plain(sensor.name)) fault(at + "name", "may hold a-z, 0-9, '.', '_', '-' only");
    if (!plain(sensor.group)) fault(at + "group", "may hold a-z, 0-9, '.', '_', '-' only");
    for (const SensorSettings& other : out_.sensors) {
      if (other.id == sensor.id) fault(at + "id", "is that of \"" + other.name + "\", too");
      if (other.name == sensor.name) fault(at + "name", "\"" + sensor.name + "\" is used twice");
    }
    channels(at, &sensor);
    bands(at, &sensor);
    out_.sensors.push_back(sensor);
  }

  void channels(const std::string& at, SensorSettings* sensor) {
    for (std::size_t i = 0; in_.find(at + "axes." + std::to_string(i)) != nullptr; ++i) {
      const std::string path = at + "axes." + std::to_string(i);
      const std::string name(in_.string(path));
      if (!plain(name)) fault(path, "may hold a-z, 0-9, '.', '_', '-' only");
      if (std::find(sensor->axes.begin(), sensor->axes.end(), name) != sensor->axes.end())
        fault(path, "\"" + name + "\" is used twice");
      sensor->axes.push_back(name);
    }
    const bool named = !sensor->axes.empty();
    sensor->channels = natural(at + "channels");
    if (sensor->channels == 0) {
      sensor->channels = named ? static_cast<std::uint32_t>(sensor->axes.size())
                         : sensor->kind == wire::Kind::Vibration ? 3
                                                                 : 1;
    }
    if (named && sensor->axes.size() != sensor->channels)
      fault(at + "axes", "are not as many as there are channels");
    if (sensor->channels > kMaxChannels) fault(at + "axes", "more than 8 channels");
    if (named || sensor->channels == 1) return;
    for (std::uint32_t c = 0; c < sensor->channels; ++c) {
      sensor->axes.push_back(sensor->channels == 3 ? std::string(1, "xyz"[c]) : std::to_string(c));
    }
  }

  void bands(const std::string& at, SensorSettings* sensor) {
    for (std::size_t i = 0;; ++i) {
      const std::string path = at + "bands." + std::to_string(i);
      const rise_setting* low = in_.find(path + ".0");
      const rise_setting* high = in_.find(path + ".1");
      if (low == nullptr && high == nullptr) break;
      if (low == nullptr || high == nullptr || in_.find(path + ".2") != nullptr) {
        fault(path, "is no pair [lower, upper]");
        continue;
      }
      if (low->integer >= high->integer) fault(path, "the lower edge is not below the upper");
      if (static_cast<double>(high->integer) > sensor->rate_hz / 2)
        fault(path, "goes beyond half of rate_hz, where a sampled signal ends");
      else if (bins(*sensor, low->integer) == bins(*sensor, high->integer))
        fault(path,
              "is narrower than rate_hz / window, the distance of the lines; make the "
              "window longer");
      sensor->bands.emplace_back(static_cast<std::uint32_t>(low->integer),
                                 static_cast<std::uint32_t>(high->integer));
    }
    if (sensor->bands.empty()) return;
    if (sensor->bands.size() > kMaxBands) fault(at + "bands", "more than 16 bands");
    if (!sensor->waveform) fault(at + "bands", "levels have no bands; set analysis = \"waveform\"");
    if (sensor->waveform &&
        (!std::has_single_bit(sensor->window) || sensor->window < Spectrum::kShortest))
      fault(at + "window", "must be a power of two, 16 to 8192, for bands");
  }

  static std::int64_t bins(const SensorSettings& sensor, std::int64_t edge_hz) {
    return static_cast<std::int64_t>(
        std::ceil(static_cast<double>(edge_hz) * sensor.window / sensor.rate_hz));
  }

  // A group each while the host has groups enough; otherwise those of one period share one.
  void groups() {
    const bool own = out_.sensors.size() <= kMaxGroups;
    std::map<std::string, int> names;
    for (SensorSettings& sensor : out_.sensors) {
      if (sensor.group.empty()) {
        sensor.group =
            own ? sensor.name : "period_" + std::to_string(sensor.period_ns() / 1000) + "us";
      }
      ++names[sensor.group];
    }
    if (names.size() > kMaxGroups) {
      fault("sensor", "more than 7 groups; give sensors with different periods the same group");
    }
  }

  const rise_host& host_;
  sdk::Settings in_;
  Settings& out_;
  bool good_ = true;
};

}  // namespace

std::span<const rise_setting_spec> setting_specs() { return kSpecs; }

bool parse_address(const std::string& text, std::uint32_t* address) {
  const char* at = text.data();
  const char* end = at + text.size();
  std::uint32_t whole = 0;
  for (int part = 0; part < 4; ++part) {
    if (part != 0 && (at == end || *at++ != '.')) return false;
    unsigned value = 0;
    const auto [rest, fault] = std::from_chars(at, end, value);
    if (fault != std::errc() || value > 255 || rest - at > 3) return false;
    at = rest;
    whole = whole << 8 | value;
  }
  *address = whole;
  return at == end;
}

bool read_settings(const rise_host& host, const rise_config& config, Settings* settings) {
  return Reader(host, config, settings).read();
}

}  // namespace rise::telemetry
