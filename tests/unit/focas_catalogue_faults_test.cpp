// What the catalogue refuses, and several paths.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/catalogue.hpp"
#include "tests/unit/focas_plan.hpp"

using namespace rise::focas;
using rise::test::group_of;
using rise::test::Plan;

namespace {

const std::vector<PathSettings> kTwoPaths = {{{"x", "z"}, 1}, {{"x", "z", "c"}, 2}};

}  // namespace

TEST_GROUP(FocasCatalogueFaults){};

TEST(FocasCatalogueFaults, BadItemsNameTheirPlace) {
  for (const char* item : {"",
                           "x",
                           "statuss",
                           "status.mode",
                           "position",
                           "position.",
                           "position.foo",
                           "program",
                           "override",
                           "macro",
                           "macro.",
                           "macro.x",
                           "macro.5-4",
                           "macro.1-129",
                           "pmc",
                           "pmc.",
                           "pmc.q1",
                           "pmc. 1",
                           "pmc.g8.9",
                           "parameter.",
                           "parameter.x",
                           "parameter.1.q",
                           "diagnosis.",
                           "offset.",
                           "offset.0",
                           "offset.1-65",
                           "offset.x",
                           "timer.free",
                           "timer.",
                           "parts.",
                           "parts.made",
                           "modal.",
                           "modal.g",
                           "modal.g64",
                           "modal.gx",
                           "modal.x",
                           "modal.ff",
                           "path.",
                           "path.1",
                           "path.0.feed",
                           "path.2.feed",
                           "path.x.feed",
                           "path..feed",
                           "path.1-2.feed",
                           "path.1.",
                           "path.1.path.1.feed",
                           "modal.g999999999"}) {
    const Plan plan({group_of({"timer.cycle", item})}, {{{"x"}, 1}});
    CHECK_TEXT(!plan.good, item);
    LONGS_EQUAL_TEXT(1, plan.host.faults.size(), item);
    STRCMP_EQUAL_TEXT("group.0.items.1", plan.host.faults[0].path.c_str(), item);
    CHECK_TEXT(!plan.host.faults[0].message.empty(), item);
  }
}

TEST(FocasCatalogueFaults, DuplicatesAreFoundAcrossGroups) {
  const Plan plan({group_of({"feed", "macro.500-502"}), group_of({"macro.502", "feed"})});
  CHECK(!plan.good);
  LONGS_EQUAL(2, plan.host.faults.size());
  STRCMP_EQUAL("group.1.items.0", plan.host.faults[0].path.c_str());
  STRCMP_EQUAL("group.1.items.1", plan.host.faults[1].path.c_str());
}

TEST(FocasCatalogueFaults, AllFaultsAtOnce) {
  const Plan plan({group_of({"a", "feed", "b"}), group_of({"c"})});
  LONGS_EQUAL(3, plan.host.faults.size());
}

TEST(FocasCatalogueFaults, TooManySignals) {
  std::vector<std::string> items;
  for (int i = 0; i < 9; ++i) {
    items.push_back("macro." + std::to_string(200 * i) + "-" + std::to_string(200 * i + 127));
  }
  const Plan plan({group_of(items)});
  CHECK(!plan.good);
  STRCMP_EQUAL("group.0.items.8", plan.host.faults[0].path.c_str());
}

TEST(FocasCatalogueFaults, TheLargestMacroRangeIsOneRead) {
  Plan plan({group_of({"macro.500-627"})});
  CHECK(plan.good);
  LONGS_EQUAL(128, plan.host.signals.size());
  plan.meet(rise::test::new_control());
  LONGS_EQUAL(1, plan.ask_all().size());
}

TEST(FocasCatalogueFaults, WhatEveryPathHasIsReadOnEveryPath) {
  Plan plan({group_of({"feed", "spindle.load", "macro.500"})}, kTwoPaths);
  CHECK(plan.good);
  const char* names[] = {"feed.actual",           "path.2.feed.actual",    "spindle.0.load",
                         "path.2.spindle.0.load", "path.2.spindle.1.load", "macro.500"};
  LONGS_EQUAL(6, plan.host.signals.size());
  for (std::size_t i = 0; i < 6; ++i) STRCMP_EQUAL(names[i], plan.host.signals[i].name.c_str());
  plan.meet(rise::test::new_control(2));
  const auto blocks = plan.ask_all();
  LONGS_EQUAL(5, blocks.size());
  LONGS_EQUAL(1, blocks[0].path);
  LONGS_EQUAL(2, blocks[1].path);
  LONGS_EQUAL(1, blocks[4].path);
}

TEST(FocasCatalogueFaults, AnItemCanNameItsPath) {
  Plan plan({group_of({"path.2.feed", "path.2.macro.500", "path.1.macro.500",
                       "path.2.parameter.1320.c"})},
            kTwoPaths);
  CHECK(plan.good);
  const char* names[] = {"path.2.feed.actual", "path.2.macro.500", "macro.500",
                         "path.2.parameter.1320.c"};
  for (std::size_t i = 0; i < 4; ++i) STRCMP_EQUAL(names[i], plan.host.signals[i].name.c_str());
  plan.meet(rise::test::new_control(2));
  const auto blocks = plan.ask_all();
  const int paths[] = {2, 2, 1, 2};
  for (std::size_t i = 0; i < 4; ++i) LONGS_EQUAL(paths[i], blocks[i].path);
  LONGS_EQUAL(3, blocks[3].argument[2]);
}

// The PMC has one memory for all paths: what is in it must not come under the name of one.
TEST(FocasCatalogueFaults, ThePmcBelongsToNoPath) {
  Plan plan({group_of({"path.2.pmc.r5"})}, kTwoPaths);
  CHECK(!plan.good);
  CHECK(plan.host.has_fault("group.0.items.0"));
}

TEST(FocasCatalogueFaults, OffsetsOfMillsAndLathes) {
  for (const bool lathe : {false, true}) {
    PathSettings path{{"x", "z"}, 1};
    path.lathe = lathe;
    Plan plan({group_of({"offset.7"})}, {path});
    STRCMP_EQUAL(lathe ? "offset.7.wear_x" : "offset.7.wear_radius",
                 plan.host.signals[0].name.c_str());
    STRCMP_EQUAL(lathe ? "offset.7.geometry_z" : "offset.7.geometry_length",
                 plan.host.signals[3].name.c_str());
    ControlInfo info = rise::test::new_control();
    for (const bool real : {false, true}) {
      info.lathe[0] = real;
      plan.meet(info);
      LONGS_EQUAL(real == lathe ? 4 : 0, plan.ask_all().size());
    }
  }
}

TEST(FocasCatalogueFaults, OverridesOfTheSecondPathAreAThousandBytesOn) {
  Plan plan({group_of({"override.feed"})}, kTwoPaths);
  plan.meet(rise::test::new_control(2));
  const auto blocks = plan.ask_all();
  LONGS_EQUAL(12, blocks[0].argument[0]);
  LONGS_EQUAL(1012, blocks[1].argument[0]);
  LONGS_EQUAL(1012, blocks[1].argument[1]);
}

TEST(FocasCatalogueFaults, APathThatTheControlLacksIsNeverAsked) {
  Plan plan({group_of({"feed", "override.feed"})}, kTwoPaths);
  plan.meet(rise::test::new_control(1));
  const auto blocks = plan.ask_all();
  LONGS_EQUAL(3, blocks.size());  // the PMC is there for all
  for (const auto& block : blocks) LONGS_EQUAL(1, block.path);
}
