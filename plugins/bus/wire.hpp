// Messages as bytes and back (envelope.fbs).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::bus {

// An Envelope with its file identifier.
std::string encode(const Message& message);

struct Decoded {
  MessagePtr message;  // null: see fault
  std::string fault;   // why it is none: "is no envelope", "topic is empty", ...
};
// Any bytes: what is malformed, or beyond the limits of message.hpp, is a fault.
Decoded decode(std::string_view bytes);

}  // namespace rise::bus
