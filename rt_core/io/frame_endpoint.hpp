// One IPv4 host on one Ethernet port, as little of it as UDP needs: what a frame that has arrived
// means, which frame a datagram or somebody else's TCP segment becomes, and the frames that have to
// leave by themselves (ARP requests, membership reports). Frames come in and go out as spans: who
// carries them is not known here, so that all of it is tested and fuzzed without DPDK.
//
// Not done: reassembly (fragments are refused and counted), IPv6, ICMP but for echo, IGMP queries
// (reports are repeated every minute instead), routes but for one gateway, loopback to oneself.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/neighbours.hpp"
#include "rt_core/io/packet.hpp"

namespace rise::io {

constexpr std::uint32_t network_mask(std::uint32_t prefix) {
  return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
}

struct EndpointSettings {
  packet::Mac mac;
  std::uint32_t address = 0;
  std::uint32_t prefix = 24;  // bits of the local network, 1..32
  std::uint32_t gateway = 0;  // 0: none, only the local network can be reached
  std::uint16_t vlan = 0;     // 1..4094: only frames of this VLAN count, ours are tagged.
                              // 0: tags are skipped whatever they say, ours have none
};

struct EndpointCounters {
  std::array<std::uint64_t, static_cast<std::size_t>(packet::Fault::kCount)> faults{};
  std::uint64_t foreign = 0;            // not for us, or nothing that we speak
  std::uint64_t unclaimed = 0;          // a datagram to a port that nobody has declared
  std::uint64_t requests_answered = 0;  // ARP
  std::uint64_t echoes_answered = 0;    // ICMP
  std::uint64_t conflicts = 0;          // somebody else says that he has our address
  std::uint64_t questions = 0;          // ARP requests sent
};

class FrameEndpoint {
 public:
  enum class Meaning : std::uint8_t {
    Nothing,   // ignored
    Datagram,  // for `port`
    Segment,   // TCP for us, well-formed: `payload` is the whole IPv4 packet. After take_segments()
    Answer,    // `reply_bytes` of the reply are to be sent
    Refused    // malformed: `fault`
  };
  struct Received {
    Meaning meaning = Meaning::Nothing;
    packet::Fault fault = packet::Fault::None;
    std::int32_t port = 0;
    rise_endpoint from{};
    packet::Bytes payload;  // within the frame
    std::size_t reply_bytes = 0;
  };

  // Set-up thread.
  explicit FrameEndpoint(const EndpointSettings& settings);
  // -> port number, or -1 and *error.
  std::int32_t declare(const DatagramSpec& spec, std::string* error);
  bool add_static(std::uint32_t address, const packet::Mac& mac);
  // TCP is spoken here, elsewhere in this program; else its segments are foreign.
  void take_segments() { segments_ = true; }
  [[nodiscard]] bool wants_groups() const { return !groups_.empty(); }

  // Lane thread. `reply`: room for an answer; one of frame.size() + 4 bytes, and of kMinReply, is
  // never too small.
  static constexpr std::size_t kMinReply = 64;
  Received receive(packet::Bytes frame, packet::Room reply, std::int64_t now_ns);

  enum class Route : std::uint8_t { Ready, Unknown, None };
  // Ready: *mac is whom to send to. Unknown: has to be asked for. None: cannot be reached at all.
  // answer: to somebody who may be anybody, and is not asked for (Neighbours::peek).
  Route route(std::uint32_t to, std::int64_t now_ns, packet::Mac* mac, bool answer = false);
  // Headers and checksum for a payload that is already in place, at header_bytes(). -> length.
  std::size_t frame_datagram(packet::Room frame, std::int32_t port, const rise_endpoint& to,
                             const packet::Mac& mac, std::size_t payload_bytes) const;
  // The Ethernet header before an IPv4 packet from elsewhere. -> its length, link_bytes(), or 0.
  std::size_t frame_packet(packet::Room frame, const packet::Mac& mac) const {
    return packet::write_ipv4_link(frame, link_to(mac));
  }
  [[nodiscard]] std::size_t link_bytes() const { return packet::ethernet_bytes(settings_.vlan); }
  [[nodiscard]] std::size_t header_bytes() const {
    return packet::udp_header_bytes(settings_.vlan);
  }
  // A frame that is to leave now for its own sake. -> length, 0: none. Call until 0, or until
  // enough.
  std::size_t next_own(packet::Room frame, std::int64_t now_ns);

  [[nodiscard]] const EndpointSettings& settings() const { return settings_; }
  [[nodiscard]] const EndpointCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t neighbour_count() const { return neighbours_.size(); }

 private:
  static constexpr std::int64_t kReportNs = 60'000'000'000;  // half of what switches forget after
  struct Port {
    std::uint16_t number = 0;
    std::uint32_t group = 0;
    std::int32_t id = 0;
  };

  Received receive_arp(const packet::Ethernet& frame, packet::Room reply, std::int64_t now_ns);
  Received receive_ipv4(const packet::Ethernet& frame, packet::Room reply);
  Received receive_udp(const packet::Ipv4& packet);
  Received receive_tcp(const packet::Ethernet& frame, const packet::Ipv4& packet);
  Received refuse(packet::Fault fault);
  Received ignore();
  [[nodiscard]] bool is_local(std::uint32_t address) const {
    return ((address ^ settings_.address) & mask_) == 0;
  }
  [[nodiscard]] std::uint32_t subnet_broadcast() const { return settings_.address | ~mask_; }
  [[nodiscard]] bool is_broadcast(std::uint32_t address) const {
    return address == packet::kBroadcastAddress ||
           (settings_.prefix < 31 && address == subnet_broadcast());
  }
  [[nodiscard]] bool is_joined(std::uint32_t group) const;
  [[nodiscard]] packet::Link link_to(const packet::Mac& mac) const {
    return {mac, settings_.mac, settings_.vlan};
  }
  packet::Arp question(std::uint32_t address) const;

  EndpointSettings settings_;
  std::uint32_t mask_ = 0;
  std::vector<Port> ports_;           // ordered by number
  std::vector<std::uint16_t> local_;  // port number by id
  std::vector<std::uint32_t> groups_;
  Neighbours neighbours_;
  EndpointCounters counters_;
  bool segments_ = false;
  bool announced_ = false;
  std::size_t reported_ = 0;  // of groups_, in this round
  std::int64_t report_ns_ = INT64_MIN;
};

}  // namespace rise::io
