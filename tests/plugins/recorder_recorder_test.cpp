#include "plugins/recorder/recorder.hpp"

#include <CppUTest/TestHarness.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "tests/plugins/recorder_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;
namespace message = rise::message;
namespace recorded = rise::recorded;

TEST_GROUP(RecorderRecorder) {
  TempDirectory directory;
  RecorderOptions options;
  std::uint64_t free = std::uint64_t{1} << 40u;
  Now now{1'000'000'000, kUtc};
  std::unique_ptr<Recorder> recorder;
  std::uint64_t sequence = 0;

  void setup() override {
    options.folder = directory.path();
    options.prefix = "plant";
    options.free_bytes = [this](const std::string&) { return free; };
  }
  void open(const Directory& machines = two_machines()) {
    auto opened = Recorder::open(options);
    CHECK_OK(opened);
    recorder = std::move(*opened);
    CHECK(recorder->begin(machines));
  }
  void pass(std::int64_t ms) {
    now.mono_ns += ms * 1'000'000;
    now.utc_ns += ms * 1'000'000;
    recorder->tick(now);
  }
  // So many samples, a millisecond between them. What is in them does not compress.
  void samples(int count) {
    for (int i = 0; i < count; ++i) {
      message::TelemetryFrame frame = sample(++sequence, now.utc_ns);
      frame.mutable_values()->Mutate(0,
                                     static_cast<double>((sequence * 0x9e3779b97f4a7c15u) >> 11u));
      recorder->record(frame, now);
      pass(1);
    }
  }
  std::string error() {
    const auto opened = Recorder::open(options);
    return opened ? "" : opened.error();
  }
  std::uint64_t on_disk() {
    std::uint64_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      sum += entry.file_size();
    }
    return sum;
  }
};

TEST(RecorderRecorder, AllKindsComeBack) {
  open();
  recorder->record(sample(1, kUtc), now);
  recorder->record(sample(1, kUtc + 1, 0, 1), now);
  recorder->record(alarm(1, "OT \xff axis"), 0, now);
  message::MachineEvent text = alarm(0, "O1000");
  text.mutate_kind(message::EventKind::Text);
  text.mutate_code(3);
  recorder->record(text, 0, now);
  recorder->record(alarm(rise::shm::kWholeLane, "late"), 0, now);
  message::CommandResult result;
  result.mutate_utc_ns(kUtc + 9);
  result.mutate_kind(message::CommandKind::SetOutput);
  result.mutate_outcome(message::Outcome::Applied);
  result.mutate_requested(80);
  result.mutate_value(80);
  result.mutate_machine(0);
  recorder->record(result, 0, now);
  const std::uint8_t raw[] = {0xa0, 0xa1};
  recorder->record({0, recorded::Direction::Sent, 4, kUtc + 10, 0, raw}, now);
  recorder->end();
  const auto names = names_in(directory.path());
  LONGS_EQUAL(1, names.size());
  STRCMP_EQUAL("plant-20260101T000000.000Z.mcap", names[0].c_str());
  const std::string file = contents(directory.path() + "/" + names[0]);
  CHECK(read_exactly(file).whole);
  const auto lines = lines_of(file);
  LONGS_EQUAL(7, lines.size());
  STRCMP_EQUAL(
      "{\"time\":\"2026-01-01T00:00:00.000000000Z\",\"time_ns\":1767225600000000000,"
      "\"topic\":\"telemetry/mill-1\",\"machine\":\"mill-1\",\"sequence\":1,\"quality\":\"good\","
      "\"signals\":{\"axis.x.position\":1.5,\"spindle.0.load\":null,\"status.mode\":1}}",
      lines[0].c_str());
  STRCMP_CONTAINS("\"topic\":\"telemetry/mill-1/1\"", lines[1].c_str());
  STRCMP_CONTAINS("\"signals\":{\"macro.500\":1.5}", lines[1].c_str());
  STRCMP_CONTAINS("\"topic\":\"event/mill-2\"", lines[2].c_str());
  STRCMP_CONTAINS("\"kind\":\"alarm_on\",\"severity\":\"error\",\"code\":500", lines[2].c_str());
  STRCMP_CONTAINS("\"text\":\"OT ? axis\"", lines[2].c_str());
  STRCMP_CONTAINS("\"signal\":\"program.name\",\"text\":\"O1000\"", lines[3].c_str());
  STRCMP_CONTAINS("\"topic\":\"event/lane/main\",\"lane\":\"main\"", lines[4].c_str());
  STRCMP_CONTAINS("\"outcome\":\"applied\",\"output\":\"override\",\"requested\":80",
                  lines[5].c_str());
  STRCMP_CONTAINS("\"direction\":\"sent\",\"stream\":4,\"bytes\":2,\"hex\":\"a0a1\"",
                  lines[6].c_str());
  LONGS_EQUAL(2, recorder->counters().frames);
  LONGS_EQUAL(3, recorder->counters().events);
  LONGS_EQUAL(1, recorder->counters().results);
  LONGS_EQUAL(1, recorder->counters().raw);
}

