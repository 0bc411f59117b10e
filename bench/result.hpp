// How a bench program tells its figures: one line each, `name value unit`, for people and for
// bench/run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

#include <algorithm>

namespace rise::bench {

inline void result(const char* name, double value, const char* unit) {
  std::printf("%-44s %14.3f %s\n", name, value, unit);
  std::fflush(stdout);
}

inline std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The value below which `fraction` of the samples lie. Sorts them.
inline double percentile(std::vector<std::int64_t>* samples, double fraction) {
  if (samples->empty()) return 0;
  std::sort(samples->begin(), samples->end());
  const auto at = static_cast<std::size_t>(fraction * static_cast<double>(samples->size() - 1));
  return static_cast<double>((*samples)[at]);
}

}  // namespace rise::bench
