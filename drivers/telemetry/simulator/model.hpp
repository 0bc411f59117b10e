// The signal of one sensor: sines that grow with wear, a mean that rises, noise. Deterministic: the
// samples depend on the spec and their number only.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/telemetry/simulator/random.hpp"
#include "drivers/telemetry/simulator/spec.hpp"

namespace rise::sensorsim {

class Model {
 public:
  explicit Model(const SensorSpec& spec);

  // The next `count` samples of all channels, interleaved.
  void fill(float* out, std::uint32_t count);
  // Wear in percent at a sample, for tests.
  [[nodiscard]] double wear(std::uint64_t sample) const;

 private:
  SensorSpec spec_;
  Random random_;
  std::uint64_t next_ = 0;  // sample
  std::vector<double> values_;
};

}  // namespace rise::sensorsim
