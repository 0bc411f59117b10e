#include <CppUTest/TestHarness.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

#include "drivers/telemetry/spectrum.hpp"

using namespace rise::telemetry;

namespace {

constexpr double kTurn = 2 * std::numbers::pi;

// Share of each bin, by the definition of the transform, in double.
std::vector<double> direct(const std::vector<float>& samples) {
  const std::size_t n = samples.size();
  std::vector<double> weighed;
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double w = 0.5 - 0.5 * std::cos(kTurn * static_cast<double>(i) / static_cast<double>(n));
    weighed.push_back(w * samples[i]);
    squares += w * w;
  }
  std::vector<double> out;
  for (std::size_t k = 0; k <= n / 2; ++k) {
    std::complex<double> sum;
    for (std::size_t i = 0; i < n; ++i) {
      const double angle = -kTurn * static_cast<double>(k * i % n) / static_cast<double>(n);
      sum += weighed[i] * std::complex<double>(std::cos(angle), std::sin(angle));
    }
    const double sides = k == 0 || k == n / 2 ? 1 : 2;
    out.push_back(sides * std::norm(sum) / (static_cast<double>(n) * squares));
  }
  return out;
}

// The transform in steps of `step` butterflies.
std::vector<double> ours(const std::vector<float>& samples, std::uint32_t step) {
  const Spectrum spectrum(static_cast<std::uint32_t>(samples.size()));
  std::vector<float> real(spectrum.half());
  std::vector<float> imaginary(spectrum.half());
  const Complex data{real.data(), imaginary.data()};
  for (std::uint32_t i = 0; i < spectrum.half(); ++i) {
    spectrum.place(i, samples[2 * std::size_t{i}], samples[2 * std::size_t{i} + 1], data);
  }
  for (std::uint32_t s = 0; s < spectrum.stages(); ++s) {
    for (std::uint32_t at = 0; at < spectrum.butterflies(); at += step) {
      spectrum.stage(s, at, std::min(at + step, spectrum.butterflies()), data);
    }
  }
  std::vector<double> out;
  for (std::uint32_t k = 0; k <= spectrum.half(); ++k) out.push_back(spectrum.power(k, data));
  return out;
}

}  // namespace

TEST_GROUP(TelemetrySpectrum) {
  std::mt19937 random{4};
  std::vector<float> noise(std::size_t n) {
    std::normal_distribution<float> normal(0.3F, 1);
    std::vector<float> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(normal(random));
    return out;
  }
};

TEST(TelemetrySpectrum, AgreesWithTheDefinition) {
  for (const std::size_t n : {16U, 32U, 64U, 256U, 1024U, 2048U}) {
    const std::vector<float> samples = noise(n);
    const std::vector<double> want = direct(samples);
    const std::vector<double> got = ours(samples, 1U << 20);
    double total = 0;
    for (const double power : want) total += power;
    for (std::size_t k = 0; k < want.size(); ++k) {
      DOUBLES_EQUAL(want[k], got[k], total * 1e-6);
    }
  }
}

TEST(TelemetrySpectrum, TheStepsDoNotMatter) {
  const std::vector<float> samples = noise(512);
  const std::vector<double> whole = ours(samples, 1U << 20);
  for (const std::uint32_t step : {1U, 3U, 7U, 64U, 100U}) {
    const std::vector<double> pieces = ours(samples, step);
    for (std::size_t k = 0; k < whole.size(); ++k) DOUBLES_EQUAL(whole[k], pieces[k], 0);
  }
}

TEST(TelemetrySpectrum, TheSumIsTheMeanSquare) {
  // A sine that fits the window: its mean square is half its amplitude squared, all of it in the
  // three bins that the Hann window spreads it over.
  std::vector<float> samples;
  for (int i = 0; i < 1024; ++i) {
    samples.push_back(static_cast<float>(3 * std::sin(kTurn * 50 * i / 1024)));
  }
  const std::vector<double> got = ours(samples, 100);
  double all = 0;
  for (const double power : got) all += power;
  DOUBLES_EQUAL(4.5, all, 1e-5);
  DOUBLES_EQUAL(4.5, got[49] + got[50] + got[51], 1e-5);
}
