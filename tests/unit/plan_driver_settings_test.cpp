// The tables of drivers within the config, and where drivers come from.
#include <CppUTest/TestHarness.h>

#include "drivers/sdk/rise_settings.hpp"
#include "tests/unit/support/plan_rig.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::test;

namespace {

const rise_setting_spec kSettings[] = {
    rise::sdk::required(rise::sdk::string("endpoint", 1, 20, nullptr, "where it is")),
    rise::sdk::integer("depth", 1, 9, "3", nullptr, "a depth"),
    rise::sdk::string("item.*", 1, 9, nullptr, "an item"),
};

const std::string kStart = "[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n";

}  // namespace

TEST_GROUP(PlanDriverSettings) {
  PlanRig rig;
  void setup() override {
    rig.driver.abi.settings = kSettings;
    rig.driver.abi.setting_count = 3;
  }
};

TEST(PlanDriverSettings, TheDriverGetsItsTableWithDefaults) {
  const auto plan =
      rig.make(kStart + "[machine.fake]\nendpoint = \"here\"\nitem = [\"x\", \"y\"]\n");
  STRCMP_EQUAL("", rig.text().c_str());
  const std::vector<std::string>& settings = rig.driver.machine(0).settings;
  LONGS_EQUAL(4, settings.size());
  for (const char* expected : {"endpoint=here", "depth=3", "item.0=x", "item.1=y"}) {
    CHECK_TEXT(std::find(settings.begin(), settings.end(), expected) != settings.end(), expected);
  }
}

TEST(PlanDriverSettings, FaultsAreToldWithTheirFullPathAndLine) {
  rig.make(kStart + "[machine.fake]\nendpoint = 5\ndepht = 2\nitem = [\"x\", 3]\n");
  STRCMP_CONTAINS("7 machine.0.fake.endpoint: is an integer, expected a string",
                  rig.text().c_str());
  STRCMP_CONTAINS("8 machine.0.fake.depht: unknown key; did you mean \"depth\"?",
                  rig.text().c_str());
  STRCMP_CONTAINS("9 machine.0.fake.item.1: is an integer", rig.text().c_str());
  LONGS_EQUAL(3, rig.problems.size());
}

TEST(PlanDriverSettings, WhatIsMissingIsToldAtTheTable) {
  rig.make(kStart + "\n[machine.fake]\ndepth = 2\n");
  STRCMP_CONTAINS("7 machine.0.fake.endpoint: is missing", rig.text().c_str());
  rig.make(kStart);  // no table at all
  STRCMP_CONTAINS("machine.0.fake.endpoint: is missing", rig.text().c_str());
}

TEST(PlanDriverSettings, TheTableOfAnotherDriverIsUnknown) {
  rig.make(kStart + "[machine.fake]\nendpoint = \"x\"\n[machine.fokas]\nendpoint = \"x\"\n");
  LONGS_EQUAL_TEXT(1, rig.problems.size(), rig.text().c_str());
  STRCMP_CONTAINS("8 machine.0.fokas: unknown table", rig.text().c_str());
}

TEST(PlanDriverSettings, WhatTheDriverItselfFindsHasItsLine) {
  rig.driver.on_configure = [](FakeMachine* machine, const rise_config&) {
    machine->ask(&rise_host::config_error, "item.1", "no such item");
    machine->ask(&rise_host::config_error, "", "is nonsense as a whole");
    return std::int32_t{RISE_E_CONFIG};
  };
  rig.make(kStart + "[machine.fake]\nendpoint = \"x\"\nitem = [\"a\",\n  \"b\"]\n");
  STRCMP_EQUAL(
      "6 machine.0.fake: is nonsense as a whole\n"
      "9 machine.0.fake.item.1: no such item\n",
      rig.text().c_str());
}

TEST(PlanDriverSettings, OfTwoFaultsAtOnePlaceTheFirstIsTold) {
  rig.driver.on_configure = [](FakeMachine* machine, const rise_config&) {
    machine->ask(&rise_host::config_error, "depth", "a consequence");
    return std::int32_t{RISE_E_CONFIG};
  };
  rig.make(kStart + "[machine.fake]\nendpoint = \"x\"\ndepth = 99\n");
  LONGS_EQUAL(1, rig.problems.size());
  STRCMP_CONTAINS("99 is out of range", rig.text().c_str());
}

TEST(PlanDriverSettings, TheTableOfANewerDriverIsReadByItsOwnStride) {
  struct NewerSpec {
    rise_setting_spec known;
    char more[56];
  };
  NewerSpec newer[3];
  for (std::size_t i = 0; i < 3; ++i) {
    std::memset(newer[i].more, 0xaa, sizeof newer[i].more);
    newer[i].known = kSettings[i];
    newer[i].known.struct_size = sizeof(NewerSpec);
  }
  rig.driver.abi.settings = &newer[0].known;
  rig.make(kStart + "[machine.fake]\nendpoint = \"here\"\ndepth = 5\nitem = [\"x\"]\n");
  STRCMP_EQUAL("", rig.text().c_str());
  LONGS_EQUAL(1, rig.driver.destroyed);
  rig.make(kStart + "[machine.fake]\nendpoint = \"here\"\ndepth = 10\n");
  STRCMP_CONTAINS("depth: 10 is out of range", rig.text().c_str());
}

TEST(PlanDriverSettings, DriverNamesCannotLeaveTheirFolder) {
  const TempDirectory directory;
  const auto source = rise::plan::drivers_in(directory.path());
  for (const char* bad : {"", "..", "a/b", "/tmp/x", "Focas", "a b", "a.so"}) {
    STRCMP_CONTAINS("use a-z, 0-9, '-' and '_'", error_of(source(bad)).c_str());
  }
  const std::string missing = error_of(source("none_1-2"));
  STRCMP_CONTAINS("driver cannot be loaded", missing.c_str());
  STRCMP_CONTAINS((directory.path() + "/none_1-2.so").c_str(), missing.c_str());
}

TEST(PlanDriverSettings, DriversLieBesideTheProgramByDefault) {
  STRCMP_CONTAINS("/../lib/rise/drivers/no-such-driver.so",
                  error_of(rise::plan::drivers_in("")("no-such-driver")).c_str());
}
