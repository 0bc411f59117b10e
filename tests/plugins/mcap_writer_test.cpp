#include "plugins/recorder/mcap_writer.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/plugins/mcap_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;

TEST_GROUP(McapWriter) {
  McapRig rig;

  std::vector<Record> records(std::size_t from) {
    std::vector<Record> found;
    Bytes rest = bytes_of_text(rig.file).subspan(from);
    while (const auto record = first_record(rest)) {
      found.push_back(*record);
      rest = rest.subspan(kPrefixBytes + record->content.size());
    }
    return found;
  }
};

TEST(McapWriter, TheCheckSumIsThatOfZlib) {
  LONGS_EQUAL(0xcbf43926, crc32("123456789", 9));
  LONGS_EQUAL(0xcbf43926, crc32("6789", 4, crc32("12345", 5)));
  LONGS_EQUAL(0, crc32("", 0));
  const std::string longer(1000, 'x');
  std::uint32_t by_byte = 0;
  for (const char c : longer) by_byte = crc32(&c, 1, by_byte);
  LONGS_EQUAL(by_byte, crc32(longer.data(), longer.size()));
}

TEST(McapWriter, RecordsStandInTheOrderOfTheSpecification) {
  rig.chunks(2);
  CHECK(rig.writer.finish());
  std::vector<int> kinds;
  for (const Record& record : records(sizeof kMagic)) kinds.push_back(static_cast<int>(record.op));
  // Header; chunk and two message indexes, twice; data end; schema, two channels, two chunk
  // indexes, statistics; four summary offsets; footer.
  const std::vector<int> expected = {1, 6, 7, 7, 6, 7, 7, 15, 3, 4, 4, 8, 8, 11, 14, 14, 14, 14, 2};
  CHECK(kinds == expected);
}

TEST(McapWriter, TheSummaryPointsAtWhatItNames) {
  rig.chunks(3);
  rig.writer.finish();
  const Bytes file = bytes_of_text(rig.file);
  Footer footer;
  CHECK(parse(first_record(file.subspan(file.size() - kTailBytes))->content, &footer));
  LONGS_EQUAL(crc32(file.data() + footer.summary_start,
                    file.size() - sizeof kMagic - 4 - footer.summary_start),
              footer.summary_crc);
  int groups = 0;
  for (const Record& record : records(footer.summary_offset_start)) {
    if (record.op != Op::SummaryOffset) continue;
    ++groups;
    Decoder decoder(record.content);
    const std::uint8_t op = decoder.u8();
    const std::uint64_t begin = decoder.u64();
    const std::uint64_t length = decoder.u64();
    const auto first = first_record(file.subspan(begin));
    CHECK(first.has_value());
    LONGS_EQUAL(op, static_cast<int>(first->op));
    CHECK(begin + length <= footer.summary_offset_start);
  }
  LONGS_EQUAL(4, groups);
}

TEST(McapWriter, EachChunkHasWhatItsMessagesNeed) {
  rig.chunks(2);
  rig.writer.finish();
  // The second chunk by itself, behind a new head: it can be read without the first one.
  const std::string alone =
      rig.file.substr(0, rig.file.find('\x06', sizeof kMagic)) +
      rig.file.substr(rig.chunk_ends[0], rig.chunk_ends[1] - rig.chunk_ends[0]);
  const Found found = read_exactly(alone);
  LONGS_EQUAL(3, found.messages.size());
  CHECK(found.messages[0] == rig.given[3]);
}

TEST(McapWriter, TheStatisticsCountWhatIsWritten) {
  rig.chunks(2);
  const Statistics& statistics = rig.writer.statistics();
  LONGS_EQUAL(6, statistics.messages);
  LONGS_EQUAL(2, statistics.chunks);
  LONGS_EQUAL(1, statistics.schemas);
  LONGS_EQUAL(2, statistics.channels);
  LONGS_EQUAL(1000, statistics.start_time);
  LONGS_EQUAL(1012, statistics.end_time);
  LONGS_EQUAL(4, statistics.channel_messages.at(1));
  LONGS_EQUAL(2, statistics.channel_messages.at(2));
}

TEST(McapWriter, AClockThatIsSetBackWidensTheChunk) {
  rig.message(1, 5000, "x");
  rig.message(1, 3000, "y");
  rig.message(1, 4000, "z");
  CHECK(rig.writer.finish());
  LONGS_EQUAL(3000, rig.writer.statistics().start_time);
  LONGS_EQUAL(5000, rig.writer.statistics().end_time);
  const Found found = read_exactly(rig.file);
  CHECK(found.whole);
  CHECK(found.messages == rig.given);
}

TEST(McapWriter, WhatTheFileRefusesHasNotHappened) {
  rig.chunks(1);
  const std::vector<Given> before = rig.given;
  rig.refuse = true;
  rig.message(1, 1, "lost");
  CHECK_FALSE(rig.writer.end_chunk());
  rig.refuse = false;
  rig.given = before;
  rig.message(2, 2000, "kept");
  CHECK(rig.writer.finish());
  const Found found = read_exactly(rig.file);
  CHECK(found.whole);
  CHECK(found.messages == rig.given);
}

TEST(McapWriter, AFileWithoutMessagesIsOne) {
  CHECK(rig.writer.finish());
  const Found found = read_exactly(rig.file);
  CHECK(found.whole);
  LONGS_EQUAL(0, found.messages.size());
}
