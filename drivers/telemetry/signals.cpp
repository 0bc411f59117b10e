#include "drivers/telemetry/signals.hpp"

namespace rise::telemetry {

namespace {

constexpr double kMost = 1e16;                     // above kMaxValue
constexpr double kMostCount = 9007199254740992.0;  // 2^53

}  // namespace

std::uint32_t Declarer::group(const std::string& name, std::int64_t period_ns) {
  const rise_group_spec spec{sizeof spec, 0, name.c_str(), period_ns};
  const std::int32_t number = host_.group_declare(host_.context, &spec);
  if (number >= 0) return static_cast<std::uint32_t>(number);
  host_.config_error(host_.context, "sensor", ("group \"" + name + "\" is refused").c_str());
  if (result_ == RISE_OK) result_ = number;
  return 0;
}

std::int32_t Declarer::signal(std::uint32_t group, const std::string& name, const std::string& unit,
                              double min, double max, std::uint32_t type) {
  if (result_ == RISE_E_LIMIT) return -1;  // one message is enough
  rise_signal_spec spec{};
  spec.struct_size = sizeof spec;
  spec.type = type;
  spec.group = group;
  spec.name = name.c_str();
  spec.unit = unit.c_str();
  spec.min = min;
  spec.max = max;
  const std::int32_t number = host_.signal_declare(host_.context, &spec);
  if (number >= 0) return number;
  const std::string why =
      number == RISE_E_LIMIT
          ? "too many signals; use fewer sensors, channels or bands, or a second machine"
          : "signal \"" + name + "\" is refused: longer than 63 bytes, or there twice";
  host_.config_error(host_.context, "sensor", why.c_str());
  if (result_ == RISE_OK) result_ = number;
  return -1;
}

std::int32_t Declarer::counter(std::uint32_t group, const std::string& name) {
  return signal(group, name, "", 0, kMostCount, RISE_SIGNAL_INTEGER);
}

void Declarer::sensor(const SensorSettings& settings, std::uint32_t group, std::uint32_t statistics,
                      SensorSignals* out) {
  for (std::uint32_t c = 0; c < settings.channels; ++c) {
    const std::string base =
        settings.axes.empty() ? settings.name + "." : settings.name + "." + settings.axes[c] + ".";
    ChannelSignals& to = out->channel[c];
    to.mean = signal(group, base + "mean", settings.unit, -kMost, kMost);
    if (!settings.waveform) {
      to.min = signal(group, base + "min", settings.unit, -kMost, kMost);
      to.max = signal(group, base + "max", settings.unit, -kMost, kMost);
      to.last = signal(group, base + "last", settings.unit, -kMost, kMost);
      continue;
    }
    to.rms = signal(group, base + "rms", settings.unit, 0, kMost);
    to.peak = signal(group, base + "peak", settings.unit, 0, kMost);
    to.crest = signal(group, base + "crest", "", 0, kMost);
    for (std::size_t b = 0; b < settings.bands.size() && b < kMaxBands; ++b) {
      const auto& [low, high] = settings.bands[b];
      to.band[b] = signal(group, base + "band." + std::to_string(low) + "-" + std::to_string(high),
                          settings.unit, 0, kMost);
    }
  }
  const std::string stat = settings.name + ".stat.";
  out->received = counter(statistics, stat + "received");
  out->lost = counter(statistics, stat + "lost");
  out->missing = counter(statistics, stat + "missing");
  out->duplicate = counter(statistics, stat + "duplicate");
  out->reordered = counter(statistics, stat + "reordered");
  out->late = counter(statistics, stat + "late");
  out->bad = counter(statistics, stat + "bad");
  out->restarts = counter(statistics, stat + "restarts");
  out->time_faults = counter(statistics, stat + "time_faults");
  out->rate = signal(statistics, stat + "rate", "1/s", 0, 1e12);
  out->flags = counter(statistics, stat + "flags");
  if (settings.waveform) {
    out->windows = counter(statistics, stat + "windows");
    out->broken = counter(statistics, stat + "broken");
    out->skipped = counter(statistics, stat + "skipped");
  }
  const std::string clock = settings.name + ".clock.";
  out->clock_offset = signal(statistics, clock + "offset", "s", -1e10, 1e10);
  out->clock_drift = signal(statistics, clock + "drift", "ppm", -1e5, 1e5);
  out->clock_jumps = counter(statistics, clock + "jumps");
}

void Declarer::port(std::uint32_t statistics, PortSignals* out) {
  out->received = counter(statistics, "telemetry.received");
  out->bad = counter(statistics, "telemetry.bad");
  out->unknown = counter(statistics, "telemetry.unknown");
  out->refused = counter(statistics, "telemetry.refused");
  out->dropped = counter(statistics, "telemetry.dropped");
}

}  // namespace rise::telemetry
