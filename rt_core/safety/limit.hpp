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

  // With each new good sample. A signal without a value says nothing about its limit (the loss of
  // the signal is judged by its age).
  LimitChange observe(double value, std::int64_t now_ns) {
    const bool outside = !(value >= spec_.min && value <= spec_.max);
    if (!outside) {
      outside_since_ns_ = kNever;
      if (!violated_) return LimitChange::None;
      violated_ = false;
      return LimitChange::Restored;
    }
    if (outside_since_ns_ == kNever) outside_since_ns_ = now_ns;
    if (violated_ || now_ns - outside_since_ns_ < spec_.hold_ns) return LimitChange::None;
    violated_ = true;
    return LimitChange::Violated;
  }
  [[nodiscard]] bool violated() const { return violated_; }
  [[nodiscard]] const LimitSpec& spec() const { return spec_; }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  LimitSpec spec_;
  std::int64_t outside_since_ns_ = kNever;
  bool violated_ = false;
};

}  // namespace rise::safety
