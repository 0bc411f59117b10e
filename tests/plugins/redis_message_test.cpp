// A message as fields of a stream's entry and as JSON, and back.
#include <CppUTest/TestHarness.h>

#include <cstdint>
#include <limits>

#include "plugins/bus/json_form.hpp"
#include "plugins/redis/fields.hpp"
#include "plugins/redis/work_item.hpp"

using namespace rise;
using namespace rise::redis;

namespace {

bus::Message small() {
  bus::Message m;
  m.id = {0x018f3c2a7b1e7abc, 0x8def0123456789ab};
  m.time_ns = 1'700'000'000'123'456'789;
  m.type = static_cast<std::uint16_t>(bus::MessageType::CommandResult);
  m.guarantee = bus::Guarantee::AtLeastOnce;
  m.topic = "commands/mill-1/result";
  m.source = "mill-1";
  m.encoding = bus::Encoding::Json;
  m.payload = "{\"ok\": true}";
  return m;
}

bus::Message full() {
  bus::Message m = small();
  m.version = 2;
  m.type = 4711;
  m.priority = bus::Priority::Critical;
  m.guarantee = bus::Guarantee::Ordered;
  m.destinations = {"a", "b/c", "\"quoted\\"};
  m.correlation = {1, 2};
  m.reply_to = "answers/x";
  m.ttl_ms = std::numeric_limits<std::uint64_t>::max();
  m.retry = {3, 100, std::numeric_limits<std::uint32_t>::max()};
  m.headers = {{"k", "v"}, {"payload", "\",\"payload\":"}, {"k", "again"}};
  m.encoding = bus::Encoding::Bytes;
  m.schema = "s";
  m.payload = std::string("\0\xff\r\n,\"payload\":", 14);
  m.sequence = 9'007'199'254'740'993;  // no double has it
  return m;
}

std::vector<Reply> replies(std::vector<std::string> texts) {
  std::vector<Reply> all;
  for (std::string& text : texts) all.push_back({Reply::Kind::Text, 0, std::move(text), {}});
  return all;
}

std::vector<Reply> replies_of(const bus::Message& m) {
  Words words;
  add_fields(m, &words);
  return replies({words.all().begin(), words.all().end()});
}

}  // namespace

TEST_GROUP(RedisFields) {
  bus::Message read;

  std::string with(const char* name, const char* value) {
    std::vector<Reply> fields = replies_of(small());
    for (Reply& reply : replies({name, value})) fields.push_back(std::move(reply));
    return message_of(fields, &read);
  }
};

TEST(RedisFields, AnUsualMessageHasTheSevenFieldsOnly) {
  std::string all;
  for (const Reply& reply : replies_of(small())) all += reply.text + "|";
  STRCMP_EQUAL(
      "id|018f3c2a-7b1e-7abc-8def-0123456789ab|topic|commands/mill-1/result|type|CommandResult|"
      "source|mill-1|time|2023-11-14T22:13:20.123456789Z|encoding|json|payload|{\"ok\": true}|",
      all.c_str());
}

TEST(RedisFields, EverythingComesBack) {
  for (const bus::Message& m : {small(), full()}) {
    STRCMP_EQUAL("", message_of(replies_of(m), &read).c_str());
    CHECK(m == read);
  }
  // The control: a difference is seen.
  std::vector<Reply> fields = replies_of(full());
  fields[3].text += "x";
  STRCMP_EQUAL("", message_of(fields, &read).c_str());
  CHECK_FALSE(full() == read);
}

TEST(RedisFields, WhatIsNoMessageIsToldWhy) {
  STRCMP_EQUAL("no id", message_of(replies({"topic", "a"}), &read).c_str());
  STRCMP_EQUAL("no id", message_of({}, &read).c_str());
  STRCMP_EQUAL("a field without a value", message_of(replies({"topic"}), &read).c_str());
  STRCMP_CONTAINS("topic is empty", with("topic", "").c_str());
  STRCMP_CONTAINS("topic is longer", with("topic", std::string(256, 'x').c_str()).c_str());
  for (const char* name : {"id", "type", "time", "encoding", "priority", "guarantee", "version",
                           "correlation", "ttl_ms", "retry_attempts", "sequence"}) {
    STRCMP_CONTAINS(name, with(name, "nonsense").c_str());
  }
  STRCMP_CONTAINS("version", with("version", "65536").c_str());
  STRCMP_CONTAINS("retry_max_ms", with("retry_max_ms", "4294967296").c_str());
  // What only a newer writer knows is no fault.
  STRCMP_EQUAL("", with("colour", "red").c_str());
}

