// The commands of the control socket.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/simulator/process/console.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::test::legacy_spec;
using rise::test::mill_spec;

namespace {

struct Talk {
  Talk() : console(fleet) {
    MachineSpec mill;
    mill.control = mill_spec();
    mill.control.name = "mill";
    mill.control.paths.push_back(mill.control.paths[0]);
    MachineSpec old;
    old.control = legacy_spec();
    old.control.name = "old";
    old.port = 9000;
    fleet = make_fleet({mill, old});
    for (const auto& machine : fleet) machine->sessions.advance(0);
  }
  std::string say(const std::string& line) { return console.answer(line, now_ns); }
  void run(double seconds) {
    now_ns += static_cast<std::int64_t>(seconds * 1e9);
    for (const auto& machine : fleet) machine->sessions.advance(now_ns);
  }
  Path& path(std::size_t index = 0) { return fleet[0]->control.path(index); }
  Fleet fleet;
  Console console;
  std::int64_t now_ns = 0;
};

void starts_with(const std::string& text, const std::string& prefix) {
  CHECK_TRUE_TEXT(text.starts_with(prefix), text.c_str());
}

}  // namespace

TEST_GROUP(SimulatorConsole){};

TEST(SimulatorConsole, ListHelpAndErrors) {
  Talk talk;
  STRCMP_EQUAL("ok mill=127.0.0.1:8193 old=127.0.0.1:9000", talk.say("list").c_str());
  starts_with(talk.say("help"), "ok list; help; status NAME");
  starts_with(talk.say("nonsense mill"), "error \"nonsense\" is no command");
  starts_with(talk.say("status nobody"), "error \"nobody\" is no control");
  starts_with(talk.say("status mill/3"), "error \"mill/3\" is no control");
  starts_with(talk.say("status mill/x"), "error");
  starts_with(talk.say("hold mill maybe"), "error usage: hold NAME on|off");
}

TEST(SimulatorConsole, AProgramFromLoadToTheEnd) {
  Talk talk;
  STRCMP_EQUAL("ok", talk.say("program mill load O2000(TEST);G90 G1 X10. F6000;M30").c_str());
  STRCMP_EQUAL("ok O2000", talk.say("program mill list").c_str());
  starts_with(talk.say("start mill"), "error no program is selected");
  starts_with(talk.say("program mill select O9"), "error \"O9\" is no program");
  STRCMP_EQUAL("ok", talk.say("program mill select O2000").c_str());
  STRCMP_EQUAL("ok", talk.say("start mill").c_str());
  starts_with(talk.say("status mill"),
              "ok run=START mode=MEM motion=0 emergency=0 alarms=0 program=O2000");
  starts_with(talk.say("program mill load O2000;M30"), "error the program is running");
  talk.run(2);
  STRCMP_CONTAINS("X=10.000", talk.say("status mill").c_str());
  STRCMP_CONTAINS("parts=1", talk.say("status mill").c_str());
  STRCMP_EQUAL("ok", talk.say("program mill delete O2000").c_str());
  STRCMP_EQUAL("ok", talk.say("program mill list").c_str());
  starts_with(talk.say("program mill load G0 X1"), "error the text must begin");
}

TEST(SimulatorConsole, HoldOverrideEmergencyReset) {
  Talk talk;
  (void)talk.say("program mill load O1;G1 X100. F6000;M30");
  (void)talk.say("program mill select O1");
  (void)talk.say("override mill feed 50");
  (void)talk.say("start mill");
  talk.run(0.5);
  DOUBLES_EQUAL(50, talk.path().speed_mm_s(), 1e-9);
  STRCMP_EQUAL("ok", talk.say("hold mill on").c_str());
  talk.run(0.5);
  STRCMP_CONTAINS("run=HOLD", talk.say("status mill").c_str());
  STRCMP_EQUAL("ok", talk.say("hold mill off").c_str());
  STRCMP_CONTAINS("run=START", talk.say("status mill").c_str());
  starts_with(talk.say("override mill rapid 30"), "error rapid override is");
  STRCMP_EQUAL("ok", talk.say("override mill rapid 25").c_str());
  STRCMP_EQUAL("ok", talk.say("override mill/2 spindle 80").c_str());
  DOUBLES_EQUAL(0.8, talk.path(1).switches().spindle_override, 1e-9);
  DOUBLES_EQUAL(1, talk.path(0).switches().spindle_override, 1e-9);
  STRCMP_EQUAL("ok", talk.say("emergency mill on").c_str());
  talk.run(0.5);
  STRCMP_CONTAINS("run=RESET mode=MEM motion=0 emergency=1", talk.say("status mill").c_str());
  starts_with(talk.say("start mill"), "error emergency stop is pressed");
  STRCMP_EQUAL("ok", talk.say("emergency mill off").c_str());
  STRCMP_EQUAL("ok", talk.say("start mill").c_str());
  STRCMP_EQUAL("ok", talk.say("reset mill").c_str());
  STRCMP_EQUAL("ok", talk.say("switch mill single_block on").c_str());
  CHECK(talk.path().switches().single_block);
  starts_with(talk.say("switch mill nothing on"), "error usage");
}

