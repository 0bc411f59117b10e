#include "plugins/store/format.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "plugins/store/scanner.hpp"
#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;

TEST_GROUP(StoreFormat) {
  static constexpr store::SegmentName kName{100, 0xabcd1234};

  // A segment of records 100, 101, ... with these payloads.
  static Content segment(const std::vector<std::string>& payloads) {
    Content bytes(store::kHeaderBytes);
    store::encode({store::kFormatVersion, kName.mark, kName.first, 99, 0}, bytes.data());
    std::uint64_t number = kName.first;
    for (const std::string& payload : payloads) add(number++, payload, &bytes);
    return bytes;
  }
  static void add(std::uint64_t number, const std::string& payload, Content* bytes) {
    const std::size_t at = bytes->size();
    bytes->resize(at + store::record_bytes(payload.size()));
    store::encode_record(kName.mark, number, 7, store::bytes_of(payload), &(*bytes)[at]);
  }
  static std::vector<Got> scan(const Content& bytes, std::uint64_t from = 1,
                               std::uint64_t below = 1000) {
    const auto medium = std::make_shared<Medium>();
    const auto file = std::make_shared<Medium::File>(Medium::File{"x", bytes, {}, {}});
    store::Scanner scanner;
    scanner.begin(std::make_shared<MemoryFile>(medium, file), kName);
    std::vector<Got> out;
    while (const auto found = scanner.next(bytes.size(), from, below)) {
      out.push_back({found->number, text_of(found->payload)});
    }
    CHECK(scanner.offset() >= bytes.size());
    return out;
  }
};

TEST(StoreFormat, NamesAreInTheOrderOfTheirNumbers) {
  STRCMP_EQUAL("00000000000000000100-abcd1234.segment", store::text_of(kName).c_str());
  CHECK(store::parse_segment_name(store::text_of(kName)) == kName);
  CHECK(store::text_of(store::SegmentName{9, 9}) < store::text_of(store::SegmentName{10, 1}));
  for (const char* text :
       {"", "position", "00000000000000000100-abcd1234.segment.damaged",
        "00000000000000000100-abcd1234_segment", "100-abcd1234.segment",
        "00000000000000000100-ABCD1234.segment", "0000000000000000010x-abcd1234.segment",
        "+0000000000000000100-abcd1234.segment", "18446744073709551615-abcd1234.segment"}) {
    CHECK_FALSE(store::parse_segment_name(text).has_value());
  }
}

TEST(StoreFormat, AHeaderWithAnyBitChangedIsNone) {
  const Content bytes = segment({});
  const auto header = store::decode_segment_header(bytes);
  LONGS_EQUAL(100, header->first);
  LONGS_EQUAL(99, header->after);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Content damaged = bytes;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(store::decode_segment_header(damaged).has_value());
  }
  CHECK_FALSE(store::decode_segment_header(store::Bytes(bytes).first(63)).has_value());
}

TEST(StoreFormat, PayloadsOfEveryLength) {
  std::vector<std::string> payloads;
  for (std::size_t length = 0; length < 40; ++length) payloads.emplace_back(length, 'x');
  const auto found = scan(segment(payloads));
  LONGS_EQUAL(40, found.size());
  for (std::size_t i = 0; i < 40; ++i) CHECK((found[i] == Got{100 + i, payloads[i]}));
}

TEST(StoreFormat, WhatIsInsertedBetweenRecordsIsPassedOver) {
  const Content whole = segment({"a", "bb", "ccc"});
  for (std::size_t insert = 8; insert <= 200; insert += 8) {
    for (const int filling : {0, 0xff, 0x34}) {
      Content bytes = segment({"a"});
      bytes.insert(bytes.end(), insert, static_cast<std::uint8_t>(filling));
      bytes.insert(bytes.end(), whole.begin() + 104, whole.end());
      CHECK((scan(bytes) == std::vector<Got>{{100, "a"}, {101, "bb"}, {102, "ccc"}}));
    }
  }
}

TEST(StoreFormat, NumbersThatCannotBeAreNotBelieved) {
  Content bytes = segment({"a"});
  add(99, "before the segment begins", &bytes);
  add(100 + 500, "more than there is room for", &bytes);
  add(101, "b", &bytes);
  CHECK((scan(bytes) == std::vector<Got>{{100, "a"}, {101, "b"}}));
  // What the next segment has is not this one's; what is acknowledged is not wanted.
  CHECK((scan(bytes, 1, 101) == std::vector<Got>{{100, "a"}}));
  CHECK((scan(bytes, 101, 1000) == std::vector<Got>{{101, "b"}}));
}

// A header that is in order tells where the next one is, also if its payload is damaged. Else many
// of them, one in the other, would be summed up again and again.
TEST(StoreFormat, HeadersThatLeadNowhereAreNotFollowedTwice) {
  const auto medium = std::make_shared<Medium>();
  Content bytes = segment({});
  for (std::size_t i = 0; i < 200; ++i) {
    const std::size_t at = bytes.size();
    add(100 + i, std::string(400'000, 'x'), &bytes);
    bytes.resize(at + store::kRecordHeaderBytes);  // the payload is what follows
  }
  bytes.resize(bytes.size() + 400'000);
  const auto file = std::make_shared<Medium::File>(Medium::File{"x", bytes, {}, {}});
  store::Scanner scanner;
  scanner.begin(std::make_shared<MemoryFile>(medium, file), kName);
  CHECK_FALSE(scanner.next(bytes.size(), 1, store::kMaxNumber).has_value());
  CHECK(medium->calls[Medium::Operation::Read] <= 3);
}
