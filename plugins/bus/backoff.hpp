// Waits between attempts: doubling, bounded, and with jitter, so that many who have failed together
// do not come back together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace rise::bus {

struct BackoffSpec {
  std::uint32_t first_ms = 100;
  std::uint32_t max_ms = 10'000;
  // 0 to 1: each wait is shortened by a random part of up to so much of it.
  double jitter = 0.5;
};

// Before attempt `attempt` + 1, when `attempt` (from 1) have failed. chance: 0 to 1, random.
inline std::uint32_t backoff_ms(const BackoffSpec& spec, std::uint32_t attempt, double chance) {
  const std::uint32_t doublings = std::min(attempt > 0 ? attempt - 1 : 0, 31u);
  const std::uint64_t whole =
      std::min<std::uint64_t>(std::uint64_t{spec.first_ms} << doublings, spec.max_ms);
  return static_cast<std::uint32_t>(static_cast<double>(whole) * (1 - spec.jitter * chance));
}

// The same for one that counts its attempts itself. One thread at a time.
class Backoff {
 public:
  Backoff(const BackoffSpec& spec, std::uint32_t seed) : spec_(spec), random_(seed) {}

  // After one more failure.
  std::chrono::milliseconds next() {
    if (attempts_ < 32) ++attempts_;  // more does not make it longer
    return std::chrono::milliseconds(
        backoff_ms(spec_, attempts_, std::uniform_real_distribution<double>()(random_)));
  }
  // After a success that has lasted.
  void reset() { attempts_ = 0; }
  [[nodiscard]] std::uint32_t attempts() const { return attempts_; }  // up to 32

 private:
  BackoffSpec spec_;
  std::uint32_t attempts_ = 0;
  std::minstd_rand random_;
};

}  // namespace rise::bus
