#include "rt_core/driver/signals.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>
#include <set>

#include "rt_core/message/text.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::driver;
using namespace rise::test;
namespace message = rise::message;
using message::Quality;

namespace {
constexpr std::int64_t kMs = 1'000'000;
}

TEST_GROUP(DriverSignals) {
  TempDirectory directory;
  rise::shm::OwnedRegion region = make_region(small_plan(directory.path()));
  rise::shm::Outlet outlet{region, 0};
  Signals signals;
  rise_signal_spec spec{sizeof spec, RISE_SIGNAL_NUMBER, 0, 0, "a.b", "mm", nullptr, -10, 10};

  void setup() override { outlet.begin_cycle(1, 1000 * kMs, 0); }
  std::int32_t group(const char* name = "fast", std::int64_t period_ns = 10 * kMs) {
    return signals.declare_group({sizeof(rise_group_spec), 0, name, period_ns});
  }
  std::int32_t declare(const std::string& name, std::uint32_t type = RISE_SIGNAL_NUMBER,
                       std::uint32_t in_group = 0) {
    spec.name = name.c_str();
    spec.type = type;
    spec.group = in_group;
    return signals.declare_signal(spec);
  }
  // One group with two numbers and a text, laid out.
  void declare_some() {
    group();
    declare("x");
    declare("y");
    declare("t", RISE_SIGNAL_TEXT);
    signals.lay_out(1, 1);
  }
  message::TelemetryFrame last_frame() {
    const auto frames = all_frames(region);
    return frames.empty() ? message::TelemetryFrame() : frames.back();
  }
};

TEST(DriverSignals, GroupsAreLimitedAndNeedNameAndPeriod) {
  LONGS_EQUAL(RISE_E_ARGUMENT, group(nullptr));
  LONGS_EQUAL(RISE_E_ARGUMENT, group("g", 0));
  LONGS_EQUAL(RISE_E_ARGUMENT, group("g", -1));
  LONGS_EQUAL(RISE_E_ARGUMENT, signals.declare_group({sizeof(rise_group_spec) - 1, 0, "g", 1}));
  for (std::int32_t i = 0; i < 8; ++i) LONGS_EQUAL(i, group());
  LONGS_EQUAL(RISE_E_LIMIT, group());
}

TEST(DriverSignals, NamesArePlainUniqueAndNotTooLong) {
  group();
  for (const char* bad : {"", "Axis", "a b", "a/b", "\xc3\xa4", "a\n"}) {
    LONGS_EQUAL(RISE_E_ARGUMENT, declare(bad));
  }
  LONGS_EQUAL(RISE_E_ARGUMENT, declare(std::string(64, 'a')));
  spec.name = nullptr;
  LONGS_EQUAL(RISE_E_ARGUMENT, signals.declare_signal(spec));
  LONGS_EQUAL(0, declare(std::string(63, 'a')));
  LONGS_EQUAL(1, declare("axis.x-1_b.position"));
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("axis.x-1_b.position"));
  LONGS_EQUAL(2, signals.count());
}

TEST(DriverSignals, WhatIsNotInTheAbiIsRefused) {
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a"));  // no group yet
  group();
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a", RISE_SIGNAL_NUMBER, 1));
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a", 0));
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a", RISE_SIGNAL_TEXT + 1));
  spec.unit = "0123456789abcdef";
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a"));
  spec.unit = nullptr;
  const std::string choices(192, 'c');
  spec.choices = choices.c_str();
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a"));
  spec.choices = nullptr;
  spec.struct_size = sizeof spec - 1;
  LONGS_EQUAL(RISE_E_ARGUMENT, declare("a"));
  spec.struct_size = sizeof spec + 100;
  for (std::uint32_t type = RISE_SIGNAL_NUMBER; type <= RISE_SIGNAL_TEXT; ++type) {
    CHECK(declare("a" + std::to_string(type), type) >= 0);
  }
}

TEST(DriverSignals, AMachineHasAtMost1024) {
  group();
  for (std::int32_t i = 0; i < 1024; ++i) LONGS_EQUAL(i, declare("s" + std::to_string(i)));
  LONGS_EQUAL(RISE_E_LIMIT, declare("one-more"));
}

