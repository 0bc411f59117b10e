// When the sweep planner asks what: order of the groups, late samples, overload, degraded lanes.
#include <CppUTest/TestHarness.h>

#include <algorithm>

#include "tests/unit/focas_plan.hpp"

using namespace rise::focas;
using rise::test::group_of;
using rise::test::Plan;

namespace {

constexpr std::int64_t kMs = 1'000'000;

// n reads of one macro each.
std::vector<std::string> macros(int first, int n) {
  std::vector<std::string> items;
  for (int i = 0; i < n; ++i) items.push_back("macro." + std::to_string(first + i));
  return items;
}

// So many reads of the group are in the frame under way.
std::size_t count_of(Plan* plan, std::uint8_t group) {
  const auto asked = plan->sweep.outstanding();
  return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](std::uint16_t i) {
    return plan->sweep.read(i).group == group;
  }));
}

void drain(Plan* plan) {
  while (!plan->ask().empty()) plan->answer();
}

}  // namespace

TEST_GROUP(FocasSweepTiming){};

TEST(FocasSweepTiming, TheFirstGroupGoesFirst) {
  Plan plan({group_of(macros(100, 10), 10 * kMs), group_of(macros(200, 10), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  plan.sweep.due(0, false);
  plan.ask();
  LONGS_EQUAL(10, count_of(&plan, 0));
  LONGS_EQUAL(1, plan.answer().size());
  plan.ask();
  LONGS_EQUAL(10, count_of(&plan, 1));
}

TEST(FocasSweepTiming, OneFrameTakesReadsOfSeveralGroups) {
  Plan plan({group_of(macros(100, 3), 10 * kMs), group_of(macros(200, 4), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  plan.sweep.due(0, false);
  plan.ask();
  LONGS_EQUAL(3, count_of(&plan, 0));
  LONGS_EQUAL(4, count_of(&plan, 1));
  LONGS_EQUAL(2, plan.answer().size());
}

TEST(FocasSweepTiming, ThePhaseShiftsTheFirstSample) {
  Plan plan({group_of(macros(100, 1), 100 * kMs)});
  plan.sweep.meet(rise::test::new_control(), {}, 0.5, 1000 * kMs);
  drain(&plan);
  plan.sweep.due(1049 * kMs, false);
  CHECK(!plan.sweep.has_pending());
  plan.sweep.due(1050 * kMs, false);
  CHECK(plan.sweep.has_pending());
}

TEST(FocasSweepTiming, SamplesKeepTheirRaster) {
  Plan plan({group_of(macros(100, 1), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  int samples = 0;
  for (std::int64_t now_ns = 0; now_ns < 1000 * kMs; now_ns += 3 * kMs) {
    plan.sweep.due(now_ns, false);
    if (!plan.ask().empty()) samples += static_cast<int>(plan.answer().size());
  }
  LONGS_EQUAL(100, samples);
}

TEST(FocasSweepTiming, AfterAPauseThereIsOneSampleNotMany) {
  Plan plan({group_of(macros(100, 1), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  plan.sweep.due(0, false);
  drain(&plan);
  plan.sweep.due(5000 * kMs, false);
  drain(&plan);
  plan.sweep.due(5005 * kMs, false);
  CHECK(!plan.sweep.has_pending());
  plan.sweep.due(5010 * kMs, false);
  CHECK(plan.sweep.has_pending());
}

TEST(FocasSweepTiming, LateSamplesAreCountedOnce) {
  Plan plan({group_of(macros(100, 1), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  LONGS_EQUAL(0, plan.sweep.due(0, false));
  plan.ask();
  LONGS_EQUAL(0, plan.sweep.due(9 * kMs, false));
  LONGS_EQUAL(1, plan.sweep.due(10 * kMs, false));
  LONGS_EQUAL(0, plan.sweep.due(10 * kMs, false));
  LONGS_EQUAL(1, plan.sweep.due(20 * kMs, false));
  plan.answer();
  LONGS_EQUAL(0, plan.sweep.due(30 * kMs, false));
  CHECK(plan.sweep.has_pending());
}

TEST(FocasSweepTiming, ADegradedLaneReadsTheFirstGroupOnly) {
  Plan plan({group_of(macros(100, 2), 10 * kMs), group_of(macros(200, 2), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  LONGS_EQUAL(0, plan.sweep.due(0, true));
  plan.ask();
  LONGS_EQUAL(2, count_of(&plan, 0));
  LONGS_EQUAL(0, count_of(&plan, 1));
  plan.answer();
  plan.sweep.due(10 * kMs, false);
  plan.ask();
  LONGS_EQUAL(2, count_of(&plan, 1));
}

TEST(FocasSweepTiming, DroppedMeansForgotten) {
  Plan plan({group_of(macros(100, 20), 10 * kMs)});
  plan.meet(rise::test::new_control());
  plan.sweep.due(0, false);
  plan.ask();
  plan.sweep.drop();
  CHECK(!plan.sweep.has_pending());
  LONGS_EQUAL(0, plan.sweep.outstanding().size());
  LONGS_EQUAL(0, plan.sweep.due(10 * kMs, false));  // not late: it begins anew
  CHECK(plan.sweep.has_pending());
}

// Overload: each reply comes when the first group is due again, and that group fills a frame.
// Before each group in turn gets its share, the first keeps at least every second frame.
TEST(FocasSweepTiming, SlowGroupsAreNotStarved) {
  Plan plan({group_of(macros(100, 10), kMs), group_of(macros(200, 12), 50 * kMs),
             group_of(macros(300, 7), 100 * kMs)});
  plan.meet(rise::test::new_control());
  std::size_t complete[3] = {};
  int first_frames = 0;
  constexpr int kFrames = 1000;
  for (int frame = 0; frame < kFrames; ++frame) {
    plan.sweep.due(frame * 2 * kMs, false);
    plan.ask();
    if (count_of(&plan, 0) >= 8) ++first_frames;
    for (const std::int32_t group : plan.answer()) ++complete[group];
  }
  CHECK(first_frames >= kFrames / 2 - 1);
  CHECK(complete[0] >= kFrames / 2 - 1);
  CHECK(complete[1] >= 10);  // 40 were due
  CHECK(complete[2] >= 10);  // 20 were due
}

// Where all groups together are too much, each still gets samples.
TEST(FocasSweepTiming, NoGroupStarvesAnother) {
  Plan plan({group_of(macros(100, 10), kMs), group_of(macros(200, 10), kMs),
             group_of(macros(300, 10), kMs), group_of(macros(400, 25), kMs)});
  plan.meet(rise::test::new_control());
  std::size_t complete[4] = {};
  for (int frame = 0; frame < 1000; ++frame) {
    plan.sweep.due(frame * 2 * kMs, false);
    plan.ask();
    for (const std::int32_t group : plan.answer()) ++complete[group];
  }
  CHECK(complete[0] >= 499);
  for (std::size_t g = 1; g < 4; ++g) CHECK(complete[g] >= 50);
}

TEST(FocasSweepTiming, WithoutOverloadTheFirstGroupNeverWaits) {
  Plan plan({group_of(macros(100, 10), 10 * kMs), group_of(macros(200, 60), 100 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  for (int ms = 0; ms < 2000; ++ms) {
    LONGS_EQUAL(0, plan.sweep.due(ms * kMs, false));
    plan.ask();  // one frame per millisecond
    if (ms % 10 == 0) LONGS_EQUAL(10, count_of(&plan, 0));
    plan.answer();
  }
}

TEST(FocasSweepTiming, AlarmMessagesAreNotStarved) {
  Plan plan({group_of(macros(100, 10), kMs)});
  plan.meet(rise::test::new_control());
  for (int frame = 0; frame < 20; ++frame) {
    plan.sweep.due(frame * 2 * kMs, false);
    plan.ask();
    plan.answer();
  }
  CHECK(plan.sweep.want_alarm_messages(1));
  int waited = 0;
  for (bool asked = false; !asked; ++waited) {
    CHECK(waited < 12);
    plan.sweep.due((20 + waited) * 2 * kMs, false);
    plan.ask();
    for (const std::uint16_t i : plan.sweep.outstanding()) {
      asked = asked || plan.sweep.read(i).decoding == Decoding::AlarmMessages;
    }
    plan.answer();
  }
}

TEST(FocasSweepTiming, AlarmMessagesOfUnknownPathsAreNotAsked) {
  Plan plan({group_of({"feed"})}, {{{"x"}, 1}, {{"x"}, 1}});
  plan.meet(rise::test::new_control(1));
  drain(&plan);
  CHECK(!plan.sweep.want_alarm_messages(0));
  CHECK(!plan.sweep.want_alarm_messages(2));
  CHECK(!plan.sweep.want_alarm_messages(3));
  CHECK(!plan.sweep.has_pending());
  CHECK(plan.sweep.want_alarm_messages(1));
  CHECK(plan.sweep.want_alarm_messages(1));
  const auto blocks = plan.ask();
  LONGS_EQUAL(1, blocks.size());
  LONGS_EQUAL(0x23, blocks[0].command);
  LONGS_EQUAL(-1, blocks[0].argument[0]);
  LONGS_EQUAL(10, blocks[0].argument[1]);
  LONGS_EQUAL(2, blocks[0].argument[2]);
  LONGS_EQUAL(64, blocks[0].argument[3]);
}

TEST(FocasSweepTiming, NamesAndUnitsAreAskedOncePerPathAndControl) {
  Plan plan({group_of({"feed"})}, {{{"x"}, 1}, {{"x"}, 1}});
  for (int meeting = 0; meeting < 2; ++meeting) {
    plan.meet(rise::test::new_control(2));
    const auto blocks = plan.ask();
    LONGS_EQUAL(4, blocks.size());
    LONGS_EQUAL(0x89, blocks[0].command);
    LONGS_EQUAL(0, blocks[0].argument[0]);
    LONGS_EQUAL(0x88, blocks[1].command);
    LONGS_EQUAL(1, blocks[1].argument[0]);
    LONGS_EQUAL(2, blocks[3].path);
    plan.answer();
    CHECK(plan.ask().empty());
  }
}

// What is refused for good leaves the sample, which is complete without it.
TEST(FocasSweepTiming, RefusedReadsAreNotAskedAgain) {
  Plan plan({group_of(macros(100, 3), 10 * kMs)});
  plan.meet(rise::test::new_control());
  drain(&plan);
  plan.sweep.due(0, false);
  plan.ask();
  plan.sweep.read(plan.sweep.outstanding()[1]).available = false;
  LONGS_EQUAL(1, plan.answer().size());
  plan.sweep.due(10 * kMs, false);
  LONGS_EQUAL(2, plan.ask().size());
  LONGS_EQUAL(1, plan.answer().size());
}
