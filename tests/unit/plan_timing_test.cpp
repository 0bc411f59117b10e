// Times of the config that cannot work together.
#include "rt_core/plan/timing.hpp"

#include <CppUTest/TestHarness.h>

#include "drivers/sdk/rise_settings.hpp"
#include "tests/unit/support/plan_rig.hpp"

using namespace rise::test;

namespace {

const rise_setting_spec kSettings[] = {
    rise::sdk::integer("reply_timeout_ms", 1, 60000, "500", "ms", "limit for a reply"),
    rise::sdk::integer("group.*.period_ms", 1, 60000, "10", "ms", "time between two samples"),
};
const rise_setting_spec kForeign[] = {
    rise::sdk::string("reply_timeout_ms", 0, 9, "\"none\"", "another idea of the same name"),
};

// Lines 1 to 8; what `core`, `lane` and `machine` hold is one line each.
std::string config(const std::string& core, const std::string& lane, const std::string& machine) {
  return "[core]\n" + core + "\n[[lane]]\nname = \"a\"\n" + lane +
         "\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n" + machine + "\n";
}

}  // namespace

TEST_GROUP(PlanTiming) {
  PlanRig rig;

  void setup() override {
    rig.driver.abi.settings = kSettings;
    rig.driver.abi.setting_count = 2;
  }
  // Groups with these periods, one signal each.
  void groups(std::vector<std::int64_t> periods_ns) {
    rig.driver.on_configure = [periods_ns](FakeMachine* machine, const rise_config&) {
      for (std::uint32_t g = 0; g < periods_ns.size(); ++g) {
        machine->group(("g" + std::to_string(g)).c_str(), periods_ns[g]);
        machine->signal(("s" + std::to_string(g)).c_str(), g);
      }
      return RISE_OK;
    };
  }
  void good(const std::string& toml) {
    rig.make(toml);
    STRCMP_EQUAL("", rig.text().c_str());
  }
  void bad(const std::string& toml, const char* expected) {
    rig.make(toml);
    STRCMP_CONTAINS(expected, rig.text().c_str());
    LONGS_EQUAL_TEXT(1, rig.problems.size(), rig.text().c_str());
  }
};

TEST(PlanTiming, SamplesMustBeAbleToBeFresh) {
  groups({50'000'000, 20'000'000});
  bad(config("", "", "max_sample_age_ms = 19"),
      "9 machine.0.max_sample_age_ms: 19 ms is shorter than the period of the fastest group "
      "(20 ms)");
  good(config("", "", "max_sample_age_ms = 20"));
  groups({2'000'000'000});
  bad(config("", "", ""), "6 machine.0.max_sample_age_ms: 1000 ms is shorter");  // the default
  groups({});
  good(config("", "", "max_sample_age_ms = 1"));  // nothing is sampled, nothing ages
}

TEST(PlanTiming, AReplyNeedsThreeCycles) {
  bad(config("", "period_us = 5000", "[machine.fake]\nreply_timeout_ms = 14"),
      "10 machine.0.fake.reply_timeout_ms: 14 ms is shorter than 3 cycles of the lane (15 ms)");
  good(config("", "period_us = 5000", "[machine.fake]\nreply_timeout_ms = 15"));
  good(config("", "period_us = 125", "[machine.fake]\nreply_timeout_ms = 1"));
}

TEST(PlanTiming, AGroupIsNotReadMoreOftenThanTheLaneRuns) {
  const std::string tables = "[machine.fake]\n[[machine.fake.group]]\n[[machine.fake.group]]\n";
  groups({10'000'000, 4'000'000});
  bad(config("", "period_us = 5000", tables + "period_ms = 4"),
      "12 machine.0.fake.group.1.period_ms: 4 ms between two samples is shorter than the cycle of "
      "the lane (5 ms)");
  groups({10'000'000, 5'000'000});
  good(config("", "period_us = 5000", tables + "period_ms = 5"));
  // A driver that does not show its groups in the config, and has a period of its own mind.
  groups({100'000});
  bad(config("", "", "[machine.fake]"), "9 machine.0.fake: 0.1 ms between two samples is shorter");
}

TEST(PlanTiming, TheEndOfTheCoreWaitsForTheLastReply) {
  const std::string slow = "[machine.fake]\nreply_timeout_ms = 900";
  bad(config("stop_grace_ms = 1099", "", slow),
      "2 core.stop_grace_ms: stop_grace_ms of [core] is 1099 ms, machine \"m\" may need 1100 ms");
  good(config("stop_grace_ms = 1100", "", slow));
  bad(config("", "", "[machine.fake]\nreply_timeout_ms = 2000"),
      "10 machine.0.fake.reply_timeout_ms: stop_grace_ms of [core] is 1000 ms, machine \"m\" may "
      "need 2200 ms");
  good(config("", "", ""));  // the defaults go together
}

TEST(PlanTiming, OneFaultForManyMachines) {
  std::string toml = config("stop_grace_ms = 1", "", "");
  for (int i = 0; i < 5; ++i) {
    toml += "[[machine]]\nname = \"n" + std::to_string(i) + "\"\ndriver = \"fake\"\n";
  }
  bad(toml, "2 core.stop_grace_ms: ");
}

TEST(PlanTiming, WithoutSuchSettingsThereIsNothingToCheck) {
  rig.driver.abi.setting_count = 0;
  good(config("stop_grace_ms = 0", "period_us = 10000", ""));
  rig.driver.abi.settings = kForeign;
  rig.driver.abi.setting_count = 1;
  good(config("stop_grace_ms = 0", "", ""));
}

TEST(PlanTiming, TheNameOfTheCoreIsThatOfItsRegion) {
  for (const char* name : {"Bad_Name", "a b", "a/b", "ä"}) {
    bad(config("name = \"" + std::string(name) + "\"", "", ""), "2 core.name: ");
  }
  good(config("name = \"line-2\"", "", ""));
}
