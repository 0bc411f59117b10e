// A message as one JSON object, for programs that know no FlatBuffers: id topic type source time
// encoding, always, in this order; where they are not as usual, priority guarantee version
// destinations (an array) correlation reply_to ttl_ms retry_attempts retry_first_ms retry_max_ms
// headers (an array of pairs) schema sequence; and `payload` last: as it is if it is JSON,
// else as a string in base64 with "form": "base64" before it. The payload comes back byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::bus {

std::string json_of(const Message& message);

// Empty: `message` is whole. Else what is wrong.
std::string message_of_json(std::string_view json, Message* message);

// One JSON value and nothing else, nested 32 deep at most.
bool is_json(std::string_view text);

}  // namespace rise::bus
