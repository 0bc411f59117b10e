// What a thread, a fence or a message knows: of each location the newest message, of each thread
// the last operation that happened before. Joining two views is a maximum, byte by byte.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace rise::model {

inline constexpr std::size_t kLocationsMax = 24;
inline constexpr std::size_t kThreadsMax = 8;

struct View {
  std::array<std::uint8_t, kLocationsMax> newest{};  // message number, by location
  std::array<std::uint8_t, kThreadsMax> clock{};     // operations, by thread

  void join_locations(const View& other) {
    for (std::size_t i = 0; i < kLocationsMax; ++i) {
      newest[i] = std::max(newest[i], other.newest[i]);
    }
  }
  void join(const View& other) {
    join_locations(other);
    for (std::size_t i = 0; i < kThreadsMax; ++i) clock[i] = std::max(clock[i], other.clock[i]);
  }
};

}  // namespace rise::model
