#include "rt_core/record/journal.hpp"

#include <CppUTest/TestHarness.h>

#include <thread>

#include "rt_core/random.hpp"

using rise::record::CycleMark;
using rise::record::Journal;

namespace {
constexpr std::size_t kCapacity = 1024;
}

TEST_GROUP(RecordJournal) {
  Journal journal{kCapacity};
  CycleMark mark;
  std::vector<std::uint8_t> bytes;

  void put(std::size_t length, std::uint8_t value) {
    const std::vector<std::uint8_t> some(length, value);
    journal.put(some.data(), some.size());
  }
};

TEST(RecordJournal, WhatIsNotCommittedIsNotSeen) {
  CHECK_FALSE(journal.take(&mark, &bytes));
  put(5, 1);
  CHECK_FALSE(journal.take(&mark, &bytes));
  put(2, 2);
  journal.commit(10, 20, 30);
  put(1, 3);
  CHECK(journal.take(&mark, &bytes));
  UNSIGNED_LONGS_EQUAL(7, mark.length);
  UNSIGNED_LONGS_EQUAL(10, mark.frames);
  UNSIGNED_LONGS_EQUAL(20, mark.events);
  UNSIGNED_LONGS_EQUAL(30, mark.results);
  CHECK(bytes == std::vector<std::uint8_t>({1, 1, 1, 1, 1, 2, 2}));
  CHECK_FALSE(journal.take(&mark, &bytes));
}

TEST(RecordJournal, GoesRoundAndRoundWithAnyLengths) {
  std::uint64_t random = 5;
  for (int i = 0; i < 5000; ++i) {
    const std::size_t length = rise::next_random(&random) % 400;
    put(length / 2, static_cast<std::uint8_t>(i));
    put(length - length / 2, static_cast<std::uint8_t>(i + 1));
    journal.commit(static_cast<std::uint64_t>(i), 0, 0);
    bytes.clear();
    CHECK(journal.take(&mark, &bytes));
    UNSIGNED_LONGS_EQUAL(i, mark.frames);
    UNSIGNED_LONGS_EQUAL(length, bytes.size());
    for (std::size_t k = 0; k < length; ++k) {
      BYTES_EQUAL(static_cast<std::uint8_t>(k < length / 2 ? i : i + 1), bytes[k]);
    }
  }
  CHECK_FALSE(journal.broken());
}

TEST(RecordJournal, FullItIsOverAndNothingHalfIsSeen) {
  int committed = 0;
  for (int i = 0; i < 20; ++i) {
    put(100, static_cast<std::uint8_t>(i));
    const bool good = !journal.closed();
    journal.commit(1, 0, 0);
    committed += good ? 1 : 0;
  }
  CHECK(journal.broken());
  CHECK(journal.closed());
  UNSIGNED_LONGS_EQUAL(static_cast<std::uint64_t>(20 - committed), journal.lost());
  int taken = 0;
  while (journal.take(&mark, &bytes)) ++taken;
  LONGS_EQUAL(committed, taken);
  CHECK(committed >= 6 && committed <= 8);
  // There is room again, but a gap cannot be mended.
  put(10, 1);
  journal.commit(1, 0, 0);
  CHECK_FALSE(journal.take(&mark, &bytes));
}

TEST(RecordJournal, ACycleLargerThanItBreaksIt) {
  put(kCapacity + 1, 1);
  journal.commit(0, 0, 0);
  CHECK(journal.broken());
  CHECK_FALSE(journal.take(&mark, &bytes));
}

// For the thread sanitizer, too.
TEST(RecordJournal, TwoThreads) {
  constexpr std::uint64_t kCycles = 20'000;
  Journal shared(1u << 16);
  std::thread lane([&] {
    std::uint64_t random = 1;
    for (std::uint64_t i = 0; i < kCycles; ++i) {
      std::uint8_t some[64];
      const std::size_t length = rise::next_random(&random) % sizeof some;
      for (std::size_t k = 0; k < length; ++k) some[k] = static_cast<std::uint8_t>(i + k);
      shared.put(some, length);
      shared.commit(i, length, 0);
      if (i % 256 == 0) std::this_thread::yield();
    }
  });
  std::uint64_t next = 0;
  bool good = true;
  // Bounded by the watchdog of the tests.
  while (next < kCycles) {
    const bool broken = shared.broken();
    bytes.clear();
    if (!shared.take(&mark, &bytes)) {
      if (broken) break;
      std::this_thread::yield();
      continue;
    }
    good = good && mark.frames == next && mark.events == bytes.size();
    for (std::size_t k = 0; k < bytes.size(); ++k) {
      good = good && bytes[k] == static_cast<std::uint8_t>(next + k);
    }
    ++next;
  }
  lane.join();
  CHECK(good);
  UNSIGNED_LONGS_EQUAL(kCycles, next + shared.lost());
}
