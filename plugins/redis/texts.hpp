// How single values of a message are written for people and for other programs, in streams and in
// JSON; and read again, exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::redis {

// ISO 8601 in UTC with nanoseconds: "2026-01-31T12:00:00.000000001Z". Parsing also takes fewer
// digits behind the point, or none.
std::string time_text(std::int64_t time_ns);
std::optional<std::int64_t> parse_time(std::string_view text);
// CLOCK_REALTIME.
std::int64_t now_ns();

std::string_view priority_name(bus::Priority priority);  // "critical" ... "background"
std::optional<bus::Priority> parse_priority(std::string_view text);
std::string_view guarantee_name(bus::Guarantee guarantee);  // "best_effort" ... "ordered"
std::optional<bus::Guarantee> parse_guarantee(std::string_view text);
std::string_view encoding_name(bus::Encoding encoding);  // "bytes", "json", "flatbuffer"
std::optional<bus::Encoding> parse_encoding(std::string_view text);

// All of the text, decimal, without a sign.
std::optional<std::uint64_t> parse_number(std::string_view text);

std::string base64(std::string_view bytes);
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace rise::redis
