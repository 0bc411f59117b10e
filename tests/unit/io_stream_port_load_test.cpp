// Many bytes and many streams, over real sockets: the same for every kind of port.
#include <CppUTest/TestHarness.h>

#include <set>

#include "rt_core/random.hpp"
#include "tests/unit/support/echo_server.hpp"
#include "tests/unit/support/port_rig.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::test;

TEST_GROUP(IoPlainPortLoad){};
TEST_GROUP(IoUringPortLoad){};

namespace {

std::string random_bytes(std::size_t length, std::uint64_t seed) {
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(rise::next_random(&seed));
  return bytes;
}

// Sends all of it in pieces of random length, as the queue takes them. False: it got stuck.
bool send_all(PortRig* rig, std::size_t stream, const std::string& bytes, std::uint64_t seed) {
  std::size_t at = 0;
  return rig->until([&] {
    while (at < bytes.size()) {
      const std::size_t piece = 1 + rise::next_random(&seed) % 8192;
      const std::string part = bytes.substr(at, piece);
      const std::int32_t rc = rig->send(stream, part);
      if (rc == RISE_E_AGAIN) return false;
      CHECK(rc == RISE_OK);
      at += part.size();
    }
    return true;
  });
}

}  // namespace

BOTH_PORTS(Load, BytesOfAnyLengthKeepTheirOrder) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  std::string all;
  std::uint64_t seed = 1;
  for (const std::size_t length :
       {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4095}, std::size_t{4096},
        std::size_t{4097}, std::size_t{8192}, std::size_t{8193}, std::size_t{65'536},
        std::size_t{204'800}}) {
    const std::string bytes = random_bytes(length, ++seed);
    all += bytes;
    CHECK(send_all(&rig, stream, bytes, seed));
    CHECK(rig.until([&] { return rig.streams[stream].received.size() >= all.size(); }));
    CHECK(rig.streams[stream].received == all);
  }
  LONGS_EQUAL(all.size(), rig.counters().bytes_sent);
  LONGS_EQUAL(all.size(), rig.counters().bytes_received);
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Load, SingleBytesArriveAsTheyWereSent) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string one(1, static_cast<char>(i));
    LONGS_EQUAL(RISE_OK, rig.send(stream, one));
    all += one;
    if (i % 3 == 0) rig.exchange();
  }
  CHECK(rig.until([&] { return server.bytes == all.size(); }));
  CHECK(server.received() == all);
}

BOTH_PORTS(Load, AFullQueueTakesNothingAndSaysSo) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  LONGS_EQUAL(RISE_E_AGAIN, rig.send(stream, std::string(8193, 'x')));
  LONGS_EQUAL(RISE_OK, rig.send(stream, std::string(8000, 'a')));
  LONGS_EQUAL(RISE_E_AGAIN, rig.send(stream, std::string(193, 'x')));
  LONGS_EQUAL(RISE_OK, rig.send(stream, std::string(192, 'b')));
  LONGS_EQUAL(RISE_E_AGAIN, rig.send(stream, "x"));
  LONGS_EQUAL(3, rig.counters().send_queue_full);
  const std::string expected = std::string(8000, 'a') + std::string(192, 'b');
  CHECK(rig.until([&] { return rig.streams[stream].received.size() >= expected.size(); }));
  CHECK(rig.streams[stream].received == expected);
  LONGS_EQUAL(RISE_OK, rig.send(stream, std::string(8192, 'c')));  // there is room again
}

BOTH_PORTS(Load, TheQueueWrapsAroundWithoutADifference) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  std::string all;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const std::string bytes = random_bytes(5000 + 37 * i % 3000, i);
    CHECK(rig.until([&] { return rig.send(stream, bytes) == RISE_OK; }));
    all += bytes;
  }
  CHECK(rig.until([&] { return rig.streams[stream].received.size() >= all.size(); }));
  CHECK(rig.streams[stream].received == all);
}

