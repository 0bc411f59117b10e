#include "plugins/redis/slots.hpp"

#include <CppUTest/TestHarness.h>

#include "plugins/redis/trouble.hpp"

using namespace rise::redis;

namespace {

Reply number(std::int64_t value) { return {Reply::Kind::Integer, value, "", {}}; }
Reply text(const char* value) { return {Reply::Kind::Text, 0, value, {}}; }
Reply list(std::vector<Reply> elements) { return {Reply::Kind::Array, 0, "", std::move(elements)}; }
Reply range(std::int64_t first, std::int64_t last, const char* host, std::int64_t port) {
  return list({number(first), number(last), list({text(host), number(port), text("id")})});
}

}  // namespace

TEST_GROUP(RedisSlots) {
  SlotTable table;
  Endpoint from{"10.0.0.9", 1};
};

TEST(RedisSlots, KnownVectors) {
  // The check value of CRC-16/XMODEM, and slots as a Redis says them (CLUSTER KEYSLOT).
  UNSIGNED_LONGS_EQUAL(0x31c3, crc16("123456789"));
  UNSIGNED_LONGS_EQUAL(0, crc16(""));
  UNSIGNED_LONGS_EQUAL(12182, slot_of("foo"));
  UNSIGNED_LONGS_EQUAL(12739, slot_of("123456789"));
}

TEST(RedisSlots, OnlyTheTagCounts) {
  UNSIGNED_LONGS_EQUAL(slot_of("user1000"), slot_of("{user1000}.following"));
  UNSIGNED_LONGS_EQUAL(slot_of("a{tag}b{other}"), slot_of("tag"));
  // An empty one is none, one without an end neither.
  UNSIGNED_LONGS_EQUAL(crc16("foo{}{bar}") % kSlots, slot_of("foo{}{bar}"));
  UNSIGNED_LONGS_EQUAL(crc16("foo{bar") % kSlots, slot_of("foo{bar"));
  UNSIGNED_LONGS_EQUAL(slot_of("{bar"), slot_of("foo{{bar}}zap"));
}

TEST(RedisSlots, TheTableIsLoadedWholeOrNotAtAll) {
  CHECK(table.load(list({range(0, 8191, "10.0.0.1", 7000), range(8192, 16383, "", 7001)}), from));
  STRCMP_EQUAL("10.0.0.1:7000", table.owner(8191)->text().c_str());
  STRCMP_EQUAL("10.0.0.9:7001", table.owner(8192)->text().c_str());
  const Reply bad[] = {
      list({}),
      number(1),
      list({number(1)}),
      list({range(0, 16384, "h", 1)}),
      list({range(-1, 5, "h", 1)}),
      list({range(5, 4, "h", 1)}),
      list({range(0, 5, "h", 0)}),
      list({range(0, 5, "h", 65536)}),
      list({range(0, 5, "h", 1), list({number(1), number(2)})}),
  };
  for (const Reply& reply : bad) CHECK_FALSE(table.load(reply, from));
  STRCMP_EQUAL("10.0.0.1:7000", table.owner(0)->text().c_str());
  // A gap has no owner.
  CHECK(table.load(list({range(10, 20, "h", 1)}), from));
  CHECK_FALSE(table.owner(21).has_value());
  table.set(21, {"other", 2});
  STRCMP_EQUAL("other:2", table.owner(21)->text().c_str());
}

TEST_GROUP(RedisTrouble){};

TEST(RedisTrouble, RedirectsAreRead) {
  auto to = redirect_of("MOVED 3999 127.0.0.1:6381");
  CHECK(to && to->slot == 3999 && to->to.host == "127.0.0.1" && to->to.port == 6381);
  to = redirect_of("ASK 16383 ::1:7");
  CHECK(to && to->slot == 16383 && to->to.host == "::1" && to->to.port == 7);
  to = redirect_of("MOVED 1 :6381");
  CHECK(to && to->to.host.empty());
  for (const char* bad : {"MOVED", "MOVED 1", "MOVED x h:1", "MOVED 16384 h:1", "MOVED 1 h",
                          "MOVED 1 h:", "MOVED 1 h:0", "MOVED 1 h:65536", "MOVED -1 h:1",
                          "MOVED 1 ?:1", "MOVED  1 h:1"}) {
    CHECK_FALSE(redirect_of(bad).has_value());
  }
}

TEST(RedisTrouble, WhatMayPassIsToldFromWhatLasts) {
  for (const char* passing :
       {"LOADING Redis is loading the dataset in memory", "OOM command not allowed",
        "READONLY You can't write", "MISCONF Errors writing", "CLUSTERDOWN The cluster is down",
        "TRYAGAIN", "BUSY Redis is busy", "NOAUTH Authentication required.",
        "ERR max number of clients reached"}) {
    CHECK(trouble_of(passing) == Trouble::Passing);
  }
  for (const char* lasting : {"NOPERM this user has no permissions", "WRONGTYPE Operation",
                              "ERR unknown command", "LOADINGX", ""}) {
    CHECK(trouble_of(lasting) == Trouble::Lasting);
  }
  CHECK(trouble_of("MOVED 1 h:1") == Trouble::Moved);
  CHECK(trouble_of("ASK 1 h:1") == Trouble::Ask);
}
