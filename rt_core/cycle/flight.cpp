#include "rt_core/cycle/flight.hpp"

#include <algorithm>

namespace rise::cycle {

namespace {

std::uint32_t narrow(std::int64_t ns) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ns, 0, UINT32_MAX));
}

shm::Word pair(std::uint32_t low, std::uint32_t high) { return low | shm::Word{high} << 32; }
std::uint32_t low(shm::Word word) { return static_cast<std::uint32_t>(word); }
std::uint32_t high(shm::Word word) { return static_cast<std::uint32_t>(word >> 32); }

constexpr std::uint32_t kLate = 1;
constexpr std::uint32_t kExchangeFirst = 2;

}  // namespace

FlightRecorder::FlightRecorder(const shm::Region& region, std::uint32_t lane, std::size_t drivers)
    : record_(flight_record_words(drivers)) {
  shm::RingShape shape;
  shm::Word* memory = region.ring(shm::SectionKind::Flight, lane, &shape);
  all_ = shm::BroadcastWriter<>(memory, shape);
  memory = region.ring(shm::SectionKind::Late, lane, &shape);
  late_ = shm::BroadcastWriter<>(memory, shape);
}

void FlightRecorder::close(const CycleTimes& t) {
  record_[0] = t.cycle;
  record_[1] = static_cast<shm::Word>(t.deadline_ns);
  record_[2] = static_cast<shm::Word>(t.wake_ns);
  record_[3] = pair(narrow(t.phase_ns[0]), narrow(t.phase_ns[1]));
  record_[4] = pair(narrow(t.phase_ns[2]), narrow(t.phase_ns[3]));
  record_[5] = pair(narrow(t.end_ns - t.wake_ns),
                    static_cast<std::uint32_t>(std::min<std::uint64_t>(t.skipped, UINT32_MAX)));
  record_[6] = pair(t.slowest, (t.late ? kLate : 0) | (t.exchange_first ? kExchangeFirst : 0));
  all_.publish(record_.data());
  if (t.late) late_.publish(record_.data());
}

FlightRecord decode_flight(const shm::Word* record, std::size_t words) {
  FlightRecord out;
  if (words < kFlightHeaderWords) return out;
  CycleTimes& t = out.times;
  t.cycle = record[0];
  t.deadline_ns = static_cast<std::int64_t>(record[1]);
  t.wake_ns = static_cast<std::int64_t>(record[2]);
  t.phase_ns[0] = low(record[3]);
  t.phase_ns[1] = high(record[3]);
  t.phase_ns[2] = low(record[4]);
  t.phase_ns[3] = high(record[4]);
  t.end_ns = t.wake_ns + low(record[5]);
  t.skipped = high(record[5]);
  t.slowest = static_cast<std::uint16_t>(low(record[6]));
  t.late = (high(record[6]) & kLate) != 0;
  t.exchange_first = (high(record[6]) & kExchangeFirst) != 0;
  for (std::size_t i = kFlightHeaderWords; i < words; ++i) {
    out.drivers_ns.push_back(low(record[i]));
    out.drivers_ns.push_back(high(record[i]));
  }
  return out;
}

}  // namespace rise::cycle
