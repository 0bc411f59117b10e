// Decoding of published captures of real controls, and of replies that no control should send.
#include <CppUTest/TestHarness.h>

#include "tests/unit/focas_decode.hpp"

using namespace rise::focas;
using rise::test::FocasVector;
using rise::test::group_of;
using rise::test::Plan;
using wire::Bytes;

namespace {

std::vector<std::uint8_t> numbers(std::initializer_list<wire::Number> list) {
  std::vector<std::uint8_t> data(8 * list.size());
  std::size_t at = 0;
  for (const wire::Number& number : list) {
    wire::store_number(data.data() + at, number);
    at += 8;
  }
  return data;
}

std::vector<std::uint8_t> record(std::int32_t number, int axis, int type,
                                 std::initializer_list<wire::Number> list) {
  std::vector<std::uint8_t> data(8);
  wire::store_i32(data.data(), number);
  wire::store_u16(data.data() + 4, static_cast<std::uint16_t>(axis));
  wire::store_u16(data.data() + 6, static_cast<std::uint16_t>(type));
  const auto elements = numbers(list);
  data.insert(data.end(), elements.begin(), elements.end());
  return data;
}

std::vector<std::uint8_t> timer(std::uint32_t minutes, std::uint32_t milliseconds) {
  std::vector<std::uint8_t> data(8);
  wire::store_u32(data.data(), minutes);
  wire::store_u32(data.data() + 4, milliseconds);
  return data;
}

}  // namespace

TEST_GROUP(FocasDecode){
    // The value that the item's first signal has after the data came; -999: none.
    double value(const std::string& item, const std::vector<std::uint8_t>& data,
                 const ControlInfo& info = rise::test::new_control(),
                 std::size_t which = 0){Plan plan({group_of({item})}, {{{"x", "y", "z", "a"}, 2}});
CHECK_TEXT(plan.good, item.c_str());
decode_values(plan.host.abi, plan.catalogue.items()[0].read, data, info);
LONGS_EQUAL(0, plan.host.misuse.size());
return plan.host.values[which].number.value_or(-999);
}
std::string text(const std::string& item, const std::string& data) {
  Plan plan({group_of({item})});
  const std::vector<std::uint8_t> bytes(data.begin(), data.end());
  decode_values(plan.host.abi, plan.catalogue.items()[0].read, bytes, rise::test::new_control());
  return plan.host.values[0].text;
}
Plan* decode_file(Plan* plan, const std::string& file, const ControlInfo& info) {
  plan->meet(info);
  for (const FocasVector& vector : rise::test::read_focas_vectors()) {
    if (vector.file == file) CHECK(rise::test::decode(plan, vector, info) > 0);
  }
  return plan;
}
}
;

TEST(FocasDecode, CapturedParameters) {
  Plan plan({group_of({"parameter.1850.*", "parameter.5440.*", "parameter.7814.*"})},
            {{{"x", "y", "z", "b"}, 1}});
  const ControlInfo info = rise::test::new_control();
  decode_file(&plan, "cap_31i_param_1850", info);
  DOUBLES_EQUAL(-27700, *plan.host.value("parameter.1850.x"), 0);
  DOUBLES_EQUAL(0, *plan.host.value("parameter.1850.b"), 0);
  decode_file(&plan, "cap_31i_param_5440", info);
  DOUBLES_EQUAL(-0.3, *plan.host.value("parameter.5440.x"), 1e-12);
  DOUBLES_EQUAL(0.3, *plan.host.value("parameter.5440.z"), 1e-12);
  DOUBLES_EQUAL(0, *plan.host.value("parameter.5440.b"), 0);
  // A parameter without axes answers the question for all axes with axis 0: no axis has that value.
  decode_file(&plan, "cap_31i_param_7814", info);
  CHECK(!plan.host.value("parameter.7814.x"));
}

TEST(FocasDecode, CapturedServoLoadIsAMagnitude) {
  Plan plan({group_of({"servo.load"})}, {{{"x", "y", "z", "b"}, 1}});
  decode_file(&plan, "cap_31i_servo_load", rise::test::new_control());
  DOUBLES_EQUAL(0, *plan.host.value("axis.x.load"), 0);
  DOUBLES_EQUAL(3, *plan.host.value("axis.y.load"), 0);
  DOUBLES_EQUAL(33, *plan.host.value("axis.z.load"), 0);
}

