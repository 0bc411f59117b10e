#include "plugins/store/log.hpp"

#include <stdexcept>

#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;
using store::Outcome;

TEST_GROUP(StoreLog) {
  StoreRig rig;

  // The numbers that are there, as text: "3 4 5".
  static std::string numbers(const std::vector<Got>& records) {
    std::string text;
    for (const Got& got : records) text += (text.empty() ? "" : " ") + std::to_string(got.number);
    return text;
  }
};

TEST(StoreLog, HandsOutInOrderWhatWasAppended) {
  rig.open();
  rig.fill(1, 40);
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(40, records.size());
  for (std::uint64_t i = 1; i <= 40; ++i) CHECK((records[i - 1] == Got{i, payload_of(i)}));
  CHECK(rig.medium->segments().size() > 4);
  LONGS_EQUAL(40, rig.counters().appended);
  LONGS_EQUAL(40, rig.counters().handed_out);
  LONGS_EQUAL(0, rig.counters().redelivered);
  LONGS_EQUAL(0, rig.counters().damaged);
}

TEST(StoreLog, ACursorGoesOnWhereMoreIsAppended) {
  rig.open();
  auto cursor = rig.log->cursor();
  for (std::uint64_t i = 1; i <= 40; ++i) {
    CHECK_FALSE(cursor.next().has_value());
    rig.fill(i, i);
    STRCMP_EQUAL(std::to_string(i).c_str(), numbers(read(&cursor)).c_str());
  }
}

TEST(StoreLog, WhatIsNotAcknowledgedComesAgainAfterARestart) {
  rig.open();
  rig.fill(1, 20);
  rig.log->acknowledge(7);
  for (const bool killed : {true, false}) {
    if (killed) rig.kill();
    rig.open();
    auto cursor = rig.log->cursor();
    const auto first = cursor.next();
    LONGS_EQUAL(8, first->number);
    CHECK(first->again);
    LONGS_EQUAL(12, read(&cursor).size());
    LONGS_EQUAL(13, rig.counters().redelivered);
    LONGS_EQUAL(13, rig.log->status().depth.records);
  }
  LONGS_EQUAL(21, rig.append("one more").last);
}

TEST(StoreLog, RewoundItBeginsWithTheOldestThatIsNotAcknowledged) {
  rig.open();
  rig.fill(1, 20);
  auto cursor = rig.log->cursor();
  CHECK_FALSE(cursor.next()->again);
  LONGS_EQUAL(9, read(&cursor, 9).size());
  rig.log->acknowledge(4);
  cursor.rewind();
  CHECK(cursor.next()->again);
  STRCMP_EQUAL("6 7 8 9 10 11", numbers(read(&cursor, 6)).c_str());
  LONGS_EQUAL(6, rig.counters().redelivered);
}

TEST(StoreLog, AcknowledgingFreesSegments) {
  rig.open();
  rig.fill(1, 40);
  const std::uint64_t before = rig.log->status().depth.bytes;
  rig.log->acknowledge(39);
  LONGS_EQUAL(1, rig.medium->segments().size());
  CHECK(rig.log->status().depth.bytes < before / 4);
  STRCMP_EQUAL("40", numbers(read_all(rig.log.get())).c_str());
  // Beyond the end is the end; backwards is nothing.
  rig.log->acknowledge(1'000'000);
  rig.log->acknowledge(3);
  LONGS_EQUAL(0, rig.log->status().depth.records);
  LONGS_EQUAL(41, rig.append("x").last);
  STRCMP_EQUAL("41", numbers(read_all(rig.log.get())).c_str());
}

