// The datagram ports over kernel sockets, on loopback, all through the same tests.
#include <CppUTest/TestHarness.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rt_core/io/plain_datagrams.hpp"
#include "rt_core/io/uring_datagrams.hpp"
#include "rt_core/io/uring_port.hpp"
#include "tests/unit/support/port_rig.hpp"

using namespace rise::io;

namespace {

constexpr std::uint32_t kLoopback = 0x7f000001;

// An ordinary socket at the far end.
class Peer {
 public:
  Peer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in any = to_kernel({kLoopback, 0, 0});
    CHECK_EQUAL(0, ::bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any));
    socklen_t length = sizeof any;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &length);
    endpoint = from_kernel(any);
  }
  ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(std::uint16_t port, const std::string& bytes) const {
    const sockaddr_in to = to_kernel({kLoopback, port, 0});
    LONGS_EQUAL(bytes.size(), ::sendto(fd_, bytes.data(), bytes.size(), 0,
                                       reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }
  // "": nothing there.
  [[nodiscard]] std::string receive() const {
    char bytes[2048];
    const ssize_t length = ::recv(fd_, bytes, sizeof bytes, 0);
    return length < 0 ? "" : std::string(bytes, static_cast<std::size_t>(length));
  }

  rise_endpoint endpoint{};

 private:
  int fd_;
};

std::uint16_t free_port() {
  const Peer probe;  // bound to a port that is free now, and again when it is gone
  return probe.endpoint.port;
}

struct Heard {
  std::uint32_t owner;
  std::int32_t port;
  std::string bytes;
  rise_endpoint from;
  bool aligned;
};

// A port of one kind with its ring or without.
struct Rig {
  enum class Kind { Plain, Uring };

  explicit Rig(Kind kind) : uses_ring(kind == Kind::Uring) {
    sink.self = this;
    sink.on_datagram = [](void* self, std::uint32_t owner, std::int32_t port,
                          const rise_datagram& datagram, std::int64_t) {
      static_cast<Rig*>(self)->heard.push_back(
          {owner, port, std::string(reinterpret_cast<const char*>(datagram.bytes), datagram.length),
           datagram.from, reinterpret_cast<std::uintptr_t>(datagram.bytes) % 8 == 0});
    };
    stream_sink.self = this;
    if (uses_ring) {
      uring = std::make_unique<UringDatagrams>(sink);
    } else {
      plain = std::make_unique<PlainDatagrams>(sink);
    }
  }
  std::int32_t declare(std::uint32_t owner, std::uint16_t port, std::string* error) {
    const DatagramSpec spec{kLoopback, 0, port};
    return uses_ring ? uring->declare(owner, spec, error) : plain->declare(owner, spec, error);
  }
  // False: this machine has no such ring.
  bool start() {
    if (uses_ring) {
      streams = std::make_unique<UringPort>(4, stream_sink, uring.get());
      if (!streams->usable()) return false;
      stream_table = streams->table();
      CHECK(stream_table.start(stream_table.self));
    }
    table = uses_ring ? uring->table() : plain->table();
    return table.start(table.self);
  }
  void exchange() {
    if (uses_ring) stream_table.exchange(stream_table.self, 1);
    table.exchange(table.self, 1);
  }
  // Loopback delivers at once, but the ring tells of it one enter later.
  void exchange_until(std::size_t count) {
    for (int i = 0; i < 1000 && heard.size() < count; ++i) exchange();
  }
  std::int32_t send(std::int32_t port, const rise_endpoint& to, const std::string& bytes) {
    return table.send(table.self, port, to, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      static_cast<std::uint32_t>(bytes.size()));
  }

  bool uses_ring;
  DatagramSink sink;
  StreamSink stream_sink;
  std::unique_ptr<PlainDatagrams> plain;
  std::unique_ptr<UringDatagrams> uring;  // outlives the ring
  std::unique_ptr<UringPort> streams;
  StreamPort stream_table;
  DatagramPort table;
  std::vector<Heard> heard;
};

// Runs `test` on each kind of port, ready with one port declared for owner 7.
template <class Test>
void on_each(Test test) {
  for (const Rig::Kind kind : {Rig::Kind::Plain, Rig::Kind::Uring}) {
    Rig rig(kind);
    std::string error;
    const std::uint16_t port = free_port();
    LONGS_EQUAL(0, rig.declare(7, port, &error));
    if (!rig.start()) continue;  // covered by the other; io_uring_port_test says why it is not here
    test(rig, port);
  }
}

}  // namespace

