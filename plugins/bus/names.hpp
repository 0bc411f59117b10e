// The enumerations of a message as other programs write them, and back.
#pragma once

#include <optional>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::bus {

std::string_view priority_name(Priority priority);  // "critical" ... "background"
std::optional<Priority> parse_priority(std::string_view text);
std::string_view guarantee_name(Guarantee guarantee);  // "best_effort" ... "ordered"
std::optional<Guarantee> parse_guarantee(std::string_view text);
std::string_view encoding_name(Encoding encoding);  // "bytes", "json", "flatbuffer"
std::optional<Encoding> parse_encoding(std::string_view text);

}  // namespace rise::bus
