// What the check accepts, and what it makes of it.
#include "config/schema/schema.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/config_rig.hpp"

using namespace rise::config;
using namespace rise::test;

TEST_GROUP(ConfigSchema){};

TEST(ConfigSchema, WhatIsGivenIsReadByItsType) {
  const Checked checked(
      "[core]\nname = \"unit\"\ndepth = 7\ngain = -1.25\nquiet = false\nmode = \"off\"\n"
      "optional = 2\n");
  STRCMP_EQUAL("", checked.text().c_str());
  STRCMP_EQUAL("unit", checked.settings.string("core.name").c_str());
  LONGS_EQUAL(7, checked.settings.integer("core.depth"));
  DOUBLES_EQUAL(-1.25, checked.settings.number("core.gain"), 0);
  CHECK(!checked.settings.flag("core.quiet"));
  STRCMP_EQUAL("off", checked.settings.string("core.mode").c_str());
  LONGS_EQUAL(2, checked.settings.integer("core.optional"));
  LONGS_EQUAL(3, checked.settings.line("core.depth"));
}

TEST(ConfigSchema, WhatIsNotGivenHasItsDefault) {
  for (const char* toml : {"", "[core]\n"}) {
    const Checked checked(toml);
    STRCMP_EQUAL("", checked.text().c_str());
    STRCMP_EQUAL("rise", checked.settings.string("core.name").c_str());
    LONGS_EQUAL(4, checked.settings.integer("core.depth"));
    DOUBLES_EQUAL(0.5, checked.settings.number("core.gain"), 0);
    CHECK(checked.settings.flag("core.quiet"));
    STRCMP_EQUAL("auto", checked.settings.string("core.mode").c_str());
    LONGS_EQUAL(0, checked.settings.line("core.depth"));  // not in the file
    CHECK(!checked.settings.has("core.optional"));
    LONGS_EQUAL(0, checked.settings.count("lane"));
  }
}

TEST(ConfigSchema, AnIntegerIsANumberToo) {
  const Checked checked("[core]\ngain = 1\n");
  STRCMP_EQUAL("", checked.text().c_str());
  DOUBLES_EQUAL(1, checked.settings.number("core.gain"), 0);
  CHECK_PROBLEM("[core]\ndepth = 3.0\n", 2, "core.depth", "is a number, expected an integer");
}

TEST(ConfigSchema, DefaultsAreFilledInForEveryElement) {
  const Checked checked(
      "[[lane]]\nname = \"a\"\n[[lane]]\nname = \"b\"\nperiod = 5\n"
      "[[lane.limit]]\nmax = 1\n[[lane.limit]]\nmax = 2.5\ntrips = false\n");
  STRCMP_EQUAL("", checked.text().c_str());
  LONGS_EQUAL(2, checked.settings.count("lane"));
  LONGS_EQUAL(100, checked.settings.integer("lane.0.period"));
  LONGS_EQUAL(5, checked.settings.integer("lane.1.period"));
  LONGS_EQUAL(0, checked.settings.count("lane.0.limit"));
  LONGS_EQUAL(2, checked.settings.count("lane.1.limit"));
  CHECK(checked.settings.flag("lane.1.limit.0.trips"));
  CHECK(!checked.settings.flag("lane.1.limit.1.trips"));
  DOUBLES_EQUAL(1, checked.settings.number("lane.1.limit.0.max"), 0);
  LONGS_EQUAL(3, checked.settings.integer("lane.0.deep.er.value"));  // whole tables are absent
  LONGS_EQUAL(3, checked.settings.integer("lane.1.deep.er.value"));
}

TEST(ConfigSchema, ElementsOfAnArrayAreSettings) {
  const Checked checked("[[lane]]\nname = \"a\"\ntags = [\"x\", \"yy\", \"zzz\"]\n");
  STRCMP_EQUAL("", checked.text().c_str());
  LONGS_EQUAL(3, checked.settings.count("lane.0.tags"));
  STRCMP_EQUAL("zzz", checked.settings.string("lane.0.tags.2").c_str());
}

TEST(ConfigSchema, EmptyArraysAreFine) {
  const Checked checked("lane = []\n");
  STRCMP_EQUAL("", checked.text().c_str());
  LONGS_EQUAL(0, checked.settings.count("lane"));
  CHECK_FINE("[[lane]]\nname = \"a\"\ntags = []\nlimit = []\n");
}

TEST(ConfigSchema, InlineTablesAreTables) {
  const Checked checked(
      "core = {depth = 2}\nlane = [{name = \"a\"}, {name = \"b\", period = 3}]\n");
  STRCMP_EQUAL("", checked.text().c_str());
  LONGS_EQUAL(2, checked.settings.integer("core.depth"));
  LONGS_EQUAL(3, checked.settings.integer("lane.1.period"));
}

