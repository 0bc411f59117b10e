// The tables of a real FFT of one length: window function, twiddle factors, bit reversal. The
// steps take ranges, so that one transform can be spread over many cycles. Tables are computed in
// double and kept in float.
#pragma once

#include <cstdint>
#include <vector>

namespace rise::telemetry {

// A pair of arrays of half the window's length.
struct Complex {
  float* real = nullptr;
  float* imaginary = nullptr;
};

class Spectrum {
 public:
  static constexpr std::uint32_t kShortest = 16;
  static constexpr std::uint32_t kLongest = 8192;

  // Set-up. window: a power of two, kShortest..kLongest.
  explicit Spectrum(std::uint32_t window);

  [[nodiscard]] std::uint32_t window() const { return window_; }
  [[nodiscard]] std::uint32_t half() const { return window_ / 2; }
  [[nodiscard]] std::uint32_t stages() const { return stages_; }
  [[nodiscard]] std::uint32_t butterflies() const { return half() / 2; }  // of each stage

  // Two real samples (2 * pair, 2 * pair + 1), weighed by the Hann window, to where the transform
  // wants them.
  void place(std::uint32_t pair, float even, float odd, const Complex& out) const {
    const std::uint32_t to = reversed_[pair];
    out.real[to] = even * hann_[2 * std::size_t{pair}];
    out.imaginary[to] = odd * hann_[2 * std::size_t{pair} + 1];
  }
  // Butterflies first .. last - 1 of a stage.
  void stage(std::uint32_t stage, std::uint32_t first, std::uint32_t last,
             const Complex& data) const;
  // Share of bin k = 0 .. half() in the mean square of the samples, both sides together. The sum
  // over all bins is the mean square, as the Hann window sees it.
  [[nodiscard]] double power(std::uint32_t bin, const Complex& data) const;

 private:
  std::uint32_t window_;
  std::uint32_t stages_;
  double scale_;
  std::vector<float> hann_;
  std::vector<float> cosine_;  // of 2 pi k / half, k < half / 2
  std::vector<float> sine_;
  std::vector<float> split_cosine_;  // of 2 pi k / window, k <= half
  std::vector<float> split_sine_;
  std::vector<std::uint32_t> reversed_;
};

}  // namespace rise::telemetry