// The elements behind the first are stale memory: text bytes.
TEST(FocasDecode, CapturedLegacyDiagnosisOfOneAxis) {
  Plan plan({group_of({"diagnosis.918.x"})});
  decode_file(&plan, "cap_160i_diagnosis", rise::test::legacy_control());
  DOUBLES_EQUAL(0x1772a3, *plan.host.value("diagnosis.918.x"), 0);
}

TEST(FocasDecode, CapturedPmcWord) {
  Plan plan({group_of({"pmc.d2204:word"})});
  decode_file(&plan, "cap_160i_pmc_D2204", rise::test::legacy_control());
  DOUBLES_EQUAL(600, *plan.host.value("pmc.d2204"), 0);
}

// Nine blocks, two with an error status: those lose their value, the others are good. The eight
// elements of a position hold five axes.
TEST(FocasDecode, CapturedErrorsWithinAFrame) {
  Plan plan({group_of({"feed", "spindle.speed", "position.absolute", "position.distance",
                       "program.number"})},
            {{{"x", "y", "u", "v", "z", "w"}, 1}});
  ControlInfo info = rise::test::legacy_control(1, 5);
  plan.meet(info);
  decode_file(&plan, "cap_160i_dynamic_with_errors", info);
  DOUBLES_EQUAL(0, *plan.host.value("feed.actual"), 0);
  CHECK(!plan.host.value("spindle.0.speed"));
  DOUBLES_EQUAL(311.1657, *plan.host.value("axis.x.position"), 1e-9);
  DOUBLES_EQUAL(-125, *plan.host.value("axis.z.position"), 1e-9);
  CHECK(!plan.host.value("axis.w.position"));
  CHECK(!plan.host.value("axis.x.distance_to_go"));
  DOUBLES_EQUAL(3000, *plan.host.value("program.running"), 0);
}

TEST(FocasDecode, NoValueIsNoValue) {
  DOUBLES_EQUAL(-999, value("macro.500", numbers({{0, 10, -1}})), 0);
  DOUBLES_EQUAL(-999, value("macro.500", numbers({{-1, 10, -1}})), 0);
  DOUBLES_EQUAL(-999, value("macro.500", numbers({{5, 10, 77}})), 0);
  DOUBLES_EQUAL(-999, value("macro.500", numbers({{5, 3, 0}})), 0);
  DOUBLES_EQUAL(12.345, value("macro.500", numbers({{0x62c28f5c, 2, 27}})), 1e-8);
}

TEST(FocasDecode, ShortDataIsNoValue) {
  for (const char* item :
       {"feed", "alarms", "status", "program.number", "spindle.load", "servo.load",
        "position.absolute", "macro.500", "parameter.1320", "parameter.1320.*", "pmc.d100:word",
        "pmc.d100:double", "pmc.g8.5", "override.feed", "override.rapid", "timer.cycle", "modal.g0",
        "modal.f"}) {
    Plan plan({group_of({item})});
    const Read& read = plan.catalogue.items()[0].read;
    const std::vector<std::uint8_t> zeros(300);
    const std::size_t enough = read.decoding == Decoding::Record     ? 16
                               : read.decoding == Decoding::Words    ? 2
                               : read.decoding == Decoding::Integers ? 4
                               : read.reply_bytes != 0 && read.decoding != Decoding::ModalValue
                                   ? read.reply_bytes
                               : read.decoding == Decoding::ModalValue ? 8
                                                                       : 8;
    for (std::size_t size = 0; size < enough; ++size) {
      decode_values(plan.host.abi, read, Bytes(zeros).first(size), rise::test::new_control());
      CHECK_TEXT(!plan.host.values[0].number, item);
      for (const auto& kept : plan.host.values) CHECK_TEXT(kept.writes > 0, item);
    }
  }
}

TEST(FocasDecode, ElementsBeyondTheAxesAndSpindlesAreStale) {
  const auto data = numbers({{1, 10, 0}, {2, 10, 0}, {3, 10, 0}, {4, 10, 0}});
  const ControlInfo info = rise::test::new_control(1, 2, 1);
  DOUBLES_EQUAL(2, value("position.absolute", data, info, 1), 0);
  DOUBLES_EQUAL(-999, value("position.absolute", data, info, 2), 0);
  DOUBLES_EQUAL(1, value("spindle.load", data, info, 0), 0);
  DOUBLES_EQUAL(-999, value("spindle.load", data, info, 1), 0);
  DOUBLES_EQUAL(
      -999,
      value("servo.temperature", record(308, -1, 0, {{1, 10, 0}, {2, 10, 0}, {3, 10, 0}}), info, 2),
      0);
}

