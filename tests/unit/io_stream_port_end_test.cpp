// How streams end when the other side, or the kernel, does not play along: the same for every kind
// of port. And what one peer can take from a cycle.
#include <CppUTest/TestHarness.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/echo_server.hpp"
#include "tests/unit/support/port_rig.hpp"
#include "tests/unit/support/shared_region.hpp"
#include "tests/unit/support/sim_rig.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::test;

TEST_GROUP(IoPlainPortEnd){};
TEST_GROUP(IoUringPortEnd){};

namespace {

// Until the peer's window and the kernel's buffers are full and a send waits.
void send_until_stuck(PortRig* rig, std::size_t stream) {
  int refused = 0;
  for (int i = 0; i < 100'000 && refused < 200; ++i) {
    refused = rig->send(stream, std::string(8000, 'x')) == RISE_OK ? 0 : refused + 1;
    rig->exchange();
    if (refused > 0) ::usleep(500);
  }
  CHECK(refused >= 200);
}

std::string hosts_fixed() {
  std::uint16_t port = 0;
  const int six = listen_on("::1", 1, &port);
  if (six < 0) return "no IPv6 here: ";
  ::close(six);
  Child child([] { return ::unshare(CLONE_NEWNS) == 0 ? 0 : 1; });
  return child.status() == 0 ? "" : "a hosts file of one's own needs root: ";
}

// For this thread and those that it makes from now on.
bool use_hosts(const std::string& path) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(path.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

BOTH_PORTS(End, APeerThatHangsUpWhileWeDrainIsLetGo) {
  EchoServer deaf(EchoServer::Mode::Deaf);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(deaf.port());
  send_until_stuck(&rig, stream);
  LONGS_EQUAL(RISE_OK, rig.close(stream));
  rig.exchange();
  deaf.finish_all();  // its FIN comes; our bytes still find no room
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.streams[stream].reason);
}

BOTH_PORTS(End, APeerThatHangsUpWhileASendWaitsIsLetGo) {
  EchoServer deaf(EchoServer::Mode::Deaf);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(deaf.port());
  send_until_stuck(&rig, stream);
  deaf.finish_all();
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_BY_PEER, rig.streams[stream].reason);
}

BOTH_PORTS(End, ASendThatFailsOnALivingSocketEndsTheStream) {
  EchoServer deaf(EchoServer::Mode::Deaf);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(deaf.port());
  const std::vector<int> copies = copies_of_sockets_to(deaf.port());
  LONGS_EQUAL(1, copies.size());
  ::shutdown(copies[0], SHUT_WR);  // sends fail from now on; the receive stays as it is
  ::close(copies[0]);
  LONGS_EQUAL(RISE_OK, rig.send(stream, "x"));
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_RESET, rig.streams[stream].reason);
}

BOTH_PORTS(End, ThePeerIsToldEvenIfSomebodyElseHoldsTheSocket) {
  // As the kernel does below 6.13, on behalf of older requests on fixed files.
  EchoServer server;
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  const std::vector<int> copies = copies_of_sockets_to(server.port());
  LONGS_EQUAL(1, copies.size());
  server.finish_all();  // the peer closes; that alone makes us close
  CHECK(rig.until_closed(stream));
  CHECK(rig.until([&] { return server.ends == 1; }));
  ::close(copies[0]);
}

BOTH_PORTS_WHEN(hosts_fixed(), End, AllAddressesOfANameAreTried) {
  TempDirectory directory;
  const std::string hosts = directory.path() + "/hosts";
  std::ofstream(hosts) << "::1 both.test\n127.0.0.1 both.test\n";
  for (const char* address : {"127.0.0.1", "::1"}) {
    EchoServer server(EchoServer::Mode::Echo, address);
    std::string received = "the hosts file could not be put in place";
    std::thread own_hosts([&] {
      if (!use_hosts(hosts)) return;
      PortRig rig(kind);
      const std::size_t stream = rig.open(server.port(), "both.test");
      rig.until([&] { return rig.streams[stream].opened + rig.streams[stream].reason + 1 != 0; });
      rig.send(stream, address);
      rig.until([&] {
        return rig.streams[stream].received == address || rig.streams[stream].reason != -1;
      });
      received = rig.streams[stream].received;
    });
    own_hosts.join();
    STRCMP_EQUAL(address, received.c_str());
  }
}

