// Repeatable random numbers (splitmix64): the same seed gives the same bytes on every machine.
#pragma once

#include <cstdint>

namespace rise::sensorsim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // 0 <= x < 1
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // Mean 0, standard deviation 1, and never beyond 3.5: the sum of four even ones, from one draw.
  double normal() {
    const std::uint64_t r = next();
    const auto part = [&](unsigned shift) { return static_cast<double>(r >> shift & 0xffff); };
    return (part(0) + part(16) + part(32) + part(48) - 2 * 65535.0) / 37837.2;
  }

 private:
  std::uint64_t state_;
};

}  // namespace rise::sensorsim
