#include "plugins/recorder/mcap_reader.hpp"

#include <CppUTest/TestHarness.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "tests/plugins/mcap_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;

TEST_GROUP(McapReader) {
  McapRig rig;

  // Chunks of the file that end by then, as messages.
  std::vector<Given> whole_chunks(std::size_t length) {
    std::vector<Given> found;
    for (std::size_t i = 0; i < rig.chunk_ends.size(); ++i) {
      // The indexes behind a chunk may be cut off: its messages are there.
      if (chunk_data_end(i) > length) break;
      found.insert(found.end(), rig.given.begin() + static_cast<long>(3 * i),
                   rig.given.begin() + static_cast<long>(3 * i + 3));
    }
    return found;
  }
  std::size_t chunk_begin(std::size_t i) {
    return i == 0 ? sizeof kMagic + kPrefixBytes + 4 + 4 + 4 : rig.chunk_ends[i - 1];
  }
  std::size_t chunk_data_end(std::size_t i) {
    const auto chunk = first_record(bytes_of_text(rig.file).subspan(chunk_begin(i)));
    return chunk_begin(i) + kPrefixBytes + chunk->content.size();
  }
  // A chunk of these records, uncompressed or as told, with a check sum that fits.
  std::string chunk_of(const std::string& records, const std::string& compression = "",
                       std::uint64_t claimed = 0) {
    std::string packed = records;
    if (compression == "zstd") {
      packed.resize(::ZSTD_compressBound(records.size()));
      packed.resize(
          ::ZSTD_compress(packed.data(), packed.size(), records.data(), records.size(), 1));
    }
    std::string out;
    Encoder(&out, Op::Chunk)
        .u64(1)
        .u64(2)
        .u64(claimed != 0 ? claimed : records.size())
        .u32(crc32(records.data(), records.size()))
        .text(compression)
        .u64(packed.size())
        .bytes(packed);
    return out;
  }
};

TEST(McapReader, GivesBackWhatWasWritten) {
  rig.chunks(4);
  rig.writer.finish();
  const std::vector<std::uint8_t> file(rig.file.begin(), rig.file.end());
  McapReader reader(file);
  McapMessage message;
  for (const Given& given : rig.given) {
    CHECK(reader.next(&message));
    LONGS_EQUAL(given.channel, message.channel->id);
    LONGS_EQUAL(given.log_time, message.log_time);
    LONGS_EQUAL(given.log_time + 1, message.publish_time);
    CHECK((message.schema != nullptr) == (given.channel == 1));
  }
  CHECK_FALSE(reader.next(&message));
  CHECK_FALSE(reader.next(&message));
  CHECK(reader.whole());
  STRCMP_EQUAL("rise", reader.library().c_str());
  LONGS_EQUAL(4, reader.totals().chunks);
  STRCMP_EQUAL("a", reader.channels().at(1).metadata.at("machine").c_str());
  LONGS_EQUAL(12, reader.schemas().at(1).data.size());
}

TEST(McapReader, CutOffAnywhereGivesAllWholeChunks) {
  rig.chunks(3);
  rig.writer.finish();
  for (std::size_t length = 0; length < rig.file.size(); ++length) {
    const Found found = read_exactly(rig.file.substr(0, length));
    CHECK(found.messages == whole_chunks(length));
    CHECK_FALSE(found.whole);
    CHECK_FALSE(found.faults.empty());
  }
  CHECK(read_exactly(rig.file).whole);
}

TEST(McapReader, AChangedByteCostsItsChunkAtMostAndIsNeverHandedOut) {
  rig.chunks(3);
  rig.writer.finish();
  std::size_t unseen = 0;
  for (std::size_t at = 0; at < rig.file.size(); ++at) {
    for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
      std::string damaged = rig.file;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ change);
      const Found found = read_exactly(damaged);
      // What comes is what was written, in its order: a part of it in which one chunk is missing.
      auto next = rig.given.begin();
      for (const Given& one : found.messages) {
        next = std::find(next, rig.given.end(), one);
        CHECK(next != rig.given.end());
        ++next;
      }
      CHECK(found.messages.size() >= rig.given.size() - 3);
      unseen += found.whole ? 1 : 0;
    }
  }
  // The head and the end of the data have no check sum of their own but are in that of the data.
  LONGS_EQUAL(0, unseen);
}

TEST(McapReader, ADamageInTheLastChunkOfAFileThatWasCutOffIsSeen) {
  rig.chunks(2);
  std::string damaged = rig.file;
  damaged[chunk_data_end(1) - 5] = static_cast<char>(damaged[chunk_data_end(1) - 5] ^ 4);
  const Found found = read_exactly(damaged);
  LONGS_EQUAL(3, found.messages.size());
  CHECK_FALSE(found.has_end);
  LONGS_EQUAL(2, found.faults.size());
}

