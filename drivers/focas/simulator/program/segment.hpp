// One piece of a tool path, a line or an arc (with helix), as a function of the way along it.
// Machine coordinates, millimetres (degrees for rotary axes).
#pragma once

#include <array>
#include <cstddef>

#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

using AxisValues = std::array<double, kMaxAxes>;

struct Segment {
  bool rapid = false;
  bool arc = false;
  std::size_t axes = 0;
  AxisValues start{};
  AxisValues end{};
  double length_mm = 0;  // of the programmed way: linear axes, or rotary ones if they move alone

  // Arc in the plane of the axes u and v; a positive sweep turns from u to v.
  std::size_t u = 0;
  std::size_t v = 0;
  double center_u = 0;
  double center_v = 0;
  double radius_mm = 0;
  double start_rad = 0;
  double sweep_rad = 0;

  [[nodiscard]] AxisValues position_at(double way_mm) const;
  // Change of each axis per millimetre of way.
  [[nodiscard]] AxisValues direction_at(double way_mm) const;
};

// What the machine can do along a segment.
struct MotionLimits {
  double speed_mm_s = 0;
  double acceleration_mm_s2 = 0;  // along the way
};

Segment make_line(const PathSpec& path, const AxisValues& start, const AxisValues& end, bool rapid);

// The center must be at the same distance from start and end; sweep as in Segment. Axes outside
// the plane move in proportion to the angle.
Segment make_arc(const PathSpec& path, const AxisValues& start, const AxisValues& end,
                 std::size_t u, std::size_t v, double center_u, double center_v, double sweep_rad);

// `axis_speed_mm_s`: largest speed of each axis on this kind of segment.
MotionLimits limits_of(const PathSpec& path, const Segment& segment,
                       const AxisValues& axis_speed_mm_s);

}  // namespace rise::cncsim
