// Packets to the byte: what is right is read, what is wrong is refused, at every length.
#include "rt_core/io/packet.hpp"

#include <CppUTest/TestHarness.h>

#include <memory>

#include "drivers/sdk/rise_driver.h"
#include "tests/unit/support/frames.hpp"

using namespace rise::io::packet;
using namespace rise::test;

namespace {

// All layers, as the endpoint does it.
Fault read_all(Bytes frame, Ethernet* ethernet, Ipv4* ipv4, Udp* udp) {
  Fault fault = read_ethernet(frame, ethernet);
  if (fault == Fault::None) fault = read_ipv4(ethernet->payload, ipv4);
  if (fault == Fault::None) fault = read_udp(*ipv4, udp);
  return fault;
}

Fault fault_of(const Frame& frame) {
  // In memory of its own size: AddressSanitizer sees one byte too far.
  const auto exact = std::make_unique<std::uint8_t[]>(frame.size());
  std::copy(frame.begin(), frame.end(), exact.get());
  Ethernet ethernet;
  Ipv4 ipv4;
  Udp udp;
  return read_all({exact.get(), frame.size()}, &ethernet, &ipv4, &udp);
}

void check_fault(Fault expected, const Frame& frame) {
  STRCMP_EQUAL(to_string(expected), to_string(fault_of(frame)));
}

}  // namespace

TEST_GROUP(IoPacket) {
  FrameMaker maker;
  Ethernet ethernet;
  Ipv4 ipv4;
  Udp udp;

  std::string payload() const { return {udp.payload.begin(), udp.payload.end()}; }
};

TEST(IoPacket, WhatWasWrittenIsReadAgain) {
  const Frame frame = maker.udp("hello");
  LONGS_EQUAL(kMinUdpBytes + 5, frame.size());
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  CHECK(ethernet.to == kOurMac);
  CHECK(ethernet.from == kPeerMac);
  LONGS_EQUAL(0, ethernet.tags);
  LONGS_EQUAL(kPeerAddress, ipv4.from);
  LONGS_EQUAL(kOurAddress, ipv4.to);
  LONGS_EQUAL(64, ipv4.ttl);
  LONGS_EQUAL(kPeerPort, udp.from_port);
  LONGS_EQUAL(kOurPort, udp.to_port);
  STRCMP_EQUAL("hello", payload().c_str());
}

TEST(IoPacket, PayloadsOfEveryLengthKeepTheirChecksum) {
  std::string text;
  for (std::size_t length = 0; length <= RISE_DATAGRAM_MAX; ++length) {
    const Frame frame = maker.udp(text);
    LONGS_EQUAL(kMinUdpBytes + length, frame.size());
    CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
    LONGS_EQUAL(length, udp.payload.size());
    text.push_back(static_cast<char>(length * 7 + 1));
  }
}

TEST(IoPacket, EveryTruncatedFrameIsRefused) {
  maker.link.vlan = 12;
  const Frame whole = maker.udp("some payload");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    check_fault(Fault::Truncated, Frame(whole.begin(), whole.begin() + static_cast<long>(length)));
  }
  check_fault(Fault::None, whole);
}

// Checksums find every single wrong byte but those that have none: Ethernet addresses.
TEST(IoPacket, EveryChangedByteIsFoundOrDoesNotMatter) {
  const Frame whole = maker.udp("some payload");
  for (std::size_t at = 14; at < whole.size(); ++at) {
    for (const unsigned change : {0x01u, 0x10u, 0x80u, 0xffu}) {
      Frame wrong = whole;
      wrong[at] = static_cast<std::uint8_t>(wrong[at] ^ change);
      // Both bytes of the checksum 0 would mean that there is none; it is not, for this payload.
      CHECK_TEXT(fault_of(wrong) != Fault::None, ("byte " + std::to_string(at)).c_str());
    }
  }
}

TEST(IoPacket, PaddingOfShortFramesIsNotPayload) {
  Frame frame = maker.udp("x");
  frame.resize(60, 0xee);
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  STRCMP_EQUAL("x", payload().c_str());
}

TEST(IoPacket, TagsAreSkippedAndTheOuterOneIsTold) {
  const Frame plain = maker.udp("tagged");
  Frame frame = tagged(plain, 0x8100, 0x6000 | 12);  // priority 3
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  LONGS_EQUAL(12, ethernet.vlan);
  LONGS_EQUAL(1, ethernet.tags);
  STRCMP_EQUAL("tagged", payload().c_str());
  for (const auto outer : std::initializer_list<std::uint16_t>{0x88a8, 0x9100, 0x8100}) {
    const Frame twice = tagged(frame, outer, 77);
    CHECK(read_all(twice, &ethernet, &ipv4, &udp) == Fault::None);
    LONGS_EQUAL(77, ethernet.vlan);
    LONGS_EQUAL(2, ethernet.tags);
    check_fault(Fault::Tags, tagged(twice, 0x88a8, 1));
  }
}

