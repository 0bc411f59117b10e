// Every item of the catalogue: the signals it declares, and what it asks of a new and of a legacy
// control.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/catalogue.hpp"
#include "tests/unit/focas_plan.hpp"

using namespace rise::focas;
using rise::test::DeclaredSignal;
using rise::test::group_of;
using rise::test::Plan;

namespace {

struct Ask {
  int device = 1;
  int command = 0;
  int legacy = 0;  // 0: the same
  std::array<int, 4> arguments{};
};

struct Expected {
  const char* item;
  std::uint32_t type;
  const char* unit;
  std::vector<std::string> signals;
  Ask ask;
};

constexpr std::uint32_t kNumber = RISE_SIGNAL_NUMBER;
constexpr std::uint32_t kInteger = RISE_SIGNAL_INTEGER;
constexpr std::uint32_t kText = RISE_SIGNAL_TEXT;

// On a path with axes x, y, c and two spindles, in millimetres.
const Expected kItems[] = {
    {"alarms", kInteger, "", {"alarm.bits"}, {1, 0x1a}},
    {"feed", kNumber, "mm/min", {"feed.actual"}, {1, 0x24}},
    {"program.sequence", kInteger, "", {"program.sequence"}, {1, 0x1d}},
    {"program.block", kInteger, "", {"program.block"}, {1, 0x35}},
    {"program.number", kInteger, "", {"program.running", "program.main"}, {1, 0x1c}},
    {"program.name", kText, "", {"program.name"}, {1, 0xcf}},
    {"program.text", kText, "", {"program.text"}, {1, 0x20, 0, {128}}},
    {"program.path", kText, "", {"program.path"}, {1, 0xfc}},
    {"spindle.speed",
     kNumber,
     "rpm",
     {"spindle.0.speed", "spindle.1.speed"},
     {1, 0x40, 0, {3, -1}}},
    {"spindle.load", kNumber, "%", {"spindle.0.load", "spindle.1.load"}, {1, 0x40, 0, {4, -1}}},
    {"servo.load", kNumber, "%", {"axis.x.load", "axis.y.load", "axis.c.load"}, {1, 0x56, 0, {1}}},
    {"servo.temperature",
     kNumber,
     "Cel",
     {"axis.x.temperature", "axis.y.temperature", "axis.c.temperature"},
     {1, 0x93, 0x30, {308, 308, -1}}},
    {"encoder.temperature",
     kNumber,
     "Cel",
     {"axis.x.encoder_temperature", "axis.y.encoder_temperature", "axis.c.encoder_temperature"},
     {1, 0x93, 0x30, {309, 309, -1}}},
    {"spindle.temperature",
     kNumber,
     "Cel",
     {"spindle.0.temperature", "spindle.1.temperature"},
     {1, 0x93, 0x30, {403, 403, -1}}},
    {"override.feed", kNumber, "%", {"override.feed"}, {2, 0x8001, 0, {12, 12, 0, 0}}},
    {"override.rapid", kNumber, "%", {"override.rapid"}, {2, 0x8001, 0, {14, 14, 0, 0}}},
    {"override.spindle", kNumber, "%", {"override.spindle"}, {2, 0x8001, 0, {30, 30, 0, 0}}},
    {"timer.power_on", kNumber, "s", {"timer.power_on"}, {1, 0x120, 0, {0}}},
    {"timer.operating", kNumber, "s", {"timer.operating"}, {1, 0x120, 0, {1}}},
    {"timer.cutting", kNumber, "s", {"timer.cutting"}, {1, 0x120, 0, {2}}},
    {"timer.cycle", kNumber, "s", {"timer.cycle"}, {1, 0x120, 0, {3}}},
    {"parts.count", kInteger, "", {"parts.count"}, {1, 0x8d, 0x0e, {6711, 6711, 0}}},
    {"parts.total", kInteger, "", {"parts.total"}, {1, 0x8d, 0x0e, {6712, 6712, 0}}},
    {"parts.required", kInteger, "", {"parts.required"}, {1, 0x8d, 0x0e, {6713, 6713, 0}}},
    {"macro.500", kNumber, "", {"macro.500"}, {1, 0x15, 0, {500, 500}}},
    {"macro.500-502",
     kNumber,
     "",
     {"macro.500", "macro.501", "macro.502"},
     {1, 0x15, 0, {500, 502}}},
    {"parameter.1320", kNumber, "", {"parameter.1320"}, {1, 0x8d, 0x0e, {1320, 1320, 0}}},
    {"parameter.1320.y", kNumber, "", {"parameter.1320.y"}, {1, 0x8d, 0x0e, {1320, 1320, 2}}},
    {"parameter.1320.*",
     kNumber,
     "",
     {"parameter.1320.x", "parameter.1320.y", "parameter.1320.c"},
     {1, 0x8d, 0x0e, {1320, 1320, -1}}},
    {"diagnosis.301.c", kNumber, "", {"diagnosis.301.c"}, {1, 0x93, 0x30, {301, 301, 3}}},
    {"diagnosis.980", kNumber, "", {"diagnosis.980"}, {1, 0x93, 0x30, {980, 980, 0}}},
    {"pmc.g8.5", RISE_SIGNAL_FLAG, "", {"pmc.g8.5"}, {2, 0x8001, 0, {8, 8, 0, 0}}},
    {"pmc.r100", kInteger, "", {"pmc.r100"}, {2, 0x8001, 0, {100, 100, 5, 0}}},
    {"pmc.d100:word", kInteger, "", {"pmc.d100"}, {2, 0x8001, 0, {100, 101, 9, 1}}},
    {"pmc.d100-107:long", kInteger, "", {"pmc.d100", "pmc.d104"}, {2, 0x8001, 0, {100, 107, 9, 2}}},
    {"pmc.e4:float", kNumber, "", {"pmc.e4"}, {2, 0x8001, 0, {4, 7, 12, 4}}},
    {"pmc.d8:double", kNumber, "", {"pmc.d8"}, {2, 0x8001, 0, {8, 15, 9, 5}}},
    {"modal.g0", kNumber, "", {"modal.g0"}, {1, 0x96, 0, {0}}},
    {"modal.g12", kNumber, "", {"modal.g12"}, {1, 0x96, 0, {12}}},
    // Places of the letters: A B C D E F H I J K L M, M2 to M5, N O P Q R S T (there is no G).
    {"modal.b", kInteger, "", {"modal.b"}, {1, 0x22, 0, {1}}},
    {"modal.d", kInteger, "", {"modal.d"}, {1, 0x22, 0, {3}}},
    {"modal.f", kNumber, "", {"modal.f"}, {1, 0x22, 0, {5}}},
    {"modal.h", kInteger, "", {"modal.h"}, {1, 0x22, 0, {6}}},
    {"modal.m", kInteger, "", {"modal.m"}, {1, 0x22, 0, {11}}},
    {"modal.n", kInteger, "", {"modal.n"}, {1, 0x22, 0, {16}}},
    {"modal.o", kInteger, "", {"modal.o"}, {1, 0x22, 0, {17}}},
    {"modal.s", kInteger, "", {"modal.s"}, {1, 0x22, 0, {21}}},
    {"modal.t", kInteger, "", {"modal.t"}, {1, 0x22, 0, {22}}},
};

const std::vector<PathSettings> kPath = {{{"x", "y", "c"}, 2}};

void check_ask(const Expected& expected, const ControlInfo& info) {
  Plan plan({group_of({expected.item})}, kPath);
  plan.meet(info);
  const auto blocks = plan.ask_all();
  LONGS_EQUAL_TEXT(1, blocks.size(), expected.item);
  const bool legacy = !info.is_new() && expected.ask.legacy != 0;
  LONGS_EQUAL_TEXT(expected.ask.device, static_cast<int>(blocks[0].device), expected.item);
  LONGS_EQUAL_TEXT(1, blocks[0].path, expected.item);
  LONGS_EQUAL_TEXT(legacy ? expected.ask.legacy : expected.ask.command, blocks[0].command,
                   expected.item);
  for (std::size_t i = 0; i < 4; ++i) {
    LONGS_EQUAL_TEXT(expected.ask.arguments[i], blocks[0].argument[i], expected.item);
  }
}

}  // namespace

