#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <cstring>

#include "drivers/focas/alarms.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/focas_fake_host.hpp"
#include "tests/unit/focas_vectors.hpp"

using namespace rise::focas;
using rise::test::FakeHost;

namespace {

constexpr std::int64_t kMs = 1'000'000;

std::vector<std::uint8_t> bits(std::uint32_t value) {
  std::vector<std::uint8_t> data(4);
  wire::store_u32(data.data(), value);
  return data;
}

std::vector<std::uint8_t> message(int number, int type, int axis, const std::string& text,
                                  std::uint32_t length = 0xffffffff) {
  std::vector<std::uint8_t> data(16 + 64);
  wire::store_i32(data.data(), number);
  wire::store_i32(data.data() + 4, type);
  wire::store_i32(data.data() + 8, axis);
  wire::store_u32(data.data() + 12,
                  length == 0xffffffff ? static_cast<std::uint32_t>(text.size()) : length);
  std::memcpy(data.data() + 16, text.data(), std::min<std::size_t>(text.size(), 64));
  return data;
}

std::vector<std::uint8_t> operator+(std::vector<std::uint8_t> a,
                                    const std::vector<std::uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_GROUP(FocasAlarms) {
  FakeHost host;
  Alarms alarms;

  bool wants(std::uint32_t value, std::int64_t now_ns, std::uint16_t path = 1) {
    return alarms.take_bits(host.abi, path, bits(value), now_ns);
  }
  bool takes(const std::vector<std::uint8_t>& data, std::uint16_t path = 1) {
    return alarms.take_messages(host.abi, path, 64, data);
  }
};

TEST(FocasAlarms, NoAlarmNothingToTell) {
  CHECK(!wants(0, 0));
  CHECK(!wants(0, 1000 * kMs));
  LONGS_EQUAL(0, host.alarms.size());
}

TEST(FocasAlarms, AppearChangeVanish) {
  CHECK(wants(0x10, 0));
  CHECK(takes(message(500, 4, 2, "(Y)OVER TRAVEL")));
  LONGS_EQUAL(1, host.alarms.size());
  LONGS_EQUAL(500, host.alarms[0][0].number);
  LONGS_EQUAL(4, host.alarms[0][0].type);
  LONGS_EQUAL(2, host.alarms[0][0].axis);
  STRCMP_EQUAL("(Y)OVER TRAVEL", host.alarms[0][0].text.c_str());
  CHECK(wants(0x18, 10 * kMs));
  CHECK(takes(message(500, 4, 2, "(Y)OVER TRAVEL") + message(10, 3, 0, "IMPROPER G-CODE")));
  LONGS_EQUAL(2, host.alarms[1].size());
  CHECK(!wants(0, 20 * kMs));
  LONGS_EQUAL(0, host.alarms[2].size());
  CHECK(!wants(0, 30 * kMs));
  LONGS_EQUAL(3, host.alarms.size());
}

TEST(FocasAlarms, MessagesAreAskedAtChangesAndThenNowAndThen) {
  CHECK(wants(1, 0));
  for (int ms = 1; ms < 500; ms += 10) CHECK(!wants(1, ms * kMs));
  CHECK(wants(1, 500 * kMs));
  CHECK(!wants(1, 501 * kMs));
  CHECK(wants(3, 502 * kMs));
}

TEST(FocasAlarms, WhatVanishedBeforeItsMessageCameIsNoAlarm) {
  CHECK(wants(1, 0));
  CHECK(!wants(0, 10 * kMs));
  CHECK(takes(message(1, 0, 0, "late")));
  LONGS_EQUAL(0, host.alarms.size());
}

TEST(FocasAlarms, PathsAreToldTogether) {
  wants(1, 0, 1);
  wants(2, 0, 2);
  takes(message(1, 0, 0, "one"), 1);
  takes(message(2, 1, 0, "two"), 2);
  LONGS_EQUAL(2, host.alarms.back().size());
  wants(0, 10 * kMs, 1);
  LONGS_EQUAL(1, host.alarms.back().size());
  STRCMP_EQUAL("two", host.alarms.back()[0].text.c_str());
  LONGS_EQUAL(2, host.alarms.back()[0].path);
  CHECK(!wants(1, 20 * kMs, 0));
  CHECK(!wants(1, 20 * kMs, 11));
  CHECK(!takes(message(1, 0, 0, "x"), 0));
  CHECK(!takes(message(1, 0, 0, "x"), 11));
}

TEST(FocasAlarms, MalformedRecordSizesAreRefused) {
  wants(1, 0);
  takes(message(1, 0, 0, "one"));
  for (std::size_t size = 0; size <= 3 * 80; ++size) {
    if (size % 80 == 0) continue;
    CHECK(!takes(std::vector<std::uint8_t>(size)));
  }
  LONGS_EQUAL(1, host.alarms.size());  // what was told stays
  CHECK(!alarms.take_bits(host.abi, 1, std::vector<std::uint8_t>(3), 0));
}

TEST(FocasAlarms, TextsKeepToTheirRecord) {
  wants(1, 0);
  // No such type, no such length: these are records of another size.
  CHECK(!takes(message(1, 0, 0, std::string(64, 'x'), 0x7fffffff)));
  CHECK(!takes(message(1, 0, 0, std::string(64, 'x'), 0xffffff00)));
  CHECK(!takes(message(1, 0, 0, std::string(64, 'x'), 65)));
  CHECK(!takes(message(1, 32, 0, "x")));
  CHECK(!takes(message(1, -1, 0, "x")));
  LONGS_EQUAL(0, host.alarms.size());
  takes(message(1, 31, 0, std::string(64, 'x'), 64));
  LONGS_EQUAL(64, host.alarms.back()[0].text.size());
  takes(message(1, 0, 0, "abcdef", 3));
  STRCMP_EQUAL("abc", host.alarms.back()[0].text.c_str());
  takes(message(1, 0, 0, "abc", 40));  // padded with zeros
  STRCMP_EQUAL("abc", host.alarms.back()[0].text.c_str());
  takes(message(1, 0, 0, "abc   ", 6));
  STRCMP_EQUAL("abc", host.alarms.back()[0].text.c_str());
  takes(message(1, 0, 0,
                "Sp\xe4n"
                "e\x07",
                6));
  STRCMP_EQUAL("Sp?ne?", host.alarms.back()[0].text.c_str());
  takes(message(1, 0, 0, "", 0));
  STRCMP_EQUAL("", host.alarms.back()[0].text.c_str());
}

TEST(FocasAlarms, AtMostTenPerPath) {
  wants(1, 0);
  std::vector<std::uint8_t> data;
  for (int i = 0; i < 17; ++i) data = data + message(i, 0, 0, "x");
  CHECK(takes(data));
  LONGS_EQUAL(10, host.alarms.back().size());
}

// The control lost its alarm while the connection was away: it must be told off.
TEST(FocasAlarms, WhatWentWhileWeWereAwayIsToldOff) {
  wants(1, 0);
  takes(message(1, 0, 0, "one"));
  alarms.ask_anew();
  CHECK(!wants(0, 10 * kMs));
  LONGS_EQUAL(2, host.alarms.size());
  LONGS_EQUAL(0, host.alarms.back().size());
}

TEST(FocasAlarms, WhatStayedWhileWeWereAwayIsAskedAgain) {
  wants(1, 0);
  takes(message(1, 0, 0, "one"));
  alarms.ask_anew();
  CHECK(wants(1, kMs));
  LONGS_EQUAL(1, host.alarms.size());
}

TEST(FocasAlarms, WithoutMessagesTheTypesAreTold) {
  wants(0x110, 0);
  alarms.no_messages(host.abi, 1);
  LONGS_EQUAL(2, host.alarms.back().size());
  LONGS_EQUAL(4, host.alarms.back()[0].type);
  LONGS_EQUAL(8, host.alarms.back()[1].type);
  LONGS_EQUAL(0, host.alarms.back()[0].number);
  STRCMP_EQUAL("", host.alarms.back()[0].text.c_str());
  wants(0xffffffff, 10 * kMs);
  alarms.no_messages(host.abi, 1);
  LONGS_EQUAL(10, host.alarms.back().size());
  alarms.no_messages(host.abi, 0);
  alarms.no_messages(host.abi, 11);
  LONGS_EQUAL(2, host.alarms.size());
}

// Five records of 48 bytes are as long as three of 80.
TEST(FocasAlarms, RecordsOfAnotherSizeThatFitByChance) {
  std::vector<std::uint8_t> data;
  for (int i = 0; i < 5; ++i) {
    std::vector<std::uint8_t> record = message(500 + i, 4, 0, "OVER TRAVEL +X");
    record.resize(48);
    data = data + record;
  }
  LONGS_EQUAL(240, data.size());
  wants(0x10, 0);
  CHECK(!takes(data));
  CHECK(alarms.take_messages(host.abi, 1, 32, data));
  LONGS_EQUAL(5, host.alarms.back().size());
}

TEST(FocasAlarms, TheLegacyMessagesOfTheVectors) {
  int seen = 0;
  for (const auto& vector : rise::test::read_focas_vectors()) {
    if (vector.api != "cnc_rdalmmsg" || !vector.starts_with("v2_")) continue;
    ++seen;
    wants(0x18, seen);
    const std::vector<std::uint8_t>& reply = vector.frames.back().bytes;
    const std::size_t fixed = wire::kHeaderBytes + 2 + wire::kReplyBlockBytes;
    CHECK(alarms.take_messages(host.abi, 1, 32, {reply.data() + fixed, reply.size() - fixed}));
    STRCMP_EQUAL("(Y)OVER TRAVEL (SOFT 1)", host.alarms.back()[1].text.c_str());
  }
  LONGS_EQUAL(1, seen);
}

TEST(FocasAlarms, TheMessagesOfTheVectors) {
  int seen = 0;
  for (const auto& vector : rise::test::read_focas_vectors()) {
    if (vector.api != "cnc_rdalmmsg2") continue;
    ++seen;
    wants(0x18, seen);
    const std::vector<std::uint8_t>& reply = vector.frames.back().bytes;
    const std::size_t fixed = wire::kHeaderBytes + 2 + wire::kReplyBlockBytes;
    CHECK(takes({reply.begin() + fixed, reply.end()}));
    LONGS_EQUAL(2, host.alarms.back().size());
    LONGS_EQUAL(10, host.alarms.back()[0].number);
    STRCMP_EQUAL("IMPROPER G-CODE", host.alarms.back()[0].text.c_str());
    LONGS_EQUAL(500, host.alarms.back()[1].number);
    LONGS_EQUAL(2, host.alarms.back()[1].axis);
    STRCMP_EQUAL("(Y)OVER TRAVEL (SOFT 1)", host.alarms.back()[1].text.c_str());
  }
  LONGS_EQUAL(2, seen);
}