TEST(DriverSignals, PagesHave64SlotsOfOneGroup) {
  group("fast", 10 * kMs);
  group("empty", 1);
  group("slow", 1000 * kMs);
  for (int i = 0; i < 130; ++i) {
    declare("fast." + std::to_string(i), RISE_SIGNAL_NUMBER, 0);
    if (i % 50 == 0) declare("slow." + std::to_string(i), RISE_SIGNAL_FLAG, 2);
    if (i % 65 == 0) declare("text." + std::to_string(i), RISE_SIGNAL_TEXT, 0);
  }
  signals.lay_out(9, 100);
  LONGS_EQUAL(4, signals.page_count());
  LONGS_EQUAL(2, signals.text_count());
  DOUBLES_EQUAL(3 * 100 + 1, signals.frames_per_second(), 1e-9);
  std::set<std::pair<int, int>> places;
  int expected_fast = 0;
  int expected_slow = 0;
  int expected_text = 100;
  for (const message::SignalEntry& entry : signals.entries()) {
    LONGS_EQUAL(9, entry.machine());
    if (entry.type() == message::SignalType::Text) {
      LONGS_EQUAL(expected_text++, entry.slot());
      continue;
    }
    CHECK(places.emplace(entry.page(), entry.slot()).second);
    if (entry.group() == 0) {
      LONGS_EQUAL(expected_fast / 64, entry.page());
      LONGS_EQUAL(expected_fast++ % 64, entry.slot());
      LONGS_EQUAL(10 * kMs, entry.period_ns());
    } else {
      LONGS_EQUAL(3, entry.page());
      LONGS_EQUAL(expected_slow++, entry.slot());
      LONGS_EQUAL(1000 * kMs, entry.period_ns());
    }
  }
  LONGS_EQUAL(130, expected_fast);
  LONGS_EQUAL(3, expected_slow);
}

TEST(DriverSignals, TheDirectorySaysWhatWasDeclared) {
  group();
  spec.unit = "%";
  spec.choices = "0=mdi|1=memory";
  declare("mode", RISE_SIGNAL_CHOICE);
  signals.lay_out(0, 0);
  const message::SignalEntry entry = signals.entries().at(0);
  CHECK(message::get_text(entry.name()) == "mode");
  CHECK(message::get_text(entry.unit()) == "%");
  CHECK(message::get_text(entry.choices()) == "0=mdi|1=memory");
  DOUBLES_EQUAL(-10, entry.min(), 0);
  DOUBLES_EQUAL(10, entry.max(), 0);
  CHECK(entry.type() == message::SignalType::Choice);
  LONGS_EQUAL(0, signals.find("mode"));
  LONGS_EQUAL(-1, signals.find("mod"));
  STRCMP_EQUAL("mode", signals.names().at(0).c_str());
}

TEST(DriverSignals, ValuesAppearInTheirSlotsWithTheSample) {
  declare_some();
  LONGS_EQUAL(RISE_OK, signals.write(0, 1.5));
  LONGS_EQUAL(0, signals.publish(&outlet));  // no sample, no frame
  LONGS_EQUAL(RISE_OK, signals.sample(0, 999 * kMs));
  LONGS_EQUAL(1, signals.publish(&outlet));
  LONGS_EQUAL(0, signals.publish(&outlet));
  const message::TelemetryFrame first = last_frame();
  LONGS_EQUAL(1, first.sequence());
  LONGS_EQUAL(1, first.machine());
  LONGS_EQUAL(0, first.page());
  LONGS_EQUAL(2, first.count());
  LONGS_EQUAL(1, first.valid());  // y was never written
  CHECK(first.sample_mono_ns() == 999 * kMs);
  DOUBLES_EQUAL(1.5, first.values()->Get(0), 0);
  signals.write(1, -10);
  signals.sample(0, 1009 * kMs);
  signals.publish(&outlet);
  LONGS_EQUAL(2, last_frame().sequence());
  LONGS_EQUAL(3, last_frame().valid());
  DOUBLES_EQUAL(1.5, last_frame().values()->Get(0), 0);
  DOUBLES_EQUAL(-10, last_frame().values()->Get(1), 0);
}

