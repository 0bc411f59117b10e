// Date and time of day of a control. Controls know no time zones; neither does this.
#pragma once

#include <cstdint>

namespace rise::cncsim {

struct DateTime {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;

  friend bool operator==(const DateTime&, const DateTime&) = default;
};

// Seconds since 1970-01-01 00:00:00, both ways.
DateTime to_date_time(std::int64_t seconds);
std::int64_t to_seconds(const DateTime& time);

// Does the calendar have this day, and the day this time?
bool is_valid(const DateTime& time);

}  // namespace rise::cncsim
