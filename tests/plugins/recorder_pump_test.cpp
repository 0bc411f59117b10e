#include "plugins/recorder/pump.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/message/text.hpp"
#include "tests/plugins/recorder_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;
namespace message = rise::message;
namespace shm = rise::shm;
using rise::Result;

TEST_GROUP(RecorderPump) {
  TempDirectory directory;
  TempDirectory files;
  shm::OwnedRegion core = make_region(plan());
  shm::Outlet outlet{core, 0};
  shm::Region region;
  std::unique_ptr<Recorder> recorder;
  Now time{1'000'000'000, kUtc};
  std::uint64_t published = 0;

  shm::RegionPlan plan() {
    shm::RegionPlan made = small_plan(directory.path());
    made.lanes[0].telemetry_frames = 256;
    return made;
  }
  void setup() override {
    describe("mill-1");
    core.set_state(shm::RegionState::Running);
    auto attached = shm::attach("unit", shm::Access::ReadWrite, directory.path());
    CHECK_OK(attached);
    region = std::move(*attached);
    RecorderOptions options;
    options.folder = files.path();
    options.min_free_bytes = 0;
    recorder = std::move(*Recorder::open(options));
  }
  void describe(const std::string& name) {
    auto machines = core.table<message::MachineEntry>(shm::SectionKind::Machines);
    auto signals = core.table<message::SignalEntry>(shm::SectionKind::Signals);
    if (machines.empty() || signals.empty()) FAIL("no region");
    message::set_text(machines[0].mutable_name(), name);
    machines[0].mutate_signal_count(1);
    machines[0].mutate_page_count(1);
    message::set_text(signals[0].mutable_name(), "axis.x.position");
    message::set_text(signals[0].mutable_unit(), "mm");
    signals[0].mutate_type(message::SignalType::Number);
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      message::TelemetryFrame frame = sample(++published, time.utc_ns + i);
      outlet.frame(&frame);
    }
  }
  Result<Pump> start() {
    auto reader = shm::Reader::open(region, "r", shm::Start::Oldest);
    CHECK_OK(reader);
    return Pump::start(region, std::move(*reader), recorder.get());
  }
  void pass(std::int64_t ms) {
    time.mono_ns += ms * 1'000'000;
    time.utc_ns += ms * 1'000'000;
  }
  std::uint64_t committed() { return region.readers()[0].telemetry[0]; }
  std::vector<std::uint32_t> recorded() {
    std::vector<std::uint32_t> found;
    for (const std::string& name : names_in(files.path())) {
      const Found one = read_exactly(contents(files.path() + "/" + name));
      for (const Given& given : one.messages) found.push_back(given.sequence);
    }
    return found;
  }
};

TEST(RecorderPump, BringsWhatIsInTheRings) {
  auto pump = start();
  CHECK_OK(pump);
  publish(10);
  outlet.event({.kind = message::EventKind::Notice, .machine = 0, .text = "hello"});
  CHECK(pump->poll(time));
  CHECK_FALSE(pump->poll(time));
  pump->finish(time, true);
  const auto lines = lines_of(contents(recorder->path()));
  LONGS_EQUAL(11, lines.size());
  STRCMP_CONTAINS("\"axis.x.position\":1.5", lines[0].c_str());
  STRCMP_CONTAINS("hello", lines[10].c_str());
  LONGS_EQUAL(0, pump->lost());
}

TEST(RecorderPump, ItsPlaceMovesOnlyOverWhatIsInAFile) {
  auto pump = start();
  publish(10);
  pump->poll(time);
  pass(100);
  publish(5);
  pump->poll(time);
  LONGS_EQUAL(10, committed());  // the first look has flushed
  LONGS_EQUAL(10, recorded().size());
  pass(1100);
  pump->poll(time);
  LONGS_EQUAL(15, committed());
  LONGS_EQUAL(15, recorded().size());
}

// The way of a kill: the pump is just not there any more, with what it had in memory.
TEST(RecorderPump, TheNextOneRecordsWhatAKillHasCost) {
  {
    auto pump = start();
    publish(10);
    pump->poll(time);
    pass(100);
    publish(7);
    pump->poll(time);
    // Nothing of this file's end will be written: as with a process that was killed, its recorder
    // is there no more, and never ends.
    // Kept for ever, where a leak is not seen for one.
    static auto* const killed = new std::vector<std::unique_ptr<Recorder>>;
    killed->push_back(std::move(recorder));
    region.readers()[0].pid = 0;
  }
  LONGS_EQUAL(10, recorded().size());
  RecorderOptions options;
  options.folder = files.path();
  options.min_free_bytes = 0;
  recorder = std::move(*Recorder::open(options));
  pass(50);
  auto pump = start();
  CHECK(pump->resumed());
  publish(3);
  pump->poll(time);
  pump->finish(time, true);
  const auto sequences = recorded();
  LONGS_EQUAL(20, sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) LONGS_EQUAL(i + 1, sequences[i]);
}

TEST(RecorderPump, AChunkAfterTheOtherDoesNotKeepItsPlaceBack) {
  auto pump = start();
  for (int i = 0; i < 30; ++i) {
    publish(100);
    pump->poll(time);
    pass(100);
  }
  CHECK(committed() > 1900);
  LONGS_EQUAL(0, pump->lost());
}

TEST(RecorderPump, AnotherDirectoryIsNoticed) {
  auto pump = start();
  publish(5);
  pump->poll(time);
  describe("lathe-1");
  pass(1100);
  publish(5);
  pump->poll(time);
  pump->finish(time, true);
  const auto names = names_in(files.path());
  LONGS_EQUAL(2, names.size());
  STRCMP_CONTAINS("telemetry/mill-1", lines_of(contents(files.path() + "/" + names[0]))[0].c_str());
  STRCMP_CONTAINS("telemetry/lathe-1",
                  lines_of(contents(files.path() + "/" + names[1]))[0].c_str());
}

TEST(RecorderPump, WhatTheRingsNoLongerHoldIsCountedAsLost) {
  auto pump = start();
  publish(2000);
  pump->poll(time);
  pump->finish(time, false);
  CHECK(pump->lost() > 1000);
  LONGS_EQUAL(2000, pump->lost() + recorded().size());
  // The place was given up.
  LONGS_EQUAL(0, region.readers()[0].name[0]);
}
