// A host of one address: what it takes, what it answers, what it sends by itself.
#include "rt_core/io/frame_endpoint.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/frames.hpp"

using namespace rise::io;
using namespace rise::test;
using Meaning = FrameEndpoint::Meaning;
using Route = FrameEndpoint::Route;

namespace {

constexpr std::uint32_t kGroup = 0xefff0102;  // 239.255.1.2
constexpr std::uint32_t kGateway = 0x0a4d00fe;
constexpr std::int64_t kSecond = 1'000'000'000;

EndpointSettings settings(std::uint16_t vlan = 0) {
  return {kOurMac, kOurAddress, 24, kGateway, vlan};
}

}  // namespace

TEST_GROUP(IoFrameEndpoint) {
  FrameMaker maker;
  FrameEndpoint endpoint{settings()};
  std::string error;
  std::vector<std::uint8_t> reply = std::vector<std::uint8_t>(2048);
  FrameEndpoint::Received received;
  std::int64_t now = kSecond;

  std::int32_t declare(std::uint16_t port, std::uint32_t group = 0, std::uint32_t address = 0) {
    DatagramSpec spec;
    spec.port = port;
    spec.group = group;
    spec.address = address;
    return endpoint.declare(spec, &error);
  }
  Meaning receive(const Frame& frame) {
    received = endpoint.receive(frame, reply, now);
    return received.meaning;
  }
  std::vector<Frame> own_frames() {
    std::vector<Frame> out;
    for (;;) {
      Frame frame(64);
      frame.resize(endpoint.next_own(frame, now));
      if (frame.empty()) return out;
      out.push_back(frame);
    }
  }
};

TEST(IoFrameEndpoint, ADatagramFindsItsPort) {
  LONGS_EQUAL(0, declare(kOurPort));
  LONGS_EQUAL(1, declare(6000));
  LONGS_EQUAL(2, declare(8000, 0, kOurAddress));
  for (const auto& [number, id] : {std::pair{kOurPort, 0}, {std::uint16_t{6000}, 1}}) {
    maker.header.to_port = number;
    CHECK(receive(maker.udp("hello")) == Meaning::Datagram);
    LONGS_EQUAL(id, received.port);
    LONGS_EQUAL(5, received.payload.size());
    LONGS_EQUAL(kPeerAddress, received.from.address);
    LONGS_EQUAL(kPeerPort, received.from.port);
  }
  for (const std::uint16_t number : {std::uint16_t{1}, std::uint16_t{6001}, std::uint16_t{65535}}) {
    maker.header.to_port = number;
    CHECK(receive(maker.udp("hello")) == Meaning::Nothing);
  }
  LONGS_EQUAL(3, endpoint.counters().unclaimed);
}

TEST(IoFrameEndpoint, WrongDeclarationsAreRefusedWithAReason) {
  LONGS_EQUAL(-1, declare(0));
  LONGS_EQUAL(-1, declare(7000, 0, kPeerAddress));
  CHECK(error.find("not the one") != std::string::npos);
  LONGS_EQUAL(-1, declare(7000, kPeerAddress));
  CHECK(error.find("224.0.0.0/4") != std::string::npos);
  LONGS_EQUAL(0, declare(7000));
  LONGS_EQUAL(-1, declare(7000));
  LONGS_EQUAL(-1, declare(7000, kGroup));
  CHECK(error.find("already taken") != std::string::npos);
  LONGS_EQUAL(1, declare(7001, kGroup));
  LONGS_EQUAL(2, declare(7001, kGroup + 1));
  LONGS_EQUAL(-1, declare(7001, kGroup));
}

