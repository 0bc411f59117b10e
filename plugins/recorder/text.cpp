#include "plugins/recorder/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace rise::recorder {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::string clean_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(i);
    std::size_t length = 1;
    if (lead >= 0xc2 && lead < 0xe0) length = 2;
    if (lead >= 0xe0 && lead < 0xf0) length = 3;
    if (lead >= 0xf0 && lead < 0xf5) length = 4;
    bool good = (lead < 0x80 || length > 1) && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) good = (byte(i + k) & 0xc0u) == 0x80;
    // Surrogates, what is beyond U+10FFFF, and what would have had a shorter form.
    if (good && length > 2) {
      const unsigned second = byte(i + 1);
      good = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0) &&
             !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
    }
    if (!good) {
      out += '?';
      ++i;
      continue;
    }
    out.append(text.substr(i, length));
    i += length;
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : clean_text(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string time_text(std::int64_t utc_ns) {
  const std::int64_t ns = std::max<std::int64_t>(utc_ns, 0);
  const std::time_t seconds = ns / kSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[40];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[56];
  std::snprintf(text, sizeof text, "%s.%09dZ", date, static_cast<int>(ns % kSecond));
  return text;
}

std::optional<std::int64_t> parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  const std::time_t seconds = ::timegm(&parts);
  std::int64_t ns = 0;
  if (*rest == '.') {
    ++rest;
    for (std::int64_t unit = kSecond / 10; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) {
      ns += unit * (*rest - '0');
    }
  }
  if (*rest == 'Z') ++rest;
  // int64 nanoseconds end in 2262.
  if (*rest != '\0' || seconds < 0 || seconds > 9'000'000'000) return std::nullopt;
  return std::int64_t{seconds} * kSecond + ns;
}

}  // namespace rise::recorder
