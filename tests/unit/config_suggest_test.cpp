#include "config/schema/suggest.hpp"

#include <CppUTest/TestHarness.h>

using rise::config::nearest;

namespace {

const std::vector<std::string> kWords = {"period_us", "priority", "name", "cpu", "exchange"};

}  // namespace

TEST_GROUP(ConfigSuggest){};

TEST(ConfigSuggest, TypingErrorsFindTheirWord) {
  STRCMP_EQUAL("period_us", nearest("perod_us", kWords).c_str());    // left out
  STRCMP_EQUAL("period_us", nearest("periiod_us", kWords).c_str());  // too many
  STRCMP_EQUAL("period_us", nearest("peroid_us", kWords).c_str());   // swapped
  STRCMP_EQUAL("period_us", nearest("period_ms", kWords).c_str());   // another
  STRCMP_EQUAL("priority", nearest("prioritty", kWords).c_str());
  STRCMP_EQUAL("name", nearest("nam", kWords).c_str());
  STRCMP_EQUAL("name", nearest("name", kWords).c_str());
}

TEST(ConfigSuggest, WhatIsTooFarAwayIsNoTypingError) {
  STRCMP_EQUAL("", nearest("temperature", kWords).c_str());
  STRCMP_EQUAL("", nearest("gpu_core", kWords).c_str());
  STRCMP_EQUAL("", nearest("", kWords).c_str());
  STRCMP_EQUAL("", nearest("x", kWords).c_str());
  STRCMP_EQUAL("", nearest("nmea2", kWords).c_str());  // two changes in five letters
}

TEST(ConfigSuggest, ShortWordsMayHaveOneError) {
  STRCMP_EQUAL("cpu", nearest("cpx", kWords).c_str());
  STRCMP_EQUAL("", nearest("cxx", kWords).c_str());
  STRCMP_EQUAL("a", nearest("", {"a"}).c_str());
}

TEST(ConfigSuggest, TheNearestOfSeveralWins) {
  STRCMP_EQUAL("feed.actual", nearest("feed.actul", {"feed.act", "feed.actual"}).c_str());
  STRCMP_EQUAL("", nearest("feed", {}).c_str());
}

TEST(ConfigSuggest, LongWordsAreComparedToo) {
  const std::string word(500, 'a');
  STRCMP_EQUAL(word.c_str(), nearest(word.substr(1), {"b", word}).c_str());
}
