#include "drivers/telemetry/clock_map.hpp"

#include <algorithm>
#include <cmath>

namespace rise::telemetry {

void ClockMap::reset() {
  valid_ = false;
  count_ = 0;
  slope_ = 0;
}

bool ClockMap::take(std::int64_t device_ns, std::int64_t host_ns) {
  const Point point{device_ns, host_ns - device_ns};
  if (!valid_) {
    begin(point, host_ns);
    return false;
  }
  const std::int64_t residual_ns = point.offset_ns - offset_ns(device_ns);
  if (residual_ns < -options_.jump_ns) {
    // No way is so much shorter than the shortest: the clock was set forward. (In the first window
    // the shortest is not known yet.)
    const bool jump = count_ != 0;
    jumps_ += jump ? 1 : 0;
    begin(point, host_ns);
    return jump;
  }
  if (residual_ns > options_.jump_ns) {
    // A stalled network looks the same as a clock that was set back; the stall ends.
    if (far_takes_ == 0 || point.offset_ns < far_.offset_ns) far_ = point;
    ++far_takes_;
  } else {
    if (takes_ == 0 || residual_ns < least_residual_ns_) {
      least_ = point;
      least_residual_ns_ = residual_ns;
      if (count_ == 0) base_ = point;  // the first window: the best so far is the estimate
      if (count_ == 0) least_residual_ns_ = 0;
    }
    ++takes_;
  }
  const std::int64_t open_ns = host_ns - window_start_ns_;
  const bool full = takes_ + far_takes_ >= kWindowTakes;
  if (open_ns < options_.window_ns) return false;
  if (!full && open_ns < options_.window_ns * kWindowLongest) return false;
  if (takes_ == 0) {
    ++jumps_;
    begin(far_, host_ns);
    return true;
  }
  points_[place_] = least_;
  place_ = (place_ + 1) % kPoints;
  count_ = std::min(count_ + 1, kPoints);
  fit();
  open_window(host_ns);
  return false;
}

std::int64_t ClockMap::offset_ns(std::int64_t device_ns) const {
  const double since_ns = static_cast<double>(device_ns - base_.device_ns);
  return base_.offset_ns + std::llround(intercept_ + slope_ * since_ns);
}

void ClockMap::begin(const Point& point, std::int64_t host_ns) {
  valid_ = true;
  count_ = 0;
  place_ = 0;
  base_ = point;
  intercept_ = 0;
  slope_ = 0;
  open_window(host_ns);
  least_ = point;
  least_residual_ns_ = 0;
  takes_ = 1;
}

void ClockMap::open_window(std::int64_t host_ns) {
  window_start_ns_ = host_ns;
  takes_ = 0;
  far_takes_ = 0;
}

void ClockMap::fit() {
  // Relative to the newest point, so that the doubles hold small numbers.
  base_ = least_;
  double mean_x = 0;
  double mean_y = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    mean_x += static_cast<double>(points_[i].device_ns - base_.device_ns);
    mean_y += static_cast<double>(points_[i].offset_ns - base_.offset_ns);
  }
  mean_x /= count_;
  mean_y /= count_;
  double xx = 0;
  double xy = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const double x = static_cast<double>(points_[i].device_ns - base_.device_ns) - mean_x;
    const double y = static_cast<double>(points_[i].offset_ns - base_.offset_ns) - mean_y;
    xx += x * x;
    xy += x * y;
  }
  slope_ = has_drift() && xx > 0 ? std::clamp(xy / xx, -kMaxDrift, kMaxDrift) : 0;
  intercept_ = mean_y - slope_ * mean_x;
  // Without a slope the newest is nearest to the truth.
  if (!has_drift()) intercept_ = 0;
}

}  // namespace rise::telemetry
