// Text in fixed-size message fields: copied in, cut at the field's end, padded with zeros.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "rise_generated.h"

namespace rise::message {

inline constexpr std::size_t kMaxEventText = 128;  // bytes of MachineEvent.text

// Bytes stored; text beyond the field is cut.
template <std::uint16_t N>
std::size_t set_text(flatbuffers::Array<std::uint8_t, N>* field, std::string_view text) {
  const std::size_t length = text.size() < N ? text.size() : N;
  auto* bytes = reinterpret_cast<char*>(const_cast<std::uint8_t*>(field->data()));
  if (length != 0) std::memcpy(bytes, text.data(), length);  // an empty text may have no bytes
  std::memset(bytes + length, 0, N - length);
  return length;
}

// Up to the first zero or the field's end.
template <std::uint16_t N>
std::string_view get_text(const flatbuffers::Array<std::uint8_t, N>* field) {
  const auto* bytes = reinterpret_cast<const char*>(field->data());
  return {bytes, ::strnlen(bytes, N)};
}

}  // namespace rise::message
