#include "rt_core/io/address_text.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstddef>

namespace rise::io {

namespace {

// All of `text` as a number in this base.
bool parse_number(const std::string& text, int base, unsigned limit, unsigned* number) {
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, *number, base);
  return error == std::errc() && next == end && *number <= limit;
}

}  // namespace

bool parse_ipv4(const std::string& text, std::uint32_t* address) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1) return false;
  *address = ntohl(parsed.s_addr);
  return true;
}

bool parse_host(const std::string& text, std::uint32_t* address, std::uint32_t* prefix) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || !parse_ipv4(text.substr(0, slash), address) ||
      !parse_number(text.substr(slash + 1), 10, 32, prefix)) {
    return false;
  }
  const std::uint32_t first = *address >> 24;
  return *prefix >= 1 && first != 0 && first != 127 && first < 224;
}

bool parse_mac(const std::string& text, packet::Mac* mac) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < mac->bytes.size(); ++i) {
    unsigned byte = 0;
    if (!parse_number(text.substr(i * 3, 2), 16, 0xff, &byte)) return false;
    if (i != 0 && text[i * 3 - 1] != ':') return false;
    mac->bytes[i] = static_cast<std::uint8_t>(byte);
  }
  return !mac->is_group();
}

}  // namespace rise::io
