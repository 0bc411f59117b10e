// A sensor's datagram: is it one, and where are its samples. Pure functions of bytes; what passes
// check() can be used without further doubt about sizes and numbers.
#pragma once

#include <cstdint>

#include "sensor_generated.h"

namespace rise::telemetry {

inline constexpr std::uint32_t kMagic = 0x31445352;  // "RSD1"
inline constexpr std::uint8_t kMajor = 1;
inline constexpr std::uint8_t kMinor = 0;
inline constexpr std::uint32_t kHeaderBytes = 48;
inline constexpr std::uint32_t kDatagramBytes = 1472;
inline constexpr std::uint32_t kMaxChannels = 8;
inline constexpr std::uint32_t kMaxSamples = 712;  // of all channels together
// A value beyond this is no measurement; below it no sum here can overflow.
inline constexpr float kMaxValue = 1e15F;

inline constexpr std::uint32_t kFlagClipped = 1;
inline constexpr std::uint32_t kFlagFault = 2;
inline constexpr std::uint32_t kFlagSynchronised = 4;

static_assert(sizeof(wire::Header) == kHeaderBytes);
static_assert(sizeof(wire::FloatDatagram) == kDatagramBytes);
static_assert(sizeof(wire::IntegerDatagram) == kDatagramBytes);

enum class Fault : std::uint8_t {
  None,
  Size,      // shorter than a header, longer than a datagram, or not as long as its header says
  Magic,     // not ours at all
  Version,   // another major
  Kind,      // none that we know, or not that of the config
  Format,    // none that we know
  Channels,  // 0, more than 8, or not as many as in the config
  Count,     // no sample
  Interval,  // 0 with several samples, or not the configured rate
  Time,      // negative, or beyond 2^62 ns
  Value      // a sample, scale or offset is not finite or absurd
};
inline constexpr std::uint32_t kFaults = 11;

struct Datagram {
  wire::Header header;
  const std::uint8_t* payload = nullptr;  // in the bytes that were checked
};

// Thread: any. On a fault *out is not to be used.
Fault check(const std::uint8_t* bytes, std::uint32_t length, Datagram* out);

// Value of sample `index` of `channel`; both must lie in the datagram.
float sample(const Datagram& datagram, std::uint32_t index, std::uint32_t channel);

// Samples first .. first + count - 1 of one channel to `out`.
void unpack(const Datagram& datagram, std::uint32_t channel, std::uint32_t first,
            std::uint32_t count, float* out);

// Device's clock at the last sample.
inline std::int64_t last_time_ns(const wire::Header& header) {
  return header.time_ns() + std::int64_t{header.interval_ns()} * (header.count() - 1);
}

}  // namespace rise::telemetry
