#include <CppUTest/TestHarness.h>

#include <stdexcept>
#include <string>

#include "plugins/foreign/field_mapping.hpp"

using namespace rise::foreign;
namespace bus = rise::bus;

TEST_GROUP(Foreign) {
  bus::Message raw;
  bus::Message read;
  void setup() override {
    raw.id = {1, 2};
    raw.time_ns = 5;
    raw.topic = "legacy/a";
    raw.schema = kForeignSchema;
    raw.encoding = bus::Encoding::Json;
  }
  std::string from(const FieldMapping& mapping, const std::string& text) {
    raw.payload = text;
    return mapping.from(raw, &read);
  }
};

TEST(Foreign, FieldsAreFoundAndPutBack) {
  const FieldMapping mapping({"id=msg.id", "type=msg.kind", "type.ALERT=Alarm", "time=msg.at",
                              "priority=msg.prio", "priority.1=critical", "source=from",
                              "correlation=re", "reply_to=back", "ttl_ms=ttl", "payload=data",
                              "header.line=msg.line"});
  STRCMP_EQUAL(
      "", from(mapping, R"({"msg":{"id":"018f3c2a-7b1e-7abc-8def-0123456789ab","kind":"ALERT",)"
                        R"("at":1700000000,"prio":1,"line":7,"odd":[1]},"from":"press 3",)"
                        R"("back":"answers","ttl":5000,"data":{"x":1.5},"site":"north"})")
              .c_str());
  STRCMP_EQUAL("018f3c2a-7b1e-7abc-8def-0123456789ab", read.id.text().c_str());
  STRCMP_EQUAL("legacy/a", read.topic.c_str());
  STRCMP_EQUAL("Alarm", bus::type_text(read.type).c_str());
  CHECK(read.time_ns == 1'700'000'000'000'000'000);
  CHECK(read.priority == bus::Priority::Critical);
  STRCMP_EQUAL("press 3", read.source.c_str());
  STRCMP_EQUAL("answers", read.reply_to.c_str());
  LONGS_EQUAL(5000, read.ttl_ms);
  STRCMP_EQUAL("{\"x\":1.5E0}", read.payload.c_str());
  STRCMP_EQUAL("7", std::string(read.header("line")).c_str());
  STRCMP_EQUAL("", read.schema.c_str());
  STRCMP_EQUAL(R"({"msg":{"odd":[1],"id":"018f3c2a-7b1e-7abc-8def-0123456789ab","kind":"ALERT",)"
               R"("at":"2023-11-14T22:13:20.000000000Z","prio":"1","line":"7"},"site":"north",)"
               R"("from":"press 3","back":"answers","ttl":5000,"data":{"x":1.5E0}})",
               mapping.to(read).value_or("?").c_str());
}

TEST(Foreign, WithoutAPlaceForThePayloadItIsAllOfTheirs) {
  const FieldMapping mapping({"type=kind"});
  STRCMP_EQUAL("", from(mapping, R"({"kind":"Event","a":1})").c_str());
  STRCMP_EQUAL(R"({"kind":"Event","a":1})", read.payload.c_str());
  CHECK(read.headers.empty());
  STRCMP_EQUAL(R"({"kind":"Event","a":1})", mapping.to(read).value_or("?").c_str());
  CHECK(read.id == raw.id);
  LONGS_EQUAL(5, read.time_ns);
}

TEST(Foreign, UnknownTypesComeThrough) {
  const FieldMapping mapping({"type=kind"});
  STRCMP_EQUAL("", from(mapping, R"({"kind":"COFFEE"})").c_str());
  LONGS_EQUAL(0, read.type);
  STRCMP_EQUAL(R"({"kind":"COFFEE"})", mapping.to(read).value_or("?").c_str());
}

TEST(Foreign, TimesOfAnySize) {
  const FieldMapping mapping({"time=t"});
  for (const char* time : {"1700000000", "1700000000000", "1700000000000000", "1700000000000000000",
                           "\"2023-11-14T22:13:20Z\"", "1.7e9"}) {
    STRCMP_EQUAL("", from(mapping, std::string("{\"t\":") + time + "}").c_str());
    CHECK_TEXT(read.time_ns == 1'700'000'000'000'000'000, time);
  }
}

TEST(Foreign, TheSameTextIsTheSameId) {
  const FieldMapping mapping({"id=n"});
  STRCMP_EQUAL("", from(mapping, R"({"n":17})").c_str());
  const bus::Uuid first = read.id;
  STRCMP_EQUAL("", from(mapping, R"({"n":17})").c_str());
  CHECK(read.id == first);
  STRCMP_EQUAL("", from(mapping, R"({"n":18})").c_str());
  CHECK(read.id != first);
}

TEST(Foreign, WhatIsNoneIsRefusedWithTheReason) {
  const FieldMapping mapping({"time=t", "priority=p", "ttl_ms=ttl", "reply_to=r"});
  for (const char* bad :
       {"", "x", "[1]", "1", R"({"t":"soon"})", R"({"t":-1})", R"({"t":1e300})",
        R"({"p":"lowest"})", R"({"ttl":-1})", R"({"ttl":"x"})", R"({"r":"a//b"})"}) {
    CHECK_TEXT(!from(mapping, bad).empty(), bad);
  }
  STRCMP_EQUAL("field priority: lowest is not a value of its kind",
               from(mapping, R"({"p":"lowest"})").c_str());
  read = {};
  read.payload = "no JSON";
  CHECK(!mapping.to(read));
}

TEST(Foreign, ATableWithFaultsIsRefused) {
  for (const char* bad : {"", "x", "=a", "type=", "colour=a", "type=a..b", "type.A=Nothing",
                          "priority.1=lowest", "header.=a", "guarantee.x=y"}) {
    CHECK_THROWS(std::invalid_argument, FieldMapping({bad}));
  }
}
