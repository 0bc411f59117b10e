// Numbers as the control writes them: eight bytes, i32 mantissa, i16 base, i16 exponent.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas::wire {

inline constexpr std::size_t kNumberBytes = 8;

struct Number {
  std::int32_t mantissa = 0;
  std::int16_t base = 10;
  std::int16_t exponent = 0;  // digits (base 10) or bits (base 2) behind the point; -1 = no value

  friend bool operator==(const Number&, const Number&) = default;
};

inline constexpr int kMostBits = 62;

inline Number load_number(const std::uint8_t* p) {
  return {load_i32(p), load_i16(p + 4), load_i16(p + 6)};
}

inline void store_number(std::uint8_t* p, const Number& number) {
  store_i32(p, number.mantissa);
  store_u16(p + 4, static_cast<std::uint16_t>(number.base));
  store_u16(p + 6, static_cast<std::uint16_t>(number.exponent));
}

// The value, or none if the control says "no value" or the fields make no sense. Elements beyond
// the controlled axes hold stale memory with absurd exponents, so a plausible range is asked for:
// 0..9 decimal digits; 0..62 bits, as the mantissa of a small value is normalised to 31 bits.
inline std::optional<double> value_of(const Number& number) {
  if (number.base == 10 && number.exponent >= 0 && number.exponent <= 9) {
    constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    return number.mantissa / kPowers[number.exponent];
  }
  if (number.base == 2 && number.exponent >= 0 && number.exponent <= kMostBits) {
    return std::ldexp(static_cast<double>(number.mantissa), -number.exponent);
  }
  return std::nullopt;
}

// The value with as many decimal digits (at most max_digits) as fit 9 significant ones. None: not
// representable (too large, not finite).
inline std::optional<Number> decimal(double value, int max_digits) {
  if (!std::isfinite(value)) return std::nullopt;
  double scaled = value;
  std::int16_t digits = 0;
  while (digits < max_digits && std::fabs(scaled * 10) < 1e9 && scaled != std::nearbyint(scaled)) {
    scaled *= 10;
    ++digits;
  }
  const double rounded = std::nearbyint(scaled);
  if (std::fabs(rounded) > 2147483647.0) return std::nullopt;
  auto mantissa = static_cast<std::int32_t>(rounded);
  // 0.285 * 1000 is not whole in binary: what the search has gone too far is zeros now.
  for (; digits > 0 && mantissa % 10 == 0; --digits) mantissa /= 10;
  return Number{mantissa, 10, digits};
}

// The form in which legacy controls take macro values: base 2, mantissa normalised to 31 bits.
inline std::optional<Number> binary(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (value == 0) return Number{0, 2, 0};
  int exponent = 0;
  double mantissa = std::nearbyint(std::ldexp(std::frexp(value, &exponent), 31));
  if (std::fabs(mantissa) >= 2147483648.0) {  // rounded up to 2^31
    mantissa /= 2;
    ++exponent;
  }
  const int bits = 31 - exponent;
  if (bits < 0) return std::nullopt;
  if (bits > kMostBits) {  // smaller than 2^-31: what is left of it
    return Number{static_cast<std::int32_t>(std::nearbyint(std::ldexp(value, kMostBits))), 2,
                  kMostBits};
  }
  return Number{static_cast<std::int32_t>(mantissa), 2, static_cast<std::int16_t>(bits)};
}

}  // namespace rise::focas::wire
