#include "rt_core/shm/histogram.hpp"

#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "rt_core/random.hpp"

using namespace rise::shm;
namespace message = rise::message;

namespace {

constexpr std::uint64_t kLast = std::uint64_t{1} << 36;  // where the last bucket ends

}  // namespace

TEST_GROUP(ShmHistogram) {
  message::Histogram memory;
  HistogramRecorder recorder{&memory};
};

TEST(ShmHistogram, BucketsJoinWithoutGapAndHoldTheirTop) {
  CHECK(bucket_top(kBuckets - 1) == kLast - 1);
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const std::uint64_t top = bucket_top(i);
    LONGS_EQUAL(i, bucket_of(top));
    if (i + 1 < kBuckets) LONGS_EQUAL(i + 1, bucket_of(top + 1));
    const std::uint64_t bottom = i == 0 ? 0 : bucket_top(i - 1) + 1;
    LONGS_EQUAL(i, bucket_of(bottom));
    CHECK(top - bottom <= bottom / 16);  // at most 1/16 of its value wide
  }
}

TEST(ShmHistogram, EveryValueLiesWithinItsBucket) {
  std::uint64_t random = 3;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t value = rise::next_random(&random) >> (rise::next_random(&random) % 64);
    const std::size_t bucket = bucket_of(value);
    CHECK(bucket < kBuckets);
    if (value >= kLast) {
      LONGS_EQUAL(kBuckets - 1, bucket);
    } else {
      CHECK(value <= bucket_top(bucket));
      CHECK(bucket == 0 || value > bucket_top(bucket - 1));
    }
  }
  LONGS_EQUAL(kBuckets - 1, bucket_of(~std::uint64_t{0}));
}

TEST(ShmHistogram, AnEmptyOneHasNothing) {
  const HistogramView view(memory);
  LONGS_EQUAL(0, view.count());
  LONGS_EQUAL(0, view.min());
  LONGS_EQUAL(0, view.max());
  DOUBLES_EQUAL(0, view.mean(), 0);
  LONGS_EQUAL(0, view.percentile(0.5));
}

TEST(ShmHistogram, MinMaxMeanAreExact) {
  for (const std::int64_t ns : {700, 13, 900'000}) recorder.record(ns);
  const HistogramView view(memory);
  LONGS_EQUAL(3, view.count());
  LONGS_EQUAL(13, view.min());
  LONGS_EQUAL(900'000, view.max());
  DOUBLES_EQUAL(900'713 / 3.0, view.mean(), 1e-9);
}

TEST(ShmHistogram, TimesBeforeTheirPlanCountAsZero) {
  recorder.record(50);
  recorder.record(-1);
  recorder.record(INT64_MIN);
  const HistogramView view(memory);
  LONGS_EQUAL(3, view.count());
  LONGS_EQUAL(2, view.bucket(0));
  LONGS_EQUAL(0, view.min());
  LONGS_EQUAL(50, view.max());
}

TEST(ShmHistogram, HugeTimesGoToTheLastBucket) {
  recorder.record(INT64_MAX);
  const HistogramView view(memory);
  LONGS_EQUAL(1, view.bucket(kBuckets - 1));
  CHECK(view.max() == INT64_MAX);
  CHECK(view.percentile(1) >= kLast - 1);
}

TEST(ShmHistogram, PercentilesAreWithinASixteenthOfTheSortedTruth) {
  std::uint64_t random = 11;
  for (const int shape : {0, 1, 2}) {
    message::Histogram fresh;
    HistogramRecorder fresh_recorder(&fresh);
    std::vector<std::uint64_t> truth;
    for (int i = 0; i < 20'000; ++i) {
      std::uint64_t value = rise::next_random(&random);
      if (shape == 0) value %= 1'000'000;                  // even
      if (shape == 1) value = value >> (28 + value % 36);  // over all magnitudes
      if (shape == 2) value = value % 1000 == 0 ? 50'000'000 : 9000 + value % 2000;  // with a tail
      truth.push_back(value);
      fresh_recorder.record(static_cast<std::int64_t>(value));
    }
    std::sort(truth.begin(), truth.end());
    const HistogramView view(fresh);
    for (const double p : {0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(p * 20'000)) - 1;
      const auto exact = static_cast<double>(truth[rank]);
      const auto told = static_cast<double>(view.percentile(p));
      CHECK(told >= exact * 15 / 16);
      CHECK(told <= exact * 17 / 16);
      CHECK(told >= static_cast<double>(view.min()));
      CHECK(told <= static_cast<double>(view.max()));
    }
    CHECK(view.percentile(1) == truth.back());
    CHECK(view.percentile(0) >= truth.front());
    CHECK(static_cast<double>(view.percentile(0)) <= static_cast<double>(truth.front()) * 17 / 16);
  }
}

TEST(ShmHistogram, SinceShowsOnlyWhatCameAfter) {
  recorder.record(5);
  recorder.record(1'000'000);
  const HistogramView before(memory);
  LONGS_EQUAL(0, before.since(before).count());
  LONGS_EQUAL(0, before.since(before).max());
  recorder.record(300);
  recorder.record(310);
  recorder.record(90'000);
  const HistogramView difference = HistogramView(memory).since(before);
  LONGS_EQUAL(3, difference.count());
  DOUBLES_EQUAL(90'610 / 3.0, difference.mean(), 1e-9);
  // Bounds of the buckets, for the exact numbers are gone.
  LONGS_EQUAL(bucket_top(bucket_of(300) - 1) + 1, difference.min());
  LONGS_EQUAL(bucket_top(bucket_of(90'000)), difference.max());
  CHECK(difference.percentile(0.5) >= 300 && difference.percentile(0.5) <= 330);
}

TEST(ShmHistogram, SinceNeverGoesBeyondTheMaximum) {
  recorder.record(1);
  const HistogramView before(memory);
  recorder.record(1'000'001);
  LONGS_EQUAL(1'000'001, HistogramView(memory).since(before).max());
  recorder.record(0);
  LONGS_EQUAL(0, HistogramView(memory).since(before).min());
}
