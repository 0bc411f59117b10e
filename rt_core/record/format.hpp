// What a recording looks like. All numbers are little-endian.
//
//   file    = "RISEREC1" version:u32 length:u32 crc:u32 head[length] block*
//   block   = "RBLK" length:u32 number:u32 crc:u32 cycle*      number: 0, 1, 2, ...
//   cycle   = length:varint record*                            never spans blocks
//
// crc is CRC-32C: of the head; of a block's length, number and content. A file may end anywhere:
// what lacks of its last block was never written. The first cycle is Lane::begin(), all others
// begin with a Wake. Varints are LEB128, signed ones zigzag; a time is told as its difference to
// the last time told (Now, Wake, Stamp), so that most take two bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rt_core/result.hpp"

namespace rise::record {

inline constexpr char kFileMagic[8] = {'R', 'I', 'S', 'E', 'R', 'E', 'C', '1'};
inline constexpr std::uint32_t kBlockMagic = 0x4b4c4252;  // "RBLK"
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kFilePrefixBytes = 20;
inline constexpr std::size_t kBlockPrefixBytes = 16;
inline constexpr std::size_t kMaxHeadBytes = 4u << 20;
// A block is written when it has so much; a single cycle may make it longer.
inline constexpr std::size_t kBlockBytes = 64u << 10;
inline constexpr std::size_t kMaxBlockBytes = 16u << 20;

enum class Kind : std::uint8_t {
  None = 0,
  // time
  Now = 1,    // time:zigzag                     Clock::now, in begin()
  Wake = 2,   // time:zigzag                     Clock::wait_until has returned
  Stamp = 3,  // time:zigzag                     Clock::stamp; mostly in the short form, see below
  // what the lane reads, when it differs from the cycle before
  UtcOffset = 4,  // difference:zigzag
  Words = 5,      // stop_word:varint heartbeat:zigzag difference flags:u8 (1 input lost, 2 stop)
  Command = 6,    // length:varint bytes         message::Command
  CommandCorrupt = 7,
  Notice = 8,  // machine:varint length:varint text
  Seat = 9,    // machine:varint                 a seat waits for this machine
  // what the ports hand out; time: difference to that of the exchange
  Streams = 16,    // time:zigzag               an exchange of the stream port begins
  Datagrams = 17,  // time:zigzag               ... of the datagram port
  Opened = 18,     // owner:varint stream:varint time:zigzag
  Bytes = 19,      // owner:varint stream:varint time:zigzag length:varint bytes
  Closed = 20,     // owner:varint stream:varint time:zigzag reason:zigzag
  Datagram = 21,   // owner:varint port:varint time:zigzag address:varint port:varint
                   // length:varint bytes
  // what drivers ask of the ports, and the answer
  Open = 32,          // owner:varint port:varint timeout_ms:varint answer:zigzag length:varint host
  Send = 33,          // stream:varint answer:zigzag length:varint bytes
  Close = 34,         // stream:varint answer:zigzag
  DatagramSend = 35,  // port:varint address:varint port:varint answer:zigzag length:varint bytes
  // what the recorder adds, at the end of a cycle
  Told = 48,        // frames:varint others:varint frame_digest:u32 other_digest:u32, since begin()
  DigestLost = 49,  // frames were overwritten before they were read: no Told any more
  End = 50,         // reason:u8 cycles:varint
};
// A byte from here on is a Stamp within 32 us of the last time: its upper 7 bits, the lower 8
// follow.
inline constexpr std::uint8_t kShortStamp = 0x80;
inline constexpr std::int64_t kShortStampLimit = 1 << 15;

enum class EndReason : std::uint8_t {
  Stopped = 0,   // the core ended in an orderly way
  Full = 1,      // the file has reached its greatest size
  Overflow = 2,  // the recorder did not keep up: the next cycle is missing
};

inline constexpr std::size_t kMaxVarintBytes = 10;
inline constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
// Differences wrap around, so that no pair of times is out of range.
inline constexpr std::int64_t difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline constexpr std::int64_t sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
// -> bytes written, at most kMaxVarintBytes.
inline std::size_t put_varint(std::uint8_t* out, std::uint64_t value) {
  std::size_t n = 0;
  for (; value >= 0x80; value >>= 7) out[n++] = static_cast<std::uint8_t>(value | 0x80);
  out[n++] = static_cast<std::uint8_t>(value);
  return n;
}

struct HeadMachine {
  std::uint16_t number = 0;
  std::string name;
  std::string driver;
  std::string driver_version;
};

// All that a core must be made with to live the recording once more.
struct Head {
  std::uint64_t schema_hash = 0;
  std::uint32_t abi_major = 0;
  std::uint32_t abi_minor = 0;
  std::uint32_t lane = 0;  // number of the lane that was recorded
  std::int64_t period_ns = 0;
  std::uint64_t seed = 0;  // of the core
  std::int64_t started_mono_ns = 0;
  std::int64_t started_utc_ns = 0;
  // What the core before the recorded one had left (shm::Predecessor).
  bool unclean = false;
  bool tripped = false;
  std::uint64_t stop_word = 0;
  std::string core;
  std::string lane_name;
  std::string config;
  std::vector<HeadMachine> machines;  // of this lane
};

// The file's beginning, prefix and all.
std::vector<std::uint8_t> encode(const Head& head);
// From the file's first bytes; *used: where the blocks begin. Fails on what is no recording, or
// one of another version or schema, or damaged.
Result<Head> decode_head(const std::uint8_t* bytes, std::size_t length, std::size_t* used);

}  // namespace rise::record
