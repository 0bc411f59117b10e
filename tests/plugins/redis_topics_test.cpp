#include "plugins/redis/topics.hpp"

#include <CppUTest/TestHarness.h>

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
