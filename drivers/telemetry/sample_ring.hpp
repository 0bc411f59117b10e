// The newest samples of one sensor, each at the place that its datagram's number gives it:
// datagrams that change their order on the way fill their gaps. Places count from 0 since begin();
// a slot is the place of one datagram. One lane thread.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/telemetry/datagram.hpp"

namespace rise::telemetry {

struct SampleRingOptions {
  std::uint32_t channels = 1;
  std::uint32_t window = 1024;  // samples of one analysis
  std::uint32_t hop = 1024;     // samples from one analysis to the next, 1..window
  std::uint32_t reorder = 8;  // a gap is given up when so many datagrams behind it are there, 0..63
};

class SampleRing {
 public:
  // Set-up: takes the memory.
  void configure(const SampleRingOptions& options);

  // Forgets all: the next datagram given to put() is slot `slot` and the first of a window.
  void begin(std::int64_t slot, std::uint32_t samples_per_slot);
  [[nodiscard]] bool running() const { return running_; }
  void stop() { running_ = false; }

  // The samples of a datagram. False: it does not belong (its gap was given up, another number of
  // samples, too far ahead); then nothing has changed. Bounded: reorder + kWindow slots.
  bool put(std::int64_t slot, const Datagram& datagram);

  // Samples below this are there, or given up.
  [[nodiscard]] std::int64_t settled() const { return settled_slot_ * samples_; }
  // Samples below this are overwritten.
  [[nodiscard]] std::int64_t oldest() const { return high_slot_ * samples_ - capacity_; }

  // Walks along samples: how many from `at` on, at most `most`, lie one behind the other in memory
  // and in one slot; *data is null if they are a hole.
  std::uint32_t run(std::uint32_t channel, std::int64_t at, std::uint32_t most,
                    const float** data) const;
  // The same without asking what is there: values(channel)[index(at)].
  [[nodiscard]] const float* values(std::uint32_t channel) const {
    return values_.data() + static_cast<std::size_t>(capacity_) * channel;
  }
  [[nodiscard]] std::size_t index(std::int64_t at) const {
    return static_cast<std::size_t>(at & (capacity_ - 1));
  }
  // Device's clock at a sample; its slot must be there.
  [[nodiscard]] std::int64_t time_ns(std::int64_t at) const;
  [[nodiscard]] std::uint32_t samples_per_slot() const { return samples_; }
  [[nodiscard]] std::uint32_t capacity() const { return static_cast<std::uint32_t>(capacity_); }

 private:
  struct Slot {
    std::int64_t number = -1;  // which one is here
    std::int64_t time_ns = 0;
    std::uint32_t interval_ns = 0;
  };
  [[nodiscard]] const Slot& slot_at(std::int64_t slot) const {
    return slots_[static_cast<std::size_t>(slot) & slot_mask_];
  }

  SampleRingOptions options_;
  std::vector<float> values_;  // channel by channel, capacity_ each
  std::vector<Slot> slots_;
  std::size_t slot_mask_ = 0;
  std::int64_t capacity_ = 0;  // samples of a channel, a power of two
  std::int64_t base_ = 0;      // the slot that is our slot 0
  std::int64_t settled_slot_ = 0;
  std::int64_t high_slot_ = 0;  // behind the newest
  std::uint32_t samples_ = 1;   // of a channel, per slot
  bool running_ = false;
};

}  // namespace rise::telemetry
