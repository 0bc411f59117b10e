// Plans that are made to be replayed: the recorded seed, and nothing that only the recorded machine
// has.
#include <CppUTest/TestHarness.h>

#include "tests/unit/support/fake_driver.hpp"

using namespace rise::test;
namespace config = rise::config;
namespace plan = rise::plan;

namespace {

const char* const kToml =
    "[core]\nname = \"a\"\nseed = 5\n[[lane]]\nname = \"l\"\ncpu = 1000\nrecord = \"a.rec\"\n"
    "record_max_mib = 7\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n";

}  // namespace

TEST_GROUP(PlanRehearsal) {
  FakeDriver driver;
  std::vector<config::Problem> problems;

  static std::string replaced(std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
  }
};

TEST(PlanRehearsal, TakesTheSeedNoCoreAndDoesNotRecord) {
  const plan::Rehearsal rehearsal{99};
  const plan::Plan made = plan::make_plan(kToml, driver.source(), &problems, &rehearsal);
  UNSIGNED_LONGS_EQUAL(0, problems.size());
  UNSIGNED_LONGS_EQUAL(99, made.seed);
  LONGS_EQUAL(-1, made.lanes[0].cpu);
  STRCMP_EQUAL("", made.lanes[0].record.c_str());
}

TEST(PlanRehearsal, WithoutOneTheConfigHolds) {
  (void)plan::make_plan(kToml, driver.source(), &problems);
  UNSIGNED_LONGS_EQUAL(1, problems.size());  // core 1000
  problems.clear();
  const plan::Plan made =
      plan::make_plan(replaced(kToml, "1000", "-2"), driver.source(), &problems);
  UNSIGNED_LONGS_EQUAL(0, problems.size());
  UNSIGNED_LONGS_EQUAL(5, made.seed);
  STRCMP_EQUAL("a.rec", made.lanes[0].record.c_str());
  LONGS_EQUAL(7 << 20, made.lanes[0].record_max_bytes);
}

TEST(PlanRehearsal, TheSameSeedGivesTheMachinesTheSame) {
  const std::string toml =
      replaced(replaced(kToml, "1000", "-2"), "seed = 5", "seed = 0");  // by the time
  const plan::Plan live = plan::make_plan(toml, driver.source(), &problems);
  CHECK(live.seed != 0);
  const plan::Rehearsal rehearsal{live.seed};
  const plan::Plan again = plan::make_plan(toml, driver.source(), &problems, &rehearsal);
  UNSIGNED_LONGS_EQUAL(0, problems.size());
  CHECK(live.machines[0]->spec().seed == again.machines[0]->spec().seed);
}
