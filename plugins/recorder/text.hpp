// Times, numbers and texts as they are exported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rise::recorder {

// UTF-8: a byte that is none becomes '?'. Texts may have been cut within a character, or come from
// a control that writes in another code; readers would refuse the whole message.
std::string clean_text(std::string_view text);
// With quotes, as JSON writes it; cleaned.
std::string json_text(std::string_view text);
// As few digits as give the same number again; "null" if it is not finite.
std::string json_number(double value);

// "2026-01-31T23:59:59.123456789Z".
std::string time_text(std::int64_t utc_ns);
// The same back, the fraction may be missing or shorter. Absent: it is none, or before 1970.
std::optional<std::int64_t> parse_time(const std::string& text);

}  // namespace rise::recorder