TEST(IoPacket, TheTagThatWeWriteIsRead) {
  maker.link.vlan = 4094;
  const Frame frame = maker.udp("x");
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  LONGS_EQUAL(4094, ethernet.vlan);
}

TEST(IoPacket, OptionsAreSkipped) {
  Frame frame = maker.udp("options");
  frame.insert(frame.begin() + 34, {1, 1, 1, 0, 7, 4, 0, 0});
  frame[14] = 0x47;
  set16(&frame, 16, static_cast<std::uint32_t>(frame.size() - 14));
  repair_ipv4(&frame);
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  STRCMP_EQUAL("options", payload().c_str());
  frame[14] = 0x44;  // header of 16 bytes
  check_fault(Fault::HeaderLength, frame);
  frame.resize(14 + 24);
  frame[14] = 0x47;  // options beyond the frame
  check_fault(Fault::HeaderLength, frame);
}

TEST(IoPacket, OnlyVersionFour) {
  Frame frame = maker.udp("x");
  frame[14] = 0x65;
  check_fault(Fault::Version, frame);
}

TEST(IoPacket, TheTotalLengthIsNotBelieved) {
  for (const std::uint32_t total : {0u, 19u}) {
    Frame frame = maker.udp("x");
    set16(&frame, 16, total);
    repair_ipv4(&frame);
    check_fault(Fault::TotalLength, frame);
  }
  for (const std::uint32_t total : {30u, 1500u, 65535u}) {
    Frame frame = maker.udp("x");
    set16(&frame, 16, total);
    repair_ipv4(&frame);
    check_fault(Fault::Truncated, frame);
  }
}

TEST(IoPacket, FragmentsAreRefused) {
  for (const std::uint32_t flags : {0x2000u, 0x2001u, 0x0001u, 0x1fffu, 0x4001u}) {
    Frame frame = maker.udp("part");
    set16(&frame, 20, flags);
    repair_ipv4(&frame);
    check_fault(Fault::Fragment, frame);
  }
  for (const std::uint32_t flags : {0x0000u, 0x4000u, 0x8000u}) {
    Frame frame = maker.udp("whole");
    set16(&frame, 20, flags);
    repair_ipv4(&frame);
    check_fault(Fault::None, frame);
  }
}

TEST(IoPacket, NobodySendsFromImpossibleAddresses) {
  for (const std::uint32_t from : {0xffffffffu, 0xe0000001u, 0xefffffffu, 0x7f000001u}) {
    maker.header.from = from;
    check_fault(Fault::Source, maker.udp("x"));
  }
  maker.header.from = 0;
  check_fault(Fault::None, maker.udp("x"));
}

TEST(IoPacket, TheUdpLengthIsNotBelieved) {
  for (const std::uint32_t length : {0u, 7u, 14u, 65535u}) {
    Frame frame = maker.udp("12345");  // 13
    set16(&frame, 38, length);
    set16(&frame, 40, 0);
    check_fault(Fault::UdpLength, frame);
  }
}

TEST(IoPacket, ChecksumZeroMeansNone) {
  Frame frame = maker.udp("unchecked");
  set16(&frame, 40, 0);
  frame.back() ^= 0xff;
  CHECK(read_all(frame, &ethernet, &ipv4, &udp) == Fault::None);
  LONGS_EQUAL(9, udp.payload.size());
}

// The one payload among 65536 whose sum comes out as 0 must not be taken for "none".
TEST(IoPacket, AChecksumOfZeroIsSentAsItsOtherName) {
  bool seen = false;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const std::string text = {static_cast<char>(i >> 8), static_cast<char>(i)};
    const Frame frame = maker.udp(text);
    CHECK(frame[40] != 0 || frame[41] != 0);
    if (frame[40] != 0xff || frame[41] != 0xff) continue;
    seen = true;
    check_fault(Fault::None, frame);
  }
  CHECK(seen);
}

