// The command ring in one thread, and producers that lie about their position.
#include "rt_core/shm/spsc_ring.hpp"

#include <CppUTest/TestHarness.h>

#include <vector>

using namespace rise::shm;

TEST_GROUP(ShmSpscRing) {
  RingShape shape{4, 2};
  std::vector<Word> memory = std::vector<Word>(spsc_total_words(shape));
  SpscProducer<> producer{memory.data(), shape};
  SpscConsumer<> consumer{memory.data(), shape};
  Word out[2] = {};

  bool push(Word n) {
    const Word payload[2] = {n, ~n};
    return producer.push(payload);
  }
  bool pops(Word n) { return consumer.pop(out) == Pop::Item && out[0] == n && out[1] == ~n; }
};

TEST(ShmSpscRing, WhatIsPushedIsPoppedOnceInOrder) {
  CHECK(consumer.pop(out) == Pop::Empty);
  for (Word n = 0; n < 100; ++n) {
    CHECK(push(2 * n));
    CHECK(push(2 * n + 1));
    CHECK(pops(2 * n));
    CHECK(pops(2 * n + 1));
    CHECK(consumer.pop(out) == Pop::Empty);
  }
}

TEST(ShmSpscRing, AFullRingTakesNothingAndLosesNothing) {
  for (Word n = 0; n < 4; ++n) CHECK(push(n));
  CHECK(!push(99));
  CHECK(pops(0));
  CHECK(push(4));
  CHECK(!push(99));
  for (Word n = 1; n < 5; ++n) CHECK(pops(n));
  CHECK(consumer.pop(out) == Pop::Empty);
}

TEST(ShmSpscRing, ANewProducerGoesOnWhereTheLastOneStopped) {
  CHECK(push(1));
  producer = SpscProducer<>(memory.data(), shape);
  CHECK(push(2));
  CHECK(pops(1));
  CHECK(pops(2));
}

TEST(ShmSpscRing, PositionsThatMakeNoSenseAreReportedOnceAndSkipped) {
  for (const Word nonsense : {Word{5}, Word{1} << 40, ~Word{0}}) {
    memory.assign(memory.size(), 0);
    consumer = SpscConsumer<>(memory.data(), shape);
    memory[0] = nonsense;
    CHECK(consumer.pop(out) == Pop::Corrupt);
    CHECK(consumer.pop(out) == Pop::Empty);
    CHECK(push(42));  // the ring goes on
    CHECK(pops(42));
  }
}

TEST(ShmSpscRing, AProducerThatGoesBackIsReported) {
  CHECK(push(1));
  CHECK(push(2));
  CHECK(pops(1));
  CHECK(pops(2));
  memory[0] = 1;
  CHECK(consumer.pop(out) == Pop::Corrupt);
  CHECK(consumer.pop(out) == Pop::Empty);
}

TEST(ShmSpscRing, TheConsumerDoesNotTrustItsOwnWordInSharedMemory) {
  CHECK(push(1));
  CHECK(pops(1));
  memory[kCacheLineWords] = 77;  // "consumed", changed by somebody else
  memory[0] = 2;
  CHECK(consumer.pop(out) == Pop::Item);
  LONGS_EQUAL(2, memory[kCacheLineWords]);  // set right again
}

TEST(ShmSpscRing, PositionsMayWrapAround) {
  const Word start = ~Word{0} - 1;
  memory[0] = start;
  memory[kCacheLineWords] = start;
  CHECK(consumer.pop(out) == Pop::Corrupt);  // takes the position over
  for (Word n = 0; n < 4; ++n) CHECK(push(n));
  CHECK(!push(4));
  for (Word n = 0; n < 4; ++n) CHECK(pops(n));
}
