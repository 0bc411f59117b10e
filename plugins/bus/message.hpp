// The unified message: the one form in which everything travels that is not real time. In memory;
// as bytes it is an Envelope (envelope.fbs), see wire.hpp.
//
// Immutable once published, and shared: any number of threads may read one at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envelope_generated.h"
#include "plugins/bus/uuid.hpp"

namespace rise::bus {

// The limits of a message; what exceeds them is refused when it is published or decoded.
inline constexpr std::size_t kMaxTopicBytes = 255;
inline constexpr std::size_t kMaxTopicLevels = 16;
inline constexpr std::size_t kMaxNameBytes = 255;     // source, destination, schema, header's key
inline constexpr std::size_t kMaxHeaderBytes = 4096;  // its value
inline constexpr std::size_t kMaxDestinations = 64;
inline constexpr std::size_t kMaxHeaders = 64;
inline constexpr std::size_t kMaxPayloadBytes = 16u << 20u;

struct RetryPolicy {
  std::uint32_t attempts = 0;  // 0: as the route says
  std::uint32_t first_ms = 0;  // wait before the second attempt; doubles
  std::uint32_t max_ms = 0;
  bool operator==(const RetryPolicy&) const = default;
};

struct Message {
  Uuid id;                    // filled in by publish() if none
  std::int64_t time_ns = 0;   // CLOCK_REALTIME; filled in by publish() if 0
  std::uint16_t version = 1;  // of the envelope
  std::uint16_t type = 0;     // MessageType, or a number that only others know
  Priority priority = Priority::Normal;
  Guarantee guarantee = Guarantee::BestEffort;
  std::string topic;
  std::string source;
  std::vector<std::string> destinations;  // empty: whoever has subscribed
  Uuid correlation;
  std::string reply_to;
  std::uint64_t ttl_ms = 0;  // 0: does not expire
  RetryPolicy retry;
  std::vector<std::pair<std::string, std::string>> headers;
  Encoding encoding = Encoding::Bytes;
  std::string schema;
  std::string payload;         // bytes
  std::uint64_t sequence = 0;  // guarantee Ordered: filled in by publish()

  [[nodiscard]] bool expired(std::int64_t now_ns) const {
    return ttl_ms != 0 && now_ns > time_ns &&
           static_cast<std::uint64_t>(now_ns - time_ns) / 1'000'000 >= ttl_ms;
  }
  bool operator==(const Message&) const = default;
  // Empty: there is none of that name.
  [[nodiscard]] std::string_view header(std::string_view key) const;
};

using MessagePtr = std::shared_ptr<const Message>;

// Empty: fine. Else what is wrong with it: the topic, a limit, an enumeration out of range.
std::string fault_of(const Message& message);

// "Telemetry", ... of MessageType; "type 4711" of others. And back; absent: neither.
std::string type_text(std::uint16_t type);
std::optional<std::uint16_t> parse_type(std::string_view text);

}  // namespace rise::bus
