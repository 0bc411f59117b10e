// One spindle: commanded by M3, M4, M5 and S, speeds up and brakes with constant acceleration.
#pragma once

#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

class Spindle {
 public:
  explicit Spindle(SpindleSpec spec) : spec_(std::move(spec)) {}

  // direction: 1 (M3), -1 (M4), 0 (M5).
  void turn(int direction) { direction_ = direction; }
  void set_speed(double rpm) { rpm_wanted_ = rpm; }  // S code, or constant surface speed
  void step(double dt_s, double override_ratio);

  [[nodiscard]] const SpindleSpec& spec() const { return spec_; }
  [[nodiscard]] double rpm() const { return rpm_; }  // signed
  [[nodiscard]] int direction() const { return direction_; }
  [[nodiscard]] double acceleration_rpm_s() const { return acceleration_rpm_s_; }
  // Is the wanted speed reached (within 2 %)? A cutting feed waits for it.
  [[nodiscard]] bool at_speed() const;

 private:
  [[nodiscard]] double target() const;

  SpindleSpec spec_;
  int direction_ = 0;
  double rpm_wanted_ = 0;
  double rpm_ = 0;
  double acceleration_rpm_s_ = 0;
  double override_ = 1;
};

}  // namespace rise::cncsim
