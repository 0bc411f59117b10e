// What the check finds wrong, and where.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/config_rig.hpp"

using namespace rise::config;
using namespace rise::test;

TEST_GROUP(ConfigFaults){};

TEST(ConfigFaults, WrongTypes) {
  CHECK_PROBLEM("[core]\nname = 1\n", 2, "core.name", "is an integer, expected a string");
  CHECK_PROBLEM("[core]\ndepth = \"1\"\n", 2, "core.depth", "is a string, expected an integer");
  CHECK_PROBLEM("[core]\ngain = true\n", 2, "core.gain", "is true or false, expected a number");
  CHECK_PROBLEM("[core]\nquiet = 1\n", 2, "core.quiet", "expected true or false");
  CHECK_PROBLEM("[core]\nquiet = \"true\"\n", 2, "core.quiet", "expected true or false");
  CHECK_PROBLEM("[core]\nname = 1979-05-27\n", 2, "core.name", "is a date or time");
  CHECK_PROBLEM("[core]\nname = [\"a\"]\n", 2, "core.name", "is an array, expected a string");
}

TEST(ConfigFaults, WrongContainers) {
  CHECK_PROBLEM("core = 5\n", 1, "core", "is an integer, expected a table");
  CHECK_PROBLEM("core = [1]\n", 1, "core", "is an array, expected a table");
  CHECK_PROBLEM("lane = \"a\"\n", 1, "lane", "is a string, expected a table or array");
  CHECK_PROBLEM("[lane]\nname = \"a\"\n", 1, "lane", "is a table, expected an array");
  CHECK_PROBLEM("[lane]\nname = \"a\"\n", 1, "lane", "[[lane]]");
  CHECK_PROBLEM("[[lane]]\nname = \"a\"\n[lane.limit]\nmax = 1\n", 3, "lane.0.limit",
                "is a table, expected an array");
  CHECK_PROBLEM("[core.name]\nx = 1\n", 1, "core.name", "is a table, expected a string");
}

TEST(ConfigFaults, AWrongContainerHidesNothingElse) {
  const Checked checked("core = 5\nlane = [{name = \"a\", period = 0}]\n");
  LONGS_EQUAL(2, checked.problems.size());
  CHECK(checked.at("core") != nullptr);
  CHECK(checked.at("lane.0.period") != nullptr);
  LONGS_EQUAL(4, checked.settings.integer("core.depth"));
}

TEST(ConfigFaults, OutOfRange) {
  CHECK_PROBLEM("[core]\ndepth = 0\n", 2, "core.depth", "0 is out of range; allowed: 1 to 10 m");
  CHECK_PROBLEM("[core]\ndepth = 11\n", 2, "core.depth", "11 is out of range");
  CHECK_PROBLEM("[core]\ngain = 1.5000001\n", 2, "core.gain", "out of range; allowed: -1.5 to 1.5");
  CHECK_PROBLEM("[core]\ngain = nan\n", 2, "core.gain", "nan is out of range");
  CHECK_PROBLEM("[core]\ngain = -inf\n", 2, "core.gain", "-inf is out of range");
  CHECK_PROBLEM("[core]\ndepth = 9223372036854775807\n", 2, "core.depth", "out of range");
  CHECK_PROBLEM("[core]\nname = \"\"\n", 2, "core.name", "is empty");
  CHECK_PROBLEM("[core]\nname = \"123456789\"\n", 2, "core.name",
                "9 characters long; allowed: 1 to 8");
}

TEST(ConfigFaults, UnknownKeysComeWithASuggestion) {
  CHECK_PROBLEM("[core]\ndeph = 3\n", 2, "core.deph", "unknown key; did you mean \"depth\"?");
  CHECK_PROBLEM("[core]\nzzz = 3\n", 2, "core.zzz", "unknown key; allowed here:");
  CHECK_PROBLEM("[core]\nzzz = 3\n", 2, "core.zzz", " depth");
  CHECK_PROBLEM("[cor]\ndepth = 3\n", 1, "cor", "unknown table; did you mean \"core\"?");
  CHECK_PROBLEM("stray = 3\n", 1, "stray", "unknown key; allowed here: core lane");
  CHECK_PROBLEM("[[lane]]\nname = \"a\"\nperiode = 3\n", 3, "lane.0.periode", "\"period\"");
  CHECK_PROBLEM("\"\" = 3\n", 1, "", "unknown key");
}

TEST(ConfigFaults, UnknownTablesAreReportedOnceHoweverDeep) {
  CHECK_PROBLEM("[zzz]\na = 1\nb = [1, 2, {c = 3}]\n[zzz.d.e.f]\ng = 1\n[[zzz.h]]\ni = 1\n", 1,
                "zzz", "unknown table");
  CHECK_PROBLEM("zzz = [[1, 2], [3, [4]]]\n", 1, "zzz", "unknown key");
  const Checked checked("[zzz]\na = 1\n[zzzz]\nb = 1\n");  // a longer name is another table
  LONGS_EQUAL(2, checked.problems.size());
}

