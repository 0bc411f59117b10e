#include "plugins/redis/topics.hpp"

#include <CppUTest/TestHarness.h>

#include "plugins/redis/backoff.hpp"

using namespace rise::redis;

TEST_GROUP(RedisTopics) {
  Options options;

  std::string streams(const char* pattern) {
    std::string all;
    for (const std::string& key : streams_of(options, pattern)) all += key + " ";
    return all;
  }
};

TEST(RedisTopics, PatternsThatHaveSomethingInCommon) {
  CHECK(overlap("a/+", "+/b"));
  CHECK(overlap("a/#", "a"));
  CHECK(overlap("#", "x/y"));
  CHECK(overlap("a/#", "a/b/c/+"));
  CHECK_FALSE(overlap("a/#", "b/#"));
  CHECK_FALSE(overlap("a/+", "a/b/c"));
}

TEST(RedisTopics, GlobsHaveAllThatThePatternHas) {
  STRCMP_EQUAL("a/b", glob_of("a/b").c_str());
  STRCMP_EQUAL("a/*/c", glob_of("a/+/c").c_str());
  STRCMP_EQUAL("a*", glob_of("a/#").c_str());
  STRCMP_EQUAL("*", glob_of("#").c_str());
  STRCMP_EQUAL("*/b*", glob_of("+/b/#").c_str());
  // What is a sign to Redis and none to us.
  STRCMP_EQUAL("a\\*\\?\\[b\\]", glob_of("a*?[b]").c_str());
}

TEST(RedisTopics, StreamsByFirstLevelOrByRule) {
  STRCMP_EQUAL("rise:stream:telemetry", stream_of(options, "telemetry/mill/x").c_str());
  STRCMP_EQUAL("rise:stream:telemetry ", streams("telemetry/+/x").c_str());
  STRCMP_EQUAL("", streams("#").c_str());
  CHECK(is_wide("#") && is_wide("+/a") && !is_wide("a/#"));
  options.streams = {{"telemetry/+/fast/#", "fast"}, {"alerts/#", "loud"}};
  STRCMP_EQUAL("fast", stream_of(options, "telemetry/mill/fast/x").c_str());
  STRCMP_EQUAL("rise:stream:telemetry", stream_of(options, "telemetry/mill/slow").c_str());
  // Whoever wants all of it has to read both.
  STRCMP_EQUAL("fast rise:stream:telemetry ", streams("telemetry/#").c_str());
  STRCMP_EQUAL("fast loud ", streams("#").c_str());
}

TEST(RedisTopics, ChannelsHaveThePrefix) {
  STRCMP_EQUAL("rise:a/b", channel_of(options, "a/b").c_str());
  CHECK(topic_of(options, "rise:a/b") == std::string_view("a/b"));
  CHECK_FALSE(topic_of(options, "other:a/b").has_value());
}

TEST(RedisTopics, SettingsOutOfRangeAreNamedAllAtOnce) {
  STRCMP_EQUAL("", fault_of(options).c_str());
  options.pool = 17;
  options.connection.backoff_max_ms = 1;
  options.prefix = "a*";
  options.endpoints = {{"", 1}};
  options.connection.user = "somebody";
  for (const char* part : {"pool = 17: has to be 1 to 16", "backoff_max_ms = 1", "prefix",
                           "endpoint :1", "user without a password"}) {
    STRCMP_CONTAINS(part, fault_of(options).c_str());
  }
}

TEST_GROUP(RedisBackoff){};

TEST(RedisBackoff, DoublesUpToItsLimitAndIsNeverQuiteTheSame) {
  Backoff backoff(100, 1000, 1);
  std::int64_t step = 100;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t wait = backoff.next().count();
    CHECK(wait >= step / 2 && wait <= step);
    step = std::min<std::int64_t>(1000, step * 2);
  }
  backoff.reset();
  CHECK(backoff.next().count() <= 100);
  // Two that fail together do not come back together.
  Backoff one(1000, 1'000'000, 1);
  Backoff other(1000, 1'000'000, 2);
  int same = 0;
  for (int i = 0; i < 10; ++i) same += one.next() == other.next() ? 1 : 0;
  CHECK(same < 5);
}

TEST(RedisBackoff, TheLargestLimitDoesNotOverflow) {
  Backoff backoff(60000, 600000, 3);
  for (int i = 0; i < 100; ++i) CHECK(backoff.next().count() <= 600000);
}
