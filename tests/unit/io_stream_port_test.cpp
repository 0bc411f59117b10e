// How streams begin and end, over real sockets: the same for every kind of port.
#include "rt_core/io/stream_port.hpp"

#include <CppUTest/TestHarness.h>
#include <netdb.h>

#include "tests/unit/support/echo_server.hpp"
#include "tests/unit/support/port_rig.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::test;

TEST_GROUP(IoPlainPortLife){};
TEST_GROUP(IoUringPortLife){};

namespace {

// The address to which "localhost" resolves first.
std::string localhost() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* address = nullptr;
  char text[64] = "";
  if (::getaddrinfo("localhost", nullptr, &hints, &address) != 0) return "";
  ::getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text, nullptr, 0,
                NI_NUMERICHOST);
  ::freeaddrinfo(address);
  return text;
}

std::string ipv6_missing() {
  std::uint16_t port = 0;
  const int fd = listen_on("::1", 1, &port);
  if (fd >= 0) ::close(fd);
  return fd >= 0 ? "" : "no IPv6 loopback";
}

}  // namespace

BOTH_PORTS(Life, BytesGoThereAndComeBack) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  LONGS_EQUAL(RISE_OK, rig.send(stream, "hello"));
  CHECK(rig.until([&] { return rig.streams[stream].received == "hello"; }));
  LONGS_EQUAL(1, rig.counters().opened);
  LONGS_EQUAL(5, rig.counters().bytes_sent);
  LONGS_EQUAL(5, rig.counters().bytes_received);
  LONGS_EQUAL(0, rig.counters().failed);
  LONGS_EQUAL(1, rig.streams[stream].opened);
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Life, OurCloseReachesThePeerAsAnOrderlyEnd) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  LONGS_EQUAL(RISE_OK, rig.close(stream));
  LONGS_EQUAL(RISE_E_CLOSED, rig.close(stream));
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "x"));
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
  CHECK(rig.until([&] { return server.ends == 1; }));
  LONGS_EQUAL(0, server.resets);
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "x"));
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Life, ARefusedConnectIsToldAndNothingElse) {
  std::uint16_t number = 0;
  ::close(listen_on("127.0.0.1", 1, &number));  // nobody is there any more
  PortRig rig(kind);
  const std::size_t stream = rig.open(number);
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "x"));  // not connected yet
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.streams[stream].reason);
  LONGS_EQUAL(0, rig.streams[stream].opened);
  LONGS_EQUAL(1, rig.counters().failed);
  LONGS_EQUAL(0, rig.counters().opened);
}

BOTH_PORTS(Life, AnAddressThatDoesNotAnswerTimesOut) {
  SilentAddress silent;
  CHECK(silent.port() != 0);
  PortRig rig(kind);
  const std::size_t stream = rig.open(silent.port(), "127.0.0.1", 150);
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_TIMEOUT, rig.streams[stream].reason);
  LONGS_EQUAL(0, rig.streams[stream].opened);
  LONGS_EQUAL(1, rig.counters().failed);
}

BOTH_PORTS(Life, ClosingWhileConnectingEndsWithoutAnOpen) {
  SilentAddress silent;
  CHECK(silent.port() != 0);
  PortRig rig(kind);
  const std::size_t stream = rig.open(silent.port(), "127.0.0.1", 150);
  rig.cycles(3);
  LONGS_EQUAL(RISE_OK, rig.close(stream));
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
  LONGS_EQUAL(0, rig.streams[stream].opened);
}

BOTH_PORTS(Life, ClosingAtOnceEndsOnceWhateverHasHappened) {
  EchoServer server;
  PortRig rig(kind, 4);
  for (int waits = 0; waits < 60; ++waits) {  // between the open and the close
    const std::size_t stream = rig.open(server.port());
    for (int i = 0; i < waits; ++i) {
      rig.exchange();
      ::usleep(100);
    }
    if (rig.streams[stream].reason == -1) LONGS_EQUAL(RISE_OK, rig.close(stream));
    CHECK(rig.until_closed(stream));
    LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
    CHECK(rig.streams[stream].opened <= 1);
  }
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Life, ThePeersOrderlyEndIsToldAfterItsBytes) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  const std::string farewell(50'000, 'f');
  server.say(farewell);
  server.close_all();
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_PEER, rig.streams[stream].reason);
  CHECK(rig.streams[stream].received == farewell);
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "x"));
  LONGS_EQUAL(RISE_E_CLOSED, rig.close(stream));
}