TEST(IoPacket, NoMorePayloadThanDriversExpect) {
  Frame frame = maker.udp(std::string(RISE_DATAGRAM_MAX, 'x'));
  check_fault(Fault::None, frame);
  frame.push_back('x');
  set16(&frame, 16, static_cast<std::uint32_t>(frame.size() - 14));
  set16(&frame, 38, static_cast<std::uint32_t>(frame.size() - 34));
  set16(&frame, 40, 0);
  repair_ipv4(&frame);
  check_fault(Fault::TooLong, frame);
  std::vector<std::uint8_t> room(2048);
  LONGS_EQUAL(0, write_udp(room, maker.link, maker.header, RISE_DATAGRAM_MAX + 1));
}

TEST(IoPacket, NothingIsWrittenBeyondItsRoom) {
  std::vector<std::uint8_t> room(64);
  for (std::size_t size = 0; size < kMinUdpBytes; ++size) {
    LONGS_EQUAL(0, write_udp(Room(room).first(size), maker.link, maker.header, 0));
  }
  LONGS_EQUAL(kMinUdpBytes, write_udp(Room(room).first(kMinUdpBytes), maker.link, maker.header, 0));
  LONGS_EQUAL(0, write_arp(Room(room).first(41), maker.link, {}));
  LONGS_EQUAL(42, write_arp(Room(room).first(42), maker.link, {}));
  LONGS_EQUAL(0, write_membership(Room(room).first(45), maker.link, kOurAddress, 0xef000001));
  LONGS_EQUAL(46, write_membership(Room(room).first(46), maker.link, kOurAddress, 0xef000001));
}

TEST(IoPacket, ArpIsReadAgainAndEveryTruncationRefused) {
  const Frame frame = maker.arp(true, kPeerAddress, kOurAddress);
  CHECK(read_ethernet(frame, &ethernet) == Fault::None);
  LONGS_EQUAL(kTypeArp, ethernet.type);
  Arp arp;
  CHECK(read_arp(ethernet.payload, &arp) == Fault::None);
  CHECK(arp.request);
  CHECK(arp.sender_mac == kPeerMac);
  LONGS_EQUAL(kPeerAddress, arp.sender);
  LONGS_EQUAL(kOurAddress, arp.target);
  for (std::size_t length = 0; length < ethernet.payload.size(); ++length) {
    CHECK(read_arp(ethernet.payload.first(length), &arp) == Fault::Truncated);
  }
}

TEST(IoPacket, OnlyArpForEthernetAndIpv4) {
  const Frame whole = maker.arp(false, kPeerAddress, kOurAddress);
  struct Change {
    std::size_t at;
    std::uint8_t value;
  };
  // hardware, protocol, lengths, operation 3, group address as the sender's
  for (const Change change : {Change{15, 6}, {16, 0x86}, {18, 8}, {19, 16}, {21, 3}, {22, 3}}) {
    Frame frame = whole;
    frame[change.at] = change.value;
    Arp arp;
    CHECK(read_ethernet(frame, &ethernet) == Fault::None);
    CHECK_TEXT(read_arp(ethernet.payload, &arp) == Fault::Arp, std::to_string(change.at).c_str());
  }
}

TEST(IoPacket, EchoIsAnsweredWithTheSameBytes) {
  const std::uint8_t request[] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c'};
  std::vector<std::uint8_t> message(request, request + sizeof request);
  const auto sum = static_cast<std::uint16_t>(~checksum(message));
  std::memcpy(&message[2], &sum, sizeof sum);
  Ipv4 packet;
  packet.protocol = kProtocolIcmp;
  packet.payload = message;
  Echo echo;
  CHECK(read_echo(packet, &echo) == Fault::None);
  CHECK(echo.request);
  std::vector<std::uint8_t> room(128);
  const std::size_t length = write_echo_reply(room, maker.link, kOurAddress, kPeerAddress, echo);
  LONGS_EQUAL(34 + sizeof request, length);
  CHECK(read_ethernet(Bytes(room).first(length), &ethernet) == Fault::None);
  CHECK(read_ipv4(ethernet.payload, &ipv4) == Fault::None);
  LONGS_EQUAL(kPeerAddress, ipv4.to);
  CHECK(read_echo(ipv4, &echo) == Fault::None);
  CHECK(!echo.request);
  MEMCMP_EQUAL(request + 4, echo.message.data() + 4, sizeof request - 4);
  message[9] ^= 1;
  CHECK(read_echo(packet, &echo) == Fault::Icmp);
  for (std::size_t size = 0; size < 8; ++size) {
    packet.payload = Bytes(message).first(size);
    CHECK(read_echo(packet, &echo) == Fault::Truncated);
  }
}

