// A small seeded generator: the same seed gives the same machine noise and the same faults.
#pragma once

#include <cstdint>

namespace rise::cncsim {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 <= value < 1.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // 0 <= value < limit; 0 for limit 0.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }

 private:
  std::uint64_t state_;
};

}  // namespace rise::cncsim