TEST_GROUP(IoDatagrams){
    // A UringPort has a helper thread, whose memory lives a little longer than the port.
    void teardown() override{rise::test::wait_for_helpers();
}
}
;

TEST(IoDatagrams, ArriveWithOwnerSenderAndAlignment) {
  on_each([](Rig& rig, std::uint16_t port) {
    const Peer peer;
    rig.exchange();  // a multishot receive is armed
    peer.send(port, "hello");
    rig.exchange_until(1);
    LONGS_EQUAL(1, rig.heard.size());
    LONGS_EQUAL(7, rig.heard[0].owner);
    LONGS_EQUAL(0, rig.heard[0].port);
    STRCMP_EQUAL("hello", rig.heard[0].bytes.c_str());
    LONGS_EQUAL(peer.endpoint.address, rig.heard[0].from.address);
    LONGS_EQUAL(peer.endpoint.port, rig.heard[0].from.port);
    CHECK(rig.heard[0].aligned);
    LONGS_EQUAL(1, rig.table.counters->received);
  });
}

TEST(IoDatagrams, LeaveInOrder) {
  on_each([](Rig& rig, std::uint16_t) {
    const Peer peer;
    for (int i = 0; i < 10; ++i) {
      LONGS_EQUAL(RISE_OK, rig.send(0, peer.endpoint, "number " + std::to_string(i)));
    }
    for (int i = 0; i < 4; ++i) rig.exchange();
    for (int i = 0; i < 10; ++i) {
      STRCMP_EQUAL(("number " + std::to_string(i)).c_str(), peer.receive().c_str());
    }
    LONGS_EQUAL(10, rig.table.counters->sent);
  });
}

TEST(IoDatagrams, EveryLengthUpToTheLimitAndNoneBeyond) {
  on_each([](Rig& rig, std::uint16_t port) {
    const Peer peer;
    for (const std::size_t length : {0u, 1u, 7u, 64u, 1471u, 1472u}) {
      rig.heard.clear();
      peer.send(port, std::string(length, 'x'));
      rig.exchange_until(1);
      LONGS_EQUAL(1, rig.heard.size());
      LONGS_EQUAL(length, rig.heard[0].bytes.size());
    }
    rig.heard.clear();
    for (const std::size_t length : {1473u, 1600u, 9000u})
      peer.send(port, std::string(length, 'x'));
    peer.send(port, "after");
    rig.exchange_until(1);
    LONGS_EQUAL(1, rig.heard.size());
    STRCMP_EQUAL("after", rig.heard[0].bytes.c_str());
    LONGS_EQUAL(3, rig.table.counters->malformed);
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.send(0, peer.endpoint, std::string(1473, 'x')));
    LONGS_EQUAL(RISE_OK, rig.send(0, peer.endpoint, std::string(1472, 'x')));
  });
}

TEST(IoDatagrams, AFullSendQueueSaysSo) {
  on_each([](Rig& rig, std::uint16_t) {
    const Peer peer;
    for (std::uint32_t i = 0; i < kDatagramSendSlots; ++i) {
      LONGS_EQUAL(RISE_OK, rig.send(0, peer.endpoint, "x"));
    }
    LONGS_EQUAL(RISE_E_AGAIN, rig.send(0, peer.endpoint, "x"));
    LONGS_EQUAL(1, rig.table.counters->send_queue_full);
    for (int i = 0; i < 4; ++i) rig.exchange();
    LONGS_EQUAL(RISE_OK, rig.send(0, peer.endpoint, "x"));
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.send(1, peer.endpoint, "x"));
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.send(-1, peer.endpoint, "x"));
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.send(0, {kLoopback, 0, 0}, "x"));
  });
}

