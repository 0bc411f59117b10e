#include "plugins/bus/message.hpp"

#include <algorithm>
#include <charconv>

#include "plugins/bus/topic.hpp"

namespace rise::bus {

namespace {

std::string too_long(std::string_view what, std::size_t bytes, std::size_t limit) {
  return std::string(what) + " has " + std::to_string(bytes) + " bytes, at most " +
         std::to_string(limit) + " are allowed";
}

}  // namespace

std::string_view Message::header(std::string_view key) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string fault_of(const Message& message) {
  if (std::string fault = topic_fault(message.topic); !fault.empty()) return "topic " + fault;
  if (!message.reply_to.empty()) {
    if (std::string fault = topic_fault(message.reply_to); !fault.empty()) {
      return "reply_to " + fault;
    }
  }
  if (message.priority < Priority::MIN || message.priority > Priority::MAX) {
    return "priority is none of 1 to 5";
  }
  if (message.guarantee > Guarantee::MAX) return "guarantee is none that there is";
  if (message.encoding > Encoding::MAX) return "encoding is none that there is";
  if (message.time_ns < 0) return "time is before 1970";
  if (message.payload.size() > kMaxPayloadBytes) {
    return too_long("payload", message.payload.size(), kMaxPayloadBytes);
  }
  if (message.source.size() > kMaxNameBytes) {
    return too_long("source", message.source.size(), kMaxNameBytes);
  }
  if (message.schema.size() > kMaxNameBytes) {
    return too_long("schema", message.schema.size(), kMaxNameBytes);
  }
  if (message.destinations.size() > kMaxDestinations) return "has too many destinations";
  for (const std::string& destination : message.destinations) {
    if (destination.empty() || destination.size() > kMaxNameBytes) {
      return "a destination has no name, or too long a one";
    }
  }
  if (message.headers.size() > kMaxHeaders) return "has too many headers";
  for (const auto& [key, value] : message.headers) {
    if (key.empty() || key.size() > kMaxNameBytes || value.size() > kMaxHeaderBytes) {
      return "a header has no key, or is too long";
    }
  }
  return {};
}

std::string type_text(std::uint16_t type) {
  const char* name = type <= static_cast<std::uint16_t>(MessageType::MAX)
                         ? EnumNameMessageType(static_cast<MessageType>(type))
                         : "";
  return *name != '\0' ? name : "type " + std::to_string(type);
}

std::optional<std::uint16_t> parse_type(std::string_view text) {
  for (const MessageType type : EnumValuesMessageType()) {
    if (text == EnumNameMessageType(type)) return static_cast<std::uint16_t>(type);
  }
  constexpr std::string_view kPrefix = "type ";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace rise::bus