BOTH_PORTS(Load, APeerThatTalksMoreThanTheBuffersHoldIsHeardInFull) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind, 2);
  const std::size_t first = rig.connect(server.port());
  const std::size_t second = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 2; }));
  const std::string flood = random_bytes(3'000'000, 5);
  server.say(flood);
  ::usleep(50'000);  // let it pile up
  CHECK(rig.until([&] {
    return rig.streams[first].received.size() >= flood.size() &&
           rig.streams[second].received.size() >= flood.size();
  }));
  CHECK(rig.streams[first].received == flood);
  CHECK(rig.streams[second].received == flood);
}

BOTH_PORTS(Load, ManyStreamsAtOnce) {
  constexpr std::uint32_t kStreams = 200;
  EchoServer server;
  PortRig rig(kind, kStreams);
  for (std::uint32_t i = 0; i < kStreams; ++i) rig.open(server.port());
  LONGS_EQUAL(RISE_E_LIMIT, rig.port.open(rig.port.self, 0, "127.0.0.1", server.port(), 10));
  CHECK(rig.until([&] { return rig.counters().opened == kStreams; }));
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < kStreams; ++i) {
      LONGS_EQUAL(RISE_OK, rig.send(i, "stream " + std::to_string(i) + ";"));
    }
    rig.exchange();
  }
  for (std::size_t i = 0; i < kStreams; ++i) {
    const std::string one = "stream " + std::to_string(i) + ";";
    const std::string expected = one + one + one + one + one;
    CHECK(rig.until([&] { return rig.streams[i].received.size() >= expected.size(); }));
    CHECK(rig.streams[i].received == expected);
  }
  for (std::size_t i = 0; i < kStreams; ++i) LONGS_EQUAL(RISE_OK, rig.close(i));
  for (std::size_t i = 0; i < kStreams; ++i) CHECK(rig.until_closed(i));
  CHECK(rig.until([&] { return server.ends == static_cast<int>(kStreams); }));
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Load, NumbersAndDescriptorsAreUsedAnew) {
  EchoServer server;
  PortRig rig(kind, 4);
  rig.close(rig.connect(server.port()));
  CHECK(rig.until_closed(0));
  CHECK(rig.until([&] { return server.ends == 1; }));
  const std::size_t descriptors = open_descriptors();
  std::set<std::int32_t> numbers;
  for (int round = 0; round < 40; ++round) {
    const std::size_t first = rig.streams.size();
    for (int i = 0; i < 4; ++i) rig.open(server.port());
    for (std::size_t i = first; i < first + 4; ++i) {
      CHECK(rig.until([&] { return rig.streams[i].opened == 1; }));
      numbers.insert(rig.ids[i]);
      rig.send(i, std::to_string(i));
    }
    for (std::size_t i = first; i < first + 4; ++i) {
      CHECK(rig.until([&] { return rig.streams[i].received == std::to_string(i); }));
      rig.close(i);
    }
    for (std::size_t i = first; i < first + 4; ++i) CHECK(rig.until_closed(i));
  }
  LONGS_EQUAL(4, numbers.size());
  for (const std::int32_t number : numbers) CHECK(number >= 0 && number < 4);
  CHECK(rig.until([&] { return server.ends == 161; }));
  CHECK(rig.until([&] { return open_descriptors() <= descriptors; }));
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Load, ThePeersOfAPortThatEndsAreTold) {
  const std::size_t before = open_descriptors();
  {
    EchoServer server;
    PortRig rig(kind, 12);
    for (int i = 0; i < 4; ++i) rig.connect(server.port());
    rig.close(1);  // one is on its way out
    rig.exchange();
    for (int i = 0; i < 4; ++i) rig.open(server.port());  // and some are on their way in
    ::usleep(20'000);
    rig.end();
    for (int i = 0; i < 5000 && server.ends + server.resets < server.accepted; ++i) ::usleep(1000);
    CHECK(server.accepted >= 4);
    LONGS_EQUAL(server.accepted, server.ends + server.resets);
  }
  for (int i = 0; i < 5000 && open_descriptors() > before; ++i) ::usleep(1000);
  LONGS_EQUAL(before, open_descriptors());
}
