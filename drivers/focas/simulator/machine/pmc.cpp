#include "drivers/focas/simulator/machine/pmc.hpp"

#include <charconv>

#include "drivers/focas/wire/protocol.hpp"

namespace rise::cncsim {

namespace {

// Bytes of each area by number; G and F are per path.
constexpr std::size_t kNewBytes[kPmcAreas] = {1000, 1000, 512,   512, 250, 8000,  500,
                                              100,  400,  10000, 768, 768, 10000, 500};
constexpr std::size_t kLegacyBytes[kPmcAreas] = {1000, 1000, 128, 128, 25, 3000, 80, 20, 80, 3000};

}  // namespace

Pmc::Pmc(std::size_t paths, bool is_new) {
  for (std::size_t i = 0; i < kPmcAreas; ++i) {
    const bool per_path = i <= static_cast<std::size_t>(PmcArea::F);
    areas_[i].resize((is_new ? kNewBytes : kLegacyBytes)[i] * (per_path ? paths : 1));
  }
}

std::span<std::uint8_t> Pmc::range(std::size_t area, std::int64_t first, std::int64_t last) {
  if (area >= kPmcAreas || first < 0 || last < first) return {};
  std::vector<std::uint8_t>& memory = areas_[area];
  if (last >= static_cast<std::int64_t>(memory.size())) return {};
  return std::span(memory).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>(last - first + 1));
}

void Pmc::set_bit(PmcArea area, std::size_t address, int position, bool on) {
  std::uint8_t& place = areas_[static_cast<std::size_t>(area)][address];
  const auto mask = static_cast<std::uint8_t>(1u << position);
  place = static_cast<std::uint8_t>(on ? place | mask : place & ~mask);
}

bool parse_pmc_address(std::string_view text, PmcAddress* address) {
  if (text.empty()) return false;
  const std::size_t area = std::string_view(focas::wire::kPmcAreas).find(text[0]);
  if (area == std::string_view::npos) return false;
  PmcAddress found{area, 0, -1};
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + 1, end, found.address);
  if (error != std::errc{} || found.address < 0) return false;
  if (rest != end) {
    if (*rest != '.' || end - rest != 2 || rest[1] < '0' || rest[1] > '7') return false;
    found.bit = rest[1] - '0';
  }
  *address = found;
  return true;
}

}  // namespace rise::cncsim