// RFC 2236, with the checksum worked out by hand.
TEST(IoPacket, AMembershipReport) {
  std::vector<std::uint8_t> room(64);
  const std::size_t length = write_membership(room, maker.link, kOurAddress, 0xefff0102);
  LONGS_EQUAL(46, length);
  CHECK(read_ethernet(Bytes(room).first(length), &ethernet) == Fault::None);
  CHECK((ethernet.to == Mac{{0x01, 0x00, 0x5e, 0x7f, 0x01, 0x02}}));
  CHECK(read_ipv4(ethernet.payload, &ipv4) == Fault::None);
  LONGS_EQUAL(1, ipv4.ttl);
  LONGS_EQUAL(2, ipv4.protocol);
  LONGS_EQUAL(0xffff, checksum(ipv4.payload));
  const std::uint8_t report[] = {0x16, 0x00, 0xf8, 0xfd, 0xef, 0xff, 0x01, 0x02};
  MEMCMP_EQUAL(report, ipv4.payload.data(), sizeof report);
}

// RFC 1071, section 3: the sum of these is 0xddf2.
TEST(IoPacket, TheChecksumOfTheStandard) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  const std::uint16_t sum = checksum(bytes);
  std::uint8_t stored[2];
  std::memcpy(stored, &sum, 2);
  LONGS_EQUAL(0xdd, stored[0]);
  LONGS_EQUAL(0xf2, stored[1]);
}

// ---- TCP

namespace {

Fault tcp_fault_of(const Frame& frame) {
  const auto exact = std::make_unique<std::uint8_t[]>(frame.size());
  std::copy(frame.begin(), frame.end(), exact.get());
  Ethernet ethernet;
  Ipv4 ipv4;
  Fault fault = read_ethernet({exact.get(), frame.size()}, &ethernet);
  if (fault == Fault::None) fault = read_ipv4(ethernet.payload, &ipv4);
  return fault == Fault::None ? check_tcp(ipv4) : fault;
}

void check_tcp_fault(Fault expected, const Frame& frame) {
  STRCMP_EQUAL(to_string(expected), to_string(tcp_fault_of(frame)));
}

}  // namespace

TEST(IoPacket, SegmentsOfEveryLengthAreWhole) {
  for (std::size_t length = 0; length <= 1460; ++length) {
    check_tcp_fault(Fault::None, maker.tcp(std::string(length, static_cast<char>(length))));
  }
}

TEST(IoPacket, EveryDamagedBitOfASegmentIsSeen) {
  const Frame whole = maker.tcp("some payload", 0x18);
  for (std::size_t at = 26; at < whole.size(); ++at) {  // the addresses count, too
    for (int bit = 0; bit < 8; ++bit) {
      Frame wrong = whole;
      wrong[at] = static_cast<std::uint8_t>(wrong[at] ^ 1 << bit);
      if (at < 34) repair_ipv4(&wrong);
      CHECK(tcp_fault_of(wrong) != Fault::None);
    }
  }
}

TEST(IoPacket, ASegmentsHeaderMustBeWithinIt) {
  for (std::uint32_t words = 0; words < 16; ++words) {
    Frame frame = maker.tcp("12345678");
    frame[46] = static_cast<std::uint8_t>(words << 4);
    repair_tcp(&frame);
    check_tcp_fault(words < 5 || words > 7 ? Fault::TcpHeader : Fault::None, frame);
  }
}

TEST(IoPacket, SegmentsThatAreTooShortAreRefused) {
  for (std::uint32_t length = 0; length < 20; ++length) {
    Frame frame = maker.tcp("");
    frame.resize(34 + length);
    set16(&frame, 16, 20 + length);
    repair_ipv4(&frame);
    check_tcp_fault(Fault::Truncated, frame);
  }
}

TEST(IoPacket, TheLinkBeforeAForeignPacket) {
  Frame frame(64, 0xee);
  LONGS_EQUAL(14, write_ipv4_link(frame, {kPeerMac, kOurMac, 0}));
  CHECK(read_ethernet(frame, &ethernet) == Fault::None);
  CHECK(ethernet.to == kPeerMac);
  CHECK(ethernet.from == kOurMac);
  LONGS_EQUAL(kTypeIpv4, ethernet.type);
  LONGS_EQUAL(0xee, frame[14]);
  LONGS_EQUAL(18, write_ipv4_link(frame, {kPeerMac, kOurMac, 5}));
  CHECK(read_ethernet(frame, &ethernet) == Fault::None);
  LONGS_EQUAL(5, ethernet.vlan);
  Frame little(17);
  LONGS_EQUAL(0, write_ipv4_link(little, {kPeerMac, kOurMac, 5}));
}
