#include "rt_core/shm/outlet.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/message/text.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;
using message::EventKind;

namespace {
constexpr std::int64_t kStart_ns = 5'000'000'000;
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kUtc = 1'700'000'000'000'000'000;
}  // namespace

TEST_GROUP(ShmOutlet) {
  TempDirectory directory;
  OwnedRegion region = make_region(small_plan(directory.path(), 2));
  Outlet outlet{region, 1};

  void tell(std::int32_t code) {
    Event event;
    event.kind = EventKind::Notice;
    event.code = code;
    outlet.event(event);
  }
};

TEST(ShmOutlet, FramesBearTheCycleAndItsTimes) {
  outlet.begin_cycle(77, kStart_ns, kUtc);
  message::TelemetryFrame one = frame(4);
  one.mutate_sample_mono_ns(kStart_ns - 3);
  one.mutable_values()->Mutate(63, 2.5);
  outlet.frame(&one);
  LONGS_EQUAL(1, outlet.frames());
  LONGS_EQUAL(0, all_frames(region, 0).size());
  const message::TelemetryFrame got = all_frames(region, 1).at(0);
  LONGS_EQUAL(4, got.sequence());
  LONGS_EQUAL(77, got.cycle());
  CHECK(got.publish_mono_ns() == kStart_ns);
  CHECK(got.sample_mono_ns() == kStart_ns - 3);
  CHECK(got.sample_utc_ns() == kStart_ns - 3 + kUtc);
  DOUBLES_EQUAL(2.5, got.values()->Get(63), 0);
}

TEST(ShmOutlet, TheLatestFrameOfASlowGroupIsKeptBesideTheRing) {
  RegionPlan plan = small_plan(directory.path());
  plan.name = "slow";
  plan.machines = 2;
  plan.signals = 4;
  plan.pages = 5;  // machine 0: pages 0 and 1; machine 1: 0 to 2
  OwnedRegion own = make_region(plan);
  const auto machines = own.table<message::MachineEntry>(SectionKind::Machines);
  machines[0].mutate_page_count(2);
  machines[1].mutate_page_count(3);
  const auto signals = own.table<message::SignalEntry>(SectionKind::Signals);
  const auto declare = [&](std::size_t i, std::uint16_t machine, std::uint16_t page,
                           std::int64_t period_ns, message::SignalType type) {
    signals[i].mutate_machine(machine);
    signals[i].mutate_page(page);
    signals[i].mutate_period_ns(period_ns);
    signals[i].mutate_type(type);
  };
  declare(0, 0, 0, 10 * kMs, message::SignalType::Number);
  declare(1, 0, 1, Outlet::kSlowPeriodNs, message::SignalType::Number);
  declare(2, 1, 2, Outlet::kSlowPeriodNs + 1, message::SignalType::Number);
  declare(3, 1, 0, 5000 * kMs, message::SignalType::Text);  // not in frames at all
  Outlet of_slow(own, 0);
  of_slow.begin_cycle(3, kStart_ns, kUtc);
  for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
    for (const auto& [machine, page] : {std::pair(0, 0), {0, 1}, {1, 0}, {1, 2}, {1, 9}, {7, 0}}) {
      message::TelemetryFrame one = frame(sequence);
      one.mutate_machine(static_cast<std::uint16_t>(machine));
      one.mutate_page(static_cast<std::uint16_t>(page));
      of_slow.frame(&one);
    }
  }
  const std::uint64_t expected[] = {0, 0, 0, 0, 40};
  for (std::size_t cell = 0; cell < 5; ++cell) {
    const auto kept = snapshot<message::TelemetryFrame>(own, SectionKind::Frames, cell);
    LONGS_EQUAL_TEXT(expected[cell], kept.sequence(), std::to_string(cell).c_str());
  }
  const auto kept = snapshot<message::TelemetryFrame>(own, SectionKind::Frames, 4);
  LONGS_EQUAL(3, kept.cycle());  // as it went into the ring
  CHECK(kept.publish_mono_ns() == kStart_ns);
}

