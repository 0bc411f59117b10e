// A limit on a signal: min..max, and for how long it may be left. Pure.
#pragma once

#include <cstdint>
#include <limits>

namespace rise::safety {

struct LimitSpec {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::int64_t hold_ns = 0;  // a violation counts once it has lasted this long; 0 = at once
  bool trips = true;         // false: reported only
};

enum class LimitChange { None, Violated, Restored };

class Limit {
 public:
  Limit() = default;
  explicit Limit(const LimitSpec& spec) : spec_(spec) {}

  // With each new value, also with one that is refused as a sample because it is out of range.
  LimitChange observe(double value, std::int64_t now_ns) {
    value_ = value;
    value_ns_ = now_ns;
    const bool outside = !(value >= spec_.min && value <= spec_.max);
    if (!outside) {
      outside_since_ns_ = kNever;
      if (!violated_) return LimitChange::None;
      violated_ = false;
      return LimitChange::Restored;
    }
    if (outside_since_ns_ == kNever) outside_since_ns_ = now_ns;
    return pass(now_ns);
  }
  // Once per cycle: what was outside when it was last seen is outside still.
  LimitChange pass(std::int64_t now_ns) {
    if (outside_since_ns_ == kNever || violated_) return LimitChange::None;
    if (now_ns - outside_since_ns_ < spec_.hold_ns) return LimitChange::None;
    violated_ = true;
    return LimitChange::Violated;
  }
  [[nodiscard]] bool violated() const { return violated_; }
  // No value for so long that nobody knows whether the limit is kept.
  [[nodiscard]] bool blind(std::int64_t now_ns, std::int64_t max_age_ns) const {
    return value_ns_ == kNever || now_ns - value_ns_ > max_age_ns;
  }
  // The connection is gone: what was seen before it counts no longer. A violation stands.
  void forget() { value_ns_ = kNever; }
  [[nodiscard]] double value() const { return value_; }
  [[nodiscard]] const LimitSpec& spec() const { return spec_; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  LimitSpec spec_;
  double value_ = 0;  // the last
  std::int64_t value_ns_ = kNever;
  std::int64_t outside_since_ns_ = kNever;
  bool violated_ = false;
};

}  // namespace rise::safety