TEST(IoFrameEndpoint, FramesForOthersAreIgnored) {
  declare(kOurPort);
  FrameMaker other = maker;
  other.link.to = {{2, 0, 0, 0, 0, 9}};
  CHECK(receive(other.udp("x")) == Meaning::Nothing);
  other = maker;
  other.header.to = kPeerAddress + 1;
  CHECK(receive(other.udp("x")) == Meaning::Nothing);
  other = maker;
  other.link.from = kOurMac;  // our own, come back
  CHECK(receive(other.udp("x")) == Meaning::Nothing);
  other = maker;
  other.link.to = packet::kBroadcastMac;  // to us alone, but by everybody's Ethernet address
  CHECK(receive(other.udp("x")) == Meaning::Nothing);
  other = maker;
  other.header.to = kGroup;
  other.link.to = packet::multicast_mac(kGroup);
  CHECK(receive(other.udp("x")) == Meaning::Nothing);  // not joined
  Frame ipv6 = maker.udp("x");
  set16(&ipv6, 12, 0x86dd);
  CHECK(receive(ipv6) == Meaning::Nothing);
  LONGS_EQUAL(6, endpoint.counters().foreign);
}

TEST(IoFrameEndpoint, MalformedFramesForOthersAreNotOurs) {
  Frame frame = maker.udp("x");
  frame[25] ^= 1;
  CHECK(receive(frame) == Meaning::Refused);
  CHECK(received.fault == packet::Fault::HeaderChecksum);
  frame[5] ^= 1;
  CHECK(receive(frame) == Meaning::Nothing);
  LONGS_EQUAL(1,
              endpoint.counters().faults[static_cast<std::size_t>(packet::Fault::HeaderChecksum)]);
}

TEST(IoFrameEndpoint, BroadcastsAreTaken) {
  declare(kOurPort);
  maker.link.to = packet::kBroadcastMac;
  for (const std::uint32_t to : {packet::kBroadcastAddress, kOurAddress | 0xffu}) {
    maker.header.to = to;
    CHECK(receive(maker.udp("x")) == Meaning::Datagram);
  }
}

TEST(IoFrameEndpoint, GroupsGoToThePortThatHasJoined) {
  CHECK(!endpoint.wants_groups());
  declare(7001, kGroup);
  declare(7001, kGroup + 1);
  declare(7002);
  CHECK(endpoint.wants_groups());
  for (const std::uint32_t i : {0u, 1u}) {
    maker.header.to = kGroup + i;
    maker.link.to = packet::multicast_mac(kGroup + i);
    maker.header.to_port = 7001;
    CHECK(receive(maker.udp("x")) == Meaning::Datagram);
    LONGS_EQUAL(i, received.port);
    maker.header.to_port = 7002;
    CHECK(receive(maker.udp("x")) == Meaning::Nothing);
  }
}

TEST(IoFrameEndpoint, MembershipIsReportedAtOnceAndEveryMinute) {
  declare(7001, kGroup);
  declare(7002, kGroup);
  declare(7003, kGroup + 1);
  LONGS_EQUAL(3, own_frames().size());  // with the announcement
  now += 59 * kSecond;
  LONGS_EQUAL(0, own_frames().size());
  now += kSecond;
  LONGS_EQUAL(2, own_frames().size());
}

TEST(IoFrameEndpoint, VlanDecidesWhatCounts) {
  declare(kOurPort);
  for (const std::uint16_t tag : {std::uint16_t{0}, std::uint16_t{5}, std::uint16_t{4095}}) {
    CHECK(receive(tagged(maker.udp("x"), 0x8100, tag)) == Meaning::Datagram);
  }
  endpoint = FrameEndpoint(settings(5));
  declare(kOurPort);
  CHECK(receive(maker.udp("x")) == Meaning::Nothing);
  CHECK(receive(tagged(maker.udp("x"), 0x8100, 6)) == Meaning::Nothing);
  CHECK(receive(tagged(maker.udp("x"), 0x8100, 5)) == Meaning::Datagram);
  CHECK(receive(tagged(maker.arp(true, kPeerAddress, kOurAddress), 0x8100, 5)) == Meaning::Answer);
  packet::Ethernet answer;
  CHECK(packet::read_ethernet(packet::Bytes(reply).first(received.reply_bytes), &answer) ==
        packet::Fault::None);
  LONGS_EQUAL(5, answer.vlan);
}

