// The config: defaults agree, everything is documented, all faults are found at once.
#include <CppUTest/TestHarness.h>

#include <algorithm>

#include "default_controls.hpp"
#include "drivers/focas/simulator/process/fleet.hpp"
#include "drivers/focas/simulator/process/settings.hpp"

using namespace rise;
using namespace rise::cncsim;

namespace {

constexpr char kMinimal[] =
    "[[control]]\nname = \"a\"\n[[control.path]]\naxes = [{ name = \"X\" }, { name = \"A\" }]\n"
    "spindles = [{}]\n";

Config read(const std::string& text, std::vector<std::string>* faults) {
  std::vector<config::Problem> problems;
  const config::Document document = config::parse(text, &problems);
  Config result = read_config(document, 1000, &problems);
  for (const config::Problem& problem : problems) {
    faults->push_back(config::to_string(problem, "f"));
  }
  return result;
}

bool has(const std::vector<std::string>& faults, const std::string& part) {
  return std::any_of(faults.begin(), faults.end(), [&](const std::string& fault) {
    return fault.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_GROUP(SimulatorSettings){};

TEST(SimulatorSettings, DefaultsOfTableAndSpecAreTheSame) {
  std::vector<std::string> faults;
  const Config config = read(kMinimal, &faults);
  LONGS_EQUAL(0, faults.size());
  LONGS_EQUAL(1, config.machines.size());
  const MachineSpec& read_spec = config.machines[0];
  const ControlSpec expected;
  const ControlSpec& control = read_spec.control;
  STRCMP_EQUAL(expected.model.c_str(), control.model.c_str());
  CHECK(expected.machine == control.machine);
  LONGS_EQUAL(expected.version, control.version);
  LONGS_EQUAL(expected.family, control.family);
  CHECK(expected.seed == control.seed);
  LONGS_EQUAL(expected.tick_us, control.tick_us);
  LONGS_EQUAL(expected.decimals, control.decimals);
  LONGS_EQUAL(expected.memory_kb, control.memory_kb);
  LONGS_EQUAL(expected.offset_sets, control.offset_sets);
  CHECK(expected.autostart == control.autostart && expected.loop == control.loop);
  DOUBLES_EQUAL(expected.loop_pause_s, control.loop_pause_s, 0);
  DOUBLES_EQUAL(expected.restart_s, control.restart_s, 0);
  CHECK(expected.optional_stop == control.optional_stop);
  DOUBLES_EQUAL(expected.m_time_s, control.m_time_s, 0);
  DOUBLES_EQUAL(expected.tool_change_s, control.tool_change_s, 0);
  CHECK(expected.stale_elements == control.stale_elements);
  LONGS_EQUAL(1000, control.clock_start_s);  // "now"
  const CuttingSpec a;
  const CuttingSpec& b = control.cutting;
  CHECK(a.depth_mm == b.depth_mm && a.width_mm == b.width_mm &&
        a.tool_diameter_mm == b.tool_diameter_mm &&
        a.specific_force_n_mm2 == b.specific_force_n_mm2 && a.tool_life_min == b.tool_life_min &&
        a.wear_force_percent == b.wear_force_percent &&
        a.rated_axis_force_n == b.rated_axis_force_n && a.ambient_c == b.ambient_c &&
        a.thermal_time_s == b.thermal_time_s && a.noise_percent == b.noise_percent);
  const AxisSpec axis;
  const AxisSpec& x = control.paths[0].axes[0];
  CHECK(axis.rapid_mm_min == x.rapid_mm_min && axis.max_feed_mm_min == x.max_feed_mm_min &&
        axis.acceleration_mm_s2 == x.acceleration_mm_s2 && axis.low_mm == x.low_mm &&
        axis.high_mm == x.high_mm && axis.start_mm == x.start_mm && !x.rotary);
  CHECK(control.paths[0].axes[1].rotary);
  const SpindleSpec spindle;
  const SpindleSpec& s = control.paths[0].spindles[0];
  CHECK(spindle.name == s.name && spindle.max_rpm == s.max_rpm && spindle.power_kw == s.power_kw &&
        spindle.acceleration_rpm_s == s.acceleration_rpm_s &&
        spindle.inertia_kgm2 == s.inertia_kgm2);
  const SessionSpec session;
  LONGS_EQUAL(session.sessions_max, read_spec.session.sessions_max);
  LONGS_EQUAL(session.service_us, read_spec.session.service_us);
  const MachineSpec machine;
  STRCMP_EQUAL(machine.address.c_str(), read_spec.address.c_str());
  LONGS_EQUAL(machine.port, read_spec.port);
  std::string text = kMinimal;
  const Config faulty = read(text + "[[control.fault]]\nkind = \"delay\"\n", &faults);
  CHECK(faulty.machines[0].session.faults[0] == FaultSpec{});
}

TEST(SimulatorSettings, TheDefaultConfigIsSoundAndAlive) {
  std::vector<std::string> faults;
  const Config config = read(kDefaultControls, &faults);
  for (const std::string& fault : faults) FAIL(fault.c_str());
  LONGS_EQUAL(3, config.machines.size());
  LONGS_EQUAL(18193, config.machines[0].port);
  LONGS_EQUAL(18194, config.machines[1].port);
  LONGS_EQUAL(18195, config.machines[2].port);
  const Fleet fleet = make_fleet(config.machines);
  for (const auto& machine : fleet) {
    machine->sessions.advance(0);
    // Ten minutes without an alarm of its own, and each path makes parts.
    for (int second = 1; second <= 600; ++second) {
      machine->sessions.advance(std::int64_t{second} * 1'000'000'000);
      for (std::size_t i = 0; i < machine->control.path_count(); ++i) {
        for (const Alarm& alarm : machine->control.path(i).alarms().list()) {
          CHECK_TRUE_TEXT(alarm.number == 1003,
                          (machine->spec.control.name + ": " + alarm.text).c_str());
        }
      }
    }
    for (std::size_t i = 0; i < machine->control.path_count(); ++i) {
      CHECK_TRUE_TEXT(machine->control.path(i).parameters().integer(parameter::kPartsMade) >= 2,
                      machine->spec.control.name.c_str());
    }
  }
}

TEST(SimulatorSettings, TheDefaultConfigMentionsEveryKey) {
  const std::string text = kDefaultControls;
  for (const rise_setting_spec& spec : setting_specs()) {
    const std::string path = spec.path;
    const std::string key = path.substr(path.rfind('.') + 1);
    CHECK_TRUE_TEXT(text.find(key) != std::string::npos, spec.path);
  }
}

TEST(SimulatorSettings, AllFaultsInOneGo) {
  std::vector<std::string> faults;
  (void)read(
      "[server]\nbackground_ms = 0\n"
      "[[control]]\nname = \"a\"\nmodel = \"33i\"\nprot = 1\naddress = \"10.0.0.x\"\n"
      "[[control.path]]\naxes = [{ name = \"X\" }, { name = \"X2\" }, { name = \"Q\" }]\n"
      "program = \"G0 X1\"\n"
      "[[control]]\nname = \"b\"\nmodel = \"16i\"\nport = 9000\nclock = \"yesterday\"\n"
      "[[control.path]]\naxes = [{ name = \"X\", start_mm = 5000.0 }]\n"
      "[[control.fault]]\nkind = \"alarm\"\ntype = \"SW\"\n"
      "[[control.fault]]\nkind = \"delay\"\nevery_s = 5.0\n"
      "[[control]]\nname = \"b\"\nport = 65000\ncount = 1000\n"
      "[[control.path]]\naxes = [{ name = \"X\" }]\n"
      "[[control]]\nname = \"b\"\nport = 9000\n"
      "[[control.path]]\naxes = [{ name = \"X\" }]\n",
      &faults);
  for (const char* part :
       {"f:2: server.background_ms: 0 is out of range",
        "f:5: control.0.model: \"33i\" is not allowed",
        "f:6: control.0.prot: unknown key; did you mean \"port\"?",
        "control.0.address: \"10.0.0.x\" is", "axes.1.name: \"X2\" begins with the same letter",
        "axes.2.name: \"Q\" must begin",
        "control.0.path.0.program: must begin with a program number",
        "control.1.clock: \"yesterday\"", "control.1.path.0.axes.0.start",
        "control.1.fault.0.type: \"SW\"", "control.1.fault.1.every_s: needs for_s",
        "control.2.count: the last port would be 65999",
        "control.3.port: 127.0.0.1:9000 is used by \"b\"", "control.3.name: \"b\" is used twice"}) {
    CHECK_TRUE_TEXT(has(faults, part), part);
  }
}

TEST(SimulatorSettings, EmptyAndMissing) {
  std::vector<std::string> faults;
  (void)read("", &faults);
  CHECK(has(faults, "control: is missing"));
  faults.clear();
  (void)read("[[control]]\n", &faults);
  CHECK(has(faults, "control.0.name: is missing"));
  CHECK(has(faults, "control.0.path: is missing"));
  faults.clear();
  (void)read("[[control]]\nname = \"a\"\n[[control.path]]\n", &faults);
  CHECK(has(faults, "control.0.path.0.axes: is empty"));
}

TEST(SimulatorSettings, TooManyForTheModel) {
  std::string axes;
  for (const char* name : {"X", "Y", "Z", "A", "B", "C", "U", "V", "W"}) {
    axes += std::string("{ name = \"") + name + "\" }, ";
  }
  std::vector<std::string> faults;
  (void)read(
      "[[control]]\nname = \"a\"\nmodel = \"18i\"\n[[control.path]]\naxes = [" + axes + "]\n",
      &faults);
  CHECK(has(faults, "9 axes; a 18i has at most 8"));
  faults.clear();
  std::string text = "[[control]]\nname = \"a\"\nmodel = \"0i-A\"\n";
  for (int i = 0; i < 2; ++i) text += "[[control.path]]\naxes = [{ name = \"X\" }]\n";
  (void)read(text, &faults);
  CHECK(has(faults, "2 paths; a 0i-A has at most 1"));
}

TEST(SimulatorSettings, CountMakesManyControls) {
  std::vector<std::string> faults;
  const std::string many =
      std::string(kMinimal).replace(0, 12, "[[control]]\nport = 20000\ncount = 200\nseed = 5\n");
  Config config = read(many, &faults);
  LONGS_EQUAL(0, faults.size());
  LONGS_EQUAL(200, config.machines.size());
  STRCMP_EQUAL("a-200", config.machines[199].control.name.c_str());
  LONGS_EQUAL(20199, config.machines[199].port);
  LONGS_EQUAL(204, config.machines[199].control.seed);
  config =
      read(std::string(kMinimal).replace(
               0, 12, "[[control]]\nport = 8193\ncount = 3\nport_step = 0\naddress_step = 1\n"),
           &faults);
  LONGS_EQUAL(0, faults.size());
  STRCMP_EQUAL("127.0.0.3", config.machines[2].address.c_str());
  LONGS_EQUAL(8193, config.machines[2].port);
}

TEST(SimulatorSettings, AControlRefusesAnUnsoundSpec) {
  ControlSpec spec;
  spec.name = "nameless";
  std::string message;
  try {
    const Control control(spec);
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  STRCMP_CONTAINS("nameless", message.c_str());
  STRCMP_CONTAINS("path: is missing", message.c_str());
}
