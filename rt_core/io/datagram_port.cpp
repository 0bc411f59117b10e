#include "rt_core/io/datagram_port.hpp"

#include <arpa/inet.h>

namespace rise::io {

bool parse_ipv4(const std::string& text, std::uint32_t* address) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1) return false;
  *address = ntohl(parsed.s_addr);
  return true;
}

}  // namespace rise::io
