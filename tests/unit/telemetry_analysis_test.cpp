#include <CppUTest/TestHarness.h>

#include <cmath>
#include <numbers>
#include <random>

#include "drivers/telemetry/analysis.hpp"
#include "tests/unit/telemetry_fake_host.hpp"

using namespace rise::telemetry;
using rise::test::Wire;

TEST_GROUP(TelemetryAnalysis) {
  SampleRing ring;
  Analysis analysis;
  AnalysisPlan plan;
  std::vector<float> all;  // interleaved, as it was sent
  std::mt19937 random{7};

  void configure(std::uint32_t channels, std::uint32_t window, std::uint32_t reorder = 8) {
    ring.configure({channels, window, window, reorder});
    analysis.configure(window);
    plan.window = window;
    plan.channels = channels;
  }
  // Datagram `slot` of `samples` samples; kept in `all`.
  Datagram make(std::vector<std::uint8_t> * bytes, std::int64_t slot, std::uint32_t samples) {
    Wire wire;
    wire.channels = static_cast<std::uint8_t>(plan.channels);
    wire.time_ns = slot * samples * 1'000'000;
    std::normal_distribution<float> normal(9.81F, 2);
    const std::size_t at = static_cast<std::size_t>(slot) * samples * plan.channels;
    if (all.size() < at + std::size_t{samples} * plan.channels) {
      all.resize(at + std::size_t{samples} * plan.channels);
    }
    for (std::size_t i = 0; i < std::size_t{samples} * plan.channels; ++i) {
      wire.samples.push_back(normal(random));
      all[at + i] = wire.samples.back();
    }
    *bytes = wire.bytes();
    Datagram out;
    CHECK(check(bytes->data(), static_cast<std::uint32_t>(bytes->size()), &out) == Fault::None);
    return out;
  }
  bool put(std::int64_t slot, std::uint32_t samples) {
    std::vector<std::uint8_t> bytes;
    return ring.put(slot, make(&bytes, slot, samples));
  }
  int work(std::int64_t budget) {
    int calls = 1;
    for (std::int64_t left = budget; !analysis.run(&left); left = budget) {
      CHECK(left > -Analysis::kLargestStep);
      ++calls;
      CHECK(calls < 1'000'000);
    }
    return calls;
  }
  // Against sums in double over what was sent.
  void check_level(std::int64_t first_of_all, std::uint32_t channel) {
    double sum = 0;
    double squares = 0;
    double peak = 0;
    for (std::uint32_t i = 0; i < plan.window; ++i) sum += value(first_of_all + i, channel);
    const double mean = sum / plan.window;
    for (std::uint32_t i = 0; i < plan.window; ++i) {
      const double x = value(first_of_all + i, channel) - (plan.detrend ? mean : 0);
      squares += x * x;
      peak = std::max(peak, std::fabs(x));
    }
    const double rms = std::sqrt(squares / plan.window);
    const ChannelFeatures& got = analysis.channel(channel);
    UNSIGNED_LONGS_EQUAL(plan.window, got.samples);
    DOUBLES_EQUAL(mean, got.mean, 1e-9);
    DOUBLES_EQUAL(rms, got.rms, 1e-9);
    DOUBLES_EQUAL(peak, got.peak, 1e-6);
    DOUBLES_EQUAL(peak / rms, got.crest, 1e-6);
  }
  double value(std::int64_t sample, std::uint32_t channel) const {
    return all[static_cast<std::size_t>(sample) * plan.channels + channel];
  }
};

TEST(TelemetryAnalysis, LevelsOfWindowsWhereverTheyLie) {
  for (const std::uint32_t samples : {1U, 7U, 37U, 100U}) {
    configure(3, 200);
    all.clear();
    ring.begin(0, samples);
    std::int64_t at = ring.settled();
    const std::int64_t base = at;
    std::int64_t slot = 0;
    for (int window = 0; window < 40; ++window) {
      while (ring.settled() < at + 200) CHECK(put(slot++, samples));
      analysis.begin(plan, ring, at);
      work(window % 2 == 0 ? 50 : 100000);
      for (std::uint32_t c = 0; c < 3; ++c) check_level(at - base, c);
      LONGLONGS_EQUAL((at - base + 199) * 1'000'000, ring.time_ns(at + 199));
      at += 173;  // overlapping, and of no relation to the datagrams
    }
  }
}

TEST(TelemetryAnalysis, WithoutDetrendTheMeanCounts) {
  configure(1, 64);
  plan.detrend = false;
  ring.begin(0, 64);
  const std::int64_t first = ring.settled();
  CHECK(put(0, 64));
  analysis.begin(plan, ring, first);
  work(1000);
  check_level(0, 0);
  CHECK(analysis.channel(0).rms > 9);
}

