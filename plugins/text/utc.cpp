#include "plugins/text/utc.hpp"

#include <limits>

namespace rise::text {

namespace {

// Digits from `at` on; -1: there are other characters, or too few.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

void put(char* to, unsigned value, int count) {
  for (int i = count - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string utc_text(std::int64_t time_ns) {
  using namespace std::chrono;
  // Rounded down by hand: in nanoseconds the first day of all would begin before there are numbers.
  std::int64_t seconds_since = time_ns / 1'000'000'000;
  std::int64_t fraction_ns = time_ns % 1'000'000'000;
  if (fraction_ns < 0) {
    fraction_ns += 1'000'000'000;
    --seconds_since;
  }
  const sys_seconds time{seconds(seconds_since)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<seconds> clock(time - day);
  std::string text = "0000-00-00T00:00:00.000000000Z";
  put(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(text.data() + 5, static_cast<unsigned>(date.month()), 2);
  put(text.data() + 8, static_cast<unsigned>(date.day()), 2);
  put(text.data() + 11, static_cast<unsigned>(clock.hours().count()), 2);
  put(text.data() + 14, static_cast<unsigned>(clock.minutes().count()), 2);
  put(text.data() + 17, static_cast<unsigned>(clock.seconds().count()), 2);
  put(text.data() + 20, static_cast<unsigned>(fraction_ns), 9);
  return text;
}

std::optional<std::int64_t> parse_utc(std::string_view text) {
  using namespace std::chrono;
  if (text.ends_with('Z')) text.remove_suffix(1);
  const int year_number = digits(text, 0, 4);
  const int month_number = digits(text, 5, 2);
  const int day_number = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0 || hour < 0 || minute < 0 ||
      second < 0 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  std::int64_t fraction_ns = 0;
  const std::string_view rest = text.substr(19);
  if (!rest.empty()) {
    if (rest[0] != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
    fraction_ns = digits(rest, 1, rest.size() - 1);
    if (fraction_ns < 0) return std::nullopt;
    for (std::size_t i = rest.size(); i < 10; ++i) fraction_ns *= 10;
  }
  const std::int64_t seconds_since =
      std::int64_t{sys_days(date).time_since_epoch().count()} * 86400 + hour * 3600 + minute * 60 +
      second;
  // What 64 bits of nanoseconds reach: 1677 to 2262.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (seconds_since >= kMost || seconds_since < -kMost) {
    // The very first second of all, which is not a whole one.
    if (seconds_since < -kMost - 1 || seconds_since >= 0) {
      if (seconds_since != kMost || fraction_ns > 854'775'807) return std::nullopt;
    } else if (fraction_ns < 145'224'192) {
      return std::nullopt;
    } else {
      return (seconds_since + 1) * 1'000'000'000 + (fraction_ns - 1'000'000'000);
    }
  }
  return seconds_since * 1'000'000'000 + fraction_ns;
}

}  // namespace rise::text
