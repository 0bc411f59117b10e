#include "rt_core/record/crc32c.hpp"

#include <array>

namespace rise::record {

namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][i] = value;
  }
  // Table k: what a byte has become after k more bytes of zeros.
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t value = tables[k - 1][i];
      tables[k][i] = (value >> 8) ^ tables[0][value & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t length, std::uint32_t before) {
  const auto* at = static_cast<const std::uint8_t*>(bytes);
  std::uint32_t crc = ~before;
  for (; length >= kSlices; length -= kSlices, at += kSlices) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      const std::uint32_t mixed = i < 4 ? (crc >> (8 * i)) & 0xff : 0;
      next ^= kTables[kSlices - 1 - i][(at[i] ^ mixed) & 0xff];
    }
    crc = next;
  }
  for (; length != 0; --length, ++at) crc = (crc >> 8) ^ kTables[0][(crc ^ *at) & 0xff];
  return ~crc;
}

}  // namespace rise::record
