#include "rt_core/message/text.hpp"

#include <CppUTest/TestHarness.h>

#include <string>

using namespace rise::message;

namespace {

// The bytes of the field, zeros included.
std::string bytes(const flatbuffers::Array<std::uint8_t, 32>* field) {
  return {reinterpret_cast<const char*>(field->data()), 32};
}

}  // namespace

TEST_GROUP(MessageText) {
  Command command;
  flatbuffers::Array<std::uint8_t, 32>* field = command.mutable_approver();
};

TEST(MessageText, WhatIsSetIsGot) {
  LONGS_EQUAL(5, set_text(field, "anna."));
  CHECK(get_text(field) == "anna.");
}

TEST(MessageText, AShorterTextLeavesNothingOfALongerOne) {
  set_text(field, std::string(32, 'x'));
  LONGS_EQUAL(2, set_text(field, "ab"));
  CHECK(bytes(field) == "ab" + std::string(30, '\0'));
}

TEST(MessageText, ATextThatFillsTheFieldHasNoTerminator) {
  const std::string full(32, 'y');
  LONGS_EQUAL(32, set_text(field, full));
  CHECK(get_text(field) == full);
}

TEST(MessageText, WhatIsTooLongIsCutAndStaysInsideTheField) {
  command.mutate_machine(0x1234);
  LONGS_EQUAL(32, set_text(field, std::string(33, 'z')));
  CHECK(get_text(field) == std::string(32, 'z'));
  LONGS_EQUAL(32, set_text(field, std::string(100'000, 'w')));
  CHECK(get_text(field) == std::string(32, 'w'));
  LONGS_EQUAL(0x1234, command.machine());
}

TEST(MessageText, EmptyTextsClearTheField) {
  set_text(field, "something");
  LONGS_EQUAL(0, set_text(field, ""));
  CHECK(bytes(field) == std::string(32, '\0'));
  set_text(field, "something");
  LONGS_EQUAL(0, set_text(field, std::string_view{}));  // without any bytes behind it
  CHECK(get_text(field).empty());
}

TEST(MessageText, GettingStopsAtTheFirstZero) {
  using namespace std::string_view_literals;
  LONGS_EQUAL(5, set_text(field, "ab\0cd"sv));
  CHECK(get_text(field) == "ab");
}

TEST(MessageText, BytesBeyondAsciiPassUnchanged) {
  set_text(field, "\xc3\xa4\xff\x01");
  CHECK(get_text(field) == "\xc3\xa4\xff\x01");
}