TEST_GROUP(FocasCatalogue){};

TEST(FocasCatalogue, EveryItemDeclaresItsSignals) {
  for (const Expected& expected : kItems) {
    const Plan plan({group_of({expected.item})}, kPath);
    CHECK_TEXT(plan.good, expected.item);
    LONGS_EQUAL_TEXT(expected.signals.size(), plan.host.signals.size(), expected.item);
    for (std::size_t i = 0; i < expected.signals.size(); ++i) {
      const DeclaredSignal& signal = plan.host.signals[i];
      STRCMP_EQUAL(expected.signals[i].c_str(), signal.name.c_str());
      STRCMP_EQUAL_TEXT(expected.unit, signal.unit.c_str(), expected.item);
      LONGS_EQUAL_TEXT(expected.type, signal.type, expected.item);
      LONGS_EQUAL_TEXT(0, signal.group, expected.item);
      CHECK_TEXT(signal.min < signal.max, expected.item);
    }
    LONGS_EQUAL_TEXT(1, plan.catalogue.items().size(), expected.item);
    LONGS_EQUAL_TEXT(expected.signals.size(), plan.catalogue.items()[0].read.count, expected.item);
  }
}

TEST(FocasCatalogue, EveryItemAsksANewControl) {
  for (const Expected& expected : kItems) check_ask(expected, rise::test::new_control());
}

