#include "plugins/text/base64.hpp"

#include <array>
#include <cstdint>

namespace rise::text {

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<std::int8_t, 256> kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8u | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    text += kBase64[group >> 18u];
    text += kBase64[group >> 12u & 63u];
    text += i + 1 < bytes.size() ? kBase64[group >> 6u & 63u] : '=';
    text += i + 2 < bytes.size() ? kBase64[group & 63u] : '=';
  }
  return text;
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    const bool last = i + 4 == text.size();
    const std::size_t used = last ? 4 - padding : 4;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = k < used ? kBase64Values[static_cast<unsigned char>(text[i + k])] : 0;
      if (value < 0) return std::nullopt;
      group = group << 6u | static_cast<std::uint32_t>(value);
    }
    // What the padding leaves over has to be zero: one text for each bytes.
    if (last && (group & ((1u << (8 * padding)) - 1)) != 0) return std::nullopt;
    for (std::size_t k = 0; k + 1 < used; ++k) {
      bytes += static_cast<char>(group >> (16 - 8 * k) & 0xffu);
    }
  }
  return bytes;
}

}  // namespace rise::text
