// One window of one sensor, analysed in pieces: the caller says how much work a call may do. All
// channels one after the other; for each the level, and with bands its spectrum.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "drivers/telemetry/sample_ring.hpp"
#include "drivers/telemetry/spectrum.hpp"

namespace rise::telemetry {

inline constexpr std::uint32_t kMaxBands = 16;

// Bins first .. last - 1 of the spectrum.
struct Band {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

struct ChannelFeatures {
  double mean = 0;
  double rms = 0;
  double peak = 0;
  double crest = 0;                      // peak / rms; 0 if rms is 0
  std::array<double, kMaxBands> band{};  // rms of what lies in the band
  std::uint32_t samples = 0;             // that were there; fewer than the window: no bands
};

struct AnalysisPlan {
  const Spectrum* spectrum = nullptr;  // none without bands
  std::uint32_t window = 1024;
  std::uint32_t channels = 1;
  std::vector<Band> bands;
  bool detrend = true;  // rms and peak are of what is left without the mean
};

// Work is counted in units of about the time of one sample (1 ns on a desktop, see the bench).
std::uint64_t work_of(const AnalysisPlan& plan);

class Analysis {
 public:
  // Set-up: memory for windows up to `longest`.
  void configure(std::uint32_t longest);

  void begin(const AnalysisPlan& plan, const SampleRing& ring, std::int64_t first);
  // Works until done (true) or until the budget, which it takes from, is too small for the next
  // step. Overruns it by no more than kLargestStep.
  bool run(std::int64_t* budget);
  void cancel() { plan_ = nullptr; }

  [[nodiscard]] bool busy() const { return plan_ != nullptr; }
  [[nodiscard]] std::int64_t first() const { return first_; }
  [[nodiscard]] const ChannelFeatures& channel(std::uint32_t index) const {
    return features_[index];
  }
  // A sample that was there, the last one; -1: none.
  [[nodiscard]] std::int64_t last_present() const { return last_present_; }

  static constexpr std::int64_t kLargestStep = 64;

 private:
  enum class Step : std::uint8_t { Level, Weigh, Transform, Bands };
  void level(std::int64_t* budget);
  void end_level();
  void weigh(std::int64_t* budget);
  void transform(std::int64_t* budget);
  void bands(std::int64_t* budget);
  void next_channel();

  const AnalysisPlan* plan_ = nullptr;
  const SampleRing* ring_ = nullptr;
  std::int64_t first_ = 0;
  std::int64_t last_present_ = -1;
  std::uint32_t channel_ = 0;
  Step step_ = Step::Level;
  std::uint32_t at_ = 0;     // within the step
  std::uint32_t outer_ = 0;  // stage of the transform, number of the band
  double sum_ = 0;
  double squares_ = 0;
  float least_ = 0;
  float most_ = 0;
  double power_ = 0;
  std::vector<float> real_;
  std::vector<float> imaginary_;
  std::array<ChannelFeatures, kMaxChannels> features_{};
};

}  // namespace rise::telemetry