TEST(IoDatagrams, AFloodIsBoundedPerExchangeAndNotLostWhileThereIsRoom) {
  on_each([](Rig& rig, std::uint16_t port) {
    const Peer peer;
    rig.exchange();
    constexpr std::size_t kFlood = 3 * kDatagramsPerExchange;
    for (std::size_t i = 0; i < kFlood; ++i) peer.send(port, "flood " + std::to_string(i));
    rig.exchange();
    CHECK(rig.heard.size() <= kDatagramsPerExchange);
    rig.exchange_until(kFlood);
    LONGS_EQUAL(kFlood, rig.heard.size());
    for (std::size_t i = 0; i < kFlood; ++i) {
      STRCMP_EQUAL(("flood " + std::to_string(i)).c_str(), rig.heard[i].bytes.c_str());
    }
  });
}

// Far more than the socket holds: what the kernel dropped is counted, to the last one.
TEST(IoDatagrams, WhatTheKernelDroppedIsCounted) {
  on_each([](Rig& rig, std::uint16_t port) {
    const Peer peer;
    constexpr std::uint64_t kFlood = 30'000;
    for (std::uint64_t i = 0; i < kFlood; ++i) peer.send(port, std::string(1000, 'x'));
    for (int i = 0; i < 200; ++i) rig.exchange();
    CHECK(rig.table.counters->received < kFlood);  // else this test shows nothing
    peer.send(port, "the kernel tells of drops with the next datagram");
    for (int i = 0; i < 4; ++i) rig.exchange();
    LONGS_EQUAL(kFlood + 1, rig.table.counters->received + rig.table.counters->dropped);
  });
}

TEST(IoDatagrams, NobodyThereDoesNotHoldUpOthers) {
  on_each([](Rig& rig, std::uint16_t port) {
    const rise_endpoint nobody{kLoopback, free_port(), 0};
    const Peer peer;
    for (int i = 0; i < 5; ++i) {
      rig.send(0, nobody, "lost");  // answered by an ICMP message, which the socket reports
      rig.send(0, peer.endpoint, "kept");
      for (int n = 0; n < 4; ++n) rig.exchange();
    }
    int kept = 0;
    while (peer.receive() == "kept") ++kept;
    CHECK(kept >= 4);  // a report may cost the datagram behind it
    rig.heard.clear();
    peer.send(port, "still listening");
    rig.exchange_until(1);
    LONGS_EQUAL(1, rig.heard.size());
  });
}

TEST(IoDatagrams, SeveralPortsAreKeptApart) {
  for (const Rig::Kind kind : {Rig::Kind::Plain, Rig::Kind::Uring}) {
    Rig rig(kind);
    std::string error;
    std::uint16_t ports[3];
    for (std::uint32_t i = 0; i < 3; ++i) {
      ports[i] = free_port();
      LONGS_EQUAL(i, rig.declare(10 + i, ports[i], &error));
    }
    if (!rig.start()) continue;
    const Peer peer;
    for (const std::uint16_t port : ports) peer.send(port, std::to_string(port));
    rig.exchange_until(3);
    LONGS_EQUAL(3, rig.heard.size());
    for (const Heard& heard : rig.heard) {
      LONGS_EQUAL(heard.port + 10, heard.owner);
      STRCMP_EQUAL(std::to_string(ports[heard.port]).c_str(), heard.bytes.c_str());
    }
  }
}

TEST(IoDatagrams, APortThatIsTakenIsSaidSo) {
  const Peer holder;
  for (const Rig::Kind kind : {Rig::Kind::Plain, Rig::Kind::Uring}) {
    Rig rig(kind);
    std::string error;
    LONGS_EQUAL(-1, rig.declare(1, holder.endpoint.port, &error));
    STRCMP_CONTAINS("127.0.0.1", error.c_str());
    STRCMP_CONTAINS("another program", error.c_str());
  }
}

TEST(IoDatagrams, APortThatIsBeingGivenUpIsWaitedFor) {
  auto holder = std::make_unique<Peer>();
  const std::uint16_t port = holder->endpoint.port;
  std::thread leaving([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    holder.reset();
  });
  Rig rig(Rig::Kind::Plain);
  std::string error;
  LONGS_EQUAL(0, rig.declare(1, port, &error));
  leaving.join();
}
