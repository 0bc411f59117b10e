#include "rt_core/plan/plan.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>

#include "rt_core/guard/realtime.hpp"
#include "tests/unit/support/fake_driver.hpp"
#include "tests/unit/support/plan_rig.hpp"

using namespace rise::test;
using rise::cycle::OverrunPolicy;
using rise::plan::Plan;
using rise::safety::SidecarLoss;

TEST_GROUP(PlanPlan) { PlanRig rig; };

TEST(PlanPlan, TheSmallestConfigHasAllDefaults) {
  const Plan plan =
      rig.make("[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  STRCMP_EQUAL("", rig.text().c_str());
  STRCMP_EQUAL("rise", plan.name.c_str());
  LONGS_EQUAL(10, plan.history_s);
  CHECK(plan.lock_memory);
  CHECK(plan.hold_dma_latency);
  CHECK(plan.hugepages);
  LONGS_EQUAL(1, plan.lanes.size());
  LONGS_EQUAL(1'000'000, plan.lanes[0].spec.period_ns);
  LONGS_EQUAL(80, plan.lanes[0].priority);
  CHECK(!plan.lanes[0].spec.exchange_first);
  LONGS_EQUAL(1, plan.machines.size());
  LONGS_EQUAL(1'000'000'000, plan.machines[0]->spec().max_sample_age_ns);
  CHECK(plan.machines[0]->spec().sidecar_loss == SidecarLoss::Rollback);
  LONGS_EQUAL(200'000, plan.machines[0]->spec().budget.budget_ns);
}

TEST(PlanPlan, EverySettingOfALaneArrives) {
  const Plan plan = rig.make(
      "[core]\nname = \"unit\"\nhistory_s = 20\nlock_memory = false\nhold_dma_latency = false\n"
      "hugepages = false\nflight_cycles = 77\nstop_grace_ms = 9\n"
      "[safety]\nsidecar_timeout_ms = 30\nmax_command_ttl_ms = 40\n"
      "[[lane]]\nname = \"a\"\nperiod_us = 250\ncpu = -2\npriority = 5\noverrun = \"catch_up\"\n"
      "exchange = \"first\"\nio = \"nonblocking\"\ndriver_budget_us = 11\nbench_after = 12\n"
      "degrade_after = 13\ntrip_after = 14\n"
      "[[lane]]\nname = \"b\"\noverrun = \"re_phase\"\n[[lane]]\nname = \"c\"\noverrun = \"skip\"\n"
      "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  STRCMP_EQUAL("", rig.text().c_str());
  STRCMP_EQUAL("unit", plan.name.c_str());
  LONGS_EQUAL(20, plan.history_s);
  CHECK(!plan.lock_memory);
  CHECK(!plan.hold_dma_latency);
  CHECK(!plan.hugepages);
  LONGS_EQUAL(77, plan.flight_cycles);
  const rise::plan::LaneChoice& lane = plan.lanes[0];
  STRCMP_EQUAL("a", lane.name.c_str());
  LONGS_EQUAL(0, lane.spec.index);
  LONGS_EQUAL(250'000, lane.spec.period_ns);
  LONGS_EQUAL(-1, lane.cpu);
  LONGS_EQUAL(5, lane.priority);
  STRCMP_EQUAL("nonblocking", lane.io.c_str());
  CHECK(lane.spec.exchange_first);
  CHECK(lane.spec.overrun == OverrunPolicy::CatchUp);
  CHECK(plan.lanes[1].spec.overrun == OverrunPolicy::RePhase);
  CHECK(plan.lanes[2].spec.overrun == OverrunPolicy::Skip);
  LONGS_EQUAL(2, plan.lanes[2].spec.index);
  LONGS_EQUAL(13, lane.spec.ladder.degrade_after);
  LONGS_EQUAL(14, lane.spec.ladder.trip_after);
  LONGS_EQUAL(30'000'000, lane.spec.sidecar_timeout_ns);
  LONGS_EQUAL(40'000'000, lane.spec.max_command_ttl_ns);
  LONGS_EQUAL(9'000'000, lane.spec.stop_grace_ns);
  LONGS_EQUAL(11'000, plan.machines[0]->spec().budget.budget_ns);
  LONGS_EQUAL(12, plan.machines[0]->spec().budget.bench_after);
  LONGS_EQUAL(250'000, plan.machines[0]->spec().cycle_period_ns);
}

TEST(PlanPlan, EverySettingOfAMachineArrives) {
  const Plan plan = rig.make(
      "[[lane]]\nname = \"a\"\n[[lane]]\nname = \"b\"\nperiod_us = 500\n"
      "[[machine]]\nname = \"m\"\ndriver = \"fake\"\nlane = \"b\"\nmax_sample_age_ms = 50\n"
      "on_sidecar_loss = \"trip\"\n"
      "[[machine.limit]]\nsignal = \"value\"\nmax = 5\nfor_ms = 20\n"
      "[[machine.limit]]\nsignal = \"other\"\nmin = -1.5\naction = \"report\"\n"
      "[[machine.output]]\nname = \"feed\"\ntarget = \"r1\"\nmin = 0\nmax = 9.5\nmax_step = 2.0\n"
      "[[machine]]\nname = \"n\"\ndriver = \"fake\"\non_sidecar_loss = \"ignore\"\n");
  STRCMP_EQUAL("", rig.text().c_str());
  const rise::driver::InstanceSpec& spec = plan.machines[0]->spec();
  STRCMP_EQUAL("m", spec.name.c_str());
  LONGS_EQUAL(0, spec.machine);
  LONGS_EQUAL(1, spec.lane);
  LONGS_EQUAL(500'000, spec.cycle_period_ns);
  LONGS_EQUAL(50'000'000, spec.max_sample_age_ns);
  CHECK(spec.sidecar_loss == SidecarLoss::Trip);
  LONGS_EQUAL(2, spec.limits.size());
  STRCMP_EQUAL("value", spec.limits[0].signal.c_str());
  CHECK(std::isinf(spec.limits[0].spec.min) && spec.limits[0].spec.min < 0);
  DOUBLES_EQUAL(5, spec.limits[0].spec.max, 0);
  LONGS_EQUAL(20'000'000, spec.limits[0].spec.hold_ns);
  CHECK(spec.limits[0].spec.trips);
  DOUBLES_EQUAL(-1.5, spec.limits[1].spec.min, 0);
  CHECK(!spec.limits[1].spec.trips);
  STRCMP_EQUAL("feed", spec.outputs[0].name.c_str());
  STRCMP_EQUAL("r1", spec.outputs[0].target.c_str());
  DOUBLES_EQUAL(9.5, spec.outputs[0].limits.max, 0);
  DOUBLES_EQUAL(2, spec.outputs[0].limits.max_step, 0);
  LONGS_EQUAL(1, plan.machines[1]->spec().machine);
  LONGS_EQUAL(0, plan.machines[1]->spec().lane);  // none named: the first
  CHECK(plan.machines[1]->spec().sidecar_loss == SidecarLoss::Ignore);
  STRCMP_EQUAL("feed r1 0.000000 9.500000", rig.driver.machine(0).outputs.at(0).c_str());
}

TEST(PlanPlan, SeedsComeFromTheConfigAndDifferBetweenMachines) {
  const auto seeds = [&](const std::string& seed) {
    PlanRig one;
    const Plan plan = one.make("[core]\nseed = " + seed + "\n" + PlanRig::two_machines());
    return std::pair(plan.machines.at(0)->spec().seed, plan.machines.at(1)->spec().seed);
  };
  CHECK(seeds("5") == seeds("5"));
  CHECK(seeds("5") != seeds("6"));
  CHECK(seeds("5").first != seeds("5").second);
  CHECK(seeds("0") != seeds("0"));  // a new one at each start
}

TEST(PlanPlan, WithoutLanesOrMachinesThereIsNothingToDo) {
  rig.make("");
  STRCMP_CONTAINS("lane: is missing; at least one [[lane]]", rig.text().c_str());
  STRCMP_CONTAINS("machine: is missing; at least one [[machine]]", rig.text().c_str());
  LONGS_EQUAL(2, rig.problems.size());
  rig.make("lane = []\nmachine = []\n");
  LONGS_EQUAL(2, rig.problems.size());
}

TEST(PlanPlan, ThereIsALimitForEverything) {
  std::string lanes;
  for (int i = 0; i < 17; ++i) lanes += "[[lane]]\nname = \"l" + std::to_string(i) + "\"\n";
  rig.make(lanes + "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  STRCMP_CONTAINS("lane: 17 lanes; at most 16", rig.text().c_str());
  std::string machines = "[[lane]]\nname = \"a\"\n";
  for (int i = 0; i < 1025; ++i) {
    machines += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"fake\"\n";
  }
  rig.make(machines);
  STRCMP_CONTAINS("machine: 1025 machines; at most 1024", rig.text().c_str());
}

TEST(PlanPlan, TextsOfAllMachinesTogetherHaveALimit) {
  int texts = 0;
  rig.driver.on_configure = [&](FakeMachine* m, const rise_config&) {
    m->group("g", 100'000'000);
    m->signal("number", 0);
    for (int i = 0; i < texts; ++i) {
      m->signal(("t" + std::to_string(i)).c_str(), 0, RISE_SIGNAL_TEXT);
    }
    return std::int32_t{RISE_OK};
  };
  std::string toml = "[[lane]]\nname = \"a\"\n";
  for (int i = 0; i < 1023; ++i) {
    toml += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"fake\"\n";
  }
  texts = 64;  // 65,472
  rig.make(toml);
  STRCMP_EQUAL("", rig.text().c_str());
  texts = 65;
  rig.make(toml);
  LONGS_EQUAL(1, rig.problems.size());
  STRCMP_CONTAINS(
      "machine.1008.name: up to this machine there are 65585 text signals; at most 65535",
      rig.text().c_str());
}

TEST(PlanPlan, NamesAreUsedOnce) {
  rig.make(
      "[[lane]]\nname = \"a\"\n[[lane]]\nname = \"a\"\n"
      "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n"
      "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n"
      "[[machine.output]]\nname = \"o\"\ntarget = \"t\"\nmin = 0\nmax = 1\n"
      "[[machine.output]]\nname = \"o\"\ntarget = \"u\"\nmin = 0\nmax = 1\n");
  STRCMP_EQUAL(
      "4 lane.1.name: \"a\" is used twice\n"
      "9 machine.1.name: \"m\" is used twice\n"
      "17 machine.1.output.1.name: \"o\" is used twice\n",
      rig.text().c_str());
}

TEST(PlanPlan, AnUnknownLaneComesWithASuggestion) {
  rig.make(
      "[[lane]]\nname = \"main\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\nlane = \"mian\"\n");
  STRCMP_EQUAL("6 machine.0.lane: there is no lane \"mian\"; did you mean \"main\"?\n",
               rig.text().c_str());
  rig.make(
      "[[lane]]\nname = \"main\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\nlane = \"zzz\"\n");
  STRCMP_EQUAL("6 machine.0.lane: there is no lane \"zzz\"\n", rig.text().c_str());
}

TEST(PlanPlan, ALimitOfAnUnknownSignalComesWithASuggestion) {
  rig.make(
      "[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n"
      "[[machine.limit]]\nsignal = \"vlaue\"\nmax = 1\n"
      "[[machine.limit]]\nsignal = \"value\"\nmax = 1\n"
      "[[machine.limit]]\nsignal = \"temperature\"\nmax = 1\n");
  STRCMP_EQUAL(
      "7 machine.0.limit.0.signal: machine \"m\" has no signal \"vlaue\"; did you mean \"value\"?\n"
      "13 machine.0.limit.2.signal: machine \"m\" has no signal \"temperature\"\n",
      rig.text().c_str());
}

TEST(PlanPlan, LimitsMustSaySomethingPossible) {
  rig.make(
      "[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n"
      "[[machine.limit]]\nsignal = \"value\"\nmin = 2\nmax = 1\n"
      "[[machine.limit]]\nsignal = \"other\"\n"
      "[[machine.output]]\nname = \"o\"\ntarget = \"t\"\nmin = 5\nmax = 1\n");
  STRCMP_EQUAL(
      "8 machine.0.limit.0.min: is greater than max\n"
      "11 machine.0.limit.1.signal: has neither min nor max: the limit says nothing\n"
      "15 machine.0.output.0.min: is greater than max\n",
      rig.text().c_str());
}

TEST(PlanPlan, AMissingDriverIsSaidOnce) {
  rig.make(
      "[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"none\"\n"
      "[[machine]]\nname = \"n\"\ndriver = \"none\"\n[[machine]]\nname = \"o\"\ndriver = "
      "\"fake\"\n");
  STRCMP_EQUAL("5 machine.0.driver: driver \"none\" is not installed\n", rig.text().c_str());
  LONGS_EQUAL(2, rig.driver.lookups);
  LONGS_EQUAL(1, rig.driver.destroyed);  // the rest was checked all the same
}

TEST(PlanPlan, ACoreThatIsNotThereIsNamedWithThoseThatAre) {
  rig.make("[[lane]]\nname = \"a\"\ncpu = 1023\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  STRCMP_CONTAINS("3 lane.0.cpu: core 1023 is not available to this process; allowed: ",
                  rig.text().c_str());
  STRCMP_CONTAINS(std::to_string(rise::guard::lane_cpus().back()).c_str(), rig.text().c_str());
}

TEST(PlanPlan, CoresAreChosenFromTheLastDownwardsAndNeverTheFirst) {
  const std::vector<int> cpus = rise::guard::lane_cpus();
  std::string toml;
  for (int i = 0; i < 16; ++i) toml += "[[lane]]\nname = \"l" + std::to_string(i) + "\"\n";
  const Plan plan = rig.make(toml + "[[machine]]\nname = \"m\"\ndriver = \"fake\"\n");
  for (std::size_t i = 0; i < 16; ++i) {
    LONGS_EQUAL(i + 1 < cpus.size() ? cpus[cpus.size() - 1 - i] : -1, plan.lanes[i].cpu);
  }
  PlanRig other;
  const std::string first = std::to_string(cpus.front());
  LONGS_EQUAL(cpus.front(), other
                                .make("[[lane]]\nname = \"a\"\ncpu = " + first +
                                      "\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n")
                                .lanes.at(0)
                                .cpu);
}

TEST(PlanPlan, ASyntaxErrorIsTheOnlyProblem) {
  const Plan plan = rig.make("[[lane]]\nname = \n");
  LONGS_EQUAL(1, rig.problems.size());
  LONGS_EQUAL(0, plan.lanes.size());
  LONGS_EQUAL(0, rig.driver.lookups);
}

TEST(PlanPlan, AllProblemsComeInTheOrderOfTheFile) {
  rig.make(
      "[safety]\nsidecar_timeout_ms = 1\n[[machine]]\nname = \"m\"\ndriver = \"none\"\nstray = 1\n"
      "[[lane]]\nperiod_us = 5\n[core]\nname = \"\"\n");
  for (std::size_t i = 1; i < rig.problems.size(); ++i) {
    CHECK(rig.problems[i - 1].line <= rig.problems[i].line);
  }
  LONGS_EQUAL_TEXT(6, rig.problems.size(), rig.text().c_str());
}

TEST(PlanPlan, InstancesAreDestroyedWithThePlan) {
  {
    const Plan plan = rig.make(PlanRig::two_machines());
    LONGS_EQUAL(2, rig.driver.machines.size());
    LONGS_EQUAL(1, plan.libraries.size());
  }
  LONGS_EQUAL(2, rig.driver.destroyed);
}
