// Big-endian numbers in byte buffers. The caller has checked the bounds.
#pragma once

#include <cstdint>

namespace rise::focas::wire {

inline std::uint16_t load_u16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
inline std::int16_t load_i16(const std::uint8_t* p) {
  return static_cast<std::int16_t>(load_u16(p));
}
inline std::uint32_t load_u32(const std::uint8_t* p) {
  return std::uint32_t{load_u16(p)} << 16 | load_u16(p + 2);
}
inline std::int32_t load_i32(const std::uint8_t* p) {
  return static_cast<std::int32_t>(load_u32(p));
}

inline void store_u16(std::uint8_t* p, std::uint16_t value) {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
inline void store_u32(std::uint8_t* p, std::uint32_t value) {
  store_u16(p, static_cast<std::uint16_t>(value >> 16));
  store_u16(p + 2, static_cast<std::uint16_t>(value));
}
inline void store_i32(std::uint8_t* p, std::int32_t value) {
  store_u32(p, static_cast<std::uint32_t>(value));
}

}  // namespace rise::focas::wire
