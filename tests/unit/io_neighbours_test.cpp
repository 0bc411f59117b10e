// The ARP table: what it asks for, how it ages, and that a flood does not push out who is in use.
#include "rt_core/io/neighbours.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/frames.hpp"

using namespace rise::io;
using namespace rise::test;

namespace {

constexpr std::int64_t kMs = 1'000'000;

}  // namespace

TEST_GROUP(IoNeighbours) {
  Neighbours table;
  std::int64_t now = 5'000'000'000;

  // Addresses asked for in this moment.
  int questions() {
    int count = 0;
    std::uint32_t address = 0;
    while (table.next_question(now, &address)) ++count;
    CHECK(count <= static_cast<int>(Neighbours::kCapacity));
    return count;
  }
};

// Else whoever sends from many addresses could fill the table with people nobody wants to talk to.
TEST(IoNeighbours, AnAnswerToAStrangerLeavesNoTrace) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    POINTERS_EQUAL(nullptr, table.peek(kPeerAddress + i, now));
  }
  LONGS_EQUAL(0, table.size());
  LONGS_EQUAL(0, questions());
  POINTERS_EQUAL(nullptr, table.find(kPeerAddress, now));
  LONGS_EQUAL(1, questions());
  POINTERS_EQUAL(nullptr, table.peek(kPeerAddress, now));  // asked, not known
  table.learn(kPeerAddress, kPeerMac, now, false);
  CHECK(*table.peek(kPeerAddress, now) == kPeerMac);
  now += 61'000 * kMs;
  POINTERS_EQUAL(nullptr, table.peek(kPeerAddress, now));
  LONGS_EQUAL(0, questions());
}

TEST(IoNeighbours, TheUnknownIsAskedForUntilItAnswers) {
  LONGS_EQUAL(0, questions());
  POINTERS_EQUAL(nullptr, table.find(kPeerAddress, now));
  std::uint32_t address = 0;
  CHECK(table.next_question(now, &address));
  LONGS_EQUAL(kPeerAddress, address);
  LONGS_EQUAL(0, questions());  // not twice
  now += 99 * kMs;
  POINTERS_EQUAL(nullptr, table.find(kPeerAddress, now));
  LONGS_EQUAL(0, questions());
  now += 1 * kMs;
  POINTERS_EQUAL(nullptr, table.find(kPeerAddress, now));
  LONGS_EQUAL(1, questions());
  table.learn(kPeerAddress, kPeerMac, now, false);
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  now += 1000 * kMs;
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  LONGS_EQUAL(0, questions());
}

TEST(IoNeighbours, WhoNeverAnswersIsAskedMoreAndMoreSlowly) {
  int asked = 0;
  for (int ms = 0; ms < 10'000; ++ms, now += kMs) {
    table.find(kPeerAddress, now);
    asked += questions();
  }
  CHECK(asked >= 13);
  CHECK(asked <= 16);
}

TEST(IoNeighbours, NobodyAsksForWhatIsNotUsed) {
  table.find(kPeerAddress, now);
  LONGS_EQUAL(1, questions());
  now += Neighbours::kInUseNs;
  LONGS_EQUAL(0, questions());
}

TEST(IoNeighbours, AnAnswerAgesIsRefreshedInTimeAndExpires) {
  table.find(kPeerAddress, now);
  table.learn(kPeerAddress, kPeerMac, now, false);
  questions();
  now += Neighbours::kRefreshNs - 1;
  CHECK(table.find(kPeerAddress, now) != nullptr);
  LONGS_EQUAL(0, questions());
  now += 1;
  CHECK(table.find(kPeerAddress, now) != nullptr);  // still sent to, but asked for
  LONGS_EQUAL(1, questions());
  table.learn(kPeerAddress, kPeerMac, now, false);
  now += Neighbours::kExpiryNs;
  POINTERS_EQUAL(nullptr, table.find(kPeerAddress, now));
  LONGS_EQUAL(1, questions());
}

TEST(IoNeighbours, OthersAreNotLearnedUnlessTheySpokeToUs) {
  table.learn(kPeerAddress, kPeerMac, now, false);
  LONGS_EQUAL(0, table.size());
  table.learn(kPeerAddress, kPeerMac, now, true);
  LONGS_EQUAL(1, table.size());
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
}

TEST(IoNeighbours, AStaticEntryIsNeverChangedAskedForOrPushedOut) {
  CHECK(table.add_static(kPeerAddress, kPeerMac));
  table.learn(kPeerAddress, kOurMac, now, true);
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  now += 3600 * 1000 * kMs;
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  LONGS_EQUAL(0, questions());
  for (std::uint32_t i = 1; i < 1000; ++i) table.learn(i, kOurMac, now, true);
  CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  LONGS_EQUAL(Neighbours::kCapacity, table.size());
}

TEST(IoNeighbours, AFloodOfStrangersDoesNotPushOutWhoIsInUse) {
  table.find(kPeerAddress, now);
  table.learn(kPeerAddress, kPeerMac, now, false);
  for (std::uint32_t i = 1; i < 10'000; ++i) {
    now += 10'000;
    table.learn(i, kOurMac, now, true);
    if (i % 100 == 0) CHECK(*table.find(kPeerAddress, now) == kPeerMac);
  }
  LONGS_EQUAL(Neighbours::kCapacity, table.size());
  LONGS_EQUAL(0, questions());
}

TEST(IoNeighbours, AFullTableGivesUpWhatWasUnusedForLongest) {
  for (std::uint32_t i = 1; i <= Neighbours::kCapacity; ++i) {
    table.find(i, now + i);
    table.learn(i, kPeerMac, now + i, false);
  }
  // All in use: a newcomer has to wait, and nobody is asked for him.
  POINTERS_EQUAL(nullptr, table.find(1000, now + 100));
  for (std::uint32_t i = 2; i <= Neighbours::kCapacity; ++i) CHECK(table.find(i, now + 90));
  CHECK(table.find(1, now + 80) != nullptr);
  LONGS_EQUAL(0, questions());
  now += 2000 * kMs;
  POINTERS_EQUAL(nullptr, table.find(1000, now));
  LONGS_EQUAL(1, questions());
  POINTERS_EQUAL(nullptr, table.find(1, now));  // was the oldest
  CHECK(table.find(3, now) != nullptr);
}
