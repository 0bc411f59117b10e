// Frames and blocks: splitting a byte stream into frames, reading and writing the blocks of data
// requests and replies. No allocation, no I/O; every length that comes from the wire is checked
// against what is there before it is used. Used by the driver (client side) and by the simulator
// (server side).
#pragma once

#include <cstdint>
#include <span>

#include "drivers/focas/wire/protocol.hpp"

namespace rise::focas::wire {

using Bytes = std::span<const std::uint8_t>;

struct Header {
  std::uint16_t version = 0;
  FrameType type = FrameType::OpenRequest;
  std::uint16_t length = 0;  // of the body
};

struct Frame {
  Header header;
  Bytes body;
};

// What is wrong with a frame. None of them can be repaired: the stream has lost its place.
enum class Fault : std::uint8_t {
  None,
  BadMagic,
  TooLong,    // longer than the reader's limit
  ShortBody,  // body ends within a fixed part
  BadBlock,   // a block's own length contradicts its fields or the body
  BadCount,   // fewer or more blocks than announced
};

const char* fault_name(Fault fault);

// Gathers a frame from pieces of any size into memory of its own. The driver's receive side.
template <std::size_t MaxFrame>
class Assembler {
 public:
  // Takes bytes up to the end of one frame. -> bytes taken; complete() tells whether the frame is
  // whole. After a fault nothing is taken until clear().
  std::size_t feed(Bytes bytes);
  [[nodiscard]] bool complete() const {
    return fault_ == Fault::None && size_ >= kHeaderBytes && size_ == kHeaderBytes + header_.length;
  }
  [[nodiscard]] Frame frame() const {
    return {header_, Bytes(memory_ + kHeaderBytes, header_.length)};
  }
  [[nodiscard]] Fault fault() const { return fault_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() {
    size_ = 0;
    fault_ = Fault::None;
  }
  // Frames longer than this (with header) are a fault; at most MaxFrame.
  void set_limit(std::size_t bytes) { limit_ = bytes < MaxFrame ? bytes : MaxFrame; }

 private:
  std::uint8_t memory_[MaxFrame];
  std::size_t size_ = 0;
  std::size_t limit_ = MaxFrame;
  Header header_;
  Fault fault_ = Fault::None;
};

// Reads the header at the start of `bytes`, which has at least kHeaderBytes.
Fault read_header(Bytes bytes, Header* header);

struct RequestBlock {
  Device device = Device::Cnc;
  std::uint16_t path = 1;
  std::uint16_t command = 0;
  std::int32_t argument[4] = {};
  Bytes payload;
};

struct ReplyBlock {
  Device device = Device::Cnc;
  std::uint16_t path = 1;
  std::uint16_t command = 0;
  Status status = Status::Ok;
  std::int16_t detail[2] = {};
  Bytes data;
};

// Walks the blocks of a 0x2101 / 0x2102 body.
template <class Block>
class BlockReader {
 public:
  explicit BlockReader(Bytes body);
  [[nodiscard]] std::uint16_t count() const { return count_; }
  // True: *block is the next one. False: the end, or a fault.
  bool next(Block* block);
  // After next() said false: None if all announced blocks were there and nothing was left over.
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  Bytes rest_;
  std::uint16_t count_ = 0;
  std::uint16_t read_ = 0;
  Fault fault_ = Fault::None;
};
using RequestReader = BlockReader<RequestBlock>;
using ReplyReader = BlockReader<ReplyBlock>;

// Writes one frame into the caller's memory. A write that does not fit has no effect and answers
// false.
class FrameWriter {
 public:
  FrameWriter(std::span<std::uint8_t> memory, std::uint16_t version, FrameType type);
  bool add_u16(std::uint16_t value);
  bool add_bytes(Bytes bytes);
  // For 0x2101 and 0x2102 bodies; the count is kept by the writer.
  bool add(const RequestBlock& block);
  bool add(const ReplyBlock& block);
  [[nodiscard]] std::uint16_t blocks() const { return blocks_; }
  // Sets the lengths; the frame as written.
  Bytes finish();

 private:
  std::uint8_t* reserve(std::size_t bytes);
  std::uint8_t* reserve_block(std::size_t bytes);
  std::span<std::uint8_t> memory_;
  std::size_t size_ = kHeaderBytes;
  std::uint16_t blocks_ = 0;
  bool has_count_ = false;
};

// Body of a negative frame (0x1103, 0x1203, 0x1303, 0x1503, 0x2103).
struct Negative {
  Status status = Status::Unexpected;
  std::int16_t detail[2] = {};
};
bool read_negative(Bytes body, Negative* negative);

// -------------------------------------------------------------------------------------------
// inline

template <std::size_t MaxFrame>
std::size_t Assembler<MaxFrame>::feed(Bytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && fault_ == Fault::None && !complete()) {
    const std::size_t wanted =
        size_ < kHeaderBytes ? kHeaderBytes - size_ : kHeaderBytes + header_.length - size_;
    const std::size_t left = bytes.size() - taken;
    const std::size_t n = wanted < left ? wanted : left;
    for (std::size_t i = 0; i < n; ++i) memory_[size_ + i] = bytes[taken + i];
    size_ += n;
    taken += n;
    if (size_ != kHeaderBytes) continue;
    fault_ = read_header(Bytes(memory_, kHeaderBytes), &header_);
    if (fault_ == Fault::None && kHeaderBytes + header_.length > limit_) fault_ = Fault::TooLong;
  }
  return taken;
}

}  // namespace rise::focas::wire