TEST(StoreLog, ABatchIsOneWriteAndOneSync) {
  rig.options.sync = store::Sync::Always;
  rig.options.segment_bytes = 1 << 16;
  rig.open();
  rig.fill(1, 1);
  std::vector<std::string> texts;
  for (std::uint64_t i = 2; i <= 51; ++i) texts.push_back(payload_of(i));
  std::vector<store::Bytes> batch;
  for (const std::string& text : texts) batch.push_back(store::bytes_of(text));
  auto& calls = rig.medium->calls;
  calls.clear();
  const store::Appended appended = rig.log->append(batch);
  LONGS_EQUAL(1, calls[Medium::Operation::Write]);
  LONGS_EQUAL(1, calls[Medium::Operation::Sync]);
  CHECK(appended.outcome == Outcome::Stored);
  LONGS_EQUAL(50, appended.stored);
  LONGS_EQUAL(51, appended.last);
  const auto records = read_all(rig.log.get());
  for (std::uint64_t i = 1; i <= 51; ++i) CHECK((records[i - 1] == Got{i, payload_of(i)}));
}

TEST(StoreLog, ABatchGoesOverSeveralSegments) {
  rig.open();
  std::vector<std::string> texts;
  for (std::uint64_t i = 1; i <= 50; ++i) texts.push_back(payload_of(i));
  const std::vector<store::Bytes> batch = [&] {
    std::vector<store::Bytes> out;
    for (const std::string& text : texts) out.push_back(store::bytes_of(text));
    return out;
  }();
  LONGS_EQUAL(50, rig.log->append(batch).stored);
  CHECK(rig.medium->segments().size() > 4);
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(50, records.size());
  for (std::uint64_t i = 1; i <= 50; ++i) CHECK((records[i - 1] == Got{i, payload_of(i)}));
}

TEST(StoreLog, TheLargestRecordFillsASegmentAndOneByteMoreIsRefused) {
  rig.open();
  const std::size_t most =
      rig.options.segment_bytes - store::kHeaderBytes - store::kRecordHeaderBytes;
  CHECK(rig.append("").outcome == Outcome::Stored);
  CHECK(rig.append(std::string(most, 'x')).outcome == Outcome::Stored);
  CHECK(rig.append(std::string(most + 1, 'x')).outcome == Outcome::TooLarge);
  CHECK(rig.append("small").outcome == Outcome::Stored);
  LONGS_EQUAL(1, rig.counters().refused);
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(3, records.size());
  LONGS_EQUAL(0, records[0].payload.size());
  LONGS_EQUAL(most, records[1].payload.size());
}

TEST(StoreLog, RecordsLargerThanTheWindowOfTheReader) {
  rig.options.segment_bytes = 4 << 20;
  rig.options.max_bytes = 64 << 20;
  rig.open();
  for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
    CHECK(rig.append(std::string(1'000'001, letter)).outcome == Outcome::Stored);
    CHECK(rig.append(std::string(3, letter)).outcome == Outcome::Stored);
  }
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(10, records.size());
  for (std::size_t i = 0; i < 10; i += 2) {
    const char letter = static_cast<char>('a' + i / 2);
    CHECK(records[i].payload == std::string(1'000'001, letter));
    CHECK(records[i + 1].payload == std::string(3, letter));
  }
}

TEST(StoreLog, FullItDropsTheOldestSegmentsAndCounts) {
  rig.options.max_bytes = 4 * rig.options.segment_bytes;
  rig.open();
  std::uint64_t dropping = 0;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const Outcome outcome = rig.append(payload_of(i)).outcome;
    CHECK(outcome == Outcome::Stored || outcome == Outcome::DroppedOldest);
    if (outcome == Outcome::DroppedOldest) ++dropping;
    CHECK(rig.log->status().depth.bytes <= rig.options.max_bytes);
  }
  const auto records = read_all(rig.log.get());
  const std::uint64_t dropped = rig.counters().dropped_oldest;
  CHECK(dropping > 5 && dropped > dropping);
  LONGS_EQUAL(100, dropped + records.size());
  LONGS_EQUAL(dropped + 1, records.front().number);
  LONGS_EQUAL(100, records.back().number);
  // What was dropped is not missed later.
  rig.kill();
  rig.open();
  CHECK(read_all(rig.log.get()) == records);
  LONGS_EQUAL(0, rig.counters().damaged);
}

