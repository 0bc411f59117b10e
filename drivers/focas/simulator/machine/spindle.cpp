#include "drivers/focas/simulator/machine/spindle.hpp"

#include <algorithm>
#include <cmath>

namespace rise::cncsim {

double Spindle::target() const {
  return direction_ * std::clamp(rpm_wanted_ * override_, 0.0, spec_.max_rpm);
}

bool Spindle::at_speed() const {
  return std::fabs(target() - rpm_) <= 0.02 * std::max(std::fabs(target()), 50.0);
}

void Spindle::step(double dt_s, double override_ratio) {
  override_ = override_ratio;
  const double most = spec_.acceleration_rpm_s * dt_s;
  const double change = std::clamp(target() - rpm_, -most, most);
  rpm_ += change;
  acceleration_rpm_s_ = dt_s > 0 ? change / dt_s : 0;
}

}  // namespace rise::cncsim
