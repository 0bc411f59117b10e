// The 16384 slots of a Redis Cluster: which one a key is in, and who has it.
// Source: redis.io, "Redis cluster specification".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plugins/redis/options.hpp"
#include "plugins/redis/reply.hpp"

namespace rise::redis {

inline constexpr std::uint16_t kSlots = 16384;

// CRC-16/XMODEM.
std::uint16_t crc16(std::string_view bytes);
// Of what stands between the first '{' and the next '}', if that is not empty; else of all.
std::uint16_t slot_of(std::string_view key);

class SlotTable {
 public:
  // Absent: nobody is known to have it.
  [[nodiscard]] std::optional<Endpoint> owner(std::uint16_t slot) const;
  void set(std::uint16_t slot, const Endpoint& endpoint);
  // The answer to CLUSTER SLOTS; `from`: who gave it, for entries without a host. False: malformed,
  // the table is as it was.
  bool load(const Reply& reply, const Endpoint& from);
  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] const std::vector<Endpoint>& nodes() const { return nodes_; }

 private:
  static constexpr std::uint16_t kNobody = 0xffff;
  std::uint16_t index_of(const Endpoint& endpoint);

  std::vector<Endpoint> nodes_;
  std::array<std::uint16_t, kSlots> owners_ = [] {
    std::array<std::uint16_t, kSlots> none{};
    none.fill(kNobody);
    return none;
  }();
};

}  // namespace rise::redis
