// The memory of the machine's PLC: areas of bytes. There is no ladder: what is written stays.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rise::cncsim {

// By number, as command 0x8001 counts them. M, N, E, Z: new controls only.
enum class PmcArea : std::uint8_t { G, F, Y, X, A, R, T, K, C, D, M, N, E, Z };
inline constexpr std::size_t kPmcAreas = 14;
// Each path has its own G and F signals, this far apart.
inline constexpr std::size_t kPmcPathStep = 1000;

class Pmc {
 public:
  Pmc(std::size_t paths, bool is_new);

  // Bytes first .. last of an area. Empty: no such range.
  [[nodiscard]] std::span<std::uint8_t> range(std::size_t area, std::int64_t first,
                                              std::int64_t last);
  [[nodiscard]] std::uint8_t byte(PmcArea area, std::size_t address) const {
    return areas_[static_cast<std::size_t>(area)][address];
  }
  void set_byte(PmcArea area, std::size_t address, std::uint8_t value) {
    areas_[static_cast<std::size_t>(area)][address] = value;
  }
  [[nodiscard]] bool bit(PmcArea area, std::size_t address, int position) const {
    return (byte(area, address) >> position & 1) != 0;
  }
  void set_bit(PmcArea area, std::size_t address, int position, bool on);

 private:
  std::array<std::vector<std::uint8_t>, kPmcAreas> areas_;
};

// "D100", "G8.5": area, address, bit (-1: none). False: not of this form.
struct PmcAddress {
  std::size_t area = 0;
  std::int64_t address = 0;
  int bit = -1;
};
bool parse_pmc_address(std::string_view text, PmcAddress* address);

}  // namespace rise::cncsim