TEST(McapReader, RubbishIsNoFile) {
  CHECK_FALSE(is_mcap(bytes_of_text("")));
  CHECK_FALSE(is_mcap(bytes_of_text("\x89MCAP1\r\n")));
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string(1000, '\xff'), std::string(1000, '\0')}) {
    const Found found = read_exactly(text);
    LONGS_EQUAL(0, found.messages.size());
    CHECK_FALSE(found.faults.empty());
  }
}

TEST(McapReader, AChunkThatClaimsTooMuchIsRefusedBeforeMemoryIsTaken) {
  std::string file = rig.file;
  file += chunk_of("", "zstd", std::uint64_t{1} << 60u);
  const Found found = read_exactly(file);
  STRCMP_CONTAINS("beyond the limit", found.faults[0].text.c_str());
}

TEST(McapReader, AChunkThatUnpacksToMoreThanItClaimsIsRefused) {
  std::string file = rig.file;
  file += chunk_of(std::string(100'000, 'x'), "zstd", 1000);
  const Found found = read_exactly(file);
  STRCMP_CONTAINS("cannot be uncompressed", found.faults[0].text.c_str());
}

TEST(McapReader, RecordsThatMakeNoSenseCostTheirChunkAsAWhole) {
  std::string message;
  Encoder(&message, Op::Message).u16(7).u32(0).u64(0).u64(0);
  std::string short_message;
  Encoder(&short_message, Op::Message).u16(7);
  std::string channel;
  append(&channel, Channel{7, 9, "t", "json", {}});  // its schema is nowhere
  std::string nested;
  nested = chunk_of("");
  for (const std::string& records :
       {message, short_message, channel, nested, std::string("\x05", 1), std::string(9, '\xff')}) {
    const Found found = read_exactly(rig.file + chunk_of(records));
    LONGS_EQUAL(0, found.messages.size());
    STRCMP_CONTAINS("chunk", found.faults[0].text.c_str());
  }
}

TEST(McapReader, AChannelCannotBecomeAnotherOne) {
  rig.chunks(1);
  std::string records;
  append(&records, Channel{2, 0, "another topic", "json", {}});
  Encoder(&records, Op::Message).u16(2).u32(0).u64(0).u64(0);
  const Found found = read_exactly(rig.file + chunk_of(records));
  LONGS_EQUAL(3, found.messages.size());
  STRCMP_CONTAINS("makes no sense", found.faults[0].text.c_str());
}

TEST(McapReader, OtherPeoplesLayoutsAreRead) {
  // No chunks at all, metadata and an attachment, and a record of somebody's own.
  std::string file = rig.file;
  append(&file, Channel{5, 0, "t", "json", {}});
  Encoder(&file, Op::Metadata).text("name").u32(0);
  Encoder(&file, Op::Attachment).u64(0).u64(0).text("a").text("text/plain").u64(0).u32(0);
  Encoder(&file, static_cast<Op>(0x90)).text("own");
  Encoder(&file, Op::Message).u16(5).u32(1).u64(2).u64(3).bytes("hello");
  file += chunk_of([] {
    std::string records;
    Encoder(&records, Op::Message).u16(5).u32(2).u64(4).u64(5).bytes("again");
    return records;
  }());
  Encoder(&file, Op::DataEnd).u32(0);
  Encoder(&file, Op::Footer).u64(0).u64(0).u32(0);
  file.append(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  const Found found = read_exactly(file);
  LONGS_EQUAL(2, found.messages.size());
  STRCMP_EQUAL("hello", found.messages[0].data.c_str());
  STRCMP_EQUAL("again", found.messages[1].data.c_str());
  LONGS_EQUAL(1, found.faults.size());
  STRCMP_EQUAL("there is no summary", found.faults[0].text.c_str());
}

TEST(McapReader, AnUnknownCompressionIsToldByItsName) {
  const Found found = read_exactly(rig.file + chunk_of("x", "lz4"));
  STRCMP_CONTAINS("lz4", found.faults[0].text.c_str());
}

TEST(McapReader, FaultsAreKeptToALimitAndAllCounted) {
  std::string file = rig.file;
  for (int i = 0; i < 50; ++i) file += chunk_of("x", "zstd", 5);
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  ReaderLimits limits;
  limits.faults = 10;
  McapReader reader(bytes, limits);
  McapMessage message;
  CHECK_FALSE(reader.next(&message));
  LONGS_EQUAL(10, reader.faults().size());
  LONGS_EQUAL(51, reader.totals().faults);
}
