#include "rt_core/shm/histogram.hpp"

#include <algorithm>

namespace rise::shm {

HistogramView::HistogramView(const message::Histogram& histogram) {
  const auto* source = reinterpret_cast<const Word*>(&histogram);
  auto* target = reinterpret_cast<Word*>(&words_);
  for (std::size_t i = 0; i < sizeof words_ / sizeof(Word); ++i) {
    target[i] = Hardware::load(source + i, std::memory_order_relaxed);
  }
  // The recorder counts last; make the count agree with what the buckets say.
  words_.count = 0;
  for (const Word bucket : words_.buckets) words_.count += bucket;
}

double HistogramView::mean() const {
  return words_.count == 0 ? 0
                           : static_cast<double>(words_.sum) / static_cast<double>(words_.count);
}

std::uint64_t HistogramView::percentile(double fraction) const {
  if (words_.count == 0) return 0;
  const double wanted = static_cast<double>(words_.count) * fraction;
  double seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const auto here = static_cast<double>(words_.buckets[i]);
    if (here == 0 || seen + here < wanted) {
      seen += here;
      continue;
    }
    // Within the bucket the recordings are taken to lie evenly.
    const auto bottom = static_cast<double>(i == 0 ? 0 : bucket_top(i - 1) + 1);
    const auto width = static_cast<double>(bucket_top(i)) - bottom;
    const auto value = static_cast<std::uint64_t>(bottom + width * (wanted - seen) / here);
    return std::clamp(value, words_.min, words_.max);
  }
  return words_.max;
}

HistogramView HistogramView::since(const HistogramView& earlier) const {
  HistogramView difference = *this;
  difference.words_.count = 0;
  difference.words_.sum = words_.sum - earlier.words_.sum;
  difference.words_.min = 0;
  difference.words_.max = 0;
  bool first = true;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const Word n = words_.buckets[i] - earlier.words_.buckets[i];
    difference.words_.buckets[i] = n;
    difference.words_.count += n;
    if (n == 0) continue;
    if (first) difference.words_.min = i == 0 ? 0 : bucket_top(i - 1) + 1;
    first = false;
    difference.words_.max = std::min(bucket_top(i), words_.max);
  }
  return difference;
}

}  // namespace rise::shm
