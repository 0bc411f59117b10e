#include "drivers/telemetry/simulator/model.hpp"

#include <cmath>
#include <numbers>

namespace rise::sensorsim {

Model::Model(const SensorSpec& spec) : spec_(spec), random_(spec.seed) {}

double Model::wear(std::uint64_t sample) const {
  const double hours = static_cast<double>(sample) / spec_.rate_hz / 3600;
  const double grown = spec_.wear + hours * spec_.wear_per_h;
  return spec_.wear_limit > 0 ? std::fmod(grown, spec_.wear_limit) : grown;
}

void Model::fill(float* out, std::uint32_t count) {
  constexpr double kTurn = 2 * std::numbers::pi;
  const std::size_t channels = spec_.channels;
  // Wear and warmth hardly change within a datagram.
  const double worn = wear(next_);
  const double seconds = static_cast<double>(next_) / spec_.rate_hz;
  double mean = spec_.mean + spec_.rise * (1 - std::exp(-seconds / spec_.rise_s));
  if (spec_.kind == telemetry::wire::Kind::ToolWear) mean += worn;
  values_.assign(count * channels, mean);
  const double gain = 1 + spec_.wear_gain * worn / 100;
  for (const SineSpec& sine : spec_.sines) {
    const double step = kTurn * sine.hz / spec_.rate_hz;
    const double turn_r = std::cos(step);
    const double turn_i = std::sin(step);
    for (std::size_t c = 0; c < channels; ++c) {
      if (sine.channel >= 0 && static_cast<std::size_t>(sine.channel) != c) continue;
      const double behind = sine.channel < 0 ? static_cast<double>(c) / 3 : 0;
      // Turns since the start, exact to the sample; within the datagram a pointer is turned.
      const double turns =
          std::fmod(sine.hz * static_cast<double>(next_) / spec_.rate_hz, 1.0) - behind;
      const double angle = kTurn * (turns + sine.phase_deg / 360);
      double r = std::cos(angle);
      double i = std::sin(angle);
      const double amplitude = sine.amplitude * gain;
      for (std::size_t n = 0; n < count; ++n) {
        values_[n * channels + c] += amplitude * i;
        const double turned = r * turn_r - i * turn_i;
        i = r * turn_i + i * turn_r;
        r = turned;
      }
    }
  }
  for (std::size_t n = 0; n < count * channels; ++n) {
    const double noise = spec_.noise > 0 ? spec_.noise * random_.normal() : 0;
    out[n] = static_cast<float>(values_[n] + noise);
  }
  next_ += count;
}

}  // namespace rise::sensorsim