TEST(FocasCatalogue, EveryItemAsksALegacyControl) {
  for (const Expected& expected : kItems) check_ask(expected, rise::test::legacy_control());
}

TEST(FocasCatalogue, Status) {
  Plan plan({group_of({"status"})}, kPath);
  const char* names[] = {"status.mode",      "status.run",   "status.motion", "status.mstb",
                         "status.emergency", "status.alarm", "status.edit"};
  for (std::size_t i = 0; i < 7; ++i) {
    STRCMP_EQUAL(names[i], plan.host.signals[i].name.c_str());
    LONGS_EQUAL(i < 6 ? RISE_SIGNAL_CHOICE : RISE_SIGNAL_INTEGER, plan.host.signals[i].type);
    CHECK_EQUAL(i < 6, !plan.host.signals[i].choices.empty());
    CHECK(plan.host.signals[i].choices.size() <= 191);
  }
  plan.meet(rise::test::new_control());
  LONGS_EQUAL(0x19, plan.ask_all()[0].command);
}

TEST(FocasCatalogue, Positions) {
  const std::pair<const char*, int> kinds[] = {
      {"absolute", 4}, {"machine", 1}, {"relative", 6}, {"distance", 7}};
  const char* suffixes[] = {"position", "machine_position", "relative_position", "distance_to_go"};
  for (std::size_t k = 0; k < 4; ++k) {
    Plan plan({group_of({std::string("position.") + kinds[k].first})}, kPath);
    STRCMP_EQUAL((std::string("axis.x.") + suffixes[k]).c_str(), plan.host.signals[0].name.c_str());
    STRCMP_EQUAL("mm", plan.host.signals[1].unit.c_str());
    STRCMP_EQUAL("deg", plan.host.signals[2].unit.c_str());
    plan.meet(rise::test::new_control());
    const auto blocks = plan.ask_all();
    LONGS_EQUAL(1, blocks.size());
    LONGS_EQUAL(0x26, blocks[0].command);
    LONGS_EQUAL(kinds[k].second, blocks[0].argument[0]);
    LONGS_EQUAL(-1, blocks[0].argument[1]);
  }
}

TEST(FocasCatalogue, OneSpindleIsAskedForItsOwnSpeed) {
  Plan plan({group_of({"spindle.speed"})}, {{{"x"}, 1}});
  STRCMP_EQUAL("spindle.0.speed", plan.host.signals[0].name.c_str());
  plan.meet(rise::test::new_control());
  LONGS_EQUAL(0x25, plan.ask_all()[0].command);
}

TEST(FocasCatalogue, NoSpindlesNoSignals) {
  const Plan plan({group_of({"spindle.load", "spindle.temperature", "spindle.speed"})},
                  {{{"x"}, 0}});
  CHECK(plan.good);
  LONGS_EQUAL(0, plan.host.signals.size());
}

TEST(FocasCatalogue, Inches) {
  const Plan plan({group_of({"position.absolute", "feed", "offset.1"})}, {{{"x", "b"}, 1, true}});
  STRCMP_EQUAL("in", plan.host.signals[0].unit.c_str());
  STRCMP_EQUAL("deg", plan.host.signals[1].unit.c_str());
  STRCMP_EQUAL("in/min", plan.host.signals[2].unit.c_str());
  STRCMP_EQUAL("in", plan.host.signals[3].unit.c_str());
}

TEST(FocasCatalogue, Offsets) {
  Plan plan({group_of({"offset.1-2"})}, kPath);
  const char* kinds[] = {"wear_radius", "geometry_radius", "wear_length", "geometry_length"};
  LONGS_EQUAL(8, plan.host.signals.size());
  plan.meet(rise::test::new_control());
  const auto blocks = plan.ask_all();
  LONGS_EQUAL(8, blocks.size());
  for (int i = 0; i < 8; ++i) {
    const auto& block = blocks[static_cast<std::size_t>(i)];
    const std::string name = "offset." + std::to_string(i / 4 + 1) + "." + kinds[i % 4];
    STRCMP_EQUAL(name.c_str(), plan.host.signals[static_cast<std::size_t>(i)].name.c_str());
    LONGS_EQUAL(0x08, block.command);
    LONGS_EQUAL(i / 4 + 1, block.argument[0]);
    LONGS_EQUAL(i / 4 + 1, block.argument[1]);
    LONGS_EQUAL(1000 + i % 4, block.argument[2]);
  }
}