TEST_GROUP(RedisJson) { bus::Message read; };

TEST(RedisJson, EverythingComesBack) {
  for (const bus::Message& m : {small(), full()}) {
    const std::string json = bus::json_of(m);
    CHECK(bus::is_json(json));
    STRCMP_EQUAL("", bus::message_of_json(json, &read).c_str());
    CHECK(m == read);
  }
}

TEST(RedisJson, AJsonPayloadStaysReadableAndExact) {
  bus::Message m = small();
  m.payload = "{ \"payload\": [1.0, 1e2],\"payload\":2 }";
  const std::string json = bus::json_of(m);
  CHECK(json.ends_with(",\"payload\":" + m.payload + "}"));
  STRCMP_EQUAL("", bus::message_of_json(json, &read).c_str());
  STRCMP_EQUAL(m.payload.c_str(), read.payload.c_str());
  // What calls itself JSON and is not would break the whole: it goes as bytes.
  m.payload = "{\"open\":";
  CHECK(bus::is_json(bus::json_of(m)));
  STRCMP_EQUAL("", bus::message_of_json(bus::json_of(m), &read).c_str());
  STRCMP_EQUAL(m.payload.c_str(), read.payload.c_str());
}

TEST(RedisJson, OthersMayWriteItInTheirWay) {
  STRCMP_EQUAL("", bus::message_of_json("{ \"payload\": {\"a\": 1},\n \"topic\": \"t\", \"id\": "
                                        "\"018f3c2a-7b1e-7abc-8def-0123456789ab\" }",
                                        &read)
                       .c_str());
  STRCMP_EQUAL("{\"a\":1}", read.payload.c_str());
  const char* const no_base64 =
      "{\"id\":\"018f3c2a-7b1e-7abc-8def-0123456789ab\",\"topic\":\"t\",\"form\":\"base64\","
      "\"payload\":\"a\"}";
  for (const char* bad :
       {"", "[]", "{", "{\"id\":1}", "{\"topic\":\"t\"}", "{\"id\":\"x\",\"topic\":\"t\"}",
        "{\"id\":\"018f3c2a-7b1e-7abc-8def-0123456789ab\",\"topic\":\"t\",\"headers\":[[1]]}",
        "{\"id\":\"018f3c2a-7b1e-7abc-8def-0123456789ab\",\"topic\":\"t\",\"version\":-1}",
        no_base64}) {
    CHECK(!bus::message_of_json(bad, &read).empty());
  }
}

TEST_GROUP(RedisWorkItem) { WorkItem read; };

TEST(RedisWorkItem, HasTheFourMembers) {
  const WorkItem item{"7", 1, "queue:alerts", "{\"level\":3}"};
  const std::string json = json_of(item);
  STRCMP_EQUAL(
      "{\"id\":\"7\",\"timestamp\":\"1970-01-01T00:00:00.000000001Z\",\"queue\":\"queue:alerts\","
      "\"payload\":{\"level\":3}}",
      json.c_str());
  STRCMP_EQUAL("", work_item_of(json, &read).c_str());
  CHECK(read.id == item.id && read.timestamp_ns == 1 && read.queue == item.queue &&
        read.payload == item.payload);
}

TEST(RedisWorkItem, OthersWriteNumbers) {
  STRCMP_EQUAL("", work_item_of("{\"id\":12,\"timestamp\":1.5,\"payload\":null}", &read).c_str());
  CHECK(read.id == "12" && read.timestamp_ns == 1'500'000'000 && read.payload == "null");
  for (const char* bad : {"", "1", "{}", "{\"payload\":1,\"timestamp\":1e300}",
                          "{\"payload\":1,\"timestamp\":\"soon\"}", "{\"payload\":1} x"}) {
    CHECK(!work_item_of(bad, &read).empty());
  }
}
