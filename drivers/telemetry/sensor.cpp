#include "drivers/telemetry/sensor.hpp"

#include <algorithm>
#include <cmath>

namespace rise::telemetry {

void Sensor::configure(const SensorSettings& settings, const Settings& all,
                       const Spectrum* spectrum) {
  settings_ = settings;
  coverage_ = all.coverage;
  interval_ns_ = std::llround(1e9 / settings.rate_hz);
  clock_.configure(all.clock);
  plan_.spectrum = spectrum;
  plan_.window = settings.window;
  plan_.channels = settings.channels;
  plan_.detrend = settings.detrend;
  const double bins_per_hz = settings.window / settings.rate_hz;
  for (const auto& [low, high] : settings.bands) {
    // Lower edge in, upper edge out: bands side by side share no bin. A band that ends at half the
    // rate has the last bin, too.
    const auto first = static_cast<std::uint32_t>(std::ceil(low * bins_per_hz));
    auto last = static_cast<std::uint32_t>(std::ceil(high * bins_per_hz));
    if (last >= settings.window / 2) last = settings.window / 2 + 1;
    plan_.bands.push_back({first, last});
  }
  if (settings.waveform) {
    ring_.configure({settings.channels, settings.window, settings.hop, all.reorder});
  }
}

Fault Sensor::judge(const wire::Header& header) const {
  if (header.kind() != settings_.kind) return Fault::Kind;
  if (header.channels() != settings_.channels) return Fault::Channels;
  if (!settings_.waveform) return Fault::None;
  // 1 % apart is another rate, not a bad oscillator: the bands would be in the wrong place.
  const std::int64_t apart = std::abs(std::int64_t{header.interval_ns()} - interval_ns_);
  const bool unknown = header.interval_ns() == 0;  // one sample per datagram
  return unknown || apart * 100 <= interval_ns_ + 100 ? Fault::None : Fault::Interval;
}

Sensor::Taken Sensor::take(const Datagram& datagram, std::int64_t now_ns) {
  const wire::Header& header = datagram.header;
  std::int64_t place = 0;
  const Arrival arrival = sequence_.take(header.sequence(), header.boot(), &place);
  if (arrival == Arrival::Duplicate || arrival == Arrival::Late) return Taken::Unused;
  const bool newest = arrival != Arrival::Reordered;
  last_used_ns_ = now_ns;
  samples_ += header.count();
  flags_ = header.flags();
  if ((flags_ & kFlagFault) != 0) {
    if (ring_.running()) ++broken_;
    ring_.stop();
    ++era_;
    level_samples_ = 0;
    if (newest) last_place_ = place;
    if (newest) last_time_ns_ = header.time_ns();
    const bool first = !faulty_;
    faulty_ = true;
    return first ? Taken::Faulty : Taken::Used;
  }
  faulty_ = false;
  if (arrival == Arrival::First) {
    clock_.reset();
    level_samples_ = 0;
    if (settings_.waveform) begin_window(place, header);
  } else if (newest && time_is_wrong(header, place)) {
    ++time_faults_;
    clock_.reset();
    if (settings_.waveform) begin_window(place, header);
  }
  if (newest) {
    last_place_ = place;
    last_time_ns_ = header.time_ns();
  }
  clock_.take(last_time_ns(header), now_ns);
  if (settings_.waveform) {
    put(datagram, place);
    return Taken::Used;
  }
  add_level(datagram, newest);
  return level_samples_ >= settings_.window ? Taken::Complete : Taken::Used;
}

// A stamp may not go back. Where the interval is known, it must also go on as the samples do: to
// one datagram's duration, and 2 % of the way for a gap.
bool Sensor::time_is_wrong(const wire::Header& header, std::int64_t place) const {
  const std::int64_t elapsed_ns = header.time_ns() - last_time_ns_;
  if (elapsed_ns <= 0) return true;
  if (!settings_.waveform || header.interval_ns() == 0) return false;
  const std::int64_t duration_ns = std::int64_t{header.interval_ns()} * header.count();
  // In double: a gap may be 2^31 datagrams long.
  const double expected_ns =
      static_cast<double>(place - last_place_) * static_cast<double>(duration_ns);
  const double apart_ns = std::fabs(static_cast<double>(elapsed_ns) - expected_ns);
  return apart_ns > static_cast<double>(duration_ns) + expected_ns / 50;
}

void Sensor::begin_window(std::int64_t place, const wire::Header& header) {
  if (ring_.running()) ++broken_;
  ring_.begin(place, header.count());
  next_window_ = ring_.settled();
  ++era_;
}

void Sensor::put(const Datagram& datagram, std::int64_t place) {
  const bool fits = datagram.header.count() == ring_.samples_per_slot();
  if (ring_.put(place, datagram)) return;
  // Its gap was given up, or it is from before the first of this window: nothing to be done.
  if (ring_.running() && fits && place < last_place_) return;
  begin_window(place, datagram.header);
  ring_.put(place, datagram);
}

void Sensor::add_level(const Datagram& datagram, bool newest) {
  const std::uint32_t count = datagram.header.count();
  for (std::uint32_t c = 0; c < settings_.channels; ++c) {
    Level& level = level_[c];
    if (level_samples_ == 0) {
      const float first = sample(datagram, 0, c);
      level = {0, first, first, level.last};
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const float value = sample(datagram, i, c);
      level.sum += value;
      level.min = std::min(level.min, value);
      level.max = std::max(level.max, value);
    }
    if (newest) level.last = sample(datagram, count - 1, c);
  }
  level_samples_ += count;
  if (newest) level_time_ns_ = last_time_ns(datagram.header);
}

bool Sensor::next_window(std::int64_t* first) {
  if (!ring_.running()) return false;
  if (next_window_ < ring_.oldest()) {
    const std::int64_t hop = settings_.hop;
    const std::int64_t hops = (ring_.oldest() - next_window_ + hop - 1) / hop;
    skipped_ += static_cast<std::uint64_t>(hops);
    next_window_ += hops * hop;
  }
  *first = next_window_;
  return ring_.settled() >= next_window_ + settings_.window;
}

void Sensor::skip_window() {
  ++skipped_;
  next_window_ += settings_.hop;
}

std::int64_t Sensor::write_window(const rise_host& host, const Analysis& analysis,
                                  std::int64_t now_ns) {
  const std::int64_t last = analysis.first() + settings_.window - 1;
  next_window_ = analysis.first() + settings_.hop;
  const std::uint32_t there = analysis.channel(0).samples;
  const bool enough = there >= coverage_ * settings_.window && there != 0;
  ++(enough ? windows_ : broken_);
  for (std::uint32_t c = 0; c < settings_.channels; ++c) {
    const ChannelFeatures& from = analysis.channel(c);
    const ChannelSignals& to = signals.channel[c];
    const auto write = [&](std::int32_t signal, double value, bool good) {
      if (good) {
        host.signal_write(host.context, signal, value);
      } else {
        host.signal_invalidate(host.context, signal);
      }
    };
    write(to.mean, from.mean, enough);
    write(to.rms, from.rms, enough);
    write(to.peak, from.peak, enough);
    write(to.crest, from.crest, enough);
    for (std::size_t b = 0; b < plan_.bands.size(); ++b) {
      write(to.band[b], from.band[b], there == settings_.window);
    }
  }
  if (analysis.last_present() < 0) return now_ns;
  const std::int64_t beyond = last - analysis.last_present();
  return host_time(ring_.time_ns(analysis.last_present()) + beyond * interval_ns_, now_ns);
}

std::int64_t Sensor::write_level(const rise_host& host, std::int64_t now_ns) {
  for (std::uint32_t c = 0; c < settings_.channels; ++c) {
    const Level& level = level_[c];
    const ChannelSignals& to = signals.channel[c];
    host.signal_write(host.context, to.mean, level.sum / level_samples_);
    host.signal_write(host.context, to.min, level.min);
    host.signal_write(host.context, to.max, level.max);
    host.signal_write(host.context, to.last, level.last);
  }
  level_samples_ = 0;
  return host_time(level_time_ns_, now_ns);
}

// The estimate may be some microseconds beyond the truth; nothing was taken in the future.
std::int64_t Sensor::host_time(std::int64_t device_ns, std::int64_t now_ns) const {
  return clock_.valid() ? std::min(clock_.to_host(device_ns), now_ns) : now_ns;
}

void Sensor::write_statistics(const rise_host& host, std::int64_t elapsed_ns) {
  const auto write = [&](std::int32_t signal, double value) {
    host.signal_write(host.context, signal, value);
  };
  const auto count = [&](std::int32_t signal, std::uint64_t value) {
    write(signal, static_cast<double>(value));
  };
  const SequenceCounters& counters = sequence_.counters();
  count(signals.received, counters.received);
  count(signals.lost, counters.lost);
  count(signals.missing, sequence_.missing());
  count(signals.duplicate, counters.duplicate);
  count(signals.reordered, counters.reordered);
  count(signals.late, counters.late);
  count(signals.restarts, counters.restarts);
  count(signals.bad, bad_);
  count(signals.time_faults, time_faults_);
  count(signals.flags, flags_);
  write(signals.rate, static_cast<double>(samples_) * 1e9 / static_cast<double>(elapsed_ns));
  samples_ = 0;
  if (settings_.waveform) {
    count(signals.windows, windows_);
    count(signals.broken, broken_);
    count(signals.skipped, skipped_);
  }
  count(signals.clock_jumps, clock_.jumps() + time_faults_);
  const bool known = alive && clock_.valid();
  if (known) {
    write(signals.clock_offset, static_cast<double>(clock_.offset_ns(last_time_ns_)) / 1e9);
  } else {
    host.signal_invalidate(host.context, signals.clock_offset);
  }
  if (known && clock_.has_drift()) {
    write(signals.clock_drift, clock_.drift_ppm());
  } else {
    host.signal_invalidate(host.context, signals.clock_drift);
  }
}

void Sensor::invalidate(const rise_host& host) const {
  const auto drop = [&](std::int32_t signal) {
    if (signal >= 0) host.signal_invalidate(host.context, signal);
  };
  for (std::uint32_t c = 0; c < settings_.channels; ++c) {
    const ChannelSignals& of = signals.channel[c];
    for (const std::int32_t one : {of.mean, of.rms, of.peak, of.crest, of.min, of.max, of.last}) {
      drop(one);
    }
    for (std::size_t b = 0; b < plan_.bands.size(); ++b) drop(of.band[b]);
  }
}

void Sensor::fall_silent() {
  if (ring_.running()) ++broken_;
  ring_.stop();
  ++era_;
  level_samples_ = 0;
  sequence_.silent();
  clock_.reset();
}

}  // namespace rise::telemetry
