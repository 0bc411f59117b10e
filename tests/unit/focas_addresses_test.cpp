#include <CppUTest/TestHarness.h>

#include "drivers/focas/addresses.hpp"
#include "drivers/focas/wire/protocol.hpp"

using namespace rise::focas;

namespace {

bool is_pmc(const std::string& text, char area, int first, int last, int type, int bit) {
  PmcAddress address;
  std::string why;
  return parse_pmc(text, &address, &why) && wire::kPmcAreas[address.area] == area &&
         address.first == first && address.last == last && address.type == type &&
         address.bit == bit;
}

// Refused, and with a sentence.
bool refuses_pmc(const std::string& text) {
  PmcAddress address;
  std::string why;
  return !parse_pmc(text, &address, &why) && !why.empty();
}

}  // namespace

TEST_GROUP(FocasAddresses) {
  PathSettings path{{"x", "y", "c1"}, 1};
  RecordAddress record;
  std::string why;
};

TEST(FocasAddresses, PmcForms) {
  CHECK(is_pmc("G8.5", 'G', 8, 8, 0, 5));
  CHECK(is_pmc("g8.0", 'G', 8, 8, 0, 0));
  CHECK(is_pmc("R100", 'R', 100, 100, 0, -1));
  CHECK(is_pmc("D100-103", 'D', 100, 103, 0, -1));
  CHECK(is_pmc("d100:byte", 'D', 100, 100, 0, -1));
  CHECK(is_pmc("D100:word", 'D', 100, 101, 1, -1));
  CHECK(is_pmc("D100:long", 'D', 100, 103, 2, -1));
  CHECK(is_pmc("D100:float", 'D', 100, 103, 4, -1));
  CHECK(is_pmc("D100:double", 'D', 100, 107, 5, -1));
  CHECK(is_pmc("D100-107:long", 'D', 100, 107, 2, -1));
  CHECK(is_pmc("Z0", 'Z', 0, 0, 0, -1));
  CHECK(is_pmc("R0-255", 'R', 0, 255, 0, -1));
}

TEST(FocasAddresses, EveryPmcAreaHasItsNumberOnTheWire) {
  const std::string areas = "GFYXARTKCDMNEZ";
  for (std::size_t i = 0; i < areas.size(); ++i) {
    PmcAddress address;
    CHECK(parse_pmc(std::string(1, areas[i]) + "1", &address, &why));
    LONGS_EQUAL(i, address.area);
  }
}

TEST(FocasAddresses, BadPmcForms) {
  const std::string bad[] = {"",
                             "G",
                             "8",
                             "8.5",
                             "Q1",
                             "G.5",
                             "G8.",
                             "G8.8",
                             "G8.-1",
                             "G8.55",
                             "G8.5.1",
                             "G8.x",
                             "G-8",
                             "G8-",
                             "G8-7",
                             "G8-9.5",
                             "G8-9-10",
                             "G 8",
                             "G8 ",
                             "G+8",
                             "G0x8",
                             "G8:",
                             "G8:bit",
                             "G8:WORD",
                             "G8.5:word",
                             "G8:word.5",
                             "R0-256",
                             "R0-2:word",
                             "R0-5:long",
                             "R0-11:double",
                             "R123456789",
                             "R99999999999999999999",
                             "G8:word:word",
                             "GG8",
                             "1G8"};
  for (const std::string& text : bad) CHECK_TEXT(refuses_pmc(text), text.c_str());
}

// The list of areas ends with a zero byte, which is no area; a blank folds to it.
TEST(FocasAddresses, NoAreaBehindTheListOfAreas) {
  CHECK(refuses_pmc(" 100"));
  CHECK(
      refuses_pmc(std::string("\0"
                              "100",
                              4)));
  for (int c = 0; c < 256; ++c) {
    const char letter = static_cast<char>(c);
    const bool area = letter != '\0' &&
                      std::string("GFYXARTKCDMNEZgfyxartkcdmnez").find(letter) != std::string::npos;
    CHECK_EQUAL(!area, refuses_pmc(std::string(1, letter) + "100"));
  }
}

TEST(FocasAddresses, PmcElements) {
  PmcAddress address;
  CHECK(parse_pmc("D100-107:word", &address, &why));
  LONGS_EQUAL(2, address.element_bytes());
  LONGS_EQUAL(4, address.elements());
  CHECK(parse_pmc("D100-115:double", &address, &why));
  LONGS_EQUAL(8, address.element_bytes());
  LONGS_EQUAL(2, address.elements());
}

TEST(FocasAddresses, Ranges) {
  std::int32_t first = -1;
  std::int32_t last = -1;
  CHECK(parse_range("500", &first, &last));
  LONGS_EQUAL(500, first);
  LONGS_EQUAL(500, last);
  CHECK(parse_range("0-99999999", &first, &last));
  LONGS_EQUAL(0, first);
  LONGS_EQUAL(99999999, last);
  for (const char* text : {"", "-", "5-", "-5", "6-5", "5--6", "5-6-7", "a", "5a", "5 ", " 5", "+5",
                           "123456789", "5-123456789", "1e3", "5,6"}) {
    CHECK_TEXT(!parse_range(text, &first, &last), text);
  }
}

TEST(FocasAddresses, Records) {
  CHECK(parse_record("1320", path, &record, &why));
  LONGS_EQUAL(1320, record.number);
  LONGS_EQUAL(0, record.axis);
  CHECK(parse_record("1320.x", path, &record, &why));
  LONGS_EQUAL(1, record.axis);
  CHECK(parse_record("1320.c1", path, &record, &why));
  LONGS_EQUAL(3, record.axis);
  CHECK(parse_record("1320.*", path, &record, &why));
  LONGS_EQUAL(-1, record.axis);
}

// Axes are written as on the machine in the config; outputs name them likewise.
TEST(FocasAddresses, AxesOfRecordsInEitherCase) {
  CHECK(parse_record("1320.Y", path, &record, &why));
  LONGS_EQUAL(2, record.axis);
  CHECK(parse_record("1320.C1", path, &record, &why));
  LONGS_EQUAL(3, record.axis);
}

TEST(FocasAddresses, BadRecords) {
  for (const char* text : {"", ".", ".x", "1320.", "1320.q", "1320.c", "1320.x.y", "-1", "13 20",
                           "x", "1320.1", "123456789", "1320.**"}) {
    why.clear();
    CHECK_TEXT(!parse_record(text, path, &record, &why), text);
    CHECK_TEXT(!why.empty(), text);
  }
}
