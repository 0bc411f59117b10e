#include "drivers/focas/simulator/spec/calendar.hpp"

#include <chrono>

namespace rise::cncsim {

namespace {

std::chrono::year_month_day day_of(const DateTime& time) {
  return {std::chrono::year(time.year), std::chrono::month(static_cast<unsigned>(time.month)),
          std::chrono::day(static_cast<unsigned>(time.day))};
}

}  // namespace

DateTime to_date_time(std::int64_t seconds) {
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss clock(point - midnight);
  return {static_cast<int>(day.year()),
          static_cast<int>(static_cast<unsigned>(day.month())),
          static_cast<int>(static_cast<unsigned>(day.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

std::int64_t to_seconds(const DateTime& time) {
  const std::chrono::sys_days day(day_of(time));
  return std::chrono::sys_seconds(day).time_since_epoch().count() + time.hour * 3600 +
         time.minute * 60 + time.second;
}

bool is_valid(const DateTime& time) {
  return time.month >= 1 && time.day >= 1 && day_of(time).ok() && time.hour >= 0 &&
         time.hour < 24 && time.minute >= 0 && time.minute < 60 && time.second >= 0 &&
         time.second < 60;
}

}  // namespace rise::cncsim
