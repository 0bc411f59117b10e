// CLOCK_MONOTONIC in nanoseconds. For the clock itself and for code outside the cycle: lanes and
// drivers take their time from cycle/clock.hpp, so that it can be simulated.
#pragma once

#include <cstdint>
#include <ctime>

namespace rise {

inline std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t monotonic_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);  // vDSO: no system call
  return to_ns(time);
}

}  // namespace rise
