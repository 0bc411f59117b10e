// A message as one JSON object, which is what PUBLISH sends: the names and values of fields.hpp,
// with `destinations` and `headers` (pairs) as arrays, and `payload` last: as it is if it is JSON,
// else as a string in base64 with "form": "base64" before it. The payload comes back byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::redis {

std::string json_of(const bus::Message& message);

// Empty: `message` is whole. Else what is wrong.
std::string message_of_json(std::string_view json, bus::Message* message);

// One JSON value and nothing else, nested 32 deep at most.
bool is_json(std::string_view text);

}  // namespace rise::redis
