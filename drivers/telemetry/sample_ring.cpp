#include "drivers/telemetry/sample_ring.hpp"

#include <algorithm>
#include <bit>

#include "drivers/telemetry/sequence.hpp"

namespace rise::telemetry {

void SampleRing::configure(const SampleRingOptions& options) {
  options_ = options;
  // A window under analysis, one hop that arrives meanwhile, and what waits for gaps to be filled.
  const std::size_t waiting = std::size_t{kMaxSamples} / options.channels * (options.reorder + 2);
  const std::size_t least = std::size_t{options.window} + options.hop + waiting;
  capacity_ = static_cast<std::int64_t>(std::bit_ceil(least));
  values_.assign(static_cast<std::size_t>(capacity_) * options.channels, 0);
  slots_.assign(static_cast<std::size_t>(capacity_), {});  // enough for one sample per datagram
  slot_mask_ = slots_.size() - 1;
}

void SampleRing::begin(std::int64_t slot, std::uint32_t samples_per_slot) {
  // Numbers in slots_ count on from start to start, so that none has to be cleared here.
  const std::int64_t first = high_slot_ + static_cast<std::int64_t>(slots_.size());
  base_ = slot - first;
  settled_slot_ = first;
  high_slot_ = first;
  samples_ = samples_per_slot;
  running_ = true;
}

bool SampleRing::put(std::int64_t slot, const Datagram& datagram) {
  const std::int64_t own = slot - base_;
  if (!running_ || datagram.header.count() != samples_) return false;
  if (own < settled_slot_ || own >= high_slot_ + Sequence::kWindow) return false;
  const std::int64_t at = own * samples_;
  const auto start = static_cast<std::uint32_t>(at & (capacity_ - 1));
  const std::uint32_t before_wrap =
      std::min<std::uint32_t>(samples_, static_cast<std::uint32_t>(capacity_) - start);
  for (std::uint32_t c = 0; c < options_.channels; ++c) {
    float* values = values_.data() + static_cast<std::size_t>(capacity_) * c;
    unpack(datagram, c, 0, before_wrap, values + start);
    if (before_wrap < samples_) unpack(datagram, c, before_wrap, samples_ - before_wrap, values);
  }
  Slot& kept = slots_[static_cast<std::size_t>(own) & slot_mask_];
  kept = {own, datagram.header.time_ns(), datagram.header.interval_ns()};
  high_slot_ = std::max(high_slot_, own + 1);
  while (settled_slot_ < high_slot_ && (slot_at(settled_slot_).number == settled_slot_ ||
                                        high_slot_ - settled_slot_ > options_.reorder)) {
    ++settled_slot_;
  }
  return true;
}

std::uint32_t SampleRing::run(std::uint32_t channel, std::int64_t at, std::uint32_t most,
                              const float** data) const {
  const std::int64_t slot = at / samples_;
  const std::int64_t in_slot = (slot + 1) * samples_ - at;
  const std::int64_t place = at & (capacity_ - 1);
  const std::int64_t in_memory = capacity_ - place;
  *data = slot_at(slot).number != slot
              ? nullptr
              : values_.data() + static_cast<std::size_t>(capacity_) * channel + place;
  return static_cast<std::uint32_t>(std::min({in_slot, in_memory, std::int64_t{most}}));
}

std::int64_t SampleRing::time_ns(std::int64_t at) const {
  const Slot& slot = slot_at(at / samples_);
  return slot.time_ns + (at % samples_) * slot.interval_ns;
}

}  // namespace rise::telemetry
