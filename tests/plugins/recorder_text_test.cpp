#include "plugins/recorder/text.hpp"

#include <CppUTest/TestHarness.h>

#include <limits>

using namespace rise::recorder;

TEST_GROUP(RecorderText){};

TEST(RecorderText, NumbersHaveAsFewDigitsAsTheyNeed) {
  STRCMP_EQUAL("0.1", json_number(0.1).c_str());
  STRCMP_EQUAL("3000", json_number(3000).c_str());
  STRCMP_EQUAL("-0.001", json_number(-0.001).c_str());
  STRCMP_EQUAL("null", json_number(std::numeric_limits<double>::quiet_NaN()).c_str());
  STRCMP_EQUAL("null", json_number(-std::numeric_limits<double>::infinity()).c_str());
  DOUBLES_EQUAL(std::numeric_limits<double>::max(),
                std::stod(json_number(std::numeric_limits<double>::max())), 0);
}

TEST(RecorderText, TextsAreQuoted) {
  STRCMP_EQUAL("\"a\\\"b\\\\c\\u000ad\\u0001\"", json_text("a\"b\\c\nd\x01").c_str());
  STRCMP_EQUAL("\"\"", json_text("").c_str());
}

TEST(RecorderText, WhatIsNoUtf8BecomesAQuestionMark) {
  // Whole characters of one to four bytes stay.
  STRCMP_EQUAL("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
               clean_text("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80").c_str());
  STRCMP_EQUAL("x?", clean_text("x\xc3").c_str());               // cut off
  STRCMP_EQUAL("x??", clean_text("x\xe2\x82").c_str());          // likewise
  STRCMP_EQUAL("??", clean_text("\xc0\x80").c_str());            // longer than it must be
  STRCMP_EQUAL("???", clean_text("\xe0\x80\x80").c_str());       // likewise
  STRCMP_EQUAL("???", clean_text("\xed\xa0\x80").c_str());       // half of a pair
  STRCMP_EQUAL("????", clean_text("\xf4\x90\x80\x80").c_str());  // beyond the last one
  STRCMP_EQUAL("?a", clean_text("\x80"
                                "a")
                         .c_str());
}
