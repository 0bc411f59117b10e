// Addresses as people write them. Set-up threads; nothing here is for a cycle.
#pragma once

#include <cstdint>
#include <string>

#include "rt_core/io/packet.hpp"

namespace rise::io {

// "192.168.1.10" -> number; false: no IPv4 address.
bool parse_ipv4(const std::string& text, std::uint32_t* address);

// "192.168.1.10/24" -> a host's own address and the bits of its network, 1..32. False: not that, or
// an address that no host can have (0.*, 127.*, multicast and beyond).
bool parse_host(const std::string& text, std::uint32_t* address, std::uint32_t* prefix);

// "02:00:00:00:00:14" -> the Ethernet address of one station; false: none, or a group's.
bool parse_mac(const std::string& text, packet::Mac* mac);

}  // namespace rise::io
