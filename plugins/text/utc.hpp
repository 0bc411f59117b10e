// Times of day: ISO 8601 in UTC with nanoseconds, "2026-01-31T12:00:00.000000001Z". Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rise::text {

// CLOCK_REALTIME, ns since 1970.
inline std::int64_t realtime_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

// Of a clock that nobody sets: for waits.
inline std::int64_t steady_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}
inline std::int64_t steady_ms() { return steady_ns() / 1'000'000; }

std::string utc_text(std::int64_t time_ns);
// Also with fewer digits behind the point, or none, and without the Z. Absent: it is no time, or
// none that 64 bits of nanoseconds reach (1677 to 2262).
std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace rise::text
