#include "rt_core/io/packet.hpp"

#include <algorithm>
#include <cstring>

#include "drivers/sdk/rise_driver.h"

namespace rise::io::packet {

namespace {

constexpr std::uint16_t kTypeVlan = 0x8100;
constexpr std::uint16_t kTypeQinq = 0x88a8;
constexpr std::uint16_t kTypeOldQinq = 0x9100;
constexpr std::size_t kArpBytes = 28;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kIcmpBytes = 8;
constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kProtocolIgmp = 2;
constexpr std::uint8_t kMembershipReportV2 = 0x16;

std::uint16_t load16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
std::uint32_t load32(const std::uint8_t* at) {
  return std::uint32_t{load16(at)} << 16 | load16(at + 2);
}
Mac load_mac(const std::uint8_t* at) {
  Mac mac;
  std::memcpy(mac.bytes.data(), at, mac.bytes.size());
  return mac;
}
void store16(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
void store32(std::uint8_t* at, std::uint32_t value) {
  store16(at, value >> 16);
  store16(at + 2, value);
}
void store_mac(std::uint8_t* at, const Mac& mac) {
  std::memcpy(at, mac.bytes.data(), mac.bytes.size());
}
// The complement of a folded sum, which is in the byte order of the machine already.
void store_checksum(std::uint8_t* at, std::uint16_t sum) {
  const auto value = static_cast<std::uint16_t>(~sum);
  std::memcpy(at, &value, sizeof value);
}

// What stands before a UDP or TCP header in its checksum.
std::uint16_t pseudo_header(std::uint32_t from, std::uint32_t to, std::uint8_t protocol,
                            std::size_t payload_bytes) {
  std::uint8_t bytes[12];
  store32(bytes, from);
  store32(bytes + 4, to);
  bytes[8] = 0;
  bytes[9] = protocol;
  store16(bytes + 10, static_cast<std::uint32_t>(payload_bytes));
  return checksum(bytes);
}

// Nobody may send from these. 0.0.0.0 may: that is how hosts without an address ask for one.
bool is_impossible_source(std::uint32_t address) {
  return address == kBroadcastAddress || is_multicast(address) || address >> 24 == 127;
}

std::uint8_t* write_ethernet(std::uint8_t* at, const Link& link, std::uint16_t type) {
  store_mac(at, link.to);
  store_mac(at + 6, link.from);
  at += 12;
  if (link.vlan != 0) {
    store16(at, kTypeVlan);
    store16(at + 2, link.vlan & 0x0fffu);
    at += 4;
  }
  store16(at, type);
  return at + 2;
}

struct Ipv4Header {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 64;
  bool router_alert = false;  // option that IGMP must have (RFC 2113)
};

std::uint8_t* write_ipv4(std::uint8_t* at, const Ipv4Header& header, std::size_t payload_bytes) {
  const std::size_t bytes = kIpv4Bytes + (header.router_alert ? 4 : 0);
  at[0] = static_cast<std::uint8_t>(0x40 | bytes / 4);
  at[1] = 0;
  store16(at + 2, static_cast<std::uint32_t>(bytes + payload_bytes));
  store16(at + 4, 0);       // identification: of no meaning where fragmenting is forbidden
  store16(at + 6, 0x4000);  // do not fragment
  at[8] = header.ttl;
  at[9] = header.protocol;
  store16(at + 10, 0);
  store32(at + 12, header.from);
  store32(at + 16, header.to);
  if (header.router_alert) store32(at + 20, 0x94040000);
  store_checksum(at + 10, checksum({at, bytes}));
  return at + bytes;
}

}  // namespace

Mac multicast_mac(std::uint32_t group) {
  Mac mac{{0x01, 0x00, 0x5e}};
  mac.bytes[3] = static_cast<std::uint8_t>(group >> 16 & 0x7f);
  mac.bytes[4] = static_cast<std::uint8_t>(group >> 8);
  mac.bytes[5] = static_cast<std::uint8_t>(group);
  return mac;
}

const char* to_string(Fault fault) {
  static constexpr const char* kNames[] = {"none",     "truncated", "tags",      "arp",
                                           "version",  "header",    "total",     "headerchecksum",
                                           "fragment", "source",    "udplength", "udpchecksum",
                                           "icmp",     "toolong",   "tcpheader", "tcpchecksum"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Fault::kCount));
  return fault < Fault::kCount ? kNames[static_cast<std::size_t>(fault)] : "?";
}

// Eight bytes at a time, with the carries gathered in the upper half: the sum of 16-bit words does
// not change when they are added as 32-bit words and folded at the end.
std::uint16_t checksum(Bytes bytes, std::uint64_t sum) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint32_t words[2];
    std::memcpy(words, at, sizeof words);
    sum += std::uint64_t{words[0]} + words[1];
  }
  if (left != 0) {
    std::uint32_t words[2] = {0, 0};
    std::memcpy(words, at, left);
    sum += std::uint64_t{words[0]} + words[1];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

Fault read_ethernet(Bytes frame, Ethernet* out) {
  if (frame.size() < 14) return Fault::Truncated;
  out->to = load_mac(frame.data());
  out->from = load_mac(frame.data() + 6);
  out->vlan = 0;
  out->tags = 0;
  std::size_t at = 12;
  for (;;) {
    if (frame.size() < at + 2) return Fault::Truncated;
    out->type = load16(frame.data() + at);
    at += 2;
    if (out->type != kTypeVlan && out->type != kTypeQinq && out->type != kTypeOldQinq) break;
    if (out->tags == 2) return Fault::Tags;
    if (frame.size() < at + 2) return Fault::Truncated;
    if (out->tags == 0) out->vlan = load16(frame.data() + at) & 0x0fff;
    ++out->tags;
    at += 2;
  }
  out->payload = frame.subspan(at);
  return Fault::None;
}

Fault read_arp(Bytes payload, Arp* out) {
  if (payload.size() < kArpBytes) return Fault::Truncated;
  const std::uint8_t* at = payload.data();
  const std::uint16_t operation = load16(at + 6);
  if (load16(at) != 1 || load16(at + 2) != kTypeIpv4 || at[4] != 6 || at[5] != 4 ||
      (operation != 1 && operation != 2)) {
    return Fault::Arp;
  }
  out->request = operation == 1;
  out->sender_mac = load_mac(at + 8);
  out->sender = load32(at + 14);
  out->target_mac = load_mac(at + 18);
  out->target = load32(at + 24);
  // No station has a group address; who believed it would send to everybody.
  return out->sender_mac.is_group() ? Fault::Arp : Fault::None;
}

Fault read_ipv4(Bytes payload, Ipv4* out) {
  if (payload.size() < kIpv4Bytes) return Fault::Truncated;
  const std::uint8_t* at = payload.data();
  if (at[0] >> 4 != 4) return Fault::Version;
  const std::size_t header = std::size_t{at[0] & 0x0fu} * 4;
  if (header < kIpv4Bytes || header > payload.size()) return Fault::HeaderLength;
  const std::size_t total = load16(at + 2);
  if (total < header) return Fault::TotalLength;
  if (total > payload.size()) return Fault::Truncated;
  if (checksum(payload.first(header)) != 0xffff) return Fault::HeaderChecksum;
  if ((load16(at + 6) & 0x3fff) != 0) return Fault::Fragment;  // more follow, or not the first
  out->ttl = at[8];
  out->protocol = at[9];
  out->from = load32(at + 12);
  out->to = load32(at + 16);
  if (is_impossible_source(out->from)) return Fault::Source;
  out->payload = payload.subspan(header, total - header);
  return Fault::None;
}

Fault read_udp(const Ipv4& packet, Udp* out) {
  if (packet.payload.size() < kUdpBytes) return Fault::Truncated;
  const std::uint8_t* at = packet.payload.data();
  const std::size_t length = load16(at + 4);
  if (length < kUdpBytes || length > packet.payload.size()) return Fault::UdpLength;
  if (load16(at + 6) != 0) {
    const std::uint16_t before = pseudo_header(packet.from, packet.to, kProtocolUdp, length);
    if (checksum(packet.payload.first(length), before) != 0xffff) return Fault::UdpChecksum;
  }
  out->from_port = load16(at);
  out->to_port = load16(at + 2);
  out->payload = packet.payload.subspan(kUdpBytes, length - kUdpBytes);
  return out->payload.size() > RISE_DATAGRAM_MAX ? Fault::TooLong : Fault::None;
}

Fault check_tcp(const Ipv4& packet) {
  const std::size_t length = packet.payload.size();
  if (length < kTcpBytes) return Fault::Truncated;
  const std::size_t header = std::size_t{packet.payload[12]} / 16 * 4;
  if (header < kTcpBytes || header > length) return Fault::TcpHeader;
  const std::uint16_t before = pseudo_header(packet.from, packet.to, kProtocolTcp, length);
  return checksum(packet.payload, before) == 0xffff ? Fault::None : Fault::TcpChecksum;
}

Fault read_echo(const Ipv4& packet, Echo* out) {
  if (packet.payload.size() < kIcmpBytes) return Fault::Truncated;
  if (checksum(packet.payload) != 0xffff) return Fault::Icmp;
  out->request = packet.payload[0] == kEchoRequest && packet.payload[1] == 0;
  out->message = packet.payload;
  return Fault::None;
}

std::size_t write_ipv4_link(Room frame, const Link& link) {
  const std::size_t bytes = ethernet_bytes(link.vlan);
  if (frame.size() < bytes) return 0;
  write_ethernet(frame.data(), link, kTypeIpv4);
  return bytes;
}

std::size_t write_udp(Room frame, const Link& link, const UdpHeader& header,
                      std::size_t payload_bytes) {
  const std::size_t before = udp_header_bytes(link.vlan);
  if (payload_bytes > RISE_DATAGRAM_MAX || frame.size() < before + payload_bytes) return 0;
  std::uint8_t* at = write_ethernet(frame.data(), link, kTypeIpv4);
  const std::size_t udp_bytes = kUdpBytes + payload_bytes;
  at = write_ipv4(at, {header.from, header.to, kProtocolUdp, header.ttl}, udp_bytes);
  store16(at, header.from_port);
  store16(at + 2, header.to_port);
  store16(at + 4, static_cast<std::uint32_t>(udp_bytes));
  store16(at + 6, 0);
  const std::uint16_t sum =
      checksum({at, udp_bytes}, pseudo_header(header.from, header.to, kProtocolUdp, udp_bytes));
  // A checksum that comes out as 0 is sent as 0xffff, because 0 means none.
  store_checksum(at + 6, sum == 0xffff ? 0 : sum);
  return before + payload_bytes;
}

std::size_t write_arp(Room frame, const Link& link, const Arp& arp) {
  const std::size_t bytes = ethernet_bytes(link.vlan) + kArpBytes;
  if (frame.size() < bytes) return 0;
  std::uint8_t* at = write_ethernet(frame.data(), link, kTypeArp);
  store16(at, 1);
  store16(at + 2, kTypeIpv4);
  at[4] = 6;
  at[5] = 4;
  store16(at + 6, arp.request ? 1 : 2);
  store_mac(at + 8, arp.sender_mac);
  store32(at + 14, arp.sender);
  store_mac(at + 18, arp.target_mac);
  store32(at + 24, arp.target);
  return bytes;
}

std::size_t write_echo_reply(Room frame, const Link& link, std::uint32_t from, std::uint32_t to,
                             const Echo& request) {
  const std::size_t bytes = ethernet_bytes(link.vlan) + kIpv4Bytes + request.message.size();
  if (request.message.size() < kIcmpBytes || frame.size() < bytes) return 0;
  std::uint8_t* at = write_ethernet(frame.data(), link, kTypeIpv4);
  at = write_ipv4(at, {from, to, kProtocolIcmp}, request.message.size());
  std::copy(request.message.begin(), request.message.end(), at);
  at[0] = kEchoReply;
  store16(at + 2, 0);
  store_checksum(at + 2, checksum({at, request.message.size()}));
  return bytes;
}

std::size_t write_membership(Room frame, const Link& link, std::uint32_t from,
                             std::uint32_t group) {
  constexpr std::size_t kIgmpBytes = 8;
  const std::size_t bytes = ethernet_bytes(link.vlan) + kIpv4Bytes + 4 + kIgmpBytes;
  if (frame.size() < bytes) return 0;
  Link to_group = link;
  to_group.to = multicast_mac(group);
  std::uint8_t* at = write_ethernet(frame.data(), to_group, kTypeIpv4);
  at = write_ipv4(at, {from, group, kProtocolIgmp, 1, true}, kIgmpBytes);
  at[0] = kMembershipReportV2;
  at[1] = 0;
  store16(at + 2, 0);
  store32(at + 4, group);
  store_checksum(at + 2, checksum({at, kIgmpBytes}));
  return bytes;
}

}  // namespace rise::io::packet
