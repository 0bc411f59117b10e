#include "drivers/telemetry/spectrum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace rise::telemetry {

Spectrum::Spectrum(std::uint32_t window)
    : window_(window), stages_(static_cast<std::uint32_t>(std::bit_width(window / 2)) - 1) {
  constexpr double kTurn = 2 * std::numbers::pi;
  double squares = 0;
  for (std::uint32_t i = 0; i < window; ++i) {
    const double weight = 0.5 - 0.5 * std::cos(kTurn * i / window);
    hann_.push_back(static_cast<float>(weight));
    squares += weight * weight;
  }
  scale_ = 1 / (squares * window);
  for (std::uint32_t i = 0; i < half() / 2; ++i) {
    cosine_.push_back(static_cast<float>(std::cos(kTurn * i / half())));
    sine_.push_back(static_cast<float>(std::sin(kTurn * i / half())));
  }
  for (std::uint32_t i = 0; i <= half(); ++i) {
    split_cosine_.push_back(static_cast<float>(std::cos(kTurn * i / window)));
    split_sine_.push_back(static_cast<float>(std::sin(kTurn * i / window)));
  }
  for (std::uint32_t i = 0; i < half(); ++i) {
    std::uint32_t mirrored = 0;
    for (std::uint32_t bit = 0; bit < stages_; ++bit)
      mirrored |= ((i >> bit) & 1) << (stages_ - 1 - bit);
    reversed_.push_back(mirrored);
  }
}

void Spectrum::stage(std::uint32_t stage, std::uint32_t first, std::uint32_t last,
                     const Complex& data) const {
  const std::uint32_t span = 1U << stage;               // between the two of a butterfly
  const std::uint32_t stride = butterflies() >> stage;  // in the tables
  while (first < last) {
    const std::uint32_t within = first & (span - 1);
    const std::uint32_t end = std::min(span, within + (last - first));
    const std::size_t base = std::size_t{first - within} * 2;
    float* ar = data.real + base;
    float* ai = data.imaginary + base;
    float* br = ar + span;
    float* bi = ai + span;
    for (std::uint32_t j = within; j < end; ++j) {
      const float c = cosine_[std::size_t{j} * stride];
      const float s = sine_[std::size_t{j} * stride];
      const float tr = br[j] * c + bi[j] * s;
      const float ti = bi[j] * c - br[j] * s;
      br[j] = ar[j] - tr;
      bi[j] = ai[j] - ti;
      ar[j] += tr;
      ai[j] += ti;
    }
    first += end - within;
  }
}

// The transform was of even samples + i * odd samples; here the two are taken apart again and put
// together as the transform of all of them.
double Spectrum::power(std::uint32_t bin, const Complex& data) const {
  const std::uint32_t one = bin & (half() - 1);
  const std::uint32_t other = (half() - bin) & (half() - 1);
  const double a = data.real[one];
  const double b = data.imaginary[one];
  const double c = data.real[other];
  const double d = data.imaginary[other];
  const double odd_r = (b + d) / 2;
  const double odd_i = (c - a) / 2;
  const double cosine = split_cosine_[bin];
  const double sine = split_sine_[bin];
  const double r = (a + c) / 2 + odd_r * cosine + odd_i * sine;
  const double i = (b - d) / 2 + odd_i * cosine - odd_r * sine;
  const double sides = bin == 0 || bin == half() ? 1 : 2;
  return sides * (r * r + i * i) * scale_;
}

}  // namespace rise::telemetry
