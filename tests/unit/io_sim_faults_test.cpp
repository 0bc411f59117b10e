// Each fault that the simulated network can make really happens, and nothing else with it.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/sim_rig.hpp"

using namespace rise::io;
using namespace rise::test;

namespace {
constexpr std::int64_t kMs = 1'000'000;
}

TEST_GROUP(IoSimFaults) {
  SimRig rig;
  NetworkFaults faults;
  void setup() override { rig.run(); }
};

TEST(IoSimFaults, RefuseAndLossHitAsOftenAsTheySay) {
  faults.refuse = 0.5;
  faults.connect_loss = 0.3;
  rig.network.set_faults(faults);
  std::map<std::int32_t, int> ends;
  for (int i = 0; i < 1000; ++i) {
    const std::int32_t stream = rig.open(10);
    const std::int64_t start_ns = rig.now_ns;
    rig.run(12);
    const auto reason = rig.reasons.find(stream);
    ++ends[reason == rig.reasons.end() ? -1 : reason->second];
    if (reason != rig.reasons.end() && reason->second == RISE_CLOSED_TIMEOUT) {
      LONGS_EQUAL(10 * kMs, rig.last_ns - start_ns);
    }
  }
  CHECK(ends[RISE_CLOSED_TIMEOUT] > 240 && ends[RISE_CLOSED_TIMEOUT] < 360);
  CHECK(ends[RISE_CLOSED_REFUSED] > 280 && ends[RISE_CLOSED_REFUSED] < 420);
  LONGS_EQUAL(1000, ends[-1] + ends[RISE_CLOSED_TIMEOUT] + ends[RISE_CLOSED_REFUSED]);
  LONGS_EQUAL(rig.network.faults_injected(), 1000 - ends[-1]);
}

TEST(IoSimFaults, ATornReplyComesInPieces) {
  const std::int32_t stream = rig.connect();
  faults.tear = 1;
  rig.network.set_faults(faults);
  const std::string text(1000, 't');
  rig.send(stream, text);
  rig.run(50);
  CHECK(rig.received[stream] == text);
  CHECK(rig.pieces >= 2 && rig.pieces <= 8);
}

TEST(IoSimFaults, AResetCutsWithinTheReply) {
  faults.reset = 1;
  bool within = false;
  for (int i = 0; i < 50; ++i) {
    rig.network.set_faults({});
    const std::int32_t stream = rig.connect();
    rig.network.set_faults(faults);
    rig.send(stream, "0123456789");
    rig.run(5);
    LONGS_EQUAL(RISE_CLOSED_RESET, rig.reasons.at(stream));
    const std::string& got = rig.received[stream];
    CHECK(std::string("0123456789").starts_with(got));
    within = within || (!got.empty() && got.size() < 10);
  }
  CHECK(within);
}

TEST(IoSimFaults, AStalledConnectionNeverSpeaksAgain) {
  const std::int32_t stream = rig.connect();
  faults.stall = 1;
  rig.network.set_faults(faults);
  rig.send(stream, "first");
  rig.run(10);
  rig.network.set_faults({});
  rig.send(stream, "second");
  rig.run(100);
  STRCMP_EQUAL("firstsecond", rig.peer.heard.c_str());
  STRCMP_EQUAL("", rig.received[stream].c_str());
  CHECK(!rig.reasons.contains(stream));
  const std::int32_t other = rig.connect();  // a new one does
  rig.send(other, "third");
  rig.run(3);
  STRCMP_EQUAL("third", rig.received[other].c_str());
}

TEST(IoSimFaults, CorruptionChangesOneByte) {
  faults.corrupt = 1;
  for (int i = 0; i < 50; ++i) {
    rig.network.set_faults({});
    const std::int32_t stream = rig.connect();
    rig.network.set_faults(faults);
    rig.send(stream, "0123456789");
    rig.run(5);
    const std::string& got = rig.received[stream];
    LONGS_EQUAL(10, got.size());
    int differences = 0;
    for (std::size_t k = 0; k < 10; ++k) differences += got[k] != static_cast<char>('0' + k);
    LONGS_EQUAL(1, differences);
  }
}

TEST(IoSimFaults, ADuplicateComesTwice) {
  const std::int32_t stream = rig.connect();
  faults.duplicate = 1;
  rig.network.set_faults(faults);
  rig.send(stream, "twice");
  rig.run(3);
  STRCMP_EQUAL("twicetwice", rig.received[stream].c_str());
}

TEST(IoSimFaults, ADelayIsBounded) {
  const std::int32_t stream = rig.connect();
  faults.delay = 1;
  faults.delay_max_ns = 30 * kMs;
  rig.network.set_faults(faults);
  std::int64_t longest_ns = 0;
  for (int i = 0; i < 50; ++i) {
    const std::int64_t start_ns = rig.now_ns;
    const std::size_t before = rig.received[stream].size();
    rig.send(stream, "x");
    for (int k = 0; k < 40 && rig.received[stream].size() == before; ++k) rig.run();
    longest_ns = std::max(longest_ns, rig.last_ns - start_ns);
  }
  CHECK(longest_ns > 20 * kMs);
  CHECK(longest_ns <= 32 * kMs);
}
