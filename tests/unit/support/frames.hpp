// Frames to be taken apart by tests: right ones, and ways to make them wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "rt_core/io/packet.hpp"

namespace rise::test {

using Frame = std::vector<std::uint8_t>;

inline constexpr io::packet::Mac kOurMac{{2, 0, 0, 0, 0, 1}};
inline constexpr io::packet::Mac kPeerMac{{2, 0, 0, 0, 0, 2}};
inline constexpr std::uint32_t kOurAddress = 0x0a4d0001;   // 10.77.0.1
inline constexpr std::uint32_t kPeerAddress = 0x0a4d0002;  // 10.77.0.2
inline constexpr std::uint16_t kOurPort = 7000;
inline constexpr std::uint16_t kPeerPort = 9000;

inline Frame bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

struct FrameMaker {
  io::packet::Link link{kOurMac, kPeerMac, 0};
  io::packet::UdpHeader header{kPeerAddress, kOurAddress, kPeerPort, kOurPort, 64};

  [[nodiscard]] Frame udp(const std::string& payload) const {
    const std::size_t before = io::packet::udp_header_bytes(link.vlan);
    Frame frame(before + payload.size());
    std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(before));
    frame.resize(io::packet::write_udp(frame, link, header, payload.size()));
    return frame;
  }
  // TCP without options, from header.from_port to header.to_port; made of a datagram.
  [[nodiscard]] Frame tcp(const std::string& payload, std::uint8_t flags = 0x10) const;
  [[nodiscard]] Frame arp(bool request, std::uint32_t sender, std::uint32_t target) const {
    Frame frame(64);
    frame.resize(io::packet::write_arp(frame, link, {request, link.from, sender, {}, target}));
    return frame;
  }
};

inline void set16(Frame* frame, std::size_t at, std::uint32_t value) {
  (*frame)[at] = static_cast<std::uint8_t>(value >> 8);
  (*frame)[at + 1] = static_cast<std::uint8_t>(value);
}
// After a change within an untagged frame's IPv4 header.
inline void repair_ipv4(Frame* frame) {
  const std::size_t header = std::size_t{(*frame)[14] & 0x0fu} * 4;
  set16(frame, 24, 0);
  const auto sum = static_cast<std::uint16_t>(
      ~io::packet::checksum(io::packet::Bytes(*frame).subspan(14, header)));
  std::memcpy(&(*frame)[24], &sum, sizeof sum);
}
// After a change within the TCP segment of an untagged frame without IPv4 options or padding.
inline void repair_tcp(Frame* frame) {
  const std::size_t length = frame->size() - 34;
  Frame pseudo(frame->begin() + 26, frame->begin() + 34);
  pseudo.insert(pseudo.end(), {0, io::packet::kProtocolTcp, 0, 0});
  set16(&pseudo, 10, static_cast<std::uint32_t>(length));
  set16(frame, 50, 0);
  const auto sum = static_cast<std::uint16_t>(
      ~io::packet::checksum(io::packet::Bytes(*frame).subspan(34), io::packet::checksum(pseudo)));
  std::memcpy(&(*frame)[50], &sum, sizeof sum);
}
inline Frame FrameMaker::tcp(const std::string& payload, std::uint8_t flags) const {
  // 12 bytes more than a datagram's header.
  FrameMaker untagged = *this;
  untagged.link.vlan = 0;
  Frame frame = untagged.udp(std::string(12, '\0') + payload);
  frame[23] = io::packet::kProtocolTcp;
  std::fill(frame.begin() + 38, frame.begin() + 54, std::uint8_t{0});
  frame[41] = 7;  // sequence number
  frame[46] = 0x50;
  frame[47] = flags;
  set16(&frame, 48, 1000);
  repair_ipv4(&frame);
  repair_tcp(&frame);
  return frame;
}
// Puts a VLAN tag behind the addresses.
inline Frame tagged(const Frame& frame, std::uint16_t type, std::uint16_t tag) {
  Frame out(frame.begin(), frame.begin() + 12);
  out.resize(16);
  set16(&out, 12, type);
  set16(&out, 14, tag);
  out.insert(out.end(), frame.begin() + 12, frame.end());
  return out;
}

}  // namespace rise::test
