// At most so many per second, and so many at once: a bucket of tokens. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rise::outbound {

class RateLimit {
 public:
  // per_s 0: no limit. burst: what may come at once after a pause; at least 1.
  RateLimit(double per_s, double burst)
      : per_s_(per_s), burst_(std::max(burst, 1.0)), tokens_(burst_) {}

  // -> how many of `wanted` may go now.
  [[nodiscard]] std::size_t take(std::size_t wanted, std::int64_t now_ms) {
    if (per_s_ <= 0) return wanted;
    if (last_ms_ != 0 && now_ms > last_ms_) {
      tokens_ = std::min(burst_, tokens_ + per_s_ * static_cast<double>(now_ms - last_ms_) / 1000);
    }
    last_ms_ = std::max(last_ms_, now_ms);
    const std::size_t taken = std::min(wanted, static_cast<std::size_t>(tokens_));
    tokens_ -= static_cast<double>(taken);
    return taken;
  }
  // What was taken and not used.
  void give_back(std::size_t n) { tokens_ = std::min(burst_, tokens_ + static_cast<double>(n)); }

 private:
  double per_s_;
  double burst_;
  double tokens_;
  std::int64_t last_ms_ = 0;
};

}  // namespace rise::outbound
