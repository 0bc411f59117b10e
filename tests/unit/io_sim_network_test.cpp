#include "rt_core/io/sim_network.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/random.hpp"
#include "tests/unit/support/sim_rig.hpp"

using namespace rise::io;
using namespace rise::test;

namespace {
constexpr std::int64_t kMs = 1'000'000;
}

TEST_GROUP(IoSimNetwork) {
  SimRig rig;
  NetworkFaults faults;
  void setup() override { rig.run(); }
};

TEST(IoSimNetwork, BytesGoThereAndComeBack) {
  const std::int32_t stream = rig.connect();
  LONGS_EQUAL(RISE_OK, rig.send(stream, "hello"));
  LONGS_EQUAL(RISE_OK, rig.send(stream, " world"));
  rig.run(2);
  STRCMP_EQUAL("hello world", rig.peer.heard.c_str());
  STRCMP_EQUAL("hello world", rig.received[stream].c_str());
  LONGS_EQUAL(11, rig.port.counters->bytes_sent);
  LONGS_EQUAL(11, rig.port.counters->bytes_received);
  LONGS_EQUAL(1, rig.port.counters->opened);
  LONGS_EQUAL(0, rig.network.faults_injected());
}

TEST(IoSimNetwork, NothingHappensOutsideOfAnExchange) {
  const std::int32_t stream = rig.open();
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "too early"));
  STRCMP_EQUAL("", rig.log.c_str());
  LONGS_EQUAL(0, rig.peer.connected);
}

TEST(IoSimNetwork, NobodyThereIsRefused) {
  const std::int32_t stream = rig.port.open(rig.port.self, 7, "peer", 2, 50);
  rig.run(2);
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.reasons.at(stream));
  LONGS_EQUAL(1, rig.port.counters->failed);
  rig.peer.refuses = true;
  const std::int32_t other = rig.open();
  rig.run(2);
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.reasons.at(other));
  rig.network.unlisten("peer", 1);
  const std::int32_t third = rig.open();
  rig.run(2);
  LONGS_EQUAL(RISE_CLOSED_REFUSED, rig.reasons.at(third));
  LONGS_EQUAL(0, rig.network.open_streams());
}

TEST(IoSimNetwork, OurCloseSendsWhatWasSentBefore) {
  const std::int32_t stream = rig.connect();
  rig.send(stream, "bye");
  LONGS_EQUAL(RISE_OK, rig.port.close(rig.port.self, stream));
  LONGS_EQUAL(RISE_E_CLOSED, rig.port.close(rig.port.self, stream));
  LONGS_EQUAL(RISE_E_CLOSED, rig.send(stream, "x"));
  rig.run(3);
  STRCMP_EQUAL("bye", rig.peer.heard.c_str());
  STRCMP_EQUAL("", rig.received[stream].c_str());  // nobody is interested any more
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.reasons.at(stream));
  LONGS_EQUAL(1, rig.peer.closed);
  LONGS_EQUAL(RISE_E_CLOSED, rig.port.close(rig.port.self, stream));
  LONGS_EQUAL(RISE_E_CLOSED, rig.port.close(rig.port.self, 99));
}

TEST(IoSimNetwork, ClosingWhileConnectingEndsWithoutAnOpen) {
  const std::int32_t stream = rig.open();
  LONGS_EQUAL(RISE_OK, rig.port.close(rig.port.self, stream));
  rig.run(5);
  LONGS_EQUAL(0, rig.opened[stream]);
  LONGS_EQUAL(RISE_CLOSED_BY_US, rig.reasons.at(stream));
  LONGS_EQUAL(0, rig.network.open_streams());
}

TEST(IoSimNetwork, ThePeersEndComesAfterItsBytes) {
  rig.peer.hangs_up_after = 3;
  const std::int32_t stream = rig.connect();
  rig.send(stream, "end");
  rig.run(3);
  STRCMP_EQUAL("end", rig.received[stream].c_str());
  LONGS_EQUAL(RISE_CLOSED_BY_PEER, rig.reasons.at(stream));
  LONGS_EQUAL(1, rig.peer.closed);
}

