// A running digest of all that a lane publishes: telemetry frames; events and command results. It
// is read from the lane's rings, by an ordinary thread, up to the counts that the lane gave at the
// end of a cycle. Two runs with the same digest have published the same bytes in the same order.
#pragma once

#include <cstdint>

#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::record {

class LaneDigest {
 public:
  LaneDigest() = default;
  // The region outlives it. Before the lane publishes anything.
  LaneDigest(const shm::Region& region, std::uint32_t lane);

  // Reads on, up to so many of each. False: some were overwritten before, the digest says nothing.
  bool advance(std::uint64_t frames, std::uint64_t events, std::uint64_t results);

  [[nodiscard]] std::uint64_t frames() const { return telemetry_.cursor(); }
  [[nodiscard]] std::uint64_t events() const { return events_.cursor(); }
  [[nodiscard]] std::uint64_t results() const { return results_.cursor(); }
  [[nodiscard]] std::uint64_t frame_digest() const { return frame_digest_; }
  // Of events and results, each cycle's events before its results.
  [[nodiscard]] std::uint64_t other_digest() const { return other_digest_; }

  // 32 bits of a digest, for the check after each cycle.
  static std::uint32_t fold(std::uint64_t digest) {
    return static_cast<std::uint32_t>(digest ^ (digest >> 32));
  }

 private:
  shm::BroadcastReader<> telemetry_;
  shm::BroadcastReader<> events_;
  shm::BroadcastReader<> results_;
  std::uint64_t frame_digest_ = 0;
  std::uint64_t other_digest_ = 0;
};

}  // namespace rise::record