BOTH_PORTS(Life, AResetIsToldAsOne) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  server.reset_all();
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_RESET, rig.streams[stream].reason);
}

BOTH_PORTS(Life, AResetWhileSendingEndsTheStreamOnce) {
  EchoServer server(EchoServer::Mode::Deaf);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  for (int i = 0; i < 2000; ++i) {  // until the windows are full
    rig.send(stream, std::string(4096, 'x'));
    rig.exchange();
  }
  server.reset_all();
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_RESET, rig.streams[stream].reason);
  rig.cycles(20);
  LONGS_EQUAL(0, rig.faults);
}

BOTH_PORTS(Life, CloseSendsWhatIsQueuedFirst) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  const std::string bytes(8192, 'q');
  LONGS_EQUAL(RISE_OK, rig.send(stream, bytes));
  LONGS_EQUAL(RISE_OK, rig.close(stream));
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
  CHECK(rig.until([&] { return server.ends == 1; }));
  CHECK(server.received() == bytes);
}

BOTH_PORTS(Life, CloseDoesNotWaitForADeafPeerForEver) {
  EchoServer server(EchoServer::Mode::Deaf);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  for (int i = 0; i < 2000; ++i) {
    rig.send(stream, std::string(4096, 'x'));
    rig.exchange();
  }
  LONGS_EQUAL(RISE_E_AGAIN, rig.send(stream, std::string(8192, 'x')));
  LONGS_EQUAL(RISE_OK, rig.close(stream));
  rig.cycles(50);
  LONGS_EQUAL(-1, rig.streams[stream].reason);
  rig.ahead_ns += 600'000'000;  // the limit for draining has passed
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
}

BOTH_PORTS(Life, BytesThatComeAfterOurCloseAreNotHeard) {
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  rig.send(stream, "late");
  rig.close(stream);
  CHECK(rig.until_closed(stream));
  STRCMP_EQUAL("", rig.streams[stream].received.c_str());
}

BOTH_PORTS(Life, HostsThatCannotBeAreRefusedAtOnce) {
  PortRig rig(kind);
  const auto open = [&](const std::string& host) {
    return rig.port.open(rig.port.self, 0, host.c_str(), 1, 10);
  };
  LONGS_EQUAL(RISE_E_ARGUMENT, open(""));
  LONGS_EQUAL(RISE_E_ARGUMENT, open(std::string(254, 'h')));
  LONGS_EQUAL(RISE_E_ARGUMENT, open(std::string(100'000, 'h')));
}

BOTH_PORTS(Life, ANameThatDoesNotResolveIsAFailedConnect) {
  PortRig rig(kind);
  // No label of a name is longer than 63 bytes (RFC 1035): no server needs to be asked.
  const std::size_t stream = rig.open(1, std::string(253, 'h').c_str());
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.streams[stream].reason);
  LONGS_EQUAL(1, rig.counters().failed);
}

BOTH_PORTS(Life, NamesAreResolved) {
  const std::string address = localhost();
  EchoServer server(EchoServer::Mode::Echo, address.c_str());
  CHECK(server.usable());
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port(), "localhost");
  rig.send(stream, "by name");
  CHECK(rig.until([&] { return rig.streams[stream].received == "by name"; }));
}

BOTH_PORTS_WHEN(ipv6_missing(), Life, NumericIpv6Works) {
  EchoServer server(EchoServer::Mode::Echo, "::1");
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port(), "::1");
  rig.send(stream, "six");
  CHECK(rig.until([&] { return rig.streams[stream].received == "six"; }));
}
