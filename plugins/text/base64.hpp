// Bytes as text (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rise::text {

std::string base64(std::string_view bytes);
// Absent: it is none; each row of bytes has one text only.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace rise::text