TEST(TelemetryAnalysis, BandsOfSines) {
  configure(1, 1024);
  const Spectrum spectrum(1024);
  plan.spectrum = &spectrum;
  plan.bands = {{10, 100}, {100, 300}, {300, 513}};
  ring.begin(0, 128);
  const std::int64_t first = ring.settled();
  const auto sine = [](int i, double bin, double amplitude) {
    return amplitude * std::sin(2 * std::numbers::pi * bin * i / 1024);
  };
  double squares = 0;
  for (int slot = 0; slot < 8; ++slot) {
    Wire wire;
    for (int k = 0; k < 128; ++k) {
      const int i = slot * 128 + k;
      const double x = sine(i, 50, 2) + sine(i, 200.4, 0.5) + sine(i, 400, 0.1);
      squares += x * x;
      wire.samples.push_back(static_cast<float>(x));
    }
    const std::vector<std::uint8_t> bytes = wire.bytes();
    Datagram datagram;
    CHECK(check(bytes.data(), static_cast<std::uint32_t>(bytes.size()), &datagram) == Fault::None);
    CHECK(ring.put(slot, datagram));
  }
  analysis.begin(plan, ring, first);
  const int calls = work(1000);
  const auto units = static_cast<int>(work_of(plan));
  CHECK(calls >= units / 1000 && calls <= units / 1000 + 4);
  const ChannelFeatures& got = analysis.channel(0);
  DOUBLES_EQUAL(2 / std::numbers::sqrt2, got.band[0], 1e-4);
  DOUBLES_EQUAL(0.5 / std::numbers::sqrt2, got.band[1], 2e-3);  // between two bins: leaks a little
  DOUBLES_EQUAL(0.1 / std::numbers::sqrt2, got.band[2], 1e-3);
  DOUBLES_EQUAL(std::sqrt(squares / 1024), got.rms, 1e-5);
}

TEST(TelemetryAnalysis, HolesAreLeftOut) {
  configure(2, 400, 2);
  const Spectrum spectrum(256);
  plan.spectrum = &spectrum;  // is not asked: a spectrum needs all samples
  plan.bands = {{1, 5}};
  ring.begin(0, 100);
  const std::int64_t first = ring.settled();
  for (const int slot : {0, 1, 3, 4, 5}) CHECK(put(slot, 100));
  CHECK(ring.settled() >= first + 400);  // slot 2 was given up
  CHECK(!put(2, 100));
  analysis.begin(plan, ring, first);
  work(100000);
  UNSIGNED_LONGS_EQUAL(300, analysis.channel(0).samples);
  UNSIGNED_LONGS_EQUAL(300, analysis.channel(1).samples);
  double sum = 0;
  for (const int i : {0, 1, 3}) {
    for (int k = 0; k < 100; ++k) sum += value(i * 100 + k, 1);
  }
  DOUBLES_EQUAL(sum / 300, analysis.channel(1).mean, 1e-9);
  DOUBLES_EQUAL(0, analysis.channel(1).band[0], 0);
  LONGLONGS_EQUAL(first + 399, analysis.last_present());
}

TEST(TelemetryAnalysis, ReorderedDatagramsFillTheirGaps) {
  configure(1, 300);
  ring.begin(0, 100);
  const std::int64_t first = ring.settled();
  for (const int slot : {0, 2, 3}) CHECK(put(slot, 100));
  CHECK(ring.settled() == first + 100);
  CHECK(put(1, 100));
  CHECK(ring.settled() == first + 400);
  analysis.begin(plan, ring, first);
  work(100);
  check_level(0, 0);
}

TEST(TelemetryAnalysis, AGapIsGivenUpWithSoManyBehindIt) {
  for (const std::uint32_t reorder : {0U, 1U, 3U}) {
    configure(1, 256, reorder);
    ring.begin(0, 10);
    const std::int64_t first = ring.settled();
    CHECK(put(0, 10));
    for (std::uint32_t behind = 1; behind <= reorder; ++behind) {
      LONGLONGS_EQUAL(first + 10, ring.settled());
      CHECK(put(1 + behind, 10));
    }
    if (reorder == 0) CHECK(put(2, 10));
    CHECK(ring.settled() > first + 10);
    CHECK(!put(1, 10));
  }
}

TEST(TelemetryAnalysis, TheRingTakesOnlyWhatBelongs) {
  configure(1, 256);
  CHECK(!put(0, 10));  // not begun
  ring.begin(1000, 10);
  CHECK(put(1000, 10));
  std::vector<std::uint8_t> bytes;
  CHECK(!ring.put(1001, make(&bytes, 1001, 11)));  // another number of samples
  CHECK(!put(999, 10));                            // from before
  CHECK(!put(1001 + 64, 10));                      // too far ahead
  CHECK(put(1001 + 63, 10));
  CHECK(ring.oldest() < ring.settled());
}

TEST(TelemetryAnalysis, SmallBudgetsEndToo) {
  configure(2, 64);
  const Spectrum spectrum(64);
  plan.spectrum = &spectrum;
  plan.bands = {{0, 33}};
  ring.begin(0, 64);
  const std::int64_t first = ring.settled();
  CHECK(put(0, 64));
  analysis.begin(plan, ring, first);
  work(1);
  const double once = analysis.channel(1).band[0];
  analysis.begin(plan, ring, first);
  work(1'000'000);
  DOUBLES_EQUAL(once, analysis.channel(1).band[0], 0);
}