TEST(RecorderRecorder, MachinesOfOneKindShareASchema) {
  open();
  recorder->record(sample(1, kUtc, 0), now);
  recorder->record(sample(1, kUtc, 1), now);
  recorder->end();
  const std::string file = contents(recorder->path());
  McapReader reader(bytes_of_text(file));
  McapMessage first;
  McapMessage second;
  CHECK(reader.next(&first) && reader.next(&second));
  CHECK(first.channel != second.channel);
  POINTERS_EQUAL(first.schema, second.schema);
}

TEST(RecorderRecorder, OnlyTheMachinesAskedFor) {
  options.machines = {"mill-2"};
  open();
  recorder->record(sample(1, kUtc, 0), now);
  recorder->record(sample(1, kUtc, 1), now);
  recorder->record(alarm(0, "x"), 0, now);
  recorder->end();
  const auto lines = lines_of(contents(recorder->path()));
  LONGS_EQUAL(1, lines.size());
  STRCMP_CONTAINS("telemetry/mill-2", lines[0].c_str());
}

TEST(RecorderRecorder, AMachineThatIsNotThereIsTold) {
  options.machines = {"mill-2", "lathe"};
  auto opened = Recorder::open(options);
  CHECK_OK(opened);
  CHECK_FALSE((*opened)->begin(two_machines()));
  STRCMP_EQUAL("there is no machine \"lathe\"; there are: mill-1 mill-2",
               (*opened)->problem().c_str());
}

TEST(RecorderRecorder, WhatIsNotInTheDirectoryIsCountedAndNothingElse) {
  open();
  recorder->record(sample(1, kUtc, 2), now);
  recorder->record(sample(1, kUtc, 0, 2), now);
  recorder->record(alarm(2, "x"), 0, now);
  recorder->record(alarm(rise::shm::kWholeLane, "x"), 1, now);
  LONGS_EQUAL(4, recorder->counters().foreign);
  LONGS_EQUAL(0, names_in(directory.path()).size());
}

TEST(RecorderRecorder, AChunkEndsWithItsAgeSoThatAKillCostsNoMore) {
  open();
  samples(500);
  CHECK_FALSE(recorder->settled());
  LONGS_EQUAL(0, read_exactly(contents(recorder->path())).messages.size());
  samples(600);
  const Found found = read_exactly(contents(recorder->path()));
  LONGS_EQUAL(1000, found.messages.size());
  CHECK_FALSE(found.has_end);
}

TEST(RecorderRecorder, FilesEndWithTheirSize) {
  options.chunk_bytes = 16'384;
  options.max_file_bytes = 65'536;
  open();
  samples(12000);
  recorder->end();
  std::vector<Given> all;
  const auto names = names_in(directory.path());
  CHECK(names.size() > 3);
  for (const std::string& name : names) {
    const std::string file = contents(directory.path() + "/" + name);
    const Found found = read_exactly(file);
    CHECK(found.whole);
    // A chunk and the summary may come on top.
    CHECK(file.size() < options.max_file_bytes + options.chunk_bytes + 8192);
    all.insert(all.end(), found.messages.begin(), found.messages.end());
  }
  LONGS_EQUAL(12000, all.size());
  for (std::size_t i = 0; i < all.size(); ++i) LONGS_EQUAL(i + 1, all[i].sequence);
  LONGS_EQUAL(names.size(), recorder->counters().files);
}

