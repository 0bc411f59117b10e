#include <CppUTest/TestHarness.h>

#include <random>
#include <set>
#include <string>

#include "plugins/bus/message.hpp"
#include "plugins/bus/topic.hpp"
#include "plugins/bus/uuid.hpp"
#include "plugins/bus/wire.hpp"

using namespace rise::bus;

namespace {

Message full_message() {
  Message message;
  message.id = Uuid::make();
  message.time_ns = 1'700'000'000'123'456'789;
  message.version = 3;
  message.type = static_cast<std::uint16_t>(MessageType::CouncilProposal);
  message.priority = Priority::High;
  message.guarantee = Guarantee::Ordered;
  message.topic = "council/mill-1/feed.override";
  message.source = "council";
  message.destinations = {"core", "gateway"};
  message.correlation = Uuid::make();
  message.reply_to = "inbox/council";
  message.ttl_ms = 5000;
  message.retry = {7, 20, 300};
  message.headers = {{"shift", "night"}, {"empty", ""}};
  message.encoding = Encoding::Json;
  message.schema = "proposal";
  message.payload = std::string("{\"value\": 80}\0\xff", 15);
  message.sequence = 42;
  return message;
}

Message small_message() {
  Message message;
  message.topic = "a";
  return message;
}

}  // namespace

TEST_GROUP(BusMessage){};

TEST(BusMessage, GoesThroughBytesUnchanged) {
  for (const Message& message : {full_message(), small_message()}) {
    const Decoded decoded = decode(encode(message));
    STRCMP_EQUAL("", decoded.fault.c_str());
    CHECK(message == *decoded.message);
  }
}

TEST(BusMessage, ComparingFindsEachDifference) {  // the control of the test above
  const Message whole = full_message();
  void (*const changes[])(Message*) = {[](Message* m) { m->id.low ^= 1; },
                                       [](Message* m) { ++m->time_ns; },
                                       [](Message* m) { ++m->type; },
                                       [](Message* m) { m->priority = Priority::Low; },
                                       [](Message* m) { m->topic += "x"; },
                                       [](Message* m) { m->source += "x"; },
                                       [](Message* m) { m->headers[0].second = ""; },
                                       [](Message* m) { m->payload.pop_back(); },
                                       [](Message* m) { ++m->sequence; },
                                       [](Message* m) { ++m->retry.max_ms; },
                                       [](Message* m) { m->destinations.pop_back(); },
                                       [](Message* m) { m->ttl_ms = 0; }};
  for (const auto& change : changes) {
    Message other = whole;
    change(&other);
    CHECK(!(whole == *decode(encode(other)).message));
  }
}