TEST(StoreLog, AReaderThatIsOvertakenGoesOnBehindWhatWasDropped) {
  rig.options.max_bytes = 3 * rig.options.segment_bytes;
  rig.open();
  rig.fill(1, 10);
  auto cursor = rig.log->cursor();
  LONGS_EQUAL(1, cursor.next()->number);
  for (std::uint64_t i = 11; i <= 60; ++i) rig.append(payload_of(i));
  const auto rest = read(&cursor);
  LONGS_EQUAL(rig.counters().dropped_oldest + 1, rest.front().number);
  LONGS_EQUAL(60, rest.back().number);
  LONGS_EQUAL(60 - rig.counters().dropped_oldest, rest.size());
  LONGS_EQUAL(0, rig.counters().damaged);
}

TEST(StoreLog, FullItRefusesAndGoesOnWhenSomethingIsAcknowledged) {
  rig.options.max_bytes = 4 * rig.options.segment_bytes;
  rig.options.overflow = store::Overflow::Refuse;
  rig.open();
  std::uint64_t stored = 0;
  while (rig.append(payload_of(stored + 1)).outcome == Outcome::Stored) ++stored;
  CHECK(rig.append(payload_of(stored + 1)).outcome == Outcome::Full);
  LONGS_EQUAL(2, rig.counters().refused);
  LONGS_EQUAL(0, rig.counters().dropped_oldest);
  CHECK(rig.log->status().depth.bytes <= rig.options.max_bytes);
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(stored, records.size());
  rig.log->acknowledge(stored / 2);
  LONGS_EQUAL(stored + 1, rig.append("now there is room").last);
}

TEST(StoreLog, TheAgeOfTheOldest) {
  std::int64_t now = 1'000;
  rig.options.clock = [&now] { return now * 1'000'000'000; };
  rig.open();
  const auto age_s = [this] { return rig.log->status().depth.oldest_ns / 1'000'000'000; };
  LONGS_EQUAL(0, age_s());
  for (std::uint64_t i = 1; i <= 40; ++i) {
    now = 1'000 + static_cast<std::int64_t>(i);
    rig.fill(i, i);
  }
  now = 2'000;
  LONGS_EQUAL(999, age_s());
  LONGS_EQUAL(999, age_s());
  rig.log->acknowledge(25);
  LONGS_EQUAL(974, age_s());
  rig.kill();
  rig.open();
  LONGS_EQUAL(974, age_s());
  rig.log->acknowledge(40);
  LONGS_EQUAL(0, rig.log->status().depth.oldest_ns);
  // Looking for it is not handing out.
  LONGS_EQUAL(0, rig.counters().handed_out);
}

TEST(StoreLog, OptionsOutOfRangeAreRefusedWithTheRange) {
  const auto refused = [](auto change) {
    StoreRig other;
    change(&other.options);
    try {
      other.open();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  STRCMP_CONTAINS("segment_bytes is 127; it may be 128 to",
                  refused([](auto* o) { o->segment_bytes = 127; }).c_str());
  STRCMP_CONTAINS("room for two segments, 1024",
                  refused([](auto* o) { o->max_bytes = 1023; }).c_str());
  STRCMP_CONTAINS("sync_ms is 0", refused([](auto* o) {
                                    o->sync = store::Sync::Every;
                                    o->sync_ms = 0;
                                  }).c_str());
}

TEST(StoreLog, AnotherBoundAndOtherSegmentsAfterARestart) {
  rig.open();
  rig.fill(1, 60);
  rig.options.segment_bytes = 128;
  rig.options.max_bytes = 1024;
  rig.open();
  CHECK(rig.append("x").outcome == Outcome::DroppedOldest);
  CHECK(rig.log->status().depth.bytes <= 1024);
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(61, records.back().number);
  LONGS_EQUAL(61, rig.counters().dropped_oldest + records.size());
}
