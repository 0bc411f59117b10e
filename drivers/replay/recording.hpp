// Reads a recording: its head, then cycle after cycle. The bytes may be anybody's: nothing of them
// is believed. Ordinary code: it allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rt_core/io/witness.hpp"
#include "rt_core/record/format.hpp"
#include "rt_core/result.hpp"

namespace rise::replay {

using Bytes = std::span<const std::uint8_t>;

// What the ports handed out; kind: Opened, Bytes, Closed, Datagram, or Datagrams: from here on it
// was the datagram port's exchange.
struct Inward {
  record::Kind kind = record::Kind::None;
  std::uint32_t owner = 0;
  std::int32_t number = 0;  // of the stream or UDP port
  std::int32_t reason = 0;
  std::uint32_t address = 0;  // of the sender
  std::uint16_t port = 0;
  std::int64_t now_ns = 0;
  Bytes bytes;
};

// What drivers asked of the ports, and the answer; kind: Open, Send, Close, DatagramSend.
struct Outward {
  record::Kind kind = record::Kind::None;
  std::uint32_t owner = 0;
  std::int32_t number = 0;
  std::int32_t answer = 0;
  std::uint32_t timeout_ms = 0;
  std::uint32_t address = 0;  // of the receiver
  std::uint16_t port = 0;
  Bytes bytes;  // Open: the host
};

struct Notice {
  std::uint16_t machine = 0;
  std::string text;
};

struct Told {
  std::uint64_t frames = 0;
  std::uint64_t others = 0;  // events and command results
  std::uint32_t frame_digest = 0;
  std::uint32_t other_digest = 0;
};

struct Cycle {
  std::uint64_t number = 0;  // 0: Lane::begin()
  std::int64_t now_ns = 0;   // when the lane woke
  std::int64_t utc_offset_ns = 0;
  io::SeenWords words;
  std::vector<std::int64_t> stamps;
  std::vector<Inward> inward;
  std::vector<Outward> outward;
  std::vector<Bytes> commands;  // empty: the ring was found corrupt
  std::vector<Notice> notices;
  std::vector<std::uint16_t> seats;  // machines for which one waits
  bool has_told = false;
  Told told;
  bool digest_lost = false;
  // The last: nothing of the lane, but why the recording ends.
  bool is_end = false;
  record::EndReason end = record::EndReason::Stopped;
};

class Recording {
 public:
  // Maps the file and checks every block before anything is played.
  static Result<Recording> open(const std::string& path);
  // The same of bytes in memory, which outlive it. Errors lack the file's name.
  static Result<Recording> parse(Bytes bytes);

  Recording(Recording&& other) noexcept;
  Recording& operator=(Recording&& other) noexcept;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording();

  [[nodiscard]] const record::Head& head() const { return head_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  // The file ends within a block: what follows is not there.
  [[nodiscard]] bool cut() const { return cut_; }

  enum class Next { Cycle, End, Nonsense };
  // The next cycle; its spans point into the file. Nonsense: see fault().
  Next next(Cycle* cycle);
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  Recording() = default;
  Result<Done> check_blocks(std::size_t from);
  bool decode(Bytes records, Cycle* cycle);

  Bytes bytes_;
  void* mapping_ = nullptr;
  record::Head head_;
  bool cut_ = false;
  std::vector<Bytes> blocks_;
  std::size_t block_ = 0;  // the one being read, and what is left of it
  Bytes rest_;
  std::uint64_t cycles_ = 0;
  std::int64_t last_ns_ = 0;
  std::int64_t utc_offset_ns_ = 0;
  io::SeenWords words_;
  std::string fault_;
};

}  // namespace rise::replay
