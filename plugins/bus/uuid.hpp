// UUIDs of version 7 (RFC 9562, section 5.7): sorted by time, unique without anybody's help.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rise::bus {

struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  // A new one. Any thread: each has its own counter and its own random numbers; those of one thread
  // are in order.
  static Uuid make();
  // The same for the same time and numbers, and for no others that are likely: for what may be told
  // twice, and is to be known by it.
  static Uuid of(std::int64_t time_ms, std::uint64_t a, std::uint64_t b);
  // "018f3c2a-....": 36 characters, as RFC 9562 writes it. Absent: malformed.
  static std::optional<Uuid> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  // ms since 1970; what the bits say, of whatever version they are.
  [[nodiscard]] std::int64_t time_ms() const { return static_cast<std::int64_t>(high >> 16); }
  [[nodiscard]] bool none() const { return high == 0 && low == 0; }
  auto operator<=>(const Uuid&) const = default;
};

struct UuidHash {
  std::size_t operator()(const Uuid& id) const {
    // The upper half of `low` is random already.
    return std::hash<std::uint64_t>()(id.high ^ (id.low * 0x9e3779b97f4a7c15u));
  }
};

}  // namespace rise::bus
