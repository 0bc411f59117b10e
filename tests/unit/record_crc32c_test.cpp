#include "rt_core/record/crc32c.hpp"

#include <CppUTest/TestHarness.h>

#include <cstring>
#include <vector>

using rise::record::crc32c;

TEST_GROUP(RecordCrc32c){};

// The check value of the catalogue of CRCs, and the examples of RFC 3720 B.4.
TEST(RecordCrc32c, KnownValues) {
  UNSIGNED_LONGS_EQUAL(0xe3069283, crc32c("123456789", 9));
  std::vector<std::uint8_t> bytes(32, 0);
  UNSIGNED_LONGS_EQUAL(0x8a9136aa, crc32c(bytes.data(), bytes.size()));
  bytes.assign(32, 0xff);
  UNSIGNED_LONGS_EQUAL(0x62a8ab43, crc32c(bytes.data(), bytes.size()));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  UNSIGNED_LONGS_EQUAL(0x46dd794e, crc32c(bytes.data(), bytes.size()));
  UNSIGNED_LONGS_EQUAL(0, crc32c(nullptr, 0));
}

TEST(RecordCrc32c, InPiecesItIsTheSame) {
  const char text[] = "what is recorded in pieces is checked as a whole";
  const std::uint32_t whole = crc32c(text, sizeof text);
  for (std::size_t cut = 0; cut <= sizeof text; ++cut) {
    UNSIGNED_LONGS_EQUAL(whole, crc32c(text + cut, sizeof text - cut, crc32c(text, cut)));
  }
}