TEST(ShmOutlet, EventsBearTheirTimesAndLaneAndARisingNumber) {
  outlet.begin_cycle(9, kStart_ns, kUtc);
  Event event;
  event.kind = EventKind::AlarmOn;
  event.severity = message::Severity::Error;
  event.machine = 3;
  event.code = -5;
  event.detail = 6;
  event.value = 7.5;
  event.text = "over travel";
  outlet.event(event);
  tell(1);
  const auto events = all_events(region, 1);
  LONGS_EQUAL(2, events.size());
  const message::MachineEvent& got = events[0];
  CHECK(got.kind() == EventKind::AlarmOn);
  CHECK(got.severity() == message::Severity::Error);
  LONGS_EQUAL(3, got.machine());
  LONGS_EQUAL(1, got.lane());
  LONGS_EQUAL(-5, got.code());
  LONGS_EQUAL(6, got.detail());
  DOUBLES_EQUAL(7.5, got.value(), 0);
  LONGS_EQUAL(9, got.cycle());
  CHECK(got.mono_ns() == kStart_ns);
  CHECK(got.utc_ns() == kStart_ns + kUtc);
  LONGS_EQUAL(11, got.text_length());
  CHECK(message::get_text(got.text()) == "over travel");
  LONGS_EQUAL(1, got.sequence());
  LONGS_EQUAL(2, events[1].sequence());
  LONGS_EQUAL(0, events[1].text_length());
}

TEST(ShmOutlet, LongTextsAreCut) {
  const std::string text(200, 'x');
  outlet.begin_cycle(1, kStart_ns, 0);
  Event event;
  event.kind = EventKind::Notice;
  event.text = text;
  outlet.event(event);
  LONGS_EQUAL(128, all_events(region, 1).at(0).text_length());
}

TEST(ShmOutlet, ResultsBearTheirTimesAndLane) {
  outlet.begin_cycle(1, kStart_ns, kUtc);
  message::CommandResult result;
  result.mutate_sequence(99);
  outlet.result(&result);
  const message::CommandResult got = all_results(region, 1).at(0);
  LONGS_EQUAL(99, got.sequence());
  LONGS_EQUAL(1, got.lane());
  CHECK(got.mono_ns() == kStart_ns);
  CHECK(got.utc_ns() == kStart_ns + kUtc);
}

TEST(ShmOutlet, ABurstOfEventsPassesTheRestIsCounted) {
  outlet.begin_cycle(1, kStart_ns, 0);
  for (int i = 0; i < 600; ++i) tell(i);
  LONGS_EQUAL(Outlet::kEventBurst, outlet.events());
  LONGS_EQUAL(600 - Outlet::kEventBurst, outlet.events_dropped());
  LONGS_EQUAL(Outlet::kEventBurst, all_events(region, 1).size());
  LONGS_EQUAL(Outlet::kEventBurst - 1, all_events(region, 1).back().code());
}

TEST(ShmOutlet, TheFirstEventAfterLostOnesSaysHowMany) {
  outlet.begin_cycle(1, kStart_ns, 0);
  for (int i = 0; i < 600; ++i) tell(i);
  outlet.begin_cycle(2, kStart_ns + kMs, 0);  // one more event per millisecond
  tell(1000);
  tell(1001);  // has no token again
  auto events = all_events(region, 1);
  LONGS_EQUAL(Outlet::kEventBurst + 2, events.size());
  const message::MachineEvent& lost = events[Outlet::kEventBurst];
  CHECK(lost.kind() == EventKind::EventsLost);
  CHECK(lost.severity() == message::Severity::Warning);
  LONGS_EQUAL(88, lost.code());
  LONGS_EQUAL(kWholeLane, lost.machine());
  LONGS_EQUAL(1000, events.back().code());
  LONGS_EQUAL(89, outlet.events_dropped());
  outlet.begin_cycle(3, kStart_ns + 2 * kMs, 0);
  tell(1002);
  events = all_events(region, 1);
  LONGS_EQUAL(1, events[events.size() - 2].code());  // only those lost since the last telling
  LONGS_EQUAL(1002, events.back().code());
}

TEST(ShmOutlet, ToldAndLostTogetherAreWhatHappened) {
  std::uint64_t happened = 0;
  std::uint64_t cycle = 0;
  for (; cycle < 1000; ++cycle) {
    outlet.begin_cycle(cycle, kStart_ns + static_cast<std::int64_t>(cycle) * kMs, 0);
    for (std::uint64_t i = 0; i < cycle % 7; ++i, ++happened) tell(1);
  }
  outlet.begin_cycle(cycle, kStart_ns + 3'600'000 * kMs, 0);
  tell(1);
  ++happened;
  std::uint64_t told = 0;
  std::uint64_t lost = 0;
  std::uint64_t next = 0;
  for (const message::MachineEvent& event : all_events(region, 1)) {
    CHECK(next == 0 || event.sequence() == next);
    next = event.sequence() + 1;
    if (event.kind() == EventKind::EventsLost) {
      lost += static_cast<std::uint64_t>(event.code());
    } else {
      ++told;
    }
  }
  LONGS_EQUAL(outlet.events_dropped(), lost);
  LONGS_EQUAL(happened, told + lost);
  CHECK(lost > 0);
  // One second passed, and no more than its rate and one burst may have been told.
  CHECK(told <= 1 + Outlet::kEventsPerSecond + Outlet::kEventBurst);
}

