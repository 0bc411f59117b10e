#include "rt_core/record/format.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/record/crc32c.hpp"
#include "schema_hash.hpp"

using namespace rise::record;

TEST_GROUP(RecordFormat) {
  Head head;
  std::size_t used = 0;

  void setup() {
    head.schema_hash = rise::message::kSchemaHash;
    head.abi_major = 1;
    head.abi_minor = 1;
    head.lane = 3;
    head.period_ns = 1'000'000;
    head.seed = 0xfedcba9876543210;
    head.started_mono_ns = -5;
    head.started_utc_ns = 1'700'000'000'000'000'000;
    head.tripped = true;
    head.stop_word = 7;
    head.core = "c";
    head.lane_name = "main";
    head.config = "[core]\nname = \"c\"\n";
    head.machines = {{0, "a", "focas", "1"}, {9, "b", "telemetry", "2"}};
  }
  std::string refusal(std::vector<std::uint8_t> bytes) {
    const auto decoded = decode_head(bytes.data(), bytes.size(), &used);
    return decoded ? "" : decoded.error();
  }
};

TEST(RecordFormat, TheHeadComesBack) {
  std::vector<std::uint8_t> bytes = encode(head);
  const std::size_t length = bytes.size();
  bytes.resize(length + 100);
  const auto decoded = decode_head(bytes.data(), bytes.size(), &used);
  CHECK(static_cast<bool>(decoded));
  UNSIGNED_LONGS_EQUAL(length, used);
  CHECK(decoded->seed == head.seed && decoded->lane == 3 && decoded->period_ns == 1'000'000);
  CHECK(decoded->started_mono_ns == -5 && decoded->started_utc_ns == head.started_utc_ns);
  CHECK(decoded->tripped && !decoded->unclean && decoded->stop_word == 7);
  CHECK(decoded->core == "c" && decoded->lane_name == "main" && decoded->config == head.config);
  UNSIGNED_LONGS_EQUAL(2, decoded->machines.size());
  CHECK(decoded->machines[1].number == 9 && decoded->machines[1].driver_version == "2");
}

TEST(RecordFormat, WhatIsNotOursIsRefusedWithAReason) {
  const std::vector<std::uint8_t> good = encode(head);
  STRCMP_EQUAL("", refusal(good).c_str());
  STRCMP_CONTAINS("no recording", refusal({}).c_str());
  STRCMP_CONTAINS("no recording", refusal({1, 2, 3}).c_str());
  std::vector<std::uint8_t> bad = good;
  bad[0] ^= 1;
  STRCMP_CONTAINS("no recording", refusal(bad).c_str());
  bad = good;
  bad[8] = 9;
  STRCMP_CONTAINS("version 9", refusal(bad).c_str());
  bad = good;
  bad.back() ^= 1;
  STRCMP_CONTAINS("check sum", refusal(bad).c_str());
  head.schema_hash ^= 1;
  STRCMP_CONTAINS("message schema", refusal(encode(head)).c_str());
}

TEST(RecordFormat, CutAnywhereItIsRefused) {
  const std::vector<std::uint8_t> good = encode(head);
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK(!refusal({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}).empty());
  }
}

TEST(RecordFormat, NumbersComeBack) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63},
                                   std::int64_t{-64}, INT64_MAX, INT64_MIN}) {
    CHECK(unzigzag(zigzag(value)) == value);
    CHECK(sum(difference(value, INT64_MIN), INT64_MIN) == value);
    CHECK(sum(difference(INT64_MAX, value), value) == INT64_MAX);
  }
  std::uint8_t bytes[kMaxVarintBytes];
  UNSIGNED_LONGS_EQUAL(1, put_varint(bytes, 0x7f));
  UNSIGNED_LONGS_EQUAL(2, put_varint(bytes, 0x80));
  UNSIGNED_LONGS_EQUAL(kMaxVarintBytes, put_varint(bytes, UINT64_MAX));
}
