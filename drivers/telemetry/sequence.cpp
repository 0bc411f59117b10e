#include "drivers/telemetry/sequence.hpp"

#include <bit>

namespace rise::telemetry {

Arrival Sequence::take(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place) {
  *place = -1;
  if (!started_) return begin(sequence, boot, place);
  if (boot != boot_) {
    // A straggler from before the restart must not undo it.
    const bool left = has_former_ && boot == former_boot_ && !doubtful_;
    if (left && ++former_run_ < kFormerRun) return late();
    return restart(sequence, boot, place);
  }
  former_run_ = 0;
  // Modulo 2^32, so that the step from 4294967295 to 0 is a step by one.
  const std::uint32_t ahead = sequence - (base_ + static_cast<std::uint32_t>(next_));
  const bool is_ahead = ahead < 0x80000000U;
  if (is_ahead && (ahead < kJump || (boot_ != 0 && doubtful_))) return forward(ahead, place);
  if (!is_ahead && doubtful_) return restart(sequence, boot, place);
  const std::uint32_t age = ~ahead;  // 0 = the newest
  if (!is_ahead && age < kWindow) return backward(age, place);
  if ((!is_ahead && boot_ != 0) || !believed(sequence)) {
    ++counters_.late;  // and with a boot: the device says that it has not restarted
    return Arrival::Late;
  }
  return boot_ != 0 ? forward(ahead, place) : restart(sequence, boot, place);
}

// Of several from around the same place, in whatever order; copies of one do not count.
bool Sequence::believed(std::uint32_t sequence) {
  const std::uint32_t step = sequence - candidate_;
  if (run_ != 0 && step == 0) return false;
  const bool near = run_ != 0 && step + kWindow < 2 * kWindow;
  if (!near || step < kWindow) candidate_ = sequence;
  run_ = near ? run_ + 1 : 1;
  return run_ == kRun;
}

std::uint32_t Sequence::missing() const {
  return kWindow - static_cast<std::uint32_t>(std::popcount(seen_));
}

Arrival Sequence::begin(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place) {
  started_ = true;
  doubtful_ = false;
  run_ = 0;
  former_run_ = 0;
  boot_ = boot;
  base_ = sequence;
  next_ = 1;
  seen_ = ~std::uint64_t{0};  // nothing before the first is waited for
  ++counters_.received;
  *place = 0;
  return Arrival::First;
}

Arrival Sequence::restart(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place) {
  counters_.lost += missing();
  ++counters_.restarts;
  expected_before_ += next_;
  if (boot != boot_) {
    former_boot_ = boot_;
    has_former_ = true;
  }
  return begin(sequence, boot, place);
}

Arrival Sequence::forward(std::uint32_t ahead, std::int64_t* place) {
  const std::uint32_t steps = ahead + 1;
  if (steps >= kWindow) {  // everything that was waited for leaves, and part of the new gap
    counters_.lost += missing() + (steps - kWindow);
    seen_ = 1;
  } else {
    const std::uint64_t leaving = seen_ >> (kWindow - steps);
    counters_.lost += steps - static_cast<std::uint32_t>(std::popcount(leaving));
    seen_ = (seen_ << steps) | 1;
  }
  next_ += steps;
  ++counters_.received;
  doubtful_ = false;
  run_ = 0;
  *place = static_cast<std::int64_t>(next_ - 1);
  return Arrival::Next;
}

Arrival Sequence::backward(std::uint32_t age, std::int64_t* place) {
  run_ = 0;
  if (age >= next_) return late();  // from before the first: nobody knows how many there were
  *place = static_cast<std::int64_t>(next_ - 1 - age);
  const std::uint64_t bit = std::uint64_t{1} << age;
  if ((seen_ & bit) != 0) {
    ++counters_.duplicate;
    return Arrival::Duplicate;
  }
  seen_ |= bit;
  ++counters_.received;
  ++counters_.reordered;
  return Arrival::Reordered;
}

Arrival Sequence::late() {
  run_ = 0;
  ++counters_.late;
  return Arrival::Late;
}

}  // namespace rise::telemetry