TEST(IoSimNetwork, CuttingResetsEveryOpenStream) {
  const std::int32_t first = rig.connect();
  const std::int32_t second = rig.connect();
  rig.network.cut_all();
  rig.run(1);
  LONGS_EQUAL(RISE_CLOSED_RESET, rig.reasons.at(first));
  LONGS_EQUAL(RISE_CLOSED_RESET, rig.reasons.at(second));
  LONGS_EQUAL(0, rig.network.open_streams());
}

TEST(IoSimNetwork, APeerMaySpeakUnaskedWhenItsTimeHasCome) {
  const std::int32_t stream = rig.connect();
  rig.peer.due_ns = rig.now_ns + 10 * kMs;
  rig.send(stream, "x");  // so that it is asked when it is due
  rig.run(9);
  STRCMP_EQUAL("x", rig.received[stream].c_str());
  rig.run(2);
  STRCMP_EQUAL("xunasked", rig.received[stream].c_str());
  rig.run(100);
  STRCMP_EQUAL("xunasked", rig.received[stream].c_str());
}

TEST(IoSimNetwork, BytesTakeTheirTime) {
  faults.latency_min_ns = faults.latency_max_ns = 5 * kMs;
  rig.network.set_faults(faults);
  const std::int32_t stream = rig.open();
  rig.run(4);
  LONGS_EQUAL(0, rig.opened[stream]);
  rig.run(1);
  LONGS_EQUAL(1, rig.opened[stream]);
  rig.send(stream, "x");
  rig.run(4);
  STRCMP_EQUAL("", rig.peer.heard.c_str());
  rig.run(1);
  STRCMP_EQUAL("x", rig.peer.heard.c_str());
  rig.run(4);
  STRCMP_EQUAL("", rig.received[stream].c_str());
  rig.run(1);
  STRCMP_EQUAL("x", rig.received[stream].c_str());
}

TEST(IoSimNetwork, OrderIsKeptWhateverTheLatency) {
  faults.latency_min_ns = 0;
  faults.latency_max_ns = 20 * kMs;
  faults.tear = 0.5;
  faults.delay = 0.3;
  rig.network.set_faults(faults);
  const std::int32_t stream = rig.open();
  rig.run(30);
  std::string all;
  for (int i = 0; i < 500; ++i) {
    const std::string text = "message " + std::to_string(i) + ";";
    rig.send(stream, text);
    all += text;
    rig.run(i % 3);
  }
  for (int i = 0; i < 50'000 && rig.received[stream].size() < all.size(); ++i) rig.run();
  CHECK(rig.peer.heard == all);
  CHECK(rig.received[stream] == all);
  CHECK(rig.pieces > 500);
  CHECK(rig.network.faults_injected() > 300);
}

TEST(IoSimNetwork, TheSameSeedGivesTheSameBytesAtTheSameTimes) {
  const auto run = [](std::uint64_t seed) {
    SimRig one(seed);
    one.network.set_faults({.refuse = 0.1,
                            .connect_loss = 0.1,
                            .tear = 0.3,
                            .reset = 0.05,
                            .stall = 0.05,
                            .corrupt = 0.1,
                            .duplicate = 0.1,
                            .delay = 0.2});
    std::uint64_t random = 99;  // what the lane does is the same in every run
    std::vector<std::int32_t> streams;
    for (int i = 0; i < 3000; ++i) {
      if (i % 50 == 0) streams.push_back(one.open(20));
      const std::int32_t stream = streams[rise::next_random(&random) % streams.size()];
      one.send(stream, "m" + std::to_string(i));
      if (rise::next_random(&random) % 100 == 0) one.port.close(one.port.self, stream);
      one.run();
    }
    CHECK(one.network.faults_injected() > 100);
    return one.log;
  };
  const std::string first = run(42);
  CHECK(first == run(42));
  CHECK(first != run(43));
  CHECK(first != run(44));
}
