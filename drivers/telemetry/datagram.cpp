#include "drivers/telemetry/datagram.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace rise::telemetry {

// The wire is little-endian, and so is every machine that this runs on: loads need no swapping.
static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::int64_t kMaxTime_ns = std::int64_t{1} << 62;

float float_at(const std::uint8_t* at) {
  float value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
std::int16_t short_at(const std::uint8_t* at) {
  std::int16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Written so that NaN fails, too.
bool sane(float value) { return std::fabs(value) <= kMaxValue; }

bool all_sane(const std::uint8_t* payload, std::uint32_t samples) {
  bool good = true;  // no early end: the loop stays free of branches
  for (std::uint32_t i = 0; i < samples; ++i) good &= sane(float_at(payload + 4 * std::size_t{i}));
  return good;
}

}  // namespace

Fault check(const std::uint8_t* bytes, std::uint32_t length, Datagram* out) {
  if (length < kHeaderBytes || length > kDatagramBytes) return Fault::Size;
  std::memcpy(static_cast<void*>(&out->header), bytes, kHeaderBytes);
  out->payload = bytes + kHeaderBytes;
  const wire::Header& header = out->header;
  if (header.magic() != kMagic) return Fault::Magic;
  if (header.major() != kMajor) return Fault::Version;
  const auto kind = static_cast<std::uint8_t>(header.kind());
  if (kind < 1 || kind > static_cast<std::uint8_t>(wire::Kind::Custom)) return Fault::Kind;
  const auto format = static_cast<std::uint8_t>(header.format());
  if (format > static_cast<std::uint8_t>(wire::Format::Int16)) return Fault::Format;
  if (header.channels() < 1 || header.channels() > kMaxChannels) return Fault::Channels;
  if (header.count() < 1) return Fault::Count;
  const bool whole = header.format() == wire::Format::Int16;
  const std::uint32_t samples = std::uint32_t{header.count()} * header.channels();
  if (length != kHeaderBytes + samples * (whole ? 2U : 4U)) return Fault::Size;
  if (header.interval_ns() == 0 && header.count() > 1) return Fault::Interval;
  if (header.time_ns() < 0 || header.time_ns() > kMaxTime_ns) return Fault::Time;
  if (whole) {
    const float most = std::fabs(header.scale()) * 32768.0F + std::fabs(header.offset());
    return sane(most) ? Fault::None : Fault::Value;
  }
  return all_sane(out->payload, samples) ? Fault::None : Fault::Value;
}

float sample(const Datagram& datagram, std::uint32_t index, std::uint32_t channel) {
  float value = 0;
  unpack(datagram, channel, index, 1, &value);
  return value;
}

void unpack(const Datagram& datagram, std::uint32_t channel, std::uint32_t first,
            std::uint32_t count, float* out) {
  const std::size_t channels = datagram.header.channels();
  const std::size_t start = first * channels + channel;
  if (datagram.header.format() == wire::Format::Int16) {
    const float scale = datagram.header.scale();
    const float offset = datagram.header.offset();
    const std::uint8_t* at = datagram.payload + 2 * start;
    for (std::uint32_t i = 0; i < count; ++i, at += 2 * channels) {
      out[i] = static_cast<float>(short_at(at)) * scale + offset;
    }
    return;
  }
  const std::uint8_t* at = datagram.payload + 4 * start;
  for (std::uint32_t i = 0; i < count; ++i, at += 4 * channels) out[i] = float_at(at);
}

}  // namespace rise::telemetry