TEST(ConfigSchema, WhatBelongsToOthersIsNotLookedAt) {
  const std::string toml =
      "[[lane]]\nname = \"a\"\n[lane.focas]\nanything = [1, {x = \"y\"}]\n[lane.focas.lane]\nz = "
      "1\n";
  const Checked checked(toml, {"lane.0.focas"});
  STRCMP_EQUAL("", checked.text().c_str());
  CHECK(!checked.settings.has("lane.0.focas.anything"));
  STRCMP_CONTAINS("lane.0.focas: unknown table", Checked(toml, {"lane.1.focas"}).text().c_str());
  STRCMP_CONTAINS("lane.0.focas: unknown table", Checked(toml, {"lane.0.foca"}).text().c_str());
}

TEST(ConfigSchema, BoundsAreInclusive) {
  CHECK_FINE("[core]\ndepth = 1\ngain = -1.5\nname = \"a\"\n");
  CHECK_FINE("[core]\ndepth = 10\ngain = 1.5\nname = \"12345678\"\n");
}

TEST(ConfigSchema, SettingsForADriverAreInItsForm) {
  const Checked checked(
      "[core]\nname = \"unit\"\ngain = 1\nquiet = false\n[[lane]]\nname = \"a\"\n");
  const std::vector<rise_setting> list = to_abi(checked.settings);
  std::size_t seen = 0;
  for (const rise_setting& setting : list) {
    LONGS_EQUAL(sizeof(rise_setting), setting.struct_size);
    const std::string path = setting.path;
    if (path == "core.name") {
      LONGS_EQUAL(RISE_SETTING_STRING, setting.type);
      STRCMP_EQUAL("unit", setting.string);
    } else if (path == "core.gain") {
      LONGS_EQUAL(RISE_SETTING_NUMBER, setting.type);
      DOUBLES_EQUAL(1, setting.number, 0);
    } else if (path == "core.quiet") {
      LONGS_EQUAL(RISE_SETTING_BOOL, setting.type);
      LONGS_EQUAL(0, setting.integer);
    } else if (path == "core.depth") {
      LONGS_EQUAL(RISE_SETTING_INTEGER, setting.type);
      LONGS_EQUAL(4, setting.integer);
    } else {
      continue;
    }
    ++seen;
  }
  LONGS_EQUAL(4, seen);
  for (const rise_setting& setting : list) CHECK(setting.type <= RISE_SETTING_STRING);  // no tables
  const rise_config config{sizeof(rise_config),
                           static_cast<std::uint32_t>(list.size()),
                           0,
                           0,
                           list.data(),
                           nullptr,
                           "m",
                           0,
                           0,
                           0};
  const rise::sdk::Settings read(config);
  LONGS_EQUAL(4, read.integer("core.depth"));
  DOUBLES_EQUAL(1, read.number("core.gain"), 0);
  CHECK(!read.flag("core.quiet", true));
  CHECK(read.string("lane.0.name") == "a");
  LONGS_EQUAL(77, read.integer("core.optional", 77));
}

TEST(ConfigSchema, DriversReadSettingsOfANewerHost) {
  struct Newer {
    rise_setting known;
    char more[24];
  };
  Newer settings[2] = {{{sizeof(Newer), RISE_SETTING_INTEGER, "a", 1, 0, ""}, {}},
                       {{sizeof(Newer), RISE_SETTING_INTEGER, "b", 2, 0, ""}, {}}};
  const rise_config config{sizeof(rise_config), 2, 0, 0, &settings[0].known, nullptr, "m", 0, 0, 0};
  LONGS_EQUAL(2, rise::sdk::Settings(config).integer("b"));
  POINTERS_EQUAL(nullptr, rise::sdk::Settings(config).find("c"));
}

TEST(ConfigSchema, AskingForWhatIsNotThereEndsTheProgram) {
  const auto ends = [](void (*ask)(const Settings&)) {
    Child child([ask] {
      die_quietly_of(SIGABRT);
      ::close(STDERR_FILENO);
      ask(Checked("").settings);
      return 0;
    });
    return child.status() == 1000 + SIGABRT;
  };
  CHECK(ends([](const Settings& s) { (void)s.integer("core.none"); }));
  CHECK(ends([](const Settings& s) { (void)s.integer("core.name"); }));
  CHECK(ends([](const Settings& s) { (void)s.string("core.depth"); }));
  CHECK(ends([](const Settings& s) { (void)s.number("core.depth"); }));
  CHECK(ends([](const Settings& s) { (void)s.flag("core.depth"); }));
  CHECK(!ends([](const Settings& s) { (void)s.integer("core.depth"); }));
}

TEST(ConfigSchema, EverySettingCanBeDescribed) {
  STRCMP_EQUAL("core.depth: an integer, 1 to 10 m, default 4. a depth",
               describe(kUnitSettings[1]).c_str());
  STRCMP_EQUAL("core.gain: a number, -1.5 to 1.5, default 0.5. a gain",
               describe(kUnitSettings[2]).c_str());
  STRCMP_EQUAL(
      "core.mode: a string, one of \"auto\", \"manual\", \"off\", default \"auto\". a mode",
      describe(kUnitSettings[4]).c_str());
  STRCMP_EQUAL("lane.*.name: a string, required. name of the lane",
               describe(kUnitSettings[6]).c_str());
}
