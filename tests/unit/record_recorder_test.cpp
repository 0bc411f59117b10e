// How a recording ends: in order, full, on a disk that takes no more, behind a recorder that does
// not keep up.
#include "rt_core/record/recorder.hpp"

#include <CppUTest/TestHarness.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/unit/support/tap_rig.hpp"

using namespace rise::test;
namespace record = rise::record;

TEST_GROUP(RecordRecorder) {
  TapRig rig;

  [[nodiscard]] std::uintmax_t size() const {
    return std::filesystem::file_size(rig.recorder->path());
  }
};

TEST(RecordRecorder, NothingIsToldOfAnOrderlyEnd) {
  rig.make();
  rig.cycle(3);
  rig.recorder->pump();
  rig.recorder->finish();
  rig.recorder->finish();
  STRCMP_EQUAL("", rig.recorder->take_news().c_str());
  UNSIGNED_LONGS_EQUAL(rig.recorder->bytes_written(), size());
}

TEST(RecordRecorder, FullItEndsBelowItsGreatestSizeAndSaysSoOnce) {
  rig.make(200'000);
  for (int i = 0; i < 2000; ++i) {
    rig.cycle(200);
    rig.recorder->pump();
  }
  STRCMP_CONTAINS("greatest size", rig.recorder->take_news().c_str());
  STRCMP_EQUAL("", rig.recorder->take_news().c_str());
  CHECK(size() <= 200'000 && size() > 100'000);
  rig.recorder->finish();
  CHECK(size() <= 200'000);
}

TEST(RecordRecorder, ThatDoesNotKeepUpEndsTheRecordingNotTheLane) {
  rig.make(1 << 20, 1 << 12);
  for (int i = 0; i < 100; ++i) rig.cycle(50);
  rig.recorder->pump();
  STRCMP_CONTAINS("did not keep up", rig.recorder->take_news().c_str());
  const auto before = size();
  rig.cycle(3);
  rig.recorder->pump();
  rig.recorder->finish();
  UNSIGNED_LONGS_EQUAL(before, size());
}

TEST(RecordRecorder, ADiskThatTakesNoMoreLeavesWholeBlocks) {
  rig.make();
  for (int i = 0; i < 300; ++i) {
    rig.cycle(200);
    rig.recorder->pump();
  }
  const auto before = size();
  CHECK(before > record::kBlockBytes);
  // The kernel refuses what would be longer, as a full disk does.
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{static_cast<rlim_t>(before) + 1000, old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 300; ++i) {
    rig.cycle(200);
    rig.recorder->pump();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  STRCMP_CONTAINS("cannot be written", rig.recorder->take_news().c_str());
  UNSIGNED_LONGS_EQUAL(before, size());
  rig.recorder->finish();
  UNSIGNED_LONGS_EQUAL(before, size());
}

TEST(RecordRecorder, TheFileBeforeIsKeptAndAWrongPlaceIsAFailure) {
  rig.make();
  const std::string path = rig.recorder->path();
  rig.recorder->finish();
  const auto first = size();
  record::RecorderSpec spec;
  spec.path = path;
  auto again = record::Recorder::open(spec, rig.region);
  CHECK_OK(again);
  UNSIGNED_LONGS_EQUAL(first, std::filesystem::file_size(path + ".1"));
  // Starts that fail at once do not push out the one that matters.
  for (int i = 0; i < 5; ++i) {
    (*again)->finish();
    again = record::Recorder::open(spec, rig.region);
    CHECK_OK(again);
  }
  UNSIGNED_LONGS_EQUAL(first, std::filesystem::file_size(path + ".6"));
  for (int i = 0; i < 9; ++i) {
    (*again)->finish();
    again = record::Recorder::open(spec, rig.region);
    CHECK_OK(again);
  }
  CHECK(!std::filesystem::exists(path + ".10"));
  spec.path = rig.directory.path() + "/no/where";
  const auto failed = record::Recorder::open(spec, rig.region);
  CHECK_FALSE(static_cast<bool>(failed));
  STRCMP_CONTAINS("/no/where", failed.error().c_str());
  // What is no file of ours is not moved away.
  spec.path = rig.directory.path() + "/link";
  std::filesystem::create_symlink(path, spec.path);
  STRCMP_CONTAINS("no ordinary file", error_of(record::Recorder::open(spec, rig.region)).c_str());
  CHECK(std::filesystem::is_symlink(spec.path));
}

TEST(RecordRecorder, ItsThreadTakesWhatTheLaneNotes) {
  rig.make();
  CHECK_OK(rig.recorder->start());
  for (int i = 0; i < 200; ++i) rig.cycle(5);
  rig.recorder->finish();
  STRCMP_EQUAL("", rig.recorder->take_news().c_str());
  CHECK(size() > 200 * 5 * 2);
}
