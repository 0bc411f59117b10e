// The flight recorder: the last cycles of a lane with the time of every phase and every driver, in
// two broadcast rings of the shared region - all cycles, and late cycles only, which so are kept
// longer. It survives the death of the core until the next start; `rise trace` reads it.
#pragma once

#include <cstdint>
#include <vector>

#include "rt_core/shm/region.hpp"

namespace rise::cycle {

enum class Phase : std::uint8_t { Step = 0, Exchange = 1, Judge = 2, Publish = 3 };
inline constexpr std::size_t kPhases = 4;

struct CycleTimes {
  std::uint64_t cycle = 0;
  std::int64_t deadline_ns = 0;  // planned release
  std::int64_t wake_ns = 0;      // actual release
  std::int64_t end_ns = 0;
  std::int64_t phase_ns[kPhases] = {};
  std::uint64_t skipped = 0;  // cycles left out after this one
  std::uint16_t slowest = 0;  // place of the slowest driver within the lane
  bool late = false;
  bool exchange_first = false;
};

inline constexpr std::size_t kFlightHeaderWords = 7;
// Drivers take half a word each.
constexpr std::size_t flight_record_words(std::size_t drivers) {
  return kFlightHeaderWords + (drivers + 1) / 2;
}

class FlightRecorder {
 public:
  FlightRecorder() = default;
  FlightRecorder(const shm::Region& region, std::uint32_t lane, std::size_t drivers);

  // Lane thread. The driver's time in this cycle; then the cycle as a whole.
  void driver(std::size_t place, std::int64_t spent_ns) {
    const auto ns = static_cast<std::uint32_t>(spent_ns < UINT32_MAX ? spent_ns : UINT32_MAX);
    shm::Word& word = record_[kFlightHeaderWords + place / 2];
    word = place % 2 == 0 ? ns : (word | shm::Word{ns} << 32);
  }
  void close(const CycleTimes& times);

 private:
  std::vector<shm::Word> record_;
  shm::BroadcastWriter<> all_;
  shm::BroadcastWriter<> late_;
};

// For readers of the rings.
struct FlightRecord {
  CycleTimes times;
  std::vector<std::uint32_t> drivers_ns;
};
FlightRecord decode_flight(const shm::Word* record, std::size_t words);

}  // namespace rise::cycle
