// How things of a control are named in the config: "G8.5", "D100-103:word", "1320.x", "500-510".
// Set-up.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/focas/settings.hpp"

namespace rise::focas {

bool all_digits(const std::string& text);

// "500" or "500-510", each 0..99999999, not falling.
bool parse_range(const std::string& text, std::int32_t* first, std::int32_t* last);

// A stretch of PMC memory: "G8.5" (one bit), "R100" (a byte), "D100-103", "D100:word",
// "D100-107:long".
struct PmcAddress {
  std::uint8_t area = 0;   // as on the wire
  std::int32_t first = 0;  // byte
  std::int32_t last = 0;   // byte, inclusive
  std::uint8_t type = 0;   // as on the wire: 0 byte, 1 word, 2 long, 4 float, 5 double
  std::int8_t bit = -1;    // 0..7; -1 = none

  [[nodiscard]] std::int32_t element_bytes() const {
    return type == 0 ? 1 : type == 1 ? 2 : type == 5 ? 8 : 4;
  }
  [[nodiscard]] std::int32_t elements() const { return (last - first + 1) / element_bytes(); }
};
// False: *why is a sentence.
bool parse_pmc(const std::string& text, PmcAddress* address, std::string* why);

// A parameter or diagnosis: "1320" (no axis), "1320.x" (one), "1320.*" (all).
struct RecordAddress {
  std::int32_t number = 0;
  std::int32_t axis = 0;  // as on the wire: 0 none, 1.., -1 all
};
bool parse_record(const std::string& text, const PathSettings& path, RecordAddress* address,
                  std::string* why);

}  // namespace rise::focas