TEST(FocasDecode, RecordsOfAnotherQuestionAreNoValue) {
  const wire::Number seven{7, 10, 0};
  DOUBLES_EQUAL(7, value("parameter.1320", record(1320, 0, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320", record(1321, 0, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320", record(1320, -1, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320", record(1320, 1, 3, {seven})), 0);
  DOUBLES_EQUAL(7, value("parameter.1320.y", record(1320, 2, 3, {seven})), 0);
  DOUBLES_EQUAL(7, value("parameter.1320.y", record(1320, 0, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320.y", record(1320, 1, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320.y", record(1320, -1, 3, {seven})), 0);
  DOUBLES_EQUAL(-999, value("parameter.1320.*", record(1320, 0, 3, {seven})), 0);
}

TEST(FocasDecode, OnlyRealRecordsHaveAPoint) {
  const wire::Number number{1500, 10, 3};
  DOUBLES_EQUAL(1.5, value("parameter.1320", record(1320, 0, 4, {number})), 0);
  DOUBLES_EQUAL(1.5, value("diagnosis.301", record(301, 0, 5, {number})), 0);
  for (int type = 0; type < 4; ++type) {
    DOUBLES_EQUAL(1500, value("parameter.1320", record(1320, 0, type, {number})), 0);
    // As the vendor's client writes whole numbers.
    DOUBLES_EQUAL(78, value("parameter.1320", record(1320, 0, type, {{78, 0, -1}})), 0);
    DOUBLES_EQUAL(-999, value("parameter.1320", record(1320, 0, type, {{-1, 10, -1}})), 0);
    DOUBLES_EQUAL(-999, value("parameter.1320", record(1320, 0, type, {{7, 10, 0x5858}})), 0);
  }
  DOUBLES_EQUAL(1500, value("diagnosis.301", record(301, 0, 4, {number})), 0);
  for (const int type : {-1, 5, 6, 0x2020}) {
    DOUBLES_EQUAL(-999, value("parameter.1320", record(1320, 0, type, {number})), 0);
  }
}

TEST(FocasDecode, Timers) {
  DOUBLES_EQUAL(60090, value("timer.cycle", timer(1001, 30000)), 0);
  DOUBLES_EQUAL(60090, value("timer.cycle", timer(0xe9030000, 0x30750000)), 0);  // little-endian
  DOUBLES_EQUAL(0, value("timer.cycle", timer(0, 0)), 0);
  DOUBLES_EQUAL(60, value("timer.cycle", timer(1, 0)), 0);
  DOUBLES_EQUAL(60. * 12345, value("timer.power_on", timer(0x39300000, 0)), 0);
  DOUBLES_EQUAL(59.999, value("timer.cycle", timer(0, 59999)), 1e-9);
  DOUBLES_EQUAL(-999, value("timer.cycle", timer(0, 60000)), 0);
  DOUBLES_EQUAL(-999, value("timer.cycle", timer(0xffffffff, 0)), 0);
  DOUBLES_EQUAL(-999, value("timer.cycle", timer(0xffffffff, 0xffffffff)), 0);
}

// The milliseconds of one timer tell the byte order of the others, which have none.
TEST(FocasDecode, TheByteOrderOfTimersIsLearned) {
  Plan plan({group_of({"timer.power_on", "timer.cycle"})});
  const ControlInfo info = rise::test::new_control();
  TimerOrder order = TimerOrder::Unknown;
  const auto read = [&](std::size_t item, const std::vector<std::uint8_t>& data) {
    decode_values(plan.host.abi, plan.catalogue.items()[item].read, data, info, 0, &order);
    return plan.host.values[item].number.value_or(-999);
  };
  const auto little = [](std::uint32_t minutes, std::uint32_t ms) {
    return timer(__builtin_bswap32(minutes), __builtin_bswap32(ms));
  };
  // 65536 minutes in one order, 256 in the other: nobody can know.
  DOUBLES_EQUAL(60. * 65536, read(0, little(256, 0)), 0);
  CHECK(order == TimerOrder::Unknown);
  DOUBLES_EQUAL(61.5, read(1, little(1, 1500)), 0);
  CHECK(order == TimerOrder::Little);
  for (std::uint32_t minutes = 0; minutes < 100'000'000; minutes += 9973) {
    DOUBLES_EQUAL(60. * minutes, read(0, little(minutes, 0)), 0);
    DOUBLES_EQUAL(60. * minutes + 1.5, read(1, little(minutes, 1500)), 1e-6);
  }
  // Each reply with milliseconds speaks for itself.
  DOUBLES_EQUAL(61.5, read(1, timer(1, 1500)), 0);
  CHECK(order == TimerOrder::Big);
  DOUBLES_EQUAL(60. * 65536, read(0, timer(65536, 0)), 0);
  DOUBLES_EQUAL(-999, read(0, timer(0x10000000, 0)), 0);
}

// F has digits behind the point and a sign of its own; no other letter has.
TEST(FocasDecode, ModalValues) {
  const auto modal = [](std::int32_t value, std::uint16_t flag1, std::uint16_t flag2) {
    std::vector<std::uint8_t> data(8);
    wire::store_i32(data.data(), value);
    wire::store_u16(data.data() + 4, flag1);
    wire::store_u16(data.data() + 6, flag2);
    return data;
  };
  DOUBLES_EQUAL(1500, value("modal.f", modal(1500, 0, 0)), 0);
  DOUBLES_EQUAL(0.125, value("modal.f", modal(125, 0xc3, 3)), 1e-12);
  DOUBLES_EQUAL(0.125, value("modal.f", modal(125, 0xc3, 0xfb)), 1e-12);
  DOUBLES_EQUAL(-12.5, value("modal.f", modal(125, 0x60, 1)), 1e-12);
  DOUBLES_EQUAL(3000, value("modal.s", modal(3000, 0, 1)), 0);
}

TEST(FocasDecode, ATextThatIsTooShortIsNone) {
  Plan plan({group_of({"program.name"})});
  const std::vector<std::uint8_t> good = {0, 0, 0, 1, 'O', '1'};
  const Read& read = plan.catalogue.items()[0].read;
  decode_values(plan.host.abi, read, good, rise::test::new_control());
  STRCMP_EQUAL("O1", plan.host.values[0].text.c_str());
  const std::uint32_t lost = plan.host.values[0].invalidated;
  decode_values(plan.host.abi, read, Bytes(good).first(3), rise::test::new_control());
  LONGS_EQUAL(lost + 1, plan.host.values[0].invalidated);
}

// Diagnosis and loads come by servo axis; a spindle with a position has none.
TEST(FocasDecode, ElementsBeyondTheServoAxesAreStale) {
  const auto data = numbers({{1, 10, 0}, {2, 10, 0}, {3, 10, 0}, {4, 10, 0}});
  ControlInfo info = rise::test::new_control(1, 3, 1);
  info.servo_axes[0] = 2;
  DOUBLES_EQUAL(2, value("servo.load", data, info, 1), 0);
  DOUBLES_EQUAL(-999, value("servo.load", data, info, 2), 0);
  DOUBLES_EQUAL(3, value("position.absolute", data, info, 2), 0);
  const auto temperatures = record(308, -1, 1, {{40, 10, 0}, {41, 10, 0}, {99, 10, 0}});
  DOUBLES_EQUAL(41, value("servo.temperature", temperatures, info, 1), 0);
  DOUBLES_EQUAL(-999, value("servo.temperature", temperatures, info, 2), 0);
}

TEST(FocasDecode, HiddenSignalsHaveNoValue) {
  Plan plan({group_of({"position.absolute"})});
  const auto data = numbers({{1, 10, 0}, {2, 10, 0}, {3, 10, 0}});
  decode_values(plan.host.abi, plan.catalogue.items()[0].read, data, rise::test::new_control(),
                0x2);
  CHECK(plan.host.values[0].number.has_value());
  CHECK(!plan.host.values[1].number);
  CHECK(plan.host.values[2].number.has_value());
}

TEST(FocasDecode, Overrides) {
  DOUBLES_EQUAL(0, value("override.feed", {0x00}), 0);
  DOUBLES_EQUAL(0, value("override.feed", {0xff}), 0);
  DOUBLES_EQUAL(100, value("override.feed", {255 - 100}), 0);
  DOUBLES_EQUAL(254, value("override.feed", {1}), 0);
  DOUBLES_EQUAL(100, value("override.rapid", {0xfc}), 0);
  DOUBLES_EQUAL(50, value("override.rapid", {1}), 0);
  DOUBLES_EQUAL(25, value("override.rapid", {2}), 0);
  DOUBLES_EQUAL(0, value("override.rapid", {3}), 0);
  DOUBLES_EQUAL(120, value("override.spindle", {120}), 0);
}

TEST(FocasDecode, PmcTypes) {
  const std::vector<std::uint8_t> data = {0xff, 0xfe, 0x00, 0x01, 0x40, 0x09, 0x21, 0xfb};
  DOUBLES_EQUAL(255, value("pmc.r0", data), 0);
  DOUBLES_EQUAL(-2, value("pmc.r0:word", data), 0);
  DOUBLES_EQUAL(-131071, value("pmc.r0:long", data), 0);
  DOUBLES_EQUAL(2.5, value("pmc.r0:float", {0x40, 0x20, 0, 0}), 0);
  DOUBLES_EQUAL(-2.5, value("pmc.r0:double", {0xc0, 4, 0, 0, 0, 0, 0, 0}), 0);
  DOUBLES_EQUAL(-999, value("pmc.r0:float", {0x7f, 0xc0, 0, 0}), 0);  // not a number
  DOUBLES_EQUAL(-999, value("pmc.r0:double", {0x7f, 0xf0, 0, 0, 0, 0, 0, 0}), 0);
  DOUBLES_EQUAL(1, value("pmc.r0.7", {0x80}), 0);
  DOUBLES_EQUAL(0, value("pmc.r0.6", {0x80}), 0);
}

TEST(FocasDecode, GCodes) {
  const auto code = [](std::int32_t number, std::int32_t decimals) {
    std::vector<std::uint8_t> data(12);
    wire::store_i32(data.data() + 4, number);
    wire::store_i32(data.data() + 8, decimals);
    return data;
  };
  DOUBLES_EQUAL(90, value("modal.g2", code(90, 0)), 0);
  DOUBLES_EQUAL(90.1, value("modal.g2", code(901, 1)), 1e-12);
  DOUBLES_EQUAL(-999, value("modal.g2", code(901, 10)), 0);
  DOUBLES_EQUAL(-999, value("modal.g2", code(901, 65536)), 0);
  DOUBLES_EQUAL(-999, value("modal.g2", code(901, -1)), 0);
}

TEST(FocasDecode, Texts) {
  const std::string number(4, '\0');
  STRCMP_EQUAL("O1234", text("program.name", number + std::string("O1234\0junk", 10)).c_str());
  STRCMP_EQUAL("N10 G01 X1.", text("program.text", number + "N10 G01 X1. \nN20 M30").c_str());
  STRCMP_EQUAL("", text("program.text", number).c_str());
  STRCMP_EQUAL("", text("program.text", std::string(3, 'x')).c_str());
  STRCMP_EQUAL("", text("program.name", number + "    ").c_str());
  STRCMP_EQUAL("A?B?", text("program.name", number + "A\xb1"
                                                     "B\x01")
                           .c_str());
  LONGS_EQUAL(RISE_TEXT_MAX, text("program.path", std::string(256, 'x')).size());
}

TEST(FocasDecode, NothingIsWrongWhateverTheBytesAre) {
  std::uint64_t seed = 1;
  const auto next = [&seed] { return seed = seed * 6364136223846793005u + 1442695040888963407u; };
  const std::vector<std::string> items = {
      "status",       "alarms",           "position.absolute", "feed",
      "spindle.load", "servo.load",       "servo.temperature", "program.number",
      "program.name", "program.text",     "override.feed",     "override.rapid",
      "timer.cycle",  "modal.g0",         "modal.f",           "macro.500-510",
      "offset.1",     "parameter.1320.*", "diagnosis.301",     "pmc.d100-107:double",
      "pmc.g8.5",     "pmc.e0-31:float"};
  Plan plan({group_of(items)});
  plan.meet(rise::test::new_control());
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::uint8_t> data(next() >> 33 & 0x7f);
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(next() >> 40);
    const ControlInfo info = round % 2 == 0
                                 ? rise::test::new_control(1, static_cast<std::uint16_t>(round % 5))
                                 : rise::test::legacy_control(1, 3, 0);
    const auto& reads = plan.sweep.reads();
    decode_values(plan.host.abi, reads[(next() >> 33) % (reads.size() - 3)], data, info);
  }
  LONGS_EQUAL(0, plan.host.misuse.size());
}