TEST(SimulatorConsole, AlarmsAndMessages) {
  Talk talk;
  STRCMP_EQUAL("ok", talk.say("alarm mill raise 401 SV 1 (X)IMPROPER V_READY OFF").c_str());
  STRCMP_EQUAL("ok SV401 axis 1 (X)IMPROPER V_READY OFF", talk.say("alarm mill list").c_str());
  LONGS_EQUAL(1u << 6, talk.path().alarms().bits());
  starts_with(talk.say("alarm old raise 1 SW 0 X"), "error \"SW\" is no alarm type");
  STRCMP_EQUAL("ok 0", talk.say("alarm mill clear 5").c_str());
  STRCMP_EQUAL("ok 1", talk.say("alarm mill clear").c_str());
  starts_with(talk.say("alarm mill raise X PS 0 A"), "error usage");
  STRCMP_EQUAL("ok", talk.say("message mill set 0 2001 DOOR OPEN").c_str());
  STRCMP_EQUAL("DOOR OPEN", talk.fleet[0]->control.messages()[0].text.c_str());
  STRCMP_EQUAL("ok", talk.say("message mill clear 0").c_str());
  starts_with(talk.say("message mill set 4 1 X"), "error usage");
}

TEST(SimulatorConsole, Faults) {
  Talk talk;
  STRCMP_EQUAL(
      "ok", talk.say("fault mill delay delay_us=5000 probability=0.5 count=3 scope=all").c_str());
  STRCMP_EQUAL("ok", talk.say("fault mill error command=36 status=-7").c_str());
  STRCMP_EQUAL("ok delay:all:active:hits=0 error:data:active:hits=0",
               talk.say("faults mill").c_str());
  const FaultSpec& spec = talk.fleet[0]->sessions.faults().entries()[0].spec;
  LONGS_EQUAL(5000, spec.delay_us);
  DOUBLES_EQUAL(0.5, spec.probability, 0);
  LONGS_EQUAL(3, spec.count);
  STRCMP_EQUAL("ok 1", talk.say("clear mill delay").c_str());
  STRCMP_EQUAL("ok 1", talk.say("clear mill").c_str());
  STRCMP_EQUAL("ok", talk.say("faults mill").c_str());
  for (const char* bad : {"fault mill nothing", "fault mill delay delay_us", "fault mill delay x=1",
                          "fault mill delay delay_us=abc", "fault mill delay count=-1",
                          "fault mill delay delay_us=1e99", "fault mill stall every_s=5",
                          "fault mill alarm", "fault mill delay scope=none"}) {
    starts_with(talk.say(bad), "error");
  }
  LONGS_EQUAL(0, talk.fleet[0]->sessions.faults().entries().size());
}

TEST(SimulatorConsole, Values) {
  Talk talk;
  STRCMP_EQUAL("ok", talk.say("set mill macro 500 12.5").c_str());
  STRCMP_EQUAL("ok 12.5", talk.say("get mill macro 500").c_str());
  STRCMP_EQUAL("ok", talk.say("set mill macro 500 null").c_str());
  STRCMP_EQUAL("ok null", talk.say("get mill macro 500").c_str());
  starts_with(talk.say("get mill macro 300"), "error there is no #300");
  starts_with(talk.say("set mill macro 904 1"), "error #904 is read-only");
  STRCMP_EQUAL("ok", talk.say("set mill param 6711 42").c_str());
  STRCMP_EQUAL("ok 42", talk.say("get mill param 6711").c_str());
  STRCMP_EQUAL("ok", talk.say("set mill/2 param 1320 2 350.5").c_str());
  STRCMP_EQUAL("ok 350.5", talk.say("get mill/2 param 1320 2").c_str());
  STRCMP_EQUAL("ok 1000", talk.say("get mill param 1320 2").c_str());
  starts_with(talk.say("get mill param 1320"), "error parameter 1320 needs an axis");
  starts_with(talk.say("get mill param 1320 9"), "error parameter 1320 has 4 values");
  starts_with(talk.say("set mill param 20 4711"), "error the value does not fit");
  STRCMP_EQUAL("ok", talk.say("set mill pmc D100 200").c_str());
  STRCMP_EQUAL("ok 200", talk.say("get mill pmc D100").c_str());
  STRCMP_EQUAL("ok 1", talk.say("get mill pmc D100.3").c_str());
  STRCMP_EQUAL("ok", talk.say("set mill pmc G8.5 0").c_str());
  CHECK(talk.path().switches().hold);
  starts_with(talk.say("set mill pmc F0 1"), "error F signals");
  starts_with(talk.say("set mill pmc D100 256"), "error usage");
  starts_with(talk.say("get mill pmc D99999"), "error there is no such address");
  STRCMP_EQUAL("ok", talk.say("set mill offset 3 2 -1.25").c_str());
  STRCMP_EQUAL("ok -1.25", talk.say("get mill offset 3 2").c_str());
  STRCMP_EQUAL("ok", talk.say("wear mill 7 80").c_str());
  STRCMP_EQUAL("ok 80", talk.say("wear mill 7").c_str());
  starts_with(talk.say("wear mill 100 1"), "error usage");
}

TEST(SimulatorConsole, ModeAndManualInput) {
  Talk talk;
  starts_with(talk.say("mdi mill G0 X5."), "error not in this mode");
  STRCMP_EQUAL("ok", talk.say("mode mill MDI").c_str());
  STRCMP_EQUAL("ok", talk.say("mdi mill G0 X5.;S100 M3").c_str());
  STRCMP_EQUAL("ok", talk.say("start mill").c_str());
  talk.run(1);
  DOUBLES_EQUAL(5, talk.path().machine_position()[0], 1e-9);
  starts_with(talk.say("mode mill WRONG"), "error usage");
}
