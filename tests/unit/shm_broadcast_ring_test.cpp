// The broadcast ring in one thread: sizes and exact counts. Many threads: shm_ring_stress_test;
// every order of memory operations: tests/model.
#include "rt_core/shm/broadcast_ring.hpp"

#include <CppUTest/TestHarness.h>

#include <vector>

#include "rt_core/random.hpp"

using namespace rise::shm;

TEST_GROUP(ShmBroadcastRing) {
  RingShape shape{16, 3};
  std::vector<Word> memory = std::vector<Word>(shape.total_words());
  BroadcastWriter<> writer{memory.data(), shape};

  void publish(Word count) {
    for (Word i = 0; i < count; ++i) {
      const Word n = writer.published();
      const Word payload[3] = {n, ~n, n * 3};
      writer.publish(payload);
    }
  }
};

TEST(ShmBroadcastRing, SlotsFillWholeCacheLines) {
  LONGS_EQUAL(8, (RingShape{2, 1}.slot_words()));
  LONGS_EQUAL(8, (RingShape{2, 7}.slot_words()));  // 7 words and the stamp
  LONGS_EQUAL(16, (RingShape{2, 8}.slot_words()));
  LONGS_EQUAL(8 + 4 * 16, (RingShape{4, 15}.total_words()));
}

TEST(ShmBroadcastRing, OnlyPowersOfTwoFromTwoOnAreValid) {
  for (std::size_t capacity = 0; capacity < 70; ++capacity) {
    const bool power = capacity == 2 || capacity == 4 || capacity == 8 || capacity == 16 ||
                       capacity == 32 || capacity == 64;
    CHECK((RingShape{capacity, 1}.valid()) == power);
    CHECK((!RingShape{capacity, 0}.valid()));
  }
}

TEST(ShmBroadcastRing, FramesComeInOrderAndOnce) {
  BroadcastReader<> reader(memory.data(), shape, 0);
  Word out[3];
  CHECK(!reader.next(out));
  publish(16);
  LONGS_EQUAL(16, reader.backlog());
  for (Word n = 0; n < 16; ++n) {
    CHECK(reader.next(out));
    LONGS_EQUAL(n, out[0]);
    CHECK(out[1] == ~n);
    LONGS_EQUAL(n * 3, out[2]);
  }
  CHECK(!reader.next(out));
  LONGS_EQUAL(0, reader.lost());
  LONGS_EQUAL(0, reader.backlog());
}

TEST(ShmBroadcastRing, OneFrameTooManyCostsAQuarterOfTheRing) {
  BroadcastReader<> reader(memory.data(), shape, 0);
  Word out[3];
  publish(17);
  CHECK(reader.next(out));
  LONGS_EQUAL(5, out[0]);  // 17 published, 12 kept: a head start against the next lapping
  LONGS_EQUAL(5, reader.lost());
}

TEST(ShmBroadcastRing, OldestLeavesRoom) {
  BroadcastReader<> reader(memory.data(), shape, 0);
  LONGS_EQUAL(0, reader.oldest());
  publish(12);
  LONGS_EQUAL(0, reader.oldest());
  publish(1);
  LONGS_EQUAL(1, reader.oldest());
}

TEST(ShmBroadcastRing, ReadAndLostTogetherAreWhatWasPublished) {
  BroadcastReader<> reader(memory.data(), shape, 0);
  std::uint64_t random = 7;
  Word read = 0;
  Word last = 0;
  Word out[3];
  for (int round = 0; round < 5000; ++round) {
    publish(rise::next_random(&random) % 40);
    for (Word n = rise::next_random(&random) % 20; n > 0 && reader.next(out); --n) {
      CHECK(out[0] >= last);
      CHECK(out[1] == ~out[0]);
      last = out[0] + 1;
      ++read;
    }
    LONGS_EQUAL(reader.cursor(), read + reader.lost());
  }
  while (reader.next(out)) ++read;
  LONGS_EQUAL(writer.published(), read + reader.lost());
  CHECK(reader.lost() > 0);
  CHECK(read > 0);
}

TEST(ShmBroadcastRing, ACursorAheadOfTheHeadWaits) {
  BroadcastReader<> reader(memory.data(), shape, 3);
  Word out[3] = {};
  publish(3);
  CHECK(!reader.next(out));
  LONGS_EQUAL(0, reader.backlog());
  publish(1);
  CHECK(reader.next(out));
  LONGS_EQUAL(3, out[0]);
}
