#include "drivers/telemetry/simulator/device.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "drivers/telemetry/datagram.hpp"

namespace rise::sensorsim {

namespace {

namespace wire = telemetry::wire;
constexpr std::size_t kMostHeld = 64;

}  // namespace

Device::Device(const SensorSpec& spec)
    : spec_(spec),
      model_(spec),
      random_(spec.seed ^ 0x5eed0ff0000U),
      values_(std::size_t{spec.samples} * spec.channels),
      interval_ns_(std::llround(1e9 / spec.rate_hz)),
      clock_ns_(spec.clock_ns),
      sequence_(spec.sequence),
      boot_(spec.boot) {
  for (const FaultSpec& fault : spec.faults) faults_.push_back({fault});
  due_ns_ = period_ns();
}

// The device takes its samples by its own clock, which may run faster than the host's.
double Device::period_ns() const {
  return static_cast<double>(interval_ns_) * spec_.samples /
         (1 + (spec_.drift_ppm + extra_ppm_) * 1e-6);
}

bool Device::strikes(Fault* fault) {
  const FaultSpec& spec = fault->spec;
  const double since_s = due_ns_ / 1e9 - spec.after_s;
  if (since_s < 0 || (spec.count != 0 && fault->hits >= spec.count)) return false;
  const double period = spec.every_s > 0 ? std::floor(since_s / spec.every_s) : 0;
  const double within_s = since_s - period * spec.every_s;
  if (spec.for_s > 0 && within_s >= spec.for_s) return false;
  const bool once = spec.kind == FaultKind::Jump || spec.kind == FaultKind::Restart;
  if (once && fault->period == static_cast<std::int64_t>(period)) return false;
  if (spec.probability < 1 && random_.uniform() >= spec.probability) return false;
  fault->period = static_cast<std::int64_t>(period);
  ++fault->hits;
  ++counters_.hits;
  return true;
}

Device::Hit Device::strike() {
  Hit hit;
  extra_ppm_ = 0;
  for (Fault& fault : faults_) {
    if (!strikes(&fault)) continue;
    const double amount = fault.spec.amount;
    const auto whole = static_cast<int>(amount);
    switch (fault.spec.kind) {
      case FaultKind::Loss:
      case FaultKind::Silence: hit.lost = true; break;
      case FaultKind::Duplicate: hit.copies = 2; break;
      case FaultKind::Reorder: hit.hold = static_cast<std::uint32_t>(std::max(whole, 1)); break;
      case FaultKind::Drift: extra_ppm_ += amount; break;
      case FaultKind::Jump: clock_ns_ += static_cast<std::int64_t>(amount * 1e6); break;
      case FaultKind::Backwards: hit.back_ns = static_cast<std::int64_t>(amount * 1e6); break;
      case FaultKind::Garbage: hit.garbage = true; break;
      case FaultKind::Size: hit.longer = whole; break;
      case FaultKind::Nan: hit.nan = true; break;
      case FaultKind::Flag: hit.flags = static_cast<std::uint32_t>(amount); break;
      case FaultKind::Flood: hit.copies = std::max(whole, 1); break;
      case FaultKind::Restart:
        sequence_ = spec_.sequence;
        clock_ns_ = spec_.clock_ns;
        if (boot_ != 0) ++boot_;
        break;
    }
  }
  clock_ns_ = std::max<std::int64_t>(clock_ns_, 0);
  return hit;
}

void Device::next(std::vector<Packet>* out) {
  const Hit hit = strike();
  Packet packet;
  build(hit, &packet);
  ++counters_.made;
  counters_.samples += values_.size();
  ++sequence_;
  clock_ns_ += interval_ns_ * spec_.samples;
  due_ns_ += period_ns();
  if (!hit.lost) {
    spoil(hit, &packet);
    if (hit.hold != 0 && held_.size() < kMostHeld) {
      held_.push_back({packet, hit.hold + 1});
    } else {
      for (int i = 0; i < hit.copies; ++i) out->push_back(packet);
    }
  }
  release(out);
}

void Device::build(const Hit& hit, Packet* packet) {
  model_.fill(values_.data(), spec_.samples);
  if (hit.nan) values_[0] = std::numeric_limits<float>::quiet_NaN();
  const wire::Header header(telemetry::kMagic, telemetry::kMajor, telemetry::kMinor, spec_.kind,
                            spec_.format, spec_.id, boot_, sequence_, hit.flags,
                            std::max<std::int64_t>(clock_ns_ - hit.back_ns, 0),
                            spec_.samples > 1 ? static_cast<std::uint32_t>(interval_ns_) : 0,
                            static_cast<std::uint16_t>(spec_.samples),
                            static_cast<std::uint8_t>(spec_.channels), 0, spec_.scale, 0);
  std::memcpy(packet->bytes, &header, sizeof header);
  std::uint8_t* at = packet->bytes + sizeof header;
  if (spec_.format == wire::Format::Float32) {
    std::memcpy(at, values_.data(), values_.size() * sizeof(float));
    at += values_.size() * sizeof(float);
  } else {
    for (const float value : values_) {
      const float scaled = std::clamp(value / spec_.scale, -32768.0F, 32767.0F);
      const auto whole = static_cast<std::int16_t>(std::isnan(scaled) ? 0 : std::lround(scaled));
      std::memcpy(at, &whole, sizeof whole);
      at += sizeof whole;
    }
  }
  packet->length = static_cast<std::uint32_t>(at - packet->bytes);
}

void Device::spoil(const Hit& hit, Packet* packet) {
  if (hit.garbage) {
    for (std::uint32_t i = 0; i < packet->length; ++i) {
      packet->bytes[i] = static_cast<std::uint8_t>(random_.next());
    }
  }
  if (hit.longer == 0) return;
  const auto length =
      std::clamp<std::int64_t>(std::int64_t{packet->length} + hit.longer, 0, kLargestPacket);
  const auto now = static_cast<std::uint32_t>(length);
  if (now > packet->length) std::memset(packet->bytes + packet->length, 0, now - packet->length);
  packet->length = now;
}

void Device::release(std::vector<Packet>* out) {
  for (Held& held : held_) {
    if (--held.wait == 0) out->push_back(held.packet);
  }
  std::erase_if(held_, [](const Held& held) { return held.wait == 0; });
}

}  // namespace rise::sensorsim