TEST(ShmOutlet, ARestFillsUpToOneBurstAndNoMore) {
  outlet.begin_cycle(1, kStart_ns, 0);
  for (int i = 0; i < 512; ++i) tell(i);
  outlet.begin_cycle(2, kStart_ns + 3'600'000 * kMs, 0);
  for (int i = 0; i < 600; ++i) tell(i);
  LONGS_EQUAL(2 * Outlet::kEventBurst, outlet.events());
}

TEST(ShmOutlet, AFloodDoesNotHideAnError) {
  outlet.begin_cycle(1, kStart_ns, 0);
  for (int i = 0; i < 600; ++i) tell(i);
  Event event;
  event.severity = message::Severity::Error;
  event.kind = EventKind::AlarmOn;
  outlet.event(event);  // one more of a mad device
  LONGS_EQUAL(89, outlet.events_dropped());
  event.kind = EventKind::Safety;
  event.code = static_cast<std::int32_t>(message::SafetyState::Tripped);
  for (std::uint32_t i = 0; i < Outlet::kErrorReserve + 10; ++i) outlet.event(event);
  LONGS_EQUAL(99, outlet.events_dropped());
  LONGS_EQUAL(Outlet::kErrorReserve + 10, outlet.trips());  // told or not
  LONGS_EQUAL(message::SafetyState::Tripped, all_events(region, 1).back().code());
}

TEST(ShmOutlet, RefusedAndExpiredCommandsAreCounted) {
  outlet.begin_cycle(1, kStart_ns, 0);
  for (const message::Outcome outcome : message::EnumValuesOutcome()) {
    message::CommandResult result;
    result.mutate_outcome(outcome);
    outlet.result(&result);
  }
  LONGS_EQUAL(2, outlet.refused());
}

TEST(ShmOutlet, SnapshotsAreReplacedAsAWhole) {
  Word stamp = 1;
  snapshot<message::MachineState>(region, SectionKind::States, 1, &stamp);
  LONGS_EQUAL(0, stamp);
  message::MachineState state;
  state.mutate_alarm_count(3);
  outlet.state(1, state);
  LONGS_EQUAL(
      3, snapshot<message::MachineState>(region, SectionKind::States, 1, &stamp).alarm_count());
  LONGS_EQUAL(2, stamp);
  state.mutate_alarm_count(4);
  outlet.state(1, state);
  LONGS_EQUAL(
      4, snapshot<message::MachineState>(region, SectionKind::States, 1, &stamp).alarm_count());
  LONGS_EQUAL(4, stamp);
  snapshot<message::MachineState>(region, SectionKind::States, 0, &stamp);
  LONGS_EQUAL(0, stamp);  // the neighbour is untouched
}

TEST(ShmOutlet, ACellThatADeadCoreLeftHalfWrittenIsWholeAfterTheNextWrite) {
  std::size_t words = 0;
  Word* cell = region.cell(SectionKind::States, 0, &words);
  cell[0] = 7;  // odd: being written
  outlet.state(0, message::MachineState());
  Word stamp = 0;
  snapshot<message::MachineState>(region, SectionKind::States, 0, &stamp);
  LONGS_EQUAL(8, stamp);
}

TEST(ShmOutlet, TextsBearTimeLengthAndValidity) {
  outlet.begin_cycle(1, kStart_ns, 0);
  outlet.text(1, "O1234", true);
  auto text = snapshot<message::TextState>(region, SectionKind::Texts, 1);
  LONGS_EQUAL(5, text.length());
  LONGS_EQUAL(1, text.valid());
  CHECK(text.mono_ns() == kStart_ns);
  CHECK(message::get_text(text.text()) == "O1234");
  outlet.text(1, {}, false);
  text = snapshot<message::TextState>(region, SectionKind::Texts, 1);
  LONGS_EQUAL(0, text.length());
  LONGS_EQUAL(0, text.valid());
  CHECK(message::get_text(text.text()).empty());
  outlet.text(0, std::string(500, 't'), true);
  LONGS_EQUAL(120, snapshot<message::TextState>(region, SectionKind::Texts, 0).length());
}

TEST(ShmOutlet, PlacesThatDoNotExistAreNotWritten) {
  const std::size_t words = region.out_bytes() / sizeof(Word);
  const auto* base =
      reinterpret_cast<const Word*>(region.table<message::CoreHealth>(SectionKind::Lanes).data());
  const std::vector<Word> before(base, base + words / 2);
  outlet.state(2, message::MachineState(1, message::LinkState::Up, 0, {}, {}, {}, 0, 0));
  outlet.text(2, "x", true);
  outlet.text(65535, "x", true);
  CHECK(std::memcmp(before.data(), base, before.size() * sizeof(Word)) == 0);
}
