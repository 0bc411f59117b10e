// HDR-style log-linear histogram of nanoseconds in a message::Histogram, recorded by one thread,
// read by anyone at any time (each number by itself is whole; together they may be one recording
// apart).
//
// Bucket i < 16 holds the value i. From 16 on every power of two is cut into 16 buckets, so a
// bucket is at most 1/16 of its value wide. The last one ends at 2^36 ns (68 s) and holds
// everything above, too.
#pragma once

#include <bit>
#include <cstdint>

#include "rise_generated.h"
#include "rt_core/shm/hardware.hpp"

namespace rise::shm {

inline constexpr std::size_t kBuckets = 528;

inline std::size_t bucket_of(std::uint64_t ns) {
  if (ns < 16) return ns;
  const auto power = static_cast<std::size_t>(std::bit_width(ns)) - 1;  // 4..63
  const std::size_t index = (power - 3) * 16 + ((ns >> (power - 4)) & 15);
  return index < kBuckets ? index : kBuckets - 1;
}

// The largest value that bucket i holds.
inline std::uint64_t bucket_top(std::size_t i) {
  if (i < 16) return i;
  const std::size_t power = i / 16 + 3;
  return (((16 + i % 16) + 1) << (power - 4)) - 1;
}

// The words of a Histogram in the order of the schema.
struct HistogramWords {
  Word count;
  Word sum;
  Word min;
  Word max;
  Word buckets[kBuckets];
};
static_assert(sizeof(HistogramWords) == sizeof(message::Histogram));

class HistogramRecorder {
 public:
  HistogramRecorder() = default;
  explicit HistogramRecorder(const message::Histogram* histogram)
      : words_(reinterpret_cast<HistogramWords*>(const_cast<message::Histogram*>(histogram))) {}

  // One thread. Negative counts as 0.
  void record(std::int64_t ns) {
    const std::uint64_t value = ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
    add(&words_->buckets[bucket_of(value)], 1);
    add(&words_->sum, value);
    const Word count = load(&words_->count);
    if (count == 0 || value < load(&words_->min)) store(&words_->min, value);
    if (value > load(&words_->max)) store(&words_->max, value);
    store(&words_->count, count + 1);
  }

 private:
  // Relaxed throughout: one writer, and readers want numbers, not order. Plain moves on all
  // targets.
  static Word load(const Word* word) { return Hardware::load(word, std::memory_order_relaxed); }
  static void store(Word* word, Word value) {
    Hardware::store(word, value, std::memory_order_relaxed);
  }
  static void add(Word* word, Word n) { store(word, load(word) + n); }

  HistogramWords* words_ = nullptr;
};

// A copy to calculate with; any thread or process.
class HistogramView {
 public:
  explicit HistogramView(const message::Histogram& histogram);

  [[nodiscard]] std::uint64_t count() const { return words_.count; }
  [[nodiscard]] std::uint64_t min() const { return words_.min; }
  [[nodiscard]] std::uint64_t max() const { return words_.max; }
  [[nodiscard]] double mean() const;
  // The value below which `fraction` (0..1) of the recordings lie: exact to the bucket, even within
  // it, between min() and max(). 0 if empty.
  [[nodiscard]] std::uint64_t percentile(double fraction) const;
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const { return words_.buckets[i]; }
  // What was recorded since `earlier`, a view of the same histogram. min and max become bucket
  // bounds.
  [[nodiscard]] HistogramView since(const HistogramView& earlier) const;

 private:
  HistogramWords words_;
};

}  // namespace rise::shm