TEST(DriverSignals, ImpossibleValuesAreRefusedAndTheSignalHasNone) {
  declare_some();
  const double bad[] = {NAN, INFINITY, -INFINITY, std::nextafter(10.0, 11.0), -10.0001, 1e300};
  for (const double value : bad) {
    LONGS_EQUAL(RISE_OK, signals.write(0, 5));
    LONGS_EQUAL(RISE_E_ARGUMENT, signals.write(0, value));
    signals.sample(0, 1000 * kMs);
    signals.publish(&outlet);
    LONGS_EQUAL(0, last_frame().valid());
  }
  LONGS_EQUAL(RISE_OK, signals.write(0, 10));
  LONGS_EQUAL(RISE_OK, signals.write(0, -10));
}

TEST(DriverSignals, NumbersThatDoNotExistAreRefused) {
  declare_some();
  for (const std::int32_t number : {-1, 3, INT32_MAX, INT32_MIN}) {
    LONGS_EQUAL(RISE_E_ARGUMENT, signals.write(number, 1));
    LONGS_EQUAL(RISE_E_ARGUMENT, signals.invalidate(number));
    LONGS_EQUAL(RISE_E_ARGUMENT, signals.write_text(number, "x", &outlet));
    LONGS_EQUAL(RISE_E_ARGUMENT, signals.sample(number, 1));
  }
  LONGS_EQUAL(RISE_E_ARGUMENT, signals.sample(1, 1));
  LONGS_EQUAL(RISE_E_ARGUMENT, signals.write(2, 1));                  // a text
  LONGS_EQUAL(RISE_E_ARGUMENT, signals.write_text(0, "x", &outlet));  // a number
}

TEST(DriverSignals, InvalidatingOneLeavesTheOthers) {
  declare_some();
  signals.write(0, 1);
  signals.write(1, 2);
  LONGS_EQUAL(RISE_OK, signals.invalidate(0));
  signals.sample(0, 1);
  signals.publish(&outlet);
  LONGS_EQUAL(2, last_frame().valid());
  int seen = 0;
  signals.for_each_value(0, [&](std::uint16_t number, double value) {
    LONGS_EQUAL(1, number);
    DOUBLES_EQUAL(2, value, 0);
    ++seen;
  });
  LONGS_EQUAL(1, seen);
}

TEST(DriverSignals, ASampleLaterThanOneAndAHalfPeriodsIsLate) {
  declare_some();
  const auto quality = [&](std::int64_t time_ns) {
    signals.sample(0, time_ns);
    signals.publish(&outlet);
    return last_frame().quality();
  };
  CHECK(quality(1000 * kMs) == Quality::Good);
  CHECK(quality(1015 * kMs) == Quality::Good);
  CHECK(quality(1030 * kMs + 1) == Quality::Late);
  CHECK(quality(1040 * kMs) == Quality::Good);
}

TEST(DriverSignals, OnlyThePagesOfTheSampledGroupArePublished) {
  group("a");
  group("b");
  declare("a", RISE_SIGNAL_NUMBER, 0);
  declare("b", RISE_SIGNAL_NUMBER, 1);
  signals.lay_out(0, 0);
  signals.sample(1, 5);
  LONGS_EQUAL(1, signals.publish(&outlet));
  LONGS_EQUAL(1, last_frame().page());
  LONGS_EQUAL(1, last_frame().group());
  signals.sample(0, 6);
  signals.sample(1, 6);
  LONGS_EQUAL(2, signals.publish(&outlet));
  const auto frames = all_frames(region);
  LONGS_EQUAL(1, frames[1].sequence());  // each page counts for itself
  LONGS_EQUAL(2, frames[2].sequence());
}

