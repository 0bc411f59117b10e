// Alarms: the driver says what is active now, the host tells what came and went.
#include <CppUTest/TestHarness.h>

#include "rt_core/message/text.hpp"
#include "tests/unit/support/instance_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::EventKind;
using rise::driver::Instance;

namespace {

rise_alarm alarm(std::int32_t number, const char* text = "", std::int32_t type = 1,
                 std::int32_t axis = 0) {
  return {sizeof(rise_alarm),
          type,
          number,
          axis,
          static_cast<std::uint32_t>(std::strlen(text)),
          0,
          text};
}

}  // namespace

TEST_GROUP(DriverAlarms) {
  InstanceRig rig;
  void setup() override { rig.start(); }

  void set(const std::vector<rise_alarm>& alarms) {
    LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::alarms, alarms.data(),
                                           static_cast<std::uint32_t>(alarms.size())));
  }
  // "+500 -11" since the last call.
  std::string changes() {
    std::string text;
    const auto events = all_events(rig.region);
    for (; seen < events.size(); ++seen) {
      if (events[seen].kind() == EventKind::AlarmOn) text += "+";
      if (events[seen].kind() == EventKind::AlarmOff) text += "-";
      if (events[seen].kind() == EventKind::AlarmOn || events[seen].kind() == EventKind::AlarmOff)
        text += std::to_string(events[seen].code()) + " ";
    }
    return text;
  }
  std::size_t seen = 0;
};

TEST(DriverAlarms, WhatComesAndGoesIsTold) {
  set({});
  STRCMP_EQUAL("", changes().c_str());
  set({alarm(500), alarm(11)});
  STRCMP_EQUAL("+500 +11 ", changes().c_str());
  set({alarm(11), alarm(500)});  // the order says nothing
  STRCMP_EQUAL("", changes().c_str());
  set({alarm(500), alarm(7)});
  STRCMP_EQUAL("-11 +7 ", changes().c_str());
  set({});
  STRCMP_EQUAL("-500 -7 ", changes().c_str());
  set({alarm(500)});
  STRCMP_EQUAL("+500 ", changes().c_str());
}

TEST(DriverAlarms, NumberTypeAndAxisMakeAnAlarm) {
  set({alarm(500, "", 4, 1)});
  set({alarm(500, "", 4, 1), alarm(500, "", 4, 2), alarm(500, "", 5, 1)});
  STRCMP_EQUAL("+500 +500 +500 ", changes().c_str());
  set({alarm(500, "new words", 4, 1), alarm(500, "", 4, 2), alarm(500, "", 5, 1)});
  STRCMP_EQUAL("", changes().c_str());
}

TEST(DriverAlarms, TheSameAlarmOfAnotherPathIsAnother) {
  rise_alarm second = alarm(500, "", 4, 1);
  second.path = 2;
  set({alarm(500, "", 4, 1)});
  set({alarm(500, "", 4, 1), second});
  STRCMP_EQUAL("+500 +500 ", changes().c_str());
  LONGS_EQUAL(2, rig.events(EventKind::AlarmOn).at(1).path());
  LONGS_EQUAL(0, rig.state().alarms()->Get(0)->path());
  LONGS_EQUAL(2, rig.state().alarms()->Get(1)->path());
  set({second});
  STRCMP_EQUAL("-500 ", changes().c_str());
}

TEST(DriverAlarms, EventsCarryEverything) {
  set({alarm(500, "OVER TRAVEL", 4, 2)});
  set({});
  const auto on = rig.events(EventKind::AlarmOn).at(0);
  LONGS_EQUAL(500, on.code());
  LONGS_EQUAL(4, on.detail());
  DOUBLES_EQUAL(2, on.value(), 0);
  CHECK(message::get_text(on.text()) == "OVER TRAVEL");
  CHECK(on.severity() == message::Severity::Error);
  const auto off = rig.events(EventKind::AlarmOff).at(0);
  LONGS_EQUAL(500, off.code());
  CHECK(message::get_text(off.text()) == "OVER TRAVEL");
  CHECK(off.severity() == message::Severity::Info);
}

TEST(DriverAlarms, TextsAreTakenByLengthAndCut) {
  rise_alarm one = alarm(1, "not all of this");
  one.text_length = 3;
  set({one});
  CHECK(message::get_text(rig.events(EventKind::AlarmOn).at(0).text()) == "not");
  const std::string text(100, 't');
  set({alarm(2, text.c_str())});
  LONGS_EQUAL(68, rig.events(EventKind::AlarmOn).at(1).text_length());
  rise_alarm none = alarm(3);
  none.text = nullptr;
  set({none});
  LONGS_EQUAL(0, rig.events(EventKind::AlarmOn).at(2).text_length());
}

TEST(DriverAlarms, TheSnapshotListsTheFirstEightAndCountsAll) {
  std::vector<rise_alarm> alarms;
  for (int i = 0; i < 12; ++i) alarms.push_back(alarm(100 + i, "text"));
  set(alarms);
  const message::MachineState state = rig.state();
  LONGS_EQUAL(12, state.alarm_count());
  for (std::uint32_t i = 0; i < 8; ++i) LONGS_EQUAL(100 + i, state.alarms()->Get(i)->number());
  LONGS_EQUAL(4, state.alarms()->Get(0)->text_length());
}

TEST(DriverAlarms, MoreThanTheTableHoldsAreLeftOut) {
  std::vector<rise_alarm> alarms;
  for (int i = 0; i < 50; ++i) alarms.push_back(alarm(i));
  set(alarms);
  LONGS_EQUAL(Instance::kMaxAlarms, rig.events(EventKind::AlarmOn).size());
  LONGS_EQUAL(Instance::kMaxAlarms, rig.state().alarm_count());
  set({});
  LONGS_EQUAL(Instance::kMaxAlarms, rig.events(EventKind::AlarmOff).size());
}

TEST(DriverAlarms, ElementsLieAsFarApartAsTheDriverSays) {
  // As a driver of a newer minor version would pass them: with members that this host does not
  // know.
  struct NewerAlarm {
    rise_alarm known;
    char newer[40];
  };
  std::vector<NewerAlarm> alarms(3);
  for (int i = 0; i < 3; ++i) {
    std::memset(&alarms[static_cast<std::size_t>(i)], 0xaa, sizeof(NewerAlarm));
    rise_alarm& known = alarms[static_cast<std::size_t>(i)].known;
    known = alarm(10 + i, "ok");
    known.struct_size = sizeof(NewerAlarm);
  }
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::alarms,
                                         static_cast<const rise_alarm*>(&alarms[0].known), 3u));
  STRCMP_EQUAL("+10 +11 +12 ", changes().c_str());
}

TEST(DriverAlarms, AnAlarmOfAnOlderShapeIsRefused) {
  std::vector<rise_alarm> alarms = {alarm(1), alarm(2)};
  alarms[0].struct_size = sizeof(rise_alarm) - 8;
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.machine().ask(&rise_host::alarms, alarms.data(), 2u));
  alarms[0].struct_size = 0;
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.machine().ask(&rise_host::alarms, alarms.data(), 2u));
  STRCMP_EQUAL("", changes().c_str());
}
