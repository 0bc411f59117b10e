#include "rt_core/cycle/flight.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/shared_region.hpp"

using namespace rise::cycle;
using namespace rise::test;
using rise::shm::SectionKind;
using rise::shm::Word;

namespace {

CycleTimes times(std::uint64_t cycle, bool late) {
  CycleTimes t;
  t.cycle = cycle;
  t.deadline_ns = 1'000'000'000'000;
  t.wake_ns = t.deadline_ns + 12'345;
  t.end_ns = t.wake_ns + 200'000;
  t.phase_ns[0] = 100;
  t.phase_ns[1] = 200;
  t.phase_ns[2] = 300;
  t.phase_ns[3] = 400;
  t.skipped = 7;
  t.slowest = 2;
  t.late = late;
  t.exchange_first = !late;
  return t;
}

}  // namespace

TEST_GROUP(CycleFlight) {
  TempDirectory directory;
  rise::shm::RegionPlan plan = small_plan(directory.path());
  rise::shm::OwnedRegion region;
  FlightRecorder recorder;

  void make(std::size_t drivers) {
    plan.lanes[0].flight_record_words = flight_record_words(drivers);
    region = make_region(plan);
    recorder = FlightRecorder(region, 0, drivers);
  }
  std::vector<FlightRecord> records(SectionKind kind) {
    std::vector<FlightRecord> all;
    rise::shm::RingShape shape;
    const Word* memory = region.ring(kind, 0, &shape);
    rise::shm::BroadcastReader<> reader(memory, shape, 0);
    reader.seek(reader.backlog() > shape.capacity ? reader.backlog() - shape.capacity : 0);
    std::vector<Word> words(shape.payload_words);
    while (all.size() < shape.capacity && reader.next(words.data())) {
      all.push_back(decode_flight(words.data(), words.size()));
    }
    return all;
  }
};

TEST(CycleFlight, RecordsHaveHalfAWordForEachDriver) {
  LONGS_EQUAL(7, flight_record_words(0));
  LONGS_EQUAL(8, flight_record_words(1));
  LONGS_EQUAL(8, flight_record_words(2));
  LONGS_EQUAL(9, flight_record_words(3));
  LONGS_EQUAL(7 + 512, flight_record_words(1024));
}

TEST(CycleFlight, WhatIsRecordedIsDecoded) {
  make(3);
  recorder.driver(0, 11'000);
  recorder.driver(1, 22'000);
  recorder.driver(2, 33'000);
  recorder.close(times(41, true));
  recorder.driver(0, 1);
  recorder.driver(1, 2);
  recorder.driver(2, 3);
  recorder.close(times(42, false));
  const auto all = records(SectionKind::Flight);
  LONGS_EQUAL(2, all.size());
  const CycleTimes& t = all[0].times;
  LONGS_EQUAL(41, t.cycle);
  LONGS_EQUAL(1'000'000'000'000, t.deadline_ns);
  LONGS_EQUAL(t.deadline_ns + 12'345, t.wake_ns);
  LONGS_EQUAL(t.wake_ns + 200'000, t.end_ns);
  for (std::size_t phase = 0; phase < kPhases; ++phase) {
    LONGS_EQUAL(100 * (phase + 1), t.phase_ns[phase]);
  }
  LONGS_EQUAL(7, t.skipped);
  LONGS_EQUAL(2, t.slowest);
  CHECK(t.late);
  CHECK(!t.exchange_first);
  CHECK(all[0].drivers_ns.size() >= 3);
  LONGS_EQUAL(11'000, all[0].drivers_ns[0]);
  LONGS_EQUAL(22'000, all[0].drivers_ns[1]);
  LONGS_EQUAL(33'000, all[0].drivers_ns[2]);
  CHECK(!all[1].times.late);
  CHECK(all[1].times.exchange_first);
  LONGS_EQUAL(1, all[1].drivers_ns[0]);
  LONGS_EQUAL(2, all[1].drivers_ns[1]);
  LONGS_EQUAL(3, all[1].drivers_ns[2]);
}

TEST(CycleFlight, LateCyclesAreKeptLongerThanTheOthers) {
  make(1);
  for (std::uint64_t cycle = 1; cycle <= 100; ++cycle) {
    recorder.driver(0, 5);
    recorder.close(times(cycle, cycle == 3 || cycle == 50));
  }
  const auto all = records(SectionKind::Flight);
  LONGS_EQUAL(8, all.size());
  LONGS_EQUAL(93, all.front().times.cycle);
  const auto late = records(SectionKind::Late);
  LONGS_EQUAL(2, late.size());
  LONGS_EQUAL(3, late[0].times.cycle);
  LONGS_EQUAL(50, late[1].times.cycle);
}

TEST(CycleFlight, WhatDoesNotFitIsTheLargestThatDoes) {
  make(2);
  recorder.driver(0, 10'000'000'000);
  recorder.driver(1, 77);
  CycleTimes t = times(1, true);
  t.phase_ns[1] = 5'000'000'000;
  t.phase_ns[2] = -5;
  t.end_ns = t.wake_ns + 60'000'000'000;
  t.skipped = std::uint64_t{1} << 40;
  t.slowest = 65535;
  recorder.close(t);
  const FlightRecord got = records(SectionKind::Flight).at(0);
  LONGS_EQUAL(UINT32_MAX, got.drivers_ns[0]);
  LONGS_EQUAL(77, got.drivers_ns[1]);
  LONGS_EQUAL(100, got.times.phase_ns[0]);
  LONGS_EQUAL(UINT32_MAX, got.times.phase_ns[1]);
  LONGS_EQUAL(0, got.times.phase_ns[2]);
  LONGS_EQUAL(got.times.wake_ns + UINT32_MAX, got.times.end_ns);
  LONGS_EQUAL(UINT32_MAX, got.times.skipped);
  LONGS_EQUAL(65535, got.times.slowest);
}

TEST(CycleFlight, AShortRecordDecodesToNothing) {
  const Word words[kFlightHeaderWords] = {9, 9, 9, 9, 9, 9, 9};
  for (std::size_t length = 0; length < kFlightHeaderWords; ++length) {
    LONGS_EQUAL(0, decode_flight(words, length).times.cycle);
  }
  LONGS_EQUAL(9, decode_flight(words, kFlightHeaderWords).times.cycle);
  CHECK(decode_flight(words, kFlightHeaderWords).drivers_ns.empty());
}
