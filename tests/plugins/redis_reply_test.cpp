#include "plugins/redis/reply.hpp"

#include <CppUTest/TestHarness.h>
#include <hiredis/hiredis.h>

#include <string>

#include "plugins/redis/pipeline.hpp"

using namespace rise::redis;
using Next = ReplyReader::Next;

TEST_GROUP(RedisReply) {
  Limits limits;

  // Everything that comes out of it, with `chunk` bytes at a time; "!" and the fault at its end.
  std::string read(const std::string& bytes, std::size_t chunk) {
    ReplyReader reader(limits);
    std::string said;
    Reply reply;
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
      reader.feed(bytes.data() + at, std::min(chunk, bytes.size() - at));
      Next next{};
      while ((next = reader.next(&reply)) == Next::Reply) said += text(reply) + ";";
      if (next == Next::Broken) return said + "!" + reader.fault();
    }
    return said + (reader.within() ? "..." : "");
  }
  static std::string text(const Reply& reply) {
    switch (reply.kind) {
      case Reply::Kind::Nil: return "nil";
      case Reply::Kind::Status: return "+" + reply.text;
      case Reply::Kind::Error: return "-" + reply.text;
      case Reply::Kind::Integer: return std::to_string(reply.integer);
      case Reply::Kind::Text: return "'" + reply.text + "'";
      case Reply::Kind::Lost: return "lost";
      case Reply::Kind::Array: break;
    }
    std::string all = "[";
    for (const Reply& element : reply.elements) all += text(element) + ",";
    return all + "]";
  }
};

TEST(RedisReply, AllKindsTornAtEveryByte) {
  const std::string bytes =
      "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nab\r\nc\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n"
      "*2\r\n$1\r\nx\r\n*2\r\n:1\r\n*1\r\n$-1\r\n+last\r\n";
  const char* want = "+OK;-ERR no;-42;'ab\r\nc';nil;'';nil;[];['x',[1,[nil,],],];+last;";
  for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
    STRCMP_EQUAL(want, read(bytes, chunk).c_str());
  }
  // Cut off anywhere it is never taken for whole.
  for (std::size_t end = 1; end < bytes.size(); ++end) {
    const std::string said = read(bytes.substr(0, end), 3);
    const std::string begun = said.ends_with("...") ? said.substr(0, said.size() - 3) : said;
    CHECK(std::string(want).starts_with(begun));
    CHECK(begun.size() < std::string(want).size());
  }
}

TEST(RedisReply, WhatIsNoReplyBreaksItForGood) {
  STRCMP_CONTAINS("!", read("HTTP/1.1 400 Bad Request\r\n", 7).c_str());
  STRCMP_CONTAINS("!", read("$abc\r\n", 100).c_str());
  STRCMP_CONTAINS("!", read("*99999999999999999999\r\n", 100).c_str());
  ReplyReader reader(limits);
  reader.feed("?\r\n", 3);
  Reply reply;
  CHECK(reader.next(&reply) == Next::Broken);
  reader.feed("+OK\r\n", 5);
  CHECK(reader.next(&reply) == Next::Broken);
}

TEST(RedisReply, NestedTooDeepBreaksIt) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  STRCMP_CONTAINS("!", read(deep + ":1\r\n", 5).c_str());
}

TEST(RedisReply, AnnouncedElementsAreCountedOverAllLevels) {
  limits.reply_elements = 100;
  STRCMP_CONTAINS("more than 100 elements", read("*101\r\n", 100).c_str());
  STRCMP_CONTAINS("more than 100 elements", read("*99\r\n*2\r\n", 100).c_str());
  STRCMP_EQUAL("...", read("*100\r\n", 100).c_str());
  // The next reply begins anew.
  STRCMP_EQUAL("[1,];[1,];", read("*1\r\n:1\r\n*1\r\n:1\r\n", 100).c_str());
}

TEST(RedisReply, AHugeLengthIsNotWaitedForWithoutEnd) {
  limits.reply_bytes = 4096;
  const std::string head = "$500000000\r\n";
  STRCMP_EQUAL("...", read(head, 100).c_str());
  STRCMP_CONTAINS("more than 4096 bytes", read(head + std::string(8192, 'x'), 1024).c_str());
  // A line without an end, too.
  STRCMP_CONTAINS("more than 4096 bytes", read("+" + std::string(8192, 'x'), 1024).c_str());
  // Many small ones are no large one.
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "+OK\r\n";
  CHECK(read(many, many.size()).find('!') == std::string::npos);
}

TEST(RedisReply, CommandsAreArraysOfBulkStrings) {
  Pipeline pipeline;
  const std::string binary("a\0\r\n", 4);
  pipeline.add({"SET", "key", binary});
  pipeline.add({"PING"});
  const std::string first = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\n" + binary + "\r\n";
  CHECK(pipeline.command(0) == first);
  CHECK(pipeline.command(1) == "*1\r\n$4\r\nPING\r\n");
  CHECK(pipeline.bytes() == first + "*1\r\n$4\r\nPING\r\n");
  UNSIGNED_LONGS_EQUAL(2, pipeline.count());
  // More words than most have.
  std::vector<std::string_view> words(1000, "w");
  Pipeline large;
  large.add(std::span<const std::string_view>(words));
  CHECK(large.bytes().starts_with("*1000\r\n$1\r\nw\r\n"));
  // What we write is what we could read.
  STRCMP_EQUAL("['PING',];", read("*1\r\n$4\r\nPING\r\n", 1).c_str());
}

TEST(RedisReply, CommandsAreWhatHiredisMakesOfThem) {
  std::vector<std::string> texts;
  for (std::size_t size = 0; size < 2000; size += 97) texts.emplace_back(size, 'x');
  for (std::size_t count = 1; count <= texts.size(); ++count) {
    std::vector<std::string_view> words(texts.begin(), texts.begin() + static_cast<long>(count));
    std::vector<const char*> starts;
    std::vector<std::size_t> lengths;
    for (const std::string_view word : words) {
      starts.push_back(word.data());
      lengths.push_back(word.size());
    }
    char* encoded = nullptr;
    const auto length =
        redisFormatCommandArgv(&encoded, static_cast<int>(count), starts.data(), lengths.data());
    Pipeline ours;
    ours.add({"PING"});
    ours.add(std::span<const std::string_view>(words));
    CHECK(ours.command(1) == std::string_view(encoded, static_cast<std::size_t>(length)));
    redisFreeCommand(encoded);
  }
}