TEST(IoFrameEndpoint, ArpForUsIsAnsweredAndTheAskerLearned) {
  maker.link.to = packet::kBroadcastMac;
  CHECK(receive(maker.arp(true, kPeerAddress, kOurAddress)) == Meaning::Answer);
  const packet::Bytes frame = packet::Bytes(reply).first(received.reply_bytes);
  packet::Ethernet ethernet;
  packet::Arp arp;
  CHECK(packet::read_ethernet(frame, &ethernet) == packet::Fault::None);
  CHECK(packet::read_arp(ethernet.payload, &arp) == packet::Fault::None);
  CHECK(ethernet.to == kPeerMac);
  CHECK(!arp.request);
  CHECK(arp.sender_mac == kOurMac);
  LONGS_EQUAL(kOurAddress, arp.sender);
  LONGS_EQUAL(kPeerAddress, arp.target);
  packet::Mac mac;
  CHECK(endpoint.route(kPeerAddress, now, &mac) == Route::Ready);
  CHECK(mac == kPeerMac);
  // For somebody else, and without room for the answer.
  CHECK(receive(maker.arp(true, kPeerAddress + 1, kPeerAddress + 2)) == Meaning::Nothing);
  CHECK(endpoint.route(kPeerAddress + 1, now, &mac) == Route::Unknown);
  CHECK(endpoint.receive(maker.arp(true, kPeerAddress, kOurAddress), {}, now).meaning ==
        Meaning::Nothing);
}

TEST(IoFrameEndpoint, WhoProbesForOurAddressIsToldAndNotLearned) {
  CHECK(receive(maker.arp(true, 0, kOurAddress)) == Meaning::Answer);
  LONGS_EQUAL(0, endpoint.neighbour_count());
  CHECK(receive(maker.arp(true, kOurAddress, kOurAddress)) == Meaning::Nothing);
  LONGS_EQUAL(1, endpoint.counters().conflicts);
  LONGS_EQUAL(0, endpoint.neighbour_count());
}

TEST(IoFrameEndpoint, StrangersOfOtherNetworksAreNotLearned) {
  for (const std::uint32_t address : {0x08080808u, kOurAddress | 0xffu, 0xffffffffu}) {
    receive(maker.arp(true, address, kOurAddress));
  }
  LONGS_EQUAL(0, endpoint.neighbour_count());
}

TEST(IoFrameEndpoint, RoutesGoToNeighboursOrThroughTheGateway) {
  packet::Mac mac;
  CHECK(endpoint.route(packet::kBroadcastAddress, now, &mac) == Route::Ready);
  CHECK(mac == packet::kBroadcastMac);
  CHECK(endpoint.route(kOurAddress | 0xff, now, &mac) == Route::Ready);
  CHECK(mac == packet::kBroadcastMac);
  CHECK(endpoint.route(kGroup, now, &mac) == Route::Ready);
  CHECK(mac == packet::multicast_mac(kGroup));
  for (const std::uint32_t to : {kOurAddress, 0x7f000001u, 0u}) {
    CHECK(endpoint.route(to, now, &mac) == Route::None);
  }
  LONGS_EQUAL(1, own_frames().size());  // the announcement
  CHECK(endpoint.route(0x08080808, now, &mac) == Route::Unknown);
  const std::vector<Frame> questions = own_frames();
  LONGS_EQUAL(1, questions.size());
  packet::Ethernet ethernet;
  packet::Arp arp;
  packet::read_ethernet(questions[0], &ethernet);
  CHECK(packet::read_arp(ethernet.payload, &arp) == packet::Fault::None);
  CHECK(ethernet.to == packet::kBroadcastMac);
  CHECK(arp.request);
  LONGS_EQUAL(kGateway, arp.target);
  receive(maker.arp(false, kGateway, kOurAddress));
  CHECK(endpoint.route(0x08080808, now, &mac) == Route::Ready);
  EndpointSettings lonely = settings();
  lonely.gateway = 0;
  FrameEndpoint other(lonely);
  CHECK(other.route(0x08080808, now, &mac) == Route::None);
}

