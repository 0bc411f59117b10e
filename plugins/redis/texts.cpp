#include "plugins/redis/texts.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace rise::redis {

namespace {

constexpr std::array<std::string_view, 6> kPriorities = {"",       "critical", "high",
                                                         "normal", "low",      "background"};
constexpr std::array<std::string_view, 5> kGuarantees = {
    "best_effort", "at_most_once", "at_least_once", "exactly_once", "ordered"};
constexpr std::array<std::string_view, 3> kEncodings = {"bytes", "json", "flatbuffer"};

template <class Value, std::size_t kCount>
std::string_view name_in(const std::array<std::string_view, kCount>& names, Value value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kCount ? names[index] : std::string_view();
}

template <class Value, std::size_t kCount>
std::optional<Value> value_in(const std::array<std::string_view, kCount>& names,
                              std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!names[i].empty() && names[i] == text) return static_cast<Value>(i);
  }
  return std::nullopt;
}

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

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string time_text(std::int64_t time_ns) {
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

std::optional<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  const int year_number = digits(text, 0, 4);
  const int month_number = digits(text, 5, 2);
  const int day_number = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0 || hour < 0 || minute < 0 ||
      second < 0 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  std::int64_t fraction_ns = 0;
  const std::string_view rest = text.substr(19, text.size() - 20);
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

std::string_view priority_name(bus::Priority priority) { return name_in(kPriorities, priority); }
std::optional<bus::Priority> parse_priority(std::string_view text) {
  return value_in<bus::Priority>(kPriorities, text);
}
std::string_view guarantee_name(bus::Guarantee guarantee) {
  return name_in(kGuarantees, guarantee);
}
std::optional<bus::Guarantee> parse_guarantee(std::string_view text) {
  return value_in<bus::Guarantee>(kGuarantees, text);
}
std::string_view encoding_name(bus::Encoding encoding) { return name_in(kEncodings, encoding); }
std::optional<bus::Encoding> parse_encoding(std::string_view text) {
  return value_in<bus::Encoding>(kEncodings, text);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

namespace {
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<std::int8_t, 256> kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();
}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8u | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    text += kBase64[group >> 18u];
    text += kBase64[group >> 12u & 63u];
    text += i + 1 < bytes.size() ? kBase64[group >> 6u & 63u] : '=';
    text += i + 2 < bytes.size() ? kBase64[group & 63u] : '=';
  }
  return text;
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    const bool last = i + 4 == text.size();
    const std::size_t used = last ? 4 - padding : 4;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = k < used ? kBase64Values[static_cast<unsigned char>(text[i + k])] : 0;
      if (value < 0) return std::nullopt;
      group = group << 6u | static_cast<std::uint32_t>(value);
    }
    // What the padding leaves over has to be zero: one text for each bytes.
    if (last && (group & ((1u << (8 * padding)) - 1)) != 0) return std::nullopt;
    for (std::size_t k = 0; k + 1 < used; ++k) {
      bytes += static_cast<char>(group >> (16 - 8 * k) & 0xffu);
    }
  }
  return bytes;
}

}  // namespace rise::redis