// Types and topics that only newer ones know pass through.
TEST(BusMessage, UnknownTypesPassThrough) {
  Message message = small_message();
  message.type = 60'000;
  message.version = 9;
  const Decoded decoded = decode(encode(message));
  LONGS_EQUAL(60'000, decoded.message->type);
  LONGS_EQUAL(9, decoded.message->version);
  STRCMP_EQUAL("type 60000", type_text(60'000).c_str());
  STRCMP_EQUAL("Alarm", type_text(static_cast<std::uint16_t>(MessageType::Alarm)).c_str());
  LONGS_EQUAL(60'000, *parse_type("type 60000"));
  LONGS_EQUAL(static_cast<int>(MessageType::Alarm), *parse_type("Alarm"));
  CHECK(!parse_type("alarmed"));
}

// Cut off anywhere, and with any bit turned: a fault or a message within the limits, never more.
TEST(BusMessage, TornAndAlteredBytesAreNoHarm) {
  const std::string good = encode(full_message());
  for (std::size_t length = 0; length < good.size(); ++length) {
    const Decoded decoded = decode(std::string_view(good).substr(0, length));
    CHECK((decoded.message == nullptr) == !decoded.fault.empty());
  }
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const Decoded decoded = decode(bad);
    refused += decoded.message == nullptr ? 1u : 0u;
    if (decoded.message != nullptr) STRCMP_EQUAL("", fault_of(*decoded.message).c_str());
  }
  CHECK(refused > good.size() / 4);
  CHECK(decode("").message == nullptr);
  CHECK(decode(std::string(4096, 'x')).message == nullptr);
}

// Wherever the bytes lie.
// Many entries that all are the same large text: few bytes, and endless ones when copied.
TEST(BusMessage, WhatWouldGrowWhenCopiedIsRefusedBefore) {
  for (const bool headers : {false, true}) {
    flatbuffers::FlatBufferBuilder builder;
    const auto large = builder.CreateString(std::string(1u << 20u, 'x'));
    const auto topic = builder.CreateString("a");
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> names;
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<Header>>> pairs;
    if (headers) {
      std::vector<flatbuffers::Offset<Header>> all;
      for (int i = 0; i < 64; ++i) all.push_back(CreateHeader(builder, topic, large));
      pairs = builder.CreateVector(all);
    } else {
      names = builder.CreateVector(
          std::vector<flatbuffers::Offset<flatbuffers::String>>(1'000'000, large));
    }
    EnvelopeBuilder envelope(builder);
    envelope.add_topic(topic);
    if (headers) {
      envelope.add_headers(pairs);
    } else {
      envelope.add_destinations(names);
    }
    FinishEnvelopeBuffer(builder, envelope.Finish());
    const Decoded decoded =
        decode({reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()});
    CHECK(decoded.message == nullptr);
    STRCMP_EQUAL(headers ? "a header is too long" : "too many destinations", decoded.fault.c_str());
  }
}

TEST(BusMessage, UnalignedBytesAreRead) {
  const std::string bytes = encode(full_message());
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'x') + bytes;
    CHECK(decode(std::string_view(shifted).substr(shift)).message != nullptr);
  }
}

TEST(BusMessage, LimitsAreKept) {
  struct Case {
    void (*change)(Message*);
    const char* words;
  };
  const Case cases[] = {
      {[](Message* m) { m->topic = ""; }, "topic is empty"},
      {[](Message* m) { m->topic = std::string(256, 'a'); }, "longer than 255"},
      {[](Message* m) { m->topic = "a//b"; }, "empty level"},
      {[](Message* m) { m->topic = "a/+"; }, "which only patterns may"},
      {[](Message* m) { m->topic = "a b"; }, "blank"},
      {[](Message* m) { m->topic = "a/b/"; }, "ends with"},
      {[](Message* m) { m->topic = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"; }, "16 levels"},
      {[](Message* m) { m->reply_to = "#"; }, "reply_to"},
      {[](Message* m) { m->payload.resize(kMaxPayloadBytes + 1); }, "payload has 16777217 bytes"},
      {[](Message* m) { m->source.resize(256, 'a'); }, "source has 256"},
      {[](Message* m) { m->schema.resize(256, 'a'); }, "schema has 256"},
      {[](Message* m) { m->destinations.resize(65, "a"); }, "too many destinations"},
      {[](Message* m) { m->destinations = {""}; }, "destination has no name"},
      {[](Message* m) {
         m->headers.resize(65, {"a", "b"});
       },
       "too many headers"},
      {[](Message* m) {
         m->headers = {{"", "b"}};
       },
       "header has no key"},
      {[](Message* m) { m->priority = static_cast<Priority>(0); }, "priority"},
      {[](Message* m) { m->guarantee = static_cast<Guarantee>(9); }, "guarantee"},
      {[](Message* m) { m->time_ns = -1; }, "1970"},
  };
  STRCMP_EQUAL("", fault_of(full_message()).c_str());
  for (const Case& c : cases) {
    Message message = full_message();
    c.change(&message);
    STRCMP_CONTAINS(c.words, fault_of(message).c_str());
    CHECK(decode(encode(message)).message == nullptr);
  }
}

TEST(BusMessage, ExpiresByItsTimeToLive) {
  Message message = small_message();
  message.time_ns = 1'000'000'000;
  CHECK(!message.expired(INT64_MAX));
  message.ttl_ms = 10;
  CHECK(!message.expired(message.time_ns + 9'999'999));
  CHECK(message.expired(message.time_ns + 10'000'000));
  CHECK(!message.expired(0));  // from the future
}

TEST_GROUP(BusUuid){};

TEST(BusUuid, AreInOrderAndUnique) {
  std::set<Uuid> seen;
  Uuid last;
  for (int i = 0; i < 20'000; ++i) {
    const Uuid id = Uuid::make();
    CHECK(last < id);
    CHECK(seen.insert(id).second);
    LONGS_EQUAL(7, (id.high >> 12) & 15);
    LONGS_EQUAL(2, id.low >> 62);
    last = id;
  }
}

TEST(BusUuid, AreTextAndBack) {
  // RFC 9562, appendix A.6.
  const auto known = Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  CHECK(known.has_value());
  LONGS_EQUAL(0x017f22e279b0, known->time_ms());
  STRCMP_EQUAL("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", known->text().c_str());
  for (const char* bad :
       {"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f"}) {
    CHECK(!Uuid::parse(bad));
  }
}

TEST_GROUP(BusTopic){};

TEST(BusTopic, PatternsSelect) {
  struct Case {
    const char* pattern;
    const char* topic;
    bool match;
  };
  constexpr Case kCases[] = {
      {"a", "a", true},          {"a", "b", false},       {"a", "a/b", false},
      {"a/b", "a", false},       {"+", "a", true},        {"+", "a/b", false},
      {"a/+", "a/b", true},      {"a/+", "a", false},     {"a/+/c", "a/b/c", true},
      {"a/+/c", "a/b/d", false}, {"#", "a/b/c", true},    {"a/#", "a", true},
      {"a/#", "a/b/c", true},    {"a/#", "ab", false},    {"+/b/#", "a/b", true},
      {"+/b/#", "a/c/b", false}, {"a/b/#", "a", false},   {"+/+", "a/b", true},
      {"+/+", "a/b/c", false},   {"abc/#", "ab/c", false}};
  for (const Case& c : kCases) {
    CHECK_TEXT(matches(c.pattern, c.topic) == c.match,
               (std::string(c.pattern) + " and " + c.topic).c_str());
  }
}

// Against the plainest way to say it.
TEST(BusTopic, MatchAsTheDefinitionSays) {
  std::mt19937 engine(4711);
  const auto any = [&](const std::vector<std::string>& words, std::size_t levels) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < levels; ++i) out.push_back(words[engine() % words.size()]);
    return out;
  };
  const auto join = [](const std::vector<std::string>& levels) {
    std::string out;
    for (const std::string& level : levels) out += (out.empty() ? "" : "/") + level;
    return out;
  };
  int matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto topic = any({"a", "b"}, 1 + engine() % 4);
    auto pattern = any({"a", "b", "+"}, 1 + engine() % 4);
    const bool rest = engine() % 3 == 0;
    bool expected = rest ? topic.size() >= pattern.size() : topic.size() == pattern.size();
    for (std::size_t k = 0; expected && k < pattern.size(); ++k) {
      expected = pattern[k] == "+" || pattern[k] == topic[k];
    }
    if (rest) pattern.emplace_back("#");
    LONGS_EQUAL(expected, matches(join(pattern), join(topic)));
    matched += expected ? 1 : 0;
  }
  CHECK(matched > 1000);
}

TEST(BusTopic, MalformedPatternsAreSaidSo) {
  STRCMP_EQUAL("", pattern_fault("a/+/#").c_str());
  STRCMP_CONTAINS("beside something else", pattern_fault("a/b+").c_str());
  STRCMP_CONTAINS("behind '#'", pattern_fault("#/a").c_str());
  STRCMP_CONTAINS("empty level", pattern_fault("/a").c_str());
  STRCMP_CONTAINS("is empty", pattern_fault("").c_str());
}
