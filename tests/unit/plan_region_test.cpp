// How large the shared region becomes.
#include <CppUTest/TestHarness.h>

#include "rt_core/cycle/flight.hpp"
#include "tests/unit/support/plan_rig.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::test;
using rise::plan::region_plan;

TEST_GROUP(PlanRegion) {
  PlanRig rig;

  // Two lanes; machines with `signals` numbers each, sampled every `period_ms`.
  rise::plan::Plan make(int signals, std::int64_t period_ms, int machines, int history_s = 10) {
    rig.driver.on_configure = [=](FakeMachine* m, const rise_config&) {
      m->group("g", period_ms * 1'000'000);
      for (int i = 0; i < signals; ++i) m->signal(("s" + std::to_string(i)).c_str(), 0);
      m->signal("t", 0, RISE_SIGNAL_TEXT);
      return std::int32_t{RISE_OK};
    };
    std::string toml = "[core]\nhistory_s = " + std::to_string(history_s) +
                       "\nflight_cycles = 100\n[[lane]]\nname = \"a\"\n[[lane]]\nname = \"b\"\n";
    for (int i = 0; i < machines; ++i) {
      toml += "[[machine]]\nname = \"m" + std::to_string(i) + "\"\ndriver = \"fake\"\nlane = \"" +
              (i % 3 == 0 ? "b" : "a") + "\"\nmax_sample_age_ms = 600000\n";
      toml += "[[machine.output]]\nname = \"o\"\ntarget = \"t\"\nmin = 0\nmax = 1\n";
    }
    rise::plan::Plan plan = rig.make(toml);
    STRCMP_EQUAL("", rig.text().c_str());
    for (const auto& machine : plan.machines) machine->lay_out(0);
    return plan;
  }
};

TEST(PlanRegion, TablesHaveRoomForAll) {
  const auto plan = make(130, 10, 5);
  const rise::shm::RegionPlan region = region_plan(plan);
  STRCMP_EQUAL("rise", region.name.c_str());
  LONGS_EQUAL(5, region.machines);
  LONGS_EQUAL(5 * 131, region.signals);
  LONGS_EQUAL(5, region.texts);
  LONGS_EQUAL(5 * 3, region.pages);  // 130 numbers, 64 to a page
  LONGS_EQUAL(5, region.outputs);
  LONGS_EQUAL(2, region.lanes.size());
  LONGS_EQUAL(rise::cycle::flight_record_words(3), region.lanes[0].flight_record_words);
  LONGS_EQUAL(rise::cycle::flight_record_words(2), region.lanes[1].flight_record_words);
  LONGS_EQUAL(100, region.lanes[0].flight_records);
}

TEST(PlanRegion, RingsHoldTheHistoryAtTheFullRate) {
  for (const int signals : {1, 64, 65, 500}) {
    for (const std::int64_t period_ms : {1, 7, 100, 100'000}) {
      for (const int history_s : {10, 60}) {
        const auto plan = make(signals, period_ms, 4, history_s);
        const auto region = region_plan(plan);
        const int pages = (signals + 63) / 64;
        const double rate = 2 * pages * 1000 / static_cast<double>(period_ms);  // of each lane
        for (const rise::shm::LanePlan& lane : region.lanes) {
          const auto frames = static_cast<double>(lane.telemetry_frames);
          CHECK(frames >= rate * history_s);
          CHECK(frames < rate * history_s + 100);
        }
      }
    }
  }
}

TEST(PlanRegion, TheRegionReallyHoldsTenSeconds) {
  const TempDirectory directory;
  const auto plan = make(64, 10, 3);
  rise::shm::RegionPlan wanted = region_plan(plan);
  wanted.directory = directory.path();
  wanted.use_hugepages = false;
  const auto region = make_region(wanted);
  rise::shm::RingShape shape;
  CHECK(region.ring(rise::shm::SectionKind::Telemetry, 0, &shape) != nullptr);
  CHECK(shape.capacity >= 2 * 100 * 10);
  rise::shm::Outlet outlet(region, 0);
  rise::message::TelemetryFrame one;
  for (std::uint64_t i = 0; i < 2 * 100 * 10; ++i) {
    one.mutate_sequence(i);
    outlet.frame(&one);
  }
  LONGS_EQUAL(0, all_frames(region, 0).front().sequence());  // nothing of ten seconds is gone
}

TEST(PlanRegion, SmallPlansHaveSmallRings) {
  const auto region = region_plan(make(1, 100'000, 1));
  LONGS_EQUAL(64, region.lanes[0].telemetry_frames);  // a lane without a machine
  CHECK(region.lanes[1].telemetry_frames <= 66);
  LONGS_EQUAL(256, region.lanes[0].commands);
  LONGS_EQUAL(1024, region.lanes[0].results);
}
