#include "drivers/focas/simulator/program/segment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace rise::cncsim {

namespace {

constexpr double kNone = 1e-9;  // mm; shorter ways are no motion

// The way that feed counts: of the linear axes, or of the rotary ones if they move alone.
double way_length(const PathSpec& path, const AxisValues& start, const AxisValues& end) {
  double linear = 0;
  double rotary = 0;
  for (std::size_t i = 0; i < path.axes.size(); ++i) {
    const double d = end[i] - start[i];
    (path.axes[i].rotary ? rotary : linear) += d * d;
  }
  return std::sqrt(linear > kNone * kNone ? linear : rotary);
}

}  // namespace

AxisValues Segment::position_at(double way_mm) const {
  if (way_mm >= length_mm) return end;
  if (way_mm <= 0) return start;
  const double part = way_mm / length_mm;
  AxisValues position{};
  for (std::size_t i = 0; i < axes; ++i) position[i] = start[i] + (end[i] - start[i]) * part;
  if (arc) {
    const double angle = start_rad + sweep_rad * part;
    position[u] = center_u + radius_mm * std::cos(angle);
    position[v] = center_v + radius_mm * std::sin(angle);
  }
  return position;
}

AxisValues Segment::direction_at(double way_mm) const {
  AxisValues direction{};
  if (length_mm <= 0) return direction;
  for (std::size_t i = 0; i < axes; ++i) direction[i] = (end[i] - start[i]) / length_mm;
  if (arc) {
    const double angle = start_rad + sweep_rad * std::clamp(way_mm / length_mm, 0.0, 1.0);
    const double turn = radius_mm * sweep_rad / length_mm;
    direction[u] = -turn * std::sin(angle);
    direction[v] = turn * std::cos(angle);
  }
  return direction;
}

Segment make_line(const PathSpec& path, const AxisValues& start, const AxisValues& end,
                  bool rapid) {
  Segment segment;
  segment.rapid = rapid;
  segment.axes = path.axes.size();
  segment.start = start;
  segment.end = end;
  segment.length_mm = way_length(path, start, end);
  if (segment.length_mm < kNone) segment.length_mm = 0;
  return segment;
}

Segment make_arc(const PathSpec& path, const AxisValues& start, const AxisValues& end,
                 std::size_t u, std::size_t v, double center_u, double center_v, double sweep_rad) {
  Segment segment;
  segment.arc = true;
  segment.axes = path.axes.size();
  segment.start = start;
  segment.end = end;
  segment.u = u;
  segment.v = v;
  segment.center_u = center_u;
  segment.center_v = center_v;
  segment.radius_mm = std::hypot(start[u] - center_u, start[v] - center_v);
  segment.start_rad = std::atan2(start[v] - center_v, start[u] - center_u);
  segment.sweep_rad = sweep_rad;
  double helix = 0;
  for (std::size_t i = 0; i < segment.axes; ++i) {
    if (i == u || i == v || path.axes[i].rotary) continue;
    const double d = end[i] - start[i];
    helix += d * d;
  }
  const double turn = segment.radius_mm * sweep_rad;
  segment.length_mm = std::sqrt(turn * turn + helix);
  return segment;
}

MotionLimits limits_of(const PathSpec& path, const Segment& segment,
                       const AxisValues& axis_speed_mm_s) {
  MotionLimits limits{std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  if (segment.length_mm <= 0) return {0, 0};
  for (std::size_t i = 0; i < segment.axes; ++i) {
    const bool in_plane = segment.arc && (i == segment.u || i == segment.v);
    // On an arc each axis of the plane takes the whole turn somewhere.
    const double share = in_plane
                             ? segment.radius_mm * std::fabs(segment.sweep_rad) / segment.length_mm
                             : std::fabs(segment.end[i] - segment.start[i]) / segment.length_mm;
    if (share <= 0) continue;
    limits.speed_mm_s = std::min(limits.speed_mm_s, axis_speed_mm_s[i] / share);
    double acceleration = path.axes[i].acceleration_mm_s2;
    if (in_plane) {
      // Tangential and centripetal part are at right angles: each gets 1/sqrt(2) of the whole.
      acceleration /= std::numbers::sqrt2;
      limits.speed_mm_s =
          std::min(limits.speed_mm_s, std::sqrt(acceleration * segment.radius_mm) / share);
    }
    limits.acceleration_mm_s2 = std::min(limits.acceleration_mm_s2, acceleration / share);
  }
  return limits;
}

}  // namespace rise::cncsim