TEST(ConfigFaults, WrongChoicesComeWithASuggestion) {
  CHECK_PROBLEM("[core]\nmode = \"manuel\"\n", 2, "core.mode",
                "\"manuel\" is not allowed; did you mean \"manual\"?; allowed: \"auto\", "
                "\"manual\", \"off\"");
  CHECK_PROBLEM("[core]\nmode = \"zzzzzz\"\n", 2, "core.mode", "not allowed; allowed: \"auto\"");
  CHECK_PROBLEM("[core]\nmode = \"\"\n", 2, "core.mode", "\"\" is not allowed");
  CHECK_PROBLEM("[core]\nmode = \"auto|manual\"\n", 2, "core.mode", "is not allowed");
}

TEST(ConfigFaults, WhatIsRequiredIsMissedInEveryElement) {
  CHECK_PROBLEM("[[lane]]\nperiod = 3\n", 1, "lane.0.name", "is missing; lane.*.name: a string");
  const Checked checked(
      "[[lane]]\nname = \"a\"\n\n[[lane]]\n\n[[lane]]\n[[lane.limit]]\n[[lane.limit]]\nmax = 1\n");
  LONGS_EQUAL_TEXT(3, checked.problems.size(), checked.text().c_str());
  LONGS_EQUAL(4, checked.at("lane.1.name")->line);
  LONGS_EQUAL(6, checked.at("lane.2.name")->line);
  LONGS_EQUAL(7, checked.at("lane.2.limit.0.max")->line);
}

TEST(ConfigFaults, ARefusedSettingCountsAsAbsent) {
  const Checked checked("[core]\ndepth = 99\nname = 5\n[[lane]]\nname = 7\nperiod = \"x\"\n");
  LONGS_EQUAL_TEXT(4, checked.problems.size(), checked.text().c_str());
  LONGS_EQUAL(4, checked.settings.integer("core.depth"));
  STRCMP_EQUAL("rise", checked.settings.string("core.name").c_str());
  STRCMP_EQUAL("", checked.settings.string("lane.0.name").c_str());  // has no default
  LONGS_EQUAL(100, checked.settings.integer("lane.0.period"));
}

TEST(ConfigFaults, MixedArraysAreReportedWhereTheyGoWrong) {
  const Checked checked("lane = [{name = \"a\"}, 5, {name = \"b\"}, \"c\", [1]]\n");
  LONGS_EQUAL_TEXT(3, checked.problems.size(), checked.text().c_str());
  STRCMP_CONTAINS("is an integer, expected a table", checked.at("lane.1")->message.c_str());
  STRCMP_CONTAINS("is a string, expected a table", checked.at("lane.3")->message.c_str());
  STRCMP_CONTAINS("is an array, expected a table", checked.at("lane.4")->message.c_str());
  CHECK(checked.settings.has("lane.2.name"));
  CHECK(!checked.settings.has("lane.1.name"));
  CHECK_PROBLEM("[[lane]]\nname = \"a\"\ntags = [\"x\", 5, \"y\"]\n", 3, "lane.0.tags.1",
                "is an integer, expected a string");
  CHECK_PROBLEM("[[lane]]\nname = \"a\"\ntags = [\"x\", [\"y\"]]\n", 3, "lane.0.tags.1",
                "is an array, expected a string");
}

TEST(ConfigFaults, TablesWithNumbersForNamesAreNoArrays) {
  // TOML allows "7" as a key; nothing of such a table may be taken for elements of an array.
  for (const char* number : {"0", "7", "4000000000", "99999999999999999999999999"}) {
    const Checked checked("[lane." + std::string(number) + "]\nname = \"a\"\nperiod = 0\n");
    LONGS_EQUAL_TEXT(1, checked.problems.size(), checked.text().c_str());
    STRCMP_CONTAINS("is a table, expected an array", checked.at("lane")->message.c_str());
    LONGS_EQUAL(0, checked.settings.count("lane"));
  }
}

TEST(ConfigFaults, TenDifferentFaultsAreAllFoundAtTheirLines) {
  const Checked checked(
      "stray = 1\n"           // 1 unknown key
      "[core]\n"              // 2
      "name = 5\n"            // 3 wrong type
      "depth = 77\n"          // 4 out of range
      "gain = nan\n"          // 5 not a number
      "quite = true\n"        // 6 unknown, with a suggestion
      "mode = \"of\"\n"       // 7 wrong choice
      "[unknown.deep]\n"      // 8 unknown table
      "x = 1\n"               // 9
      "[[lane]]\n"            // 10 name is missing
      "period = 0\n"          // 11 out of range
      "tags = [\"ok\", 1]\n"  // 12 wrong element
      "[[lane]]\n"            // 13
      "name = \"b\"\n"        // 14
      "[lane.limit]\n"        // 15 table instead of array
      "max = 1\n");           // 16
  const struct {
    const char* path;
    std::uint32_t line;
  } expected[] = {{"stray", 1},          {"core.name", 3},    {"core.depth", 4},
                  {"core.gain", 5},      {"core.quite", 6},   {"core.mode", 7},
                  {"unknown", 8},        {"lane.0.name", 10}, {"lane.0.period", 11},
                  {"lane.0.tags.1", 12}, {"lane.1.limit", 15}};
  for (const auto& e : expected) {
    CHECK_TEXT(checked.at(e.path) != nullptr, e.path);
    LONGS_EQUAL_TEXT(e.line, checked.at(e.path)->line, e.path);
  }
  LONGS_EQUAL_TEXT(std::size(expected), checked.problems.size(), checked.text().c_str());
}