TEST(IoFrameEndpoint, WhatItFramesItsPeerReads) {
  declare(kOurPort);
  for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{9}}) {
    endpoint = FrameEndpoint(settings(vlan));
    declare(kOurPort);
    Frame frame(128);
    const std::string text = "payload";
    std::copy(text.begin(), text.end(),
              frame.begin() + static_cast<std::ptrdiff_t>(endpoint.header_bytes()));
    frame.resize(
        endpoint.frame_datagram(frame, 0, {kPeerAddress, kPeerPort, 0}, kPeerMac, text.size()));
    FrameEndpoint peer({kPeerMac, kPeerAddress, 24, 0, vlan});
    DatagramSpec spec;
    spec.port = kPeerPort;
    LONGS_EQUAL(0, peer.declare(spec, &error));
    const auto heard = peer.receive(frame, reply, now);
    CHECK(heard.meaning == Meaning::Datagram);
    LONGS_EQUAL(kOurAddress, heard.from.address);
    LONGS_EQUAL(kOurPort, heard.from.port);
    CHECK((std::string(heard.payload.begin(), heard.payload.end()) == text));
  }
}

TEST(IoFrameEndpoint, ToGroupsOnlyWithinTheNetwork) {
  declare(kOurPort);
  for (const auto& [to, ttl] : {std::pair{kGroup, 1}, {kPeerAddress, 64}}) {
    Frame frame(64);
    frame.resize(endpoint.frame_datagram(frame, 0, {to, kPeerPort, 0}, kPeerMac, 4));
    packet::Ethernet ethernet;
    packet::Ipv4 ipv4;
    packet::read_ethernet(frame, &ethernet);
    CHECK(packet::read_ipv4(ethernet.payload, &ipv4) == packet::Fault::None);
    LONGS_EQUAL(ttl, ipv4.ttl);
  }
}

TEST(IoFrameEndpoint, EchoesAreAnsweredToWhomTheyCameFrom) {
  Frame frame = maker.udp(std::string(24, '\0'));  // 32 bytes behind the IPv4 header
  frame[23] = packet::kProtocolIcmp;
  repair_ipv4(&frame);
  std::fill(frame.begin() + 34, frame.end(), std::uint8_t{0});
  frame[34] = 8;
  set16(&frame, 36, 0xf7ff);
  CHECK(receive(frame) == Meaning::Answer);
  CHECK(received.reply_bytes <= frame.size() + 4);
  packet::Ethernet ethernet;
  packet::Ipv4 ipv4;
  packet::read_ethernet(packet::Bytes(reply).first(received.reply_bytes), &ethernet);
  CHECK(packet::read_ipv4(ethernet.payload, &ipv4) == packet::Fault::None);
  CHECK(ethernet.to == kPeerMac);
  LONGS_EQUAL(kPeerAddress, ipv4.to);
  LONGS_EQUAL(0xffff, packet::checksum(ipv4.payload));
  frame[34] = 0;  // a reply is none of our business
  set16(&frame, 36, 0xffff);
  CHECK(receive(frame) == Meaning::Nothing);
  frame[40] = 1;
  CHECK(receive(frame) == Meaning::Refused);
}

// ---- TCP, which is spoken elsewhere

TEST(IoFrameEndpoint, WithoutTcpItsSegmentsAreForeign) {
  CHECK(receive(maker.tcp("hello")) == Meaning::Nothing);
  LONGS_EQUAL(1, endpoint.counters().foreign);
}

