// Logs in a real folder: what else may be in it, and who else may want it.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/plugins/store_rig.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise;
using namespace rise::test;
namespace fs = std::filesystem;

TEST_GROUP(StoreFolder) {
  TempDirectory directory;
  StoreRig rig;
  std::string folder = directory.path() + "/a/log";

  store::Log& open() {
    rig.log.reset();
    rig.options.folder = folder;
    rig.log = store::Log::open(rig.options);
    return *rig.log;
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name) << text;
  }
  std::string news() {
    std::string text;
    for (const std::string& line : rig.log->take_news()) text += line + "\n";
    return text;
  }
  std::vector<fs::path> segments() {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".segment") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string refusal() {
    store::LogOptions options = rig.options;
    options.folder = folder;
    try {
      const auto second = store::Log::open(options);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }
};

TEST(StoreFolder, IsMadeAndKeepsWhatIsStored) {
  open();
  rig.fill(1, 30);
  open();
  const auto records = read_all(rig.log.get());
  LONGS_EQUAL(30, records.size());
  for (std::uint64_t i = 1; i <= 30; ++i) CHECK((records[i - 1] == Got{i, payload_of(i)}));
  rig.log->acknowledge(30);
  LONGS_EQUAL(1, segments().size());
  STRCMP_EQUAL("", news().c_str());
}

TEST(StoreFolder, IsForOneLogAtATime) {
  open();
  STRCMP_CONTAINS(("in use by process " + std::to_string(::getpid())).c_str(), refusal().c_str());
  Child other([this] { return refusal().find("in use by process") != std::string::npos ? 0 : 1; });
  LONGS_EQUAL(0, other.status());
  rig.log.reset();
  STRCMP_EQUAL("none", refusal().c_str());
}

TEST(StoreFolder, ThatCannotBeMadeIsAnErrorWithARemedy) {
  fs::create_directories(directory.path() + "/a");
  std::ofstream(directory.path() + "/a/log") << "a file";
  STRCMP_CONTAINS("give it a folder", refusal().c_str());
}

TEST(StoreFolder, LeavesAloneWhatIsNotItsOwn) {
  open();
  rig.fill(1, 30);
  rig.log.reset();
  const std::vector<std::string> foreign = {"notes.txt",
                                            "1.segment",
                                            "00000000000000000001-0a1b2c3d.segment.damaged",
                                            "00000000000000000001-0A1B2C3D.segment",
                                            "99999999999999999999-0a1b2c3d.segment",
                                            "00000000000000000000-0a1b2c3d.segment",
                                            "00000000000000000001-00000000.segment"};
  for (const std::string& name : foreign) put(name, "mine");
  fs::create_directory(folder + "/sub");
  open();
  LONGS_EQUAL(30, read_all(rig.log.get()).size());
  rig.log->acknowledge(30);
  rig.log.reset();
  for (const std::string& name : foreign) {
    std::string text;
    std::ifstream(folder + "/" + name) >> text;
    STRCMP_EQUAL("mine", text.c_str());
  }
  CHECK(fs::exists(folder + "/sub"));
}

TEST(StoreFolder, WhatBearsASegmentsNameAndIsNoneIsSetAside) {
  open();
  rig.fill(1, 30);
  rig.log.reset();
  fs::create_directory(folder + "/00000000000000000003-0a1b2c3d.segment");
  put("00000000000000000099-0a1b2c3d.segment", std::string(1000, 'x'));
  open();
  LONGS_EQUAL(30, read_all(rig.log.get()).size());
  LONGS_EQUAL(2, rig.counters().set_aside);
  CHECK(fs::exists(folder + "/00000000000000000003-0a1b2c3d.segment.damaged"));
  CHECK(fs::exists(folder + "/00000000000000000099-0a1b2c3d.segment.damaged"));
  STRCMP_CONTAINS("look at it and delete it", news().c_str());
  // No number that may have been given is given again.
  CHECK(rig.append("x").last >= 31);
  LONGS_EQUAL(31, read_all(rig.log.get()).size());
}

TEST(StoreFolder, ASegmentOfANewerFormatStaysAsItIs) {
  open();
  rig.fill(1, 30);
  rig.log.reset();
  store::SegmentHeader header;
  header.version = 2;
  header.mark = 7;
  header.first = 31;
  header.after = 30;
  std::uint8_t head[store::kHeaderBytes];
  store::encode(header, head);
  const std::string name = store::text_of(store::SegmentName{31, 7});
  put(name, std::string(reinterpret_cast<const char*>(head), sizeof head) + std::string(320, 'x'));
  open();
  STRCMP_CONTAINS("has format 2", news().c_str());
  CHECK(rig.append("x").last > 40);
  LONGS_EQUAL(31, read_all(rig.log.get()).size());
  LONGS_EQUAL(0, rig.counters().damaged);
  rig.log->acknowledge(100);
  rig.log.reset();
  LONGS_EQUAL(384, fs::file_size(folder + "/" + name));
}

TEST(StoreFolder, APositionThatIsNoFileIsRenamed) {
  open();
  rig.fill(1, 30);
  rig.log->acknowledge(5);
  rig.log.reset();
  fs::remove(folder + "/position");
  fs::create_directory(folder + "/position");
  open();
  STRCMP_CONTAINS("cannot read the position", news().c_str());
  CHECK(read_all(rig.log.get()).front().number <= 6);
  rig.log->acknowledge(7);
  open();
  LONGS_EQUAL(8, read_all(rig.log.get()).front().number);
}

TEST(StoreFolder, SegmentsThatSomebodyHasDeletedCostWhatWasInThem) {
  open();
  rig.fill(1, 60);
  auto cursor = rig.log->cursor();
  LONGS_EQUAL(1, cursor.next()->number);
  const auto files = segments();
  fs::remove(files[2]);
  const auto rest = read(&cursor);
  LONGS_EQUAL(60, rest.back().number);
  LONGS_EQUAL(59, rest.size() + rig.counters().damaged);
  CHECK(rig.counters().damaged > 0);
  const std::uint64_t damaged = rig.counters().damaged;
  cursor.rewind();
  read(&cursor);
  LONGS_EQUAL(damaged, rig.counters().damaged);
  open();
  LONGS_EQUAL(60, read_all(rig.log.get()).size() + rig.counters().damaged);
  LONGS_EQUAL(damaged, rig.counters().damaged);
}

// A file may not grow beyond 2000 bytes: what a full disk does, on a real file system.
TEST(StoreFolder, ALimitOfFileSizeIsAnOutcomeAndPasses) {
  Child child([this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{2000, RLIM_INFINITY};
    rig.options.segment_bytes = 1 << 20;
    rig.options.max_bytes = 1 << 22;
    open();
    ::setrlimit(RLIMIT_FSIZE, &small);
    std::uint64_t stored = 0;
    store::Appended last;
    while (stored < 1000 && (last = rig.append(payload_of(stored + 1))).stored == 1) ++stored;
    if (last.outcome != store::Outcome::Failed || last.error != EFBIG || stored < 5) return 1;
    if (read_all(rig.log.get()).size() != stored) return 2;
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &large);
    if (rig.append("room").outcome != store::Outcome::Stored) return 3;
    open();
    const auto records = read_all(rig.log.get());
    if (records.size() != stored + 1 || rig.counters().torn != 0) return 4;
    return records.back().payload == "room" ? 0 : 5;
  });
  LONGS_EQUAL(0, child.status());
}