TEST(DriverSignals, TextsAreToldWhenTheyChange) {
  declare_some();
  LONGS_EQUAL(RISE_OK, signals.write_text(2, "O100", &outlet));
  signals.write_text(2, "O100", &outlet);
  auto events = all_events(region);
  LONGS_EQUAL(1, events.size());
  CHECK(events[0].kind() == message::EventKind::Text);
  LONGS_EQUAL(1, events[0].machine());
  LONGS_EQUAL(2, events[0].code());
  CHECK(message::get_text(events[0].text()) == "O100");
  auto state = snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1);
  CHECK(message::get_text(state.text()) == "O100");
  LONGS_EQUAL(1, state.valid());
  signals.write_text(2, "", &outlet);
  LONGS_EQUAL(2, all_events(region).size());
  state = snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1);
  LONGS_EQUAL(0, state.length());
  LONGS_EQUAL(1, state.valid());  // empty is a text
}

// Refused by the device, or never answered: readers must not go on showing the last one.
TEST(DriverSignals, AnInvalidatedTextIsToldAsNone) {
  declare_some();
  signals.write_text(2, "O1234", &outlet);
  CHECK(snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).valid() != 0);
  LONGS_EQUAL(RISE_OK, signals.invalidate(2));
  signals.publish(&outlet);
  LONGS_EQUAL(0, snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).valid());
  LONGS_EQUAL(0, snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).length());
  // The same text is news again.
  signals.write_text(2, "O1234", &outlet);
  CHECK(snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).valid() != 0);
  // Lost and found within a cycle: it is there.
  signals.invalidate(2);
  signals.write_text(2, "O1234", &outlet);
  signals.publish(&outlet);
  CHECK(snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).valid() != 0);
}

TEST(DriverSignals, ATextThatIsReadAgainGetsTheTimeOfTheReading) {
  declare_some();
  signals.write_text(2, "O1234", &outlet);
  const std::size_t events = all_events(region).size();
  outlet.begin_cycle(2, 5000 * kMs, 0);
  signals.write_text(2, "O1234", &outlet);
  LONGLONGS_EQUAL(5000 * kMs,
                  snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).mono_ns());
  LONGS_EQUAL(events, all_events(region).size());
}

TEST(DriverSignals, AnEmptyTextWithoutBytesIsATextToo) {
  declare_some();
  LONGS_EQUAL(RISE_OK, signals.write_text(2, {}, &outlet));
  LONGS_EQUAL(1, snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 1).valid());
}

TEST(DriverSignals, LongTextsAreCutAndTheirEndIsNoChange) {
  declare_some();
  signals.write_text(2, std::string(121, 'a'), &outlet);
  signals.write_text(2, std::string(120, 'a') + "b", &outlet);
  LONGS_EQUAL(1, all_events(region).size());
  LONGS_EQUAL(120, all_events(region)[0].text_length());
}

TEST(DriverSignals, InvalidateAllPublishesOnceWhatWasEverPublished) {
  group("a");
  group("b");
  declare("a", RISE_SIGNAL_NUMBER, 0);
  declare("b", RISE_SIGNAL_NUMBER, 1);
  declare("t", RISE_SIGNAL_TEXT, 0);
  signals.lay_out(0, 0);
  signals.write(0, 5);
  signals.write(1, 5);
  signals.write_text(2, "x", &outlet);
  signals.sample(0, 1000 * kMs);
  signals.publish(&outlet);
  signals.sample(1, 1000 * kMs);  // sampled, never published
  signals.invalidate_all(&outlet);
  LONGS_EQUAL(1, signals.publish(&outlet));
  LONGS_EQUAL(0, signals.publish(&outlet));
  CHECK(last_frame().quality() == Quality::Bad);
  LONGS_EQUAL(0, last_frame().valid());
  LONGS_EQUAL(0, last_frame().page());
  LONGS_EQUAL(2, last_frame().sequence());
  LONGS_EQUAL(0, snapshot<message::TextState>(region, rise::shm::SectionKind::Texts, 0).valid());
  const std::size_t events = all_events(region).size();
  signals.write_text(2, "x", &outlet);  // known anew: told anew
  LONGS_EQUAL(events + 1, all_events(region).size());
  signals.sample(0, 9000 * kMs);
  signals.publish(&outlet);
  CHECK(last_frame().quality() == Quality::Good);  // a new beginning is not late
}
