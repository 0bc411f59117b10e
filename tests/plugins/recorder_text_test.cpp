#include "plugins/recorder/text.hpp"

#include <CppUTest/TestHarness.h>

#include <limits>

using namespace rise::recorder;

TEST_GROUP(RecorderText){
    std::string again(const std::string& text){const auto ns = parse_time(text);
return ns ? time_text(*ns) : "none";
}
}
;

TEST(RecorderText, TimesComeBack) {
  STRCMP_EQUAL("1970-01-01T00:00:00.000000000Z", time_text(0).c_str());
  STRCMP_EQUAL("2026-02-28T23:59:59.123456789Z", again("2026-02-28T23:59:59.123456789Z").c_str());
  STRCMP_EQUAL("2026-02-28T23:59:59.500000000Z", again("2026-02-28T23:59:59.5").c_str());
  STRCMP_EQUAL("2000-02-29T00:00:00.000000000Z", again("2000-02-29T00:00:00Z").c_str());
  STRCMP_EQUAL("2001-01-01T00:00:00.123456789Z", again("2001-01-01T00:00:00.1234567899Z").c_str());
}

TEST(RecorderText, WhatIsNoTimeIsNone) {
  for (const char* text :
       {"", "yesterday", "2026-02-28", "2026-02-28T23:59:59+01:00", "12", "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z", "2026-02-28T23:59:59ZZ"}) {
    CHECK_TEXT(!parse_time(text), text);
  }
}

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
