#include <CppUTest/TestHarness.h>

#include <cstdint>
#include <limits>

#include "plugins/text/base64.hpp"
#include "plugins/text/utc.hpp"

using namespace rise::text;

TEST_GROUP(Text){};

TEST(Text, TimesToTheNanosecondAndToTheEndsOfTheirRange) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, kMost, kLeast,
                                  kMost - 854'775'807, std::int64_t{1'709'210'096'000'000'000}}) {
    const auto back = parse_utc(utc_text(time));
    CHECK(back.has_value());
    CHECK_TEXT(*back == time, utc_text(time).c_str());
  }
  STRCMP_EQUAL("1970-01-01T00:00:00.000000001Z", utc_text(1).c_str());
  STRCMP_EQUAL("2262-04-11T23:47:16.854775807Z", utc_text(kMost).c_str());
  CHECK(parse_utc("1970-01-01T00:00:01.5Z") == 1'500'000'000);
  CHECK(parse_utc("1970-01-01T00:00:01Z") == 1'000'000'000);
  CHECK(parse_utc("2000-02-29T00:00:00") == 951'782'400'000'000'000);
  for (const char* bad :
       {"", "yesterday", "12", "2026-02-28T23:59:59+01:00", "2026-02-28T23:59:59ZZ", "1970-01-01",
        "1970-13-01T00:00:00Z", "1970-02-29T00:00:00Z", "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.0000000001Z", "1970-01-01T00:00:00+Z",
        "2262-04-11T23:47:16.854775808Z", "9999-01-01T00:00:00Z", "1677-09-21T00:12:43.145224191Z",
        "0001-01-01T00:00:00Z"}) {
    CHECK_FALSE(parse_utc(bad).has_value());
  }
}

TEST(Text, Base64) {
  STRCMP_EQUAL("Zm9vYg==", base64("foob").c_str());
  for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    STRCMP_EQUAL(text, parse_base64(base64(text)).value_or("?").c_str());
  }
  for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9"}) {
    CHECK_FALSE(parse_base64(bad).has_value());
  }
}
