// Bytes on their way to a peer, kept until he has acknowledged them: TCP does not copy them, and
// may have to send them again.
//
//     head_        taken_            tail_
//       | sent, not | not yet given    |  free
//       | acknowl.  | to TCP           |
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "rt_core/io/stream_port.hpp"

namespace rise::io::dpdk {

class KeptQueue {
 public:
  void attach(std::uint8_t* memory) { memory_ = memory; }
  void clear() { head_ = taken_ = tail_ = 0; }
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] std::uint32_t room() const { return kSendQueueBytes - (tail_ - head_); }
  [[nodiscard]] std::uint32_t waiting() const { return tail_ - taken_; }

  // length <= room().
  void append(const std::uint8_t* bytes, std::uint32_t length) {
    const std::uint32_t at = tail_ & (kSendQueueBytes - 1);
    const std::uint32_t first = length < kSendQueueBytes - at ? length : kSendQueueBytes - at;
    std::memcpy(memory_ + at, bytes, first);
    std::memcpy(memory_, bytes + first, length - first);
    tail_ += length;
  }
  // The first of the waiting bytes, as many as lie in one piece.
  [[nodiscard]] const std::uint8_t* next(std::uint32_t* length) const {
    const std::uint32_t at = taken_ & (kSendQueueBytes - 1);
    *length = waiting() < kSendQueueBytes - at ? waiting() : kSendQueueBytes - at;
    return memory_ + at;
  }
  void take(std::uint32_t length) { taken_ += length; }
  void acknowledge(std::uint32_t length) { head_ += length; }

 private:
  static_assert(std::has_single_bit(kSendQueueBytes));
  std::uint8_t* memory_ = nullptr;
  std::uint32_t head_ = 0;  // all three free-running
  std::uint32_t taken_ = 0;
  std::uint32_t tail_ = 0;
};

}  // namespace rise::io::dpdk
