// How long to wait before the next attempt: twice as long each time, up to a limit, and never quite
// the same, so that a hundred clients do not come back at one moment.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace rise::redis {

class Backoff {
 public:
  Backoff(std::uint32_t first_ms, std::uint32_t max_ms, std::uint32_t seed)
      : first_ms_(first_ms), max_ms_(std::max(first_ms, max_ms)), random_(seed) {}

  // Between half of the step and the whole of it.
  std::chrono::milliseconds next() {
    const std::uint32_t step = step_ms_ == 0 ? first_ms_ : step_ms_;
    // No overflow: max_ms is far below half of the range.
    step_ms_ = std::min(max_ms_, step > max_ms_ / 2 ? max_ms_ : step * 2);
    std::uniform_int_distribution<std::uint32_t> between(step - step / 2, step);
    return std::chrono::milliseconds(between(random_));
  }
  // After a success that has lasted.
  void reset() { step_ms_ = 0; }

 private:
  std::uint32_t first_ms_;
  std::uint32_t max_ms_;
  std::uint32_t step_ms_ = 0;
  std::minstd_rand random_;
};

}  // namespace rise::redis