TEST(RecorderRecorder, FilesEndWithTheirAge) {
  options.max_file_s = 2;
  open();
  samples(5000);
  recorder->end();
  LONGS_EQUAL(3, names_in(directory.path()).size());
}

TEST(RecorderRecorder, TheDiskIsBoundedAndForeignFilesStay) {
  options.chunk_bytes = 16'384;
  options.max_file_bytes = 65'536;
  options.max_disk_bytes = 3 * 65'536;
  // Other names, another recorder's, a repaired one: none is ours.
  const std::vector<std::string> foreign = {"notes.txt",
                                            "plant-20200101T000000.000Z.repaired.mcap",
                                            "plant-2-20200101T000000.000Z.mcap",
                                            "plant-20200101T000000.000Z.mcap.gz",
                                            "other-20200101T000000.000Z.mcap",
                                            "plant-20200101T0000x0.000Z.mcap",
                                            "plant-20200101T000000.000Z-.mcap"};
  for (const std::string& name : foreign) {
    std::ofstream(directory.path() + "/" + name) << std::string(100'000, 'x');
  }
  const std::uint64_t foreign_bytes = on_disk();
  std::ofstream(directory.path() + "/plant-20200101T000000.000Z.mcap") << std::string(9, 'x');
  open();
  for (int i = 0; i < 200; ++i) {
    samples(50);
    CHECK(on_disk() - foreign_bytes <= options.max_disk_bytes + options.chunk_bytes + 8192);
  }
  recorder->end();
  CHECK(on_disk() - foreign_bytes <= options.max_disk_bytes);
  CHECK(recorder->counters().files_removed > 3);
  for (const std::string& name : foreign) {
    CHECK_TEXT(std::filesystem::exists(directory.path() + "/" + name), name.c_str());
  }
  CHECK_FALSE(std::filesystem::exists(directory.path() + "/plant-20200101T000000.000Z.mcap"));
  // The newest is the one that stayed.
  const Found last = read_exactly(contents(recorder->path()));
  LONGS_EQUAL(sequence, last.messages.back().sequence);
}

TEST(RecorderRecorder, AClockThatIsSetBackCostsNothing) {
  options.max_file_s = 2;
  open();
  samples(1500);
  now.utc_ns -= 3600ll * 1'000'000'000;
  samples(3000);
  recorder->end();
  std::size_t messages = 0;
  for (const std::string& name : names_in(directory.path())) {
    const Found found = read_exactly(contents(directory.path() + "/" + name));
    CHECK(found.whole);
    messages += found.messages.size();
  }
  LONGS_EQUAL(4500, messages);
  // Files are of the age that the monotonic clock says.
  LONGS_EQUAL(3, recorder->counters().files);
}

TEST(RecorderRecorder, TwoFilesOfOneMillisecondHaveTwoNames) {
  open();
  for (int i = 0; i < 3; ++i) {
    recorder->record(sample(1, kUtc), now);
    recorder->end();
  }
  const auto names = names_in(directory.path());
  LONGS_EQUAL(3, names.size());
  STRCMP_EQUAL("plant-20260101T000000.000Z-2.mcap", names[0].c_str());
}

TEST(RecorderRecorder, AnotherDirectoryBeginsAnotherFile) {
  open();
  recorder->record(sample(1, kUtc), now);
  Directory other = two_machines();
  other.machines[0].signals[0].unit = "inch";
  pass(5);
  CHECK(recorder->begin(other));
  recorder->record(sample(2, kUtc), now);
  recorder->end();
  const auto names = names_in(directory.path());
  LONGS_EQUAL(2, names.size());
  const auto unit = [&](const std::string& name) {
    const std::string file = contents(directory.path() + "/" + name);
    McapReader reader(bytes_of_text(file));
    McapMessage message;
    CHECK(reader.next(&message));
    return topic_of(*message.channel).signals[0].unit;
  };
  STRCMP_EQUAL("mm", unit(names[0]).c_str());
  STRCMP_EQUAL("inch", unit(names[1]).c_str());
}

TEST(RecorderRecorder, PausesWhileTheDiskHasTooLittleRoom) {
  options.min_free_bytes = 1000;
  open();
  samples(1500);
  free = 999;
  samples(3000);
  CHECK(recorder->paused());
  STRCMP_CONTAINS("make room", recorder->problem().c_str());
  const std::uint64_t dropped = recorder->counters().dropped;
  CHECK(dropped > 1000);
  free = 2000;
  samples(2000);
  CHECK_FALSE(recorder->paused());
  STRCMP_EQUAL("", recorder->problem().c_str());
  recorder->end();
  const Found found = read_exactly(contents(recorder->path()));
  CHECK(found.whole);
  LONGS_EQUAL(sequence, found.messages.size() + recorder->counters().dropped);
  LONGS_EQUAL(found.messages.size(), recorder->counters().frames);
  LONGS_EQUAL(1, recorder->counters().pauses);
  LONGS_EQUAL(1, recorder->counters().files);
}

// A limit of the process stands for a disk that is full: a write takes a part, then is refused.
TEST(RecorderRecorder, AWriteThatIsRefusedIsCutOffAgainAndCounted) {
  open();
  samples(1500);
  const std::uint64_t length = std::filesystem::file_size(recorder->path());
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = before;
  full.rlim_cur = length + 100;
  ::setrlimit(RLIMIT_FSIZE, &full);
  samples(1200);
  const bool paused = recorder->paused();
  const std::uint64_t length_then = std::filesystem::file_size(recorder->path());
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(paused);
  CHECK(length_then >= length && length_then < length + 100'000);
  const Found then = read_exactly(contents(recorder->path()));
  samples(3000);
  CHECK_FALSE(recorder->paused());
  recorder->end();
  const Found found = read_exactly(contents(recorder->path()));
  CHECK(found.whole);
  CHECK(then.messages.size() < found.messages.size());
  LONGS_EQUAL(sequence, found.messages.size() + recorder->counters().dropped);
  CHECK(recorder->counters().dropped > 0);
}

TEST(RecorderRecorder, IntoOneFileAndNoOther) {
  options.folder.clear();
  options.out = directory.path() + "/one.mcap";
  options.max_file_s = 1;
  options.max_file_bytes = options.chunk_bytes;
  open();
  samples(2500);
  recorder->end();
  LONGS_EQUAL(1, names_in(directory.path()).size());
  LONGS_EQUAL(2500, read_exactly(contents(options.out)).messages.size());
  STRCMP_CONTAINS("exists already", error().c_str());
}

TEST(RecorderRecorder, EachMistakeIsToldWithARemedy) {
  options.max_disk_bytes = options.max_file_bytes;
  STRCMP_CONTAINS("twice", error().c_str());
  options.max_disk_bytes = 4 * options.max_file_bytes;
  options.folder = directory.path() + "/nowhere";
  STRCMP_CONTAINS("mkdir -p", error().c_str());
  options.folder = directory.path();
  options.prefix = "../x";
  STRCMP_CONTAINS("cannot be named", error().c_str());
  options.prefix = "x";
  options.max_file_bytes = 1;
  STRCMP_CONTAINS("chunk", error().c_str());
  options.out = "x.mcap";
  options.max_file_bytes = 1u << 30u;
  STRCMP_CONTAINS("either", error().c_str());
}

TEST(RecorderRecorder, AFolderThatCannotBeWrittenIsTold) {
  if (::geteuid() == 0) return;  // root may write anywhere
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_read);
  STRCMP_CONTAINS("right to write", error().c_str());
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_all);
}
