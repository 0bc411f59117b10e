// Moves along one segment after the other within the limits of speed and acceleration, in small
// steps of time: trapezoids of speed that end exactly at the end of the segment.
#pragma once

#include "drivers/focas/simulator/program/segment.hpp"

namespace rise::cncsim {

class Mover {
 public:
  void place(const AxisValues& position);

  // Starts a segment. The speed left over from the previous segment is kept.
  void begin(const Segment& segment, const MotionLimits& limits);

  // Moves for at most dt_s towards target_mm_s (0: brakes and stands). At the end of the segment
  // the speed is at most end_mm_s. -> time left over, > 0 only if the segment is done.
  double run(double dt_s, double target_mm_s, double end_mm_s);

  // Forgets the rest of the segment. The axes must stand, or stop at once (servo off).
  void abandon();

  // Brakes harder than any program may: emergency stop. -> true: stands.
  bool brake(double dt_s);

  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] double speed_mm_s() const { return speed_mm_s_; }
  [[nodiscard]] double acceleration_mm_s2() const { return acceleration_mm_s2_; }
  [[nodiscard]] double remaining_mm() const { return active_ ? segment_.length_mm - way_mm_ : 0; }
  [[nodiscard]] const AxisValues& position() const { return position_; }
  [[nodiscard]] AxisValues direction() const;
  [[nodiscard]] const Segment& segment() const { return segment_; }
  [[nodiscard]] const MotionLimits& limits() const { return limits_; }

 private:
  double finish(double dt_s, double time_s, double speed_mm_s);

  Segment segment_;
  MotionLimits limits_;
  AxisValues position_{};
  double way_mm_ = 0;
  double speed_mm_s_ = 0;
  double acceleration_mm_s2_ = 0;  // of the last step
  bool active_ = false;
};

}  // namespace rise::cncsim
