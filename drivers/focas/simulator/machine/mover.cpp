#include "drivers/focas/simulator/machine/mover.hpp"

#include <algorithm>
#include <cmath>

namespace rise::cncsim {

namespace {

constexpr double kEmergencyFactor = 3;  // of the programmed acceleration, when the servos brake

// The largest speed after a step of dt from which `end` can still be reached at the end of the
// way d, when the step itself is run at the mean of both speeds:
//   d - (v + n) / 2 * dt = (n^2 - end^2) / (2 a)   solved for n. Negative: it ends in this step.
double braking_speed(double d, double v, double end, double a, double dt) {
  const double b = a * dt;
  const double root = b * b - 4 * (b * v - 2 * a * d - end * end);
  return root <= 0 ? -1 : (std::sqrt(root) - b) / 2;
}

// Time to run the way d from speed v with constant acceleration a.
double time_for(double d, double v, double a) {
  if (std::fabs(a) < 1e-9) return v > 0 ? d / v : 0;
  const double root = std::max(0.0, v * v + 2 * a * d);
  return 2 * d / (v + std::sqrt(root));  // the form that stays exact for small a
}

}  // namespace

void Mover::place(const AxisValues& position) {
  position_ = position;
  active_ = false;
  speed_mm_s_ = 0;
  acceleration_mm_s2_ = 0;
}

void Mover::begin(const Segment& segment, const MotionLimits& limits) {
  segment_ = segment;
  limits_ = limits;
  way_mm_ = 0;
  active_ = true;
}

double Mover::finish(double dt_s, double time_s, double speed_mm_s) {
  const double used = std::clamp(time_s, 0.0, dt_s);
  position_ = segment_.end;
  way_mm_ = segment_.length_mm;
  acceleration_mm_s2_ = used > 0 ? (speed_mm_s - speed_mm_s_) / used : 0;
  speed_mm_s_ = speed_mm_s;
  active_ = false;
  return dt_s - used;
}

double Mover::run(double dt_s, double target_mm_s, double end_mm_s) {
  if (!active_ || dt_s <= 0) return dt_s;
  const double d = segment_.length_mm - way_mm_;
  const double v = speed_mm_s_;
  const double a = limits_.acceleration_mm_s2;
  const double step = a * dt_s;
  if (d <= 0) return finish(dt_s, 0, std::min(v, end_mm_s));

  double next = braking_speed(d, v, end_mm_s, a, dt_s);
  // Faster than the target (an override went down): brake, but no harder than allowed.
  const double wanted = std::max(std::min(target_mm_s, limits_.speed_mm_s), v - step);
  next = std::min({next, wanted, v + step});
  if (next <= 0 && v <= 0) {  // stands and is to stand
    acceleration_mm_s2_ = 0;
    return 0;
  }
  if (wanted <= 0) {  // a stop was asked for, and this step is long enough for it
    const double rest = v * v / (2 * a);
    if (rest >= d) return finish(dt_s, time_for(d, v, -a), std::min(v, end_mm_s));
    way_mm_ += rest;
    position_ = segment_.position_at(way_mm_);
    acceleration_mm_s2_ = -v / dt_s;
    speed_mm_s_ = 0;
    return 0;
  }
  if (next <= 0) return finish(dt_s, 2 * d / (v + end_mm_s), std::min(v, end_mm_s));
  const double way = (v + next) / 2 * dt_s;
  if (way >= d) {
    const double acceleration = (next - v) / dt_s;
    const double time = time_for(d, v, acceleration);
    return finish(dt_s, time, std::min(v + acceleration * time, std::max(end_mm_s, 0.0)));
  }
  way_mm_ += way;
  position_ = segment_.position_at(way_mm_);
  acceleration_mm_s2_ = (next - v) / dt_s;
  speed_mm_s_ = next;
  return 0;
}

void Mover::abandon() {
  active_ = false;
  speed_mm_s_ = 0;
  acceleration_mm_s2_ = 0;
}

bool Mover::brake(double dt_s) {
  if (!active_ || speed_mm_s_ <= 0) {
    abandon();
    return true;
  }
  const double step = limits_.acceleration_mm_s2 * kEmergencyFactor * dt_s;
  const double next = std::max(0.0, speed_mm_s_ - step);
  way_mm_ = std::min(segment_.length_mm, way_mm_ + (speed_mm_s_ + next) / 2 * dt_s);
  position_ = segment_.position_at(way_mm_);
  acceleration_mm_s2_ = (next - speed_mm_s_) / dt_s;
  speed_mm_s_ = next;
  if (next > 0) return false;
  abandon();
  return true;
}

AxisValues Mover::direction() const {
  return active_ ? segment_.direction_at(way_mm_) : AxisValues{};
}

}  // namespace rise::cncsim
