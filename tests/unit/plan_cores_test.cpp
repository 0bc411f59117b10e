#include "rt_core/plan/cores.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/guard/realtime.hpp"
#include "tests/unit/support/plan_rig.hpp"

using namespace rise::test;
using rise::plan::choose_cores;
using rise::plan::CoreChoice;

TEST_GROUP(PlanCores) {
  const std::vector<int> allowed{0, 1, 4, 5};

  static void expect(const std::vector<int>& cpus, const std::vector<CoreChoice>& choices) {
    LONGS_EQUAL(cpus.size(), choices.size());
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      LONGS_EQUAL(cpus[i], choices[i].cpu);
      STRCMP_EQUAL("", choices[i].fault.c_str());
    }
  }
};

TEST(PlanCores, FromTheLastDownwardsAndNeverTheFirst) {
  expect({5, 4, 1, -1, -1}, choose_cores({-1, -1, -1, -1, -1}, allowed));
  expect({-1}, choose_cores({-1}, {3}));
  expect({-1}, choose_cores({-1}, {}));
}

TEST(PlanCores, WhatIsNamedIsNotGivenAway) {
  expect({4, 5, 1}, choose_cores({-1, 5, -1}, allowed));
  expect({5, 4, 1, -1}, choose_cores({-1, 4, -1, -1}, allowed));
  expect({0, 5}, choose_cores({0, -1}, allowed));
  expect({-1, 5}, choose_cores({-2, -1}, allowed));
}

TEST(PlanCores, TwoLanesOnOneCoreAreAFaultOfTheSecond) {
  const auto choices = choose_cores({4, -2, 4}, allowed);
  STRCMP_EQUAL("", choices[0].fault.c_str());
  STRCMP_EQUAL("core 4 is taken by lane.0 already; give each lane its own, or -2 for none",
               choices[2].fault.c_str());
}

TEST(PlanCores, AForbiddenCoreIsNamedWithTheAllowedOnes) {
  STRCMP_EQUAL("core 2 is not available to this process; allowed: 0, 1, 4, 5",
               choose_cores({2}, allowed)[0].fault.c_str());
}

TEST(PlanCores, ThePlanSaysSoAtTheLine) {
  PlanRig rig;
  const std::string cpu = "cpu = " + std::to_string(rise::guard::lane_cpus().back()) + "\n";
  rig.make("[[lane]]\nname = \"a\"\n" + cpu + "[[lane]]\nname = \"b\"\n" + cpu +
           "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  STRCMP_CONTAINS("6 lane.1.cpu: core ", rig.text().c_str());
  STRCMP_CONTAINS("is taken by lane.0 already", rig.text().c_str());
  LONGS_EQUAL(1, rig.problems.size());
}