BOTH_PORTS(End, ANameNobodyListensOnIsRefusedInTheEnd) {
  std::uint16_t port = 0;
  const int taken = listen_on("127.0.0.1", 1, &port);
  ::close(taken);
  PortRig rig(kind);
  const std::size_t stream = rig.open(port, "localhost");
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.streams[stream].reason);
}

BOTH_PORTS(End, OneExchangeTakesABoundedNumberOfBytes) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  std::string flood(2'000'000, '\0');
  for (std::size_t i = 0; i < flood.size(); ++i) flood[i] = static_cast<char>(i * 7 / 3);
  server.say(flood);
  std::size_t most = 0;
  CHECK(rig.until([&] {
    const std::size_t before = rig.streams[stream].received.size();
    ::usleep(200);  // it piles up
    rig.exchange();
    most = std::max(most, rig.streams[stream].received.size() - before);
    return rig.streams[stream].received.size() >= flood.size();
  }));
  CHECK(rig.streams[stream].received == flood);
  CHECK(most > 4096);
  CHECK(most < rise::io::kReceiveBudget + 4096);
}

BOTH_PORTS(End, BytesBeforeTheEndAreNotLostBehindTheBudget) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind);
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return server.accepted == 1; }));
  server.say(std::string(50'000, 'x'));
  server.close_all();
  ::usleep(50'000);  // all of it is there, and the end too
  CHECK(rig.until_closed(stream));
  LONGS_EQUAL(50'000, rig.streams[stream].received.size());
  LONGS_EQUAL(RISE_CLOSED_BY_PEER, rig.streams[stream].reason);
}

BOTH_PORTS(End, AFloodDoesNotStarveTheOthers) {
  EchoServer loud(EchoServer::Mode::Sink);
  EchoServer server;
  PortRig rig(kind, 2);
  const std::size_t flooded = rig.connect(loud.port());
  const std::size_t stream = rig.connect(server.port());
  CHECK(rig.until([&] { return loud.accepted == 1; }));
  loud.say(std::string(20'000'000, 'x'));
  for (int i = 0; i < 100; ++i) {
    const std::string before = rig.streams[stream].received;
    LONGS_EQUAL(RISE_OK, rig.send(stream, "y"));
    CHECK(rig.until([&] { return rig.streams[stream].received.size() > before.size(); }));
  }
  CHECK(rig.streams[flooded].received.size() < 20'000'000);  // it was still going on
}

BOTH_PORTS(End, TheKernelKeepsLittleOfAFlood) {
  EchoServer server(EchoServer::Mode::Sink);
  PortRig rig(kind);
  rig.connect(server.port());
  const std::vector<int> copies = copies_of_sockets_to(server.port());
  LONGS_EQUAL(1, copies.size());
  int bytes = 0;
  socklen_t length = sizeof bytes;
  LONGS_EQUAL(0, ::getsockopt(copies[0], SOL_SOCKET, SO_RCVBUF, &bytes, &length));
  CHECK(bytes <= 2 * 64 * 1024);
  ::close(copies[0]);
}

TEST_GROUP(IoSimulatedEnd){};

TEST(IoSimulatedEnd, APeerThatHangsUpWhileWeCloseEndsTheStreamOnce) {
  SimRig rig;
  const std::int32_t stream = rig.connect();
  rig.peer.hangs_up_after = 1;
  LONGS_EQUAL(RISE_OK, rig.send(stream, "last words"));
  LONGS_EQUAL(RISE_OK, rig.port.close(rig.port.self, stream));
  rig.run(10);
  LONGS_EQUAL(1, rig.reasons.size());
  LONGS_EQUAL(0, rig.network.open_streams());
  LONGS_EQUAL(1, rig.peer.closed);
}
