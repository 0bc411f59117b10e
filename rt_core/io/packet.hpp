// Ethernet, ARP, IPv4, UDP, TCP headers and ICMP echo over byte spans: what a frame says, checked
// to its last byte, and frames to be sent. Pure functions for any thread: no memory, no clock, no
// state. The bytes that come in are hostile: nothing is read beyond the span, no length in a packet
// is believed before it was compared with what is there.
//
// Sources: IEEE 802.3, 802.1Q; RFC 826 (ARP), 791 (IPv4), 768 (UDP), 792 (ICMP), 9293 (TCP), 1071
// (checksum), 1112 and 2236 (multicast, IGMPv2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rise::io::packet {

using Bytes = std::span<const std::uint8_t>;
using Room = std::span<std::uint8_t>;  // to be written into

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  bool operator==(const Mac&) const = default;
  // Multicast or broadcast.
  [[nodiscard]] bool is_group() const { return (bytes[0] & 1) != 0; }
};
inline constexpr Mac kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
Mac multicast_mac(std::uint32_t group);

// IPv4 addresses are numbers: 127.0.0.1 = 0x7f000001.
inline constexpr std::uint32_t kBroadcastAddress = 0xffffffff;
constexpr bool is_multicast(std::uint32_t address) { return address >> 28 == 0xe; }

inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;

// Why a packet was refused.
enum class Fault : std::uint8_t {
  None,
  Truncated,       // ends before what it must contain
  Tags,            // more than two VLAN tags
  Arp,             // not Ethernet and IPv4, or neither request nor reply
  Version,         // not IPv4
  HeaderLength,    // IPv4 header below 20 bytes or beyond the packet
  TotalLength,     // IPv4 total length below its header
  HeaderChecksum,  //
  Fragment,        // a part of a datagram: not put together here
  Source,          // a source address that nobody can have
  UdpLength,       // below 8 or beyond the IPv4 payload
  UdpChecksum,     //
  Icmp,            // wrong checksum
  TooLong,         // more payload than RISE_DATAGRAM_MAX
  TcpHeader,       // TCP header below 20 bytes or beyond the packet
  TcpChecksum,     //
  kCount
};
const char* to_string(Fault fault);

// ---- reading; `out` is valid if Fault::None came back, and points into the argument

struct Ethernet {
  Mac to;
  Mac from;
  std::uint16_t type = 0;  // behind the tags
  std::uint16_t vlan = 0;  // VLAN id of the outer tag; 0: untagged, or tagged for priority only
  std::uint8_t tags = 0;   // 0, 1 (802.1Q), 2 (QinQ)
  Bytes payload;           // with the padding of short frames
};
Fault read_ethernet(Bytes frame, Ethernet* out);

struct Arp {
  bool request = false;  // else a reply
  Mac sender_mac;
  std::uint32_t sender = 0;
  Mac target_mac;
  std::uint32_t target = 0;
};
Fault read_arp(Bytes payload, Arp* out);

struct Ipv4 {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 0;
  Bytes payload;  // without options and padding
};
Fault read_ipv4(Bytes payload, Ipv4* out);

struct Udp {
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  Bytes payload;
};
// Checks the checksum unless it is 0 (none).
Fault read_udp(const Ipv4& packet, Udp* out);

// Whether a TCP segment is whole: length of its header, checksum. What it means is for others.
Fault check_tcp(const Ipv4& packet);

// An ICMP packet. `request`: an echo request, and `message` all of it.
struct Echo {
  bool request = false;
  Bytes message;
};
Fault read_echo(const Ipv4& packet, Echo* out);

// ---- writing; -> length of the frame, 0: no room for it

inline constexpr std::size_t kMinUdpBytes = 14 + 20 + 8;

// Where and how a frame leaves. vlan 0: untagged.
struct Link {
  Mac to;
  Mac from;
  std::uint16_t vlan = 0;
};
constexpr std::size_t ethernet_bytes(std::uint16_t vlan) { return vlan == 0 ? 14 : 18; }
constexpr std::size_t udp_header_bytes(std::uint16_t vlan) { return ethernet_bytes(vlan) + 28; }

// The Ethernet header before an IPv4 packet that somebody else has made. -> its length, or 0.
std::size_t write_ipv4_link(Room frame, const Link& link);

struct UdpHeader {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::uint8_t ttl = 64;
};
// The payload is already in place, at udp_header_bytes(link.vlan): only headers are written, and
// the checksum over all of it.
std::size_t write_udp(Room frame, const Link& link, const UdpHeader& header,
                      std::size_t payload_bytes);
std::size_t write_arp(Room frame, const Link& link, const Arp& arp);
// The answer to an echo request, from `from`.
std::size_t write_echo_reply(Room frame, const Link& link, std::uint32_t from, std::uint32_t to,
                             const Echo& request);
// IGMPv2 membership report: tells switches and routers that `from` wants `group`. link.to is taken
// from the group.
std::size_t write_membership(Room frame, const Link& link, std::uint32_t from, std::uint32_t group);

// RFC 1071, the folded sum in the byte order of the machine; 0xffff over data that contains its
// right checksum. `sum`: of what came before, which must have had an even length.
std::uint16_t checksum(Bytes bytes, std::uint64_t sum = 0);

}  // namespace rise::io::packet
