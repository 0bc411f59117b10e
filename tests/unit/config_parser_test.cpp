#include <CppUTest/TestHarness.h>

#include "config/schema/document.hpp"

using namespace rise::config;

namespace {

// The line of the one problem that the text has.
std::uint32_t broken_at(const std::string& text) {
  std::vector<Problem> problems;
  const Document document = parse(text, &problems);
  LONGS_EQUAL_TEXT(1, problems.size(), text.c_str());
  CHECK_TEXT(document.values.empty(), text.c_str());
  if (problems.empty()) return 0;
  CHECK_TEXT(!problems[0].message.empty(), text.c_str());
  return problems[0].line;
}

}  // namespace

TEST_GROUP(ConfigParser){};

TEST(ConfigParser, SyntaxErrorsNameTheirLine) {
  LONGS_EQUAL(1, broken_at("a = "));
  LONGS_EQUAL(3, broken_at("a = 1\nb = 2\nc ="));
  LONGS_EQUAL(2, broken_at("a = 1\na = 2\n"));
}

// Files on which the parser breaks its own assertions: refused like any other, the program lives.
TEST(ConfigParser, WhatBreaksTheParserIsRefused) {
  for (const std::string header : {"[[[x]]]", "[=]", "[[=]]", "[.x]", "[ # ]", "[\x01]"}) {
    LONGS_EQUAL_TEXT(1, broken_at(header), header.c_str());
    LONGS_EQUAL_TEXT(3, broken_at("a = 1\n\n" + header + "\nb = 2\n"), header.c_str());
  }
}

TEST(ConfigParser, PathsAndLines) {
  std::vector<Problem> problems;
  const Document document = parse("a = 1\n[[b]]\nc = 'x'\n\n[[b]]\nd = [true, 2.5]\n", &problems);
  LONGS_EQUAL(0, problems.size());
  LONGS_EQUAL(1, document.find("a")->line);
  STRCMP_EQUAL("x", document.find("b.0.c")->string.c_str());
  LONGS_EQUAL(3, document.find("b.0.c")->line);
  CHECK(document.find("b.1.d.0")->type == Type::Bool);
  DOUBLES_EQUAL(2.5, document.find("b.1.d.1")->number, 0);
  CHECK(document.find("b.2") == nullptr);
}