TEST(IoFrameEndpoint, ASegmentIsHandedOnAsAWholePacketWithoutPadding) {
  endpoint.take_segments();
  const Frame right = maker.tcp("hi");
  Frame padded = right;
  padded.resize(60, 0xee);
  for (const Frame& frame : {right, padded, tagged(padded, 0x8100, 9)}) {
    CHECK(receive(frame) == Meaning::Segment);
    LONGS_EQUAL(right.size() - 14, received.payload.size());
    CHECK(std::equal(received.payload.begin(), received.payload.end(), right.begin() + 14));
    CHECK(received.payload.data() >= frame.data());
    LONGS_EQUAL(0, received.reply_bytes);
  }
}

TEST(IoFrameEndpoint, SegmentsForOthersAreIgnored) {
  endpoint.take_segments();
  FrameMaker other = maker;
  other.header.to = kPeerAddress + 1;
  CHECK(receive(other.tcp("x")) == Meaning::Nothing);
  other.header.to = packet::kBroadcastAddress;
  CHECK(receive(other.tcp("x")) == Meaning::Nothing);
  other.header.to = kOurAddress | 0xff;
  CHECK(receive(other.tcp("x")) == Meaning::Nothing);
  declare(7001, kGroup);
  other.header.to = kGroup;
  other.link.to = packet::multicast_mac(kGroup);
  CHECK(receive(other.tcp("x")) == Meaning::Nothing);
  FrameMaker broadcast = maker;
  broadcast.link.to = packet::kBroadcastMac;
  CHECK(receive(broadcast.tcp("x")) == Meaning::Nothing);
  FrameMaker nobody = maker;
  nobody.header.from = 0;
  CHECK(receive(nobody.tcp("x")) == Meaning::Nothing);
  LONGS_EQUAL(6, endpoint.counters().foreign);
}

TEST(IoFrameEndpoint, WrongSegmentsAreRefusedByName) {
  endpoint.take_segments();
  const auto faults = [&](packet::Fault fault) {
    return endpoint.counters().faults[static_cast<std::size_t>(fault)];
  };
  Frame checksum = maker.tcp("hello");
  checksum.back() ^= 1;
  CHECK(receive(checksum) == Meaning::Refused);
  LONGS_EQUAL(1, faults(packet::Fault::TcpChecksum));
  Frame header = maker.tcp("hello");
  header[46] = 0x40;
  repair_tcp(&header);
  CHECK(receive(header) == Meaning::Refused);
  LONGS_EQUAL(1, faults(packet::Fault::TcpHeader));
  Frame fragment = maker.tcp("hello");
  set16(&fragment, 20, 0x2000);
  repair_ipv4(&fragment);
  CHECK(receive(fragment) == Meaning::Refused);
  LONGS_EQUAL(1, faults(packet::Fault::Fragment));
  FrameMaker impossible = maker;
  impossible.header.from = 0x7f000001;
  CHECK(receive(impossible.tcp("hello")) == Meaning::Refused);
  LONGS_EQUAL(1, faults(packet::Fault::Source));
  const Frame whole = maker.tcp("hello");
  for (std::size_t length = 14; length < whole.size(); ++length) {
    CHECK(receive(Frame(whole.begin(), whole.begin() + static_cast<long>(length))) ==
          Meaning::Refused);
  }
  LONGS_EQUAL(whole.size() - 14, faults(packet::Fault::Truncated));
}

TEST(IoFrameEndpoint, APacketFromElsewhereGetsItsLink) {
  FrameEndpoint plain{settings()};
  FrameEndpoint tagging{settings(5)};
  Frame frame(100);
  LONGS_EQUAL(14, plain.link_bytes());
  LONGS_EQUAL(14, plain.frame_packet(frame, kPeerMac));
  LONGS_EQUAL(18, tagging.link_bytes());
  LONGS_EQUAL(18, tagging.frame_packet(frame, kPeerMac));
  packet::Ethernet ethernet;
  CHECK(packet::read_ethernet(frame, &ethernet) == packet::Fault::None);
  CHECK(ethernet.to == kPeerMac);
  CHECK(ethernet.from == kOurMac);
  LONGS_EQUAL(5, ethernet.vlan);
}
