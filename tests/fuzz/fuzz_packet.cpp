// Ethernet frames from any bytes, to a host with one address. Input: an option byte, then frames,
// each with its length in two bytes and one byte of how much time goes by before it. Options: bit 0
// a VLAN is required, bit 1 checksums are made right before a frame is given in (else nothing but
// wrong checksums would ever be tried), bit 2 TCP is spoken.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/frame_endpoint.hpp"

using namespace rise::io;
using packet::Bytes;
using packet::Fault;

namespace {

constexpr packet::Mac kOurMac{{2, 0, 0, 0, 0, 1}};
constexpr std::uint32_t kOurAddress = 0x0a4d0001;
constexpr std::uint32_t kGroup = 0xefff0102;

void require(bool condition) {
  if (!condition) std::abort();
}

using Exact = std::vector<std::uint8_t>;  // in memory of its own size: one byte too far is found

void put_checksum(Exact* frame, std::size_t at, Bytes over, std::uint64_t before) {
  (*frame)[at] = (*frame)[at + 1] = 0;
  const auto sum = static_cast<std::uint16_t>(~packet::checksum(over, before));
  std::memcpy(frame->data() + at, &sum, sizeof sum);
}

// Makes the checksums of an IPv4 frame right, where there is one.
void repair(Exact* frame) {
  packet::Ethernet ethernet;
  if (packet::read_ethernet(*frame, &ethernet) != Fault::None) return;
  const Bytes packet = ethernet.payload;
  if (ethernet.type != packet::kTypeIpv4 || packet.size() < 20) return;
  const auto start = static_cast<std::size_t>(packet.data() - frame->data());
  const std::size_t header = std::size_t{packet[0] & 0x0fu} * 4;
  if (header < 20 || header > packet.size()) return;
  put_checksum(frame, start + 10, packet.first(header), 0);
  packet::Ipv4 ipv4;
  if (packet::read_ipv4(packet, &ipv4) != Fault::None || ipv4.payload.size() < 8) return;
  const std::size_t payload = start + header;
  if (ipv4.protocol == packet::kProtocolIcmp) put_checksum(frame, payload + 2, ipv4.payload, 0);
  if (ipv4.protocol == packet::kProtocolTcp && ipv4.payload.size() >= 20) {
    std::uint8_t before[12] = {};
    std::memcpy(before, packet.data() + 12, 8);
    before[9] = packet::kProtocolTcp;
    before[10] = static_cast<std::uint8_t>(ipv4.payload.size() >> 8);
    before[11] = static_cast<std::uint8_t>(ipv4.payload.size());
    put_checksum(frame, payload + 16, ipv4.payload, packet::checksum(before));
  }
  if (ipv4.protocol != packet::kProtocolUdp) return;
  const std::size_t length = std::size_t{ipv4.payload[4]} << 8 | ipv4.payload[5];
  if (length < 8 || length > ipv4.payload.size()) return;
  std::uint8_t pseudo[12] = {};
  std::memcpy(pseudo, packet.data() + 12, 8);
  pseudo[9] = packet::kProtocolUdp;
  pseudo[10] = ipv4.payload[4];
  pseudo[11] = ipv4.payload[5];
  put_checksum(frame, payload + 6, ipv4.payload.first(length), packet::checksum(pseudo));
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: the UDP length from the wire is believed.
volatile int planted_sink;
void planted(const Exact& frame) {
  if (frame.size() < 42 || frame[12] != 8 || frame[13] != 0 || frame[23] != 17) return;
  const std::size_t length = std::size_t{frame[38]} << 8 | frame[39];
  int sum = 0;
  for (std::size_t i = 8; i < length; ++i) sum += frame.data()[34 + i];
  planted_sink = sum;
}
#endif

// What we send must be right in the eyes of a reader.
void require_right(Bytes frame) {
  packet::Ethernet ethernet;
  require(packet::read_ethernet(frame, &ethernet) == Fault::None);
  require(ethernet.from == kOurMac);
  if (ethernet.type == packet::kTypeArp) {
    packet::Arp arp;
    require(packet::read_arp(ethernet.payload, &arp) == Fault::None);
    require(arp.sender == kOurAddress && arp.sender_mac == kOurMac);
    return;
  }
  packet::Ipv4 ipv4;
  require(ethernet.type == packet::kTypeIpv4);
  require(packet::read_ipv4(ethernet.payload, &ipv4) == Fault::None);
  require(ipv4.from == kOurAddress);
}

void give(FrameEndpoint* endpoint, const Exact& frame, std::int64_t now) {
  Exact reply(std::max(frame.size() + 4, FrameEndpoint::kMinReply));
  const FrameEndpoint::Received received = endpoint->receive(frame, reply, now);
  using Meaning = FrameEndpoint::Meaning;
  require((received.meaning == Meaning::Refused) == (received.fault != Fault::None));
  require((received.meaning == Meaning::Answer) == (received.reply_bytes != 0));
  if (received.meaning == Meaning::Answer) {
    require(received.reply_bytes <= reply.size());
    require_right(Bytes(reply).first(received.reply_bytes));
  }
  if (received.meaning == Meaning::Segment) {
    // A whole packet, within the frame, that a reader finds right again.
    require(received.payload.data() >= frame.data() &&
            received.payload.data() + received.payload.size() <= frame.data() + frame.size());
    packet::Ipv4 whole;
    require(packet::read_ipv4(received.payload, &whole) == Fault::None);
    require(whole.protocol == packet::kProtocolTcp && whole.to == kOurAddress && whole.from != 0);
    require(packet::check_tcp(whole) == Fault::None);
    require(whole.payload.data() + whole.payload.size() ==
            received.payload.data() + received.payload.size());
  }
  if (received.meaning != Meaning::Datagram) return;
  require(received.port >= 0 && received.port < 3);
  require(received.payload.size() <= RISE_DATAGRAM_MAX);
  require(received.payload.data() >= frame.data() &&
          received.payload.data() + received.payload.size() <= frame.data() + frame.size());
  // Back to where it came from, if that can be reached.
  packet::Mac mac;
  if (endpoint->route(received.from.address, now, &mac) != FrameEndpoint::Route::Ready) return;
  Exact answer(endpoint->header_bytes() + received.payload.size());
  std::copy(received.payload.begin(), received.payload.end(),
            answer.begin() + static_cast<std::ptrdiff_t>(endpoint->header_bytes()));
  require(endpoint->frame_datagram(answer, received.port, received.from, mac,
                                   received.payload.size()) == answer.size());
  require_right(answer);
  packet::Ethernet ethernet;
  packet::Ipv4 ipv4;
  packet::Udp udp;
  packet::read_ethernet(answer, &ethernet);
  packet::read_ipv4(ethernet.payload, &ipv4);
  require(packet::read_udp(ipv4, &udp) == Fault::None);
  require(std::equal(udp.payload.begin(), udp.payload.end(), received.payload.begin(),
                     received.payload.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t options = data[0];
  FrameEndpoint endpoint({kOurMac, kOurAddress, 24, 0x0a4d00fe,
                          static_cast<std::uint16_t>((options & 1) != 0 ? 5 : 0)});
  if ((options & 4) != 0) endpoint.take_segments();
  std::string error;
  require(endpoint.declare({0, 0, 7000}, &error) == 0);
  require(endpoint.declare({0, kGroup, 7001}, &error) == 1);
  require(endpoint.declare({kOurAddress, 0, 53}, &error) == 2);
  std::int64_t now = 1'000'000'000;
  for (std::size_t at = 1; size - at >= 3;) {
    const std::size_t wanted = std::size_t{data[at]} << 8 | data[at + 1];
    now += std::int64_t{data[at + 2]} * data[at + 2] * 1'000'000;  // up to 65 s
    at += 3;
    const std::size_t length = std::min(wanted, size - at);
    Exact frame(data + at, data + at + length);
    at += length;
    if ((options & 2) != 0) repair(&frame);
#ifdef RISE_FUZZ_PLANT
    planted(frame);
#endif
    give(&endpoint, frame, now);
    for (std::size_t i = 0; i < 200; ++i) {
      Exact own(FrameEndpoint::kMinReply);
      const std::size_t bytes = endpoint.next_own(own, now);
      if (bytes == 0) break;
      require(i < 100);  // it comes to an end
      require_right(Bytes(own).first(bytes));
    }
    require(endpoint.neighbour_count() <= Neighbours::kCapacity);
  }
  return 0;
}
