// A circuit breaker: after so many failures in a row nothing is tried for a while, then one probe
// tells whether to go on. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rise::outbound {

struct BreakerSpec {
  std::uint32_t failures = 5;    // in a row, until it opens; 1 to 1000
  std::int64_t open_ms = 1'000;  // until the first probe; doubles with each probe that fails ...
  std::int64_t open_max_ms = 60'000;  // ... up to this
};

enum class BreakerState : std::uint8_t { Closed, Open, HalfOpen };

class Breaker {
 public:
  explicit Breaker(const BreakerSpec& spec) : spec_(spec), wait_ms_(spec.open_ms) {}

  // May something be tried now? Open, and its time is over: one thing, as the probe. Whoever then
  // tries says so by trying(), or all that ask later take themselves for the probe.
  [[nodiscard]] bool allows(std::int64_t now_ms) {
    if (state_ == BreakerState::Open && now_ms >= until_ms_) {
      state_ = BreakerState::HalfOpen;
      probing_ = false;
    }
    return state_ == BreakerState::Closed || (state_ == BreakerState::HalfOpen && !probing_);
  }
  // The same without a consequence: closed, or it is time for the probe.
  [[nodiscard]] bool ready(std::int64_t now_ms) const {
    return state_ == BreakerState::Closed ||
           (state_ == BreakerState::Open && now_ms >= until_ms_) ||
           (state_ == BreakerState::HalfOpen && !probing_);
  }
  // Ends with one of the three below.
  void trying() { probing_ = state_ == BreakerState::HalfOpen; }
  // Nothing was tried after all: the next may be the probe.
  void not_tried() { probing_ = false; }
  void succeeded() {
    state_ = BreakerState::Closed;
    failures_ = 0;
    wait_ms_ = spec_.open_ms;
    probing_ = false;
  }
  void failed(std::int64_t now_ms) {
    if (state_ == BreakerState::HalfOpen) {
      wait_ms_ = std::min(2 * wait_ms_, spec_.open_max_ms);
    } else if (state_ == BreakerState::Closed && ++failures_ < spec_.failures) {
      return;
    }
    if (state_ != BreakerState::Open) ++opened_;
    state_ = BreakerState::Open;
    probing_ = false;
    until_ms_ = now_ms + wait_ms_;
  }
  [[nodiscard]] BreakerState state() const { return state_; }
  [[nodiscard]] std::uint64_t opened() const { return opened_; }

 private:
  BreakerSpec spec_;
  BreakerState state_ = BreakerState::Closed;
  std::uint32_t failures_ = 0;
  std::int64_t wait_ms_;
  std::int64_t until_ms_ = 0;
  bool probing_ = false;
  std::uint64_t opened_ = 0;
};

}  // namespace rise::outbound
