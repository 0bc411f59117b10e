#include "plugins/redis/slots.hpp"

#include <algorithm>

namespace rise::redis {

namespace {

constexpr std::array<std::uint16_t, 256> kTable = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8u;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000u) != 0 ? (crc << 1u) ^ 0x1021u : crc << 1u;
    }
    table[byte] = static_cast<std::uint16_t>(crc & 0xffffu);
  }
  return table;
}();

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc = ((crc << 8u) ^ kTable[((crc >> 8u) ^ static_cast<unsigned char>(c)) & 0xffu]) & 0xffffu;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t slot_of(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return crc16(key) % kSlots;
}

std::optional<Endpoint> SlotTable::owner(std::uint16_t slot) const {
  const std::uint16_t index = owners_[slot % kSlots];
  if (index == kNobody) return std::nullopt;
  return nodes_[index];
}

std::uint16_t SlotTable::index_of(const Endpoint& endpoint) {
  const auto at = std::find(nodes_.begin(), nodes_.end(), endpoint);
  if (at == nodes_.end()) {
    // A cluster has 1000 nodes at most; whoever names more than this is not one.
    if (nodes_.size() >= kSlots) return kNobody;
    nodes_.push_back(endpoint);
    return static_cast<std::uint16_t>(nodes_.size() - 1);
  }
  return static_cast<std::uint16_t>(at - nodes_.begin());
}

void SlotTable::set(std::uint16_t slot, const Endpoint& endpoint) {
  owners_[slot % kSlots] = index_of(endpoint);
}

bool SlotTable::load(const Reply& reply, const Endpoint& from) {
  if (!reply.is(Reply::Kind::Array) || reply.elements.empty()) return false;
  SlotTable loaded;
  for (const Reply& range : reply.elements) {
    if (!range.is(Reply::Kind::Array) || range.elements.size() < 3) return false;
    const Reply& first = range.elements[0];
    const Reply& last = range.elements[1];
    const Reply& node = range.elements[2];
    if (!first.is(Reply::Kind::Integer) || !last.is(Reply::Kind::Integer) || first.integer < 0 ||
        last.integer >= kSlots || first.integer > last.integer || !node.is(Reply::Kind::Array) ||
        node.elements.size() < 2 || !node.elements[1].is(Reply::Kind::Integer) ||
        node.elements[1].integer < 1 || node.elements[1].integer > 65535) {
      return false;
    }
    Endpoint endpoint{node.elements[0].text, static_cast<std::uint16_t>(node.elements[1].integer)};
    if (endpoint.host.empty() || endpoint.host == "?") endpoint.host = from.host;
    for (std::int64_t slot = first.integer; slot <= last.integer; ++slot) {
      loaded.set(static_cast<std::uint16_t>(slot), endpoint);
    }
  }
  *this = std::move(loaded);
  return true;
}

}  // namespace rise::redis
