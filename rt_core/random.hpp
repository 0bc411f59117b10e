// A small seeded generator for jitter and simulation, never for secrets.
#pragma once

#include <cstdint>

namespace rise {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
inline std::uint64_t next_random(std::uint64_t* state) {
  std::uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// 0 <= x < 1
inline double uniform(std::uint64_t* state) {
  return static_cast<double>(next_random(state) >> 11) * 0x1p-53;
}

// min <= x <= max; min where that is impossible
inline std::int64_t between(std::int64_t min, std::int64_t max, std::uint64_t* state) {
  if (max <= min) return min;
  const auto span = static_cast<std::uint64_t>(max - min) + 1;
  return min + static_cast<std::int64_t>(next_random(state) % span);
}

}  // namespace rise
