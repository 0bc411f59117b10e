#include "drivers/telemetry/analysis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rise::telemetry {

namespace {

// Units of work.
constexpr std::int64_t kRunUnits = 2;   // to find a run; with one sample per datagram it counts
constexpr std::int64_t kPairUnits = 3;  // two samples weighed
constexpr std::int64_t kButterflyUnits = 2;
constexpr std::int64_t kBinUnits = 4;

// How many items of `units` the budget still takes, at most `left`; takes them from it. At least
// one while there is any budget, so that a small one makes progress, too.
std::uint32_t grant(std::int64_t* budget, std::int64_t units, std::uint32_t left) {
  const std::int64_t affordable = std::max<std::int64_t>(*budget / units, 1);
  const auto granted = static_cast<std::uint32_t>(std::min<std::int64_t>(affordable, left));
  *budget -= granted * units;
  return granted;
}

// Sums of a run. Four partial sums: additions of doubles that wait for one another are slow.
void add_run(const float* data, std::uint32_t count, double* sum, double* squares, float* least,
             float* most) {
  double s[4] = {};
  double q[4] = {};
  float low = *least;
  float high = *most;
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::uint32_t k = 0; k < 4; ++k) {
      const double x = data[i + k];
      s[k] += x;
      q[k] += x * x;
      low = std::min(low, data[i + k]);
      high = std::max(high, data[i + k]);
    }
  }
  for (; i < count; ++i) {
    const double x = data[i];
    s[0] += x;
    q[0] += x * x;
    low = std::min(low, data[i]);
    high = std::max(high, data[i]);
  }
  *sum += (s[0] + s[1]) + (s[2] + s[3]);
  *squares += (q[0] + q[1]) + (q[2] + q[3]);
  *least = low;
  *most = high;
}

}  // namespace

std::uint64_t work_of(const AnalysisPlan& plan) {
  std::int64_t units = plan.window;
  if (plan.spectrum != nullptr) {
    const Spectrum& spectrum = *plan.spectrum;
    units += kPairUnits * spectrum.half();
    units += kButterflyUnits * spectrum.stages() * spectrum.butterflies();
    for (const Band& band : plan.bands) units += kBinUnits * (band.last - band.first);
  }
  return static_cast<std::uint64_t>(units) * plan.channels;
}

void Analysis::configure(std::uint32_t longest) {
  real_.assign(longest / 2 + 1, 0);
  imaginary_.assign(longest / 2 + 1, 0);
}

void Analysis::begin(const AnalysisPlan& plan, const SampleRing& ring, std::int64_t first) {
  plan_ = &plan;
  ring_ = &ring;
  first_ = first;
  last_present_ = -1;
  channel_ = 0;
  next_channel();
}

void Analysis::next_channel() {
  step_ = Step::Level;
  at_ = 0;
  sum_ = 0;
  squares_ = 0;
  least_ = std::numeric_limits<float>::infinity();
  most_ = -least_;
  if (channel_ < kMaxChannels) features_[channel_] = {};
}

bool Analysis::run(std::int64_t* budget) {
  while (plan_ != nullptr && *budget > 0) {
    switch (step_) {
      case Step::Level: level(budget); break;
      case Step::Weigh: weigh(budget); break;
      case Step::Transform: transform(budget); break;
      case Step::Bands: bands(budget); break;
    }
    if (channel_ == plan_->channels) {
      plan_ = nullptr;
      return true;
    }
  }
  return false;
}

void Analysis::level(std::int64_t* budget) {
  ChannelFeatures& out = features_[channel_];
  while (at_<plan_->window&& * budget> 0) {
    const auto most =
        static_cast<std::uint32_t>(std::min<std::int64_t>(*budget, plan_->window - at_));
    const float* data = nullptr;
    const std::uint32_t n = ring_->run(channel_, first_ + at_, most, &data);
    if (data != nullptr) {
      add_run(data, n, &sum_, &squares_, &least_, &most_);
      out.samples += n;
      last_present_ = first_ + at_ + n - 1;
    }
    at_ += n;
    *budget -= n + kRunUnits;
  }
  if (at_ == plan_->window) end_level();
}

void Analysis::end_level() {
  ChannelFeatures& out = features_[channel_];
  if (out.samples != 0) {
    const double n = out.samples;
    out.mean = sum_ / n;
    const double centre = plan_->detrend ? out.mean : 0;
    const double mean_square = squares_ / n - (plan_->detrend ? out.mean * out.mean : 0);
    out.rms = std::sqrt(std::max(mean_square, 0.0));
    out.peak = std::max(most_ - centre, centre - least_);
    out.crest = out.rms > 0 ? out.peak / out.rms : 0;
  }
  at_ = 0;
  outer_ = 0;
  if (plan_->spectrum != nullptr && out.samples == plan_->window) {
    step_ = Step::Weigh;
  } else {
    ++channel_;
    next_channel();
  }
}

void Analysis::weigh(std::int64_t* budget) {
  const Spectrum& spectrum = *plan_->spectrum;
  const std::uint32_t end = at_ + grant(budget, kPairUnits, spectrum.half() - at_);
  const Complex data{real_.data(), imaginary_.data()};
  // The mean is taken off in any case: what the window would smear of it covers the lowest band.
  const auto mean = static_cast<float>(features_[channel_].mean);
  // The window is whole, so only the end of the ring has to be minded.
  const float* values = ring_->values(channel_);
  for (; at_ < end; ++at_) {
    const std::int64_t pair = first_ + std::int64_t{at_} * 2;
    spectrum.place(at_, values[ring_->index(pair)] - mean, values[ring_->index(pair + 1)] - mean,
                   data);
  }
  if (at_ != spectrum.half()) return;
  at_ = 0;
  step_ = Step::Transform;
}

void Analysis::transform(std::int64_t* budget) {
  const Spectrum& spectrum = *plan_->spectrum;
  const std::uint32_t end = at_ + grant(budget, kButterflyUnits, spectrum.butterflies() - at_);
  spectrum.stage(outer_, at_, end, {real_.data(), imaginary_.data()});
  at_ = end;
  if (at_ != spectrum.butterflies()) return;
  at_ = 0;
  if (++outer_ != spectrum.stages()) return;
  outer_ = 0;
  power_ = 0;
  step_ = Step::Bands;
}

void Analysis::bands(std::int64_t* budget) {
  const Band& band = plan_->bands[outer_];
  const std::uint32_t width = band.last - band.first;
  const std::uint32_t end = at_ + grant(budget, kBinUnits, width - at_);
  const Complex data{real_.data(), imaginary_.data()};
  for (; at_ < end; ++at_) power_ += plan_->spectrum->power(band.first + at_, data);
  if (at_ != width) return;
  features_[channel_].band[outer_] = std::sqrt(power_);
  at_ = 0;
  power_ = 0;
  if (++outer_ != plan_->bands.size()) return;
  ++channel_;
  next_channel();
}

}  // namespace rise::telemetry
