// Disks that are full or broken.
#include <chrono>
#include <thread>

#include "tests/plugins/store_rig.hpp"

using namespace rise;
using namespace rise::test;
using store::Outcome;
using Operation = Medium::Operation;

TEST_GROUP(StoreFaults) {
  StoreRig rig;

  void fail(Operation which, int error, int times = 1) {
    rig.medium->fault = [=, left = times](Operation operation, const std::string& name) mutable {
      if (operation != which || name == "position" || left == 0) return 0;
      --left;
      return error;
    };
  }
  // All of them, and nothing else, now and after a restart.
  void check(const std::vector<std::string>& expected) {
    for (const bool restarted : {false, true}) {
      if (restarted) {
        rig.medium->fault = nullptr;
        rig.kill();
        rig.open();
      }
      const auto records = read_all(rig.log.get());
      LONGS_EQUAL(expected.size(), records.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        STRCMP_EQUAL(expected[i].c_str(), records[i].payload.c_str());
      }
      LONGS_EQUAL(0, rig.counters().damaged);
    }
  }
};

TEST(StoreFaults, AFullDiskIsAnOutcomeAndPasses) {
  // At whatever byte it is full.
  for (std::uint64_t more = 0; more < 700; more += 3) {
    rig.log.reset();
    rig.medium = std::make_shared<Medium>();
    rig.open();
    rig.fill(1, 3);
    rig.medium->capacity = rig.medium->used() + more;
    std::vector<std::string> stored = {payload_of(1), payload_of(2), payload_of(3)};
    store::Appended appended;
    while ((appended = rig.append(payload_of(stored.size() + 1))).stored == 1) {
      stored.push_back(payload_of(stored.size() + 1));
    }
    CHECK(appended.outcome == Outcome::Failed);
    LONGS_EQUAL(ENOSPC, appended.error);
    LONGS_EQUAL(1, rig.counters().failed);
    CHECK(rig.append(payload_of(99)).outcome == Outcome::Failed || more != 0);
    rig.medium->capacity = UINT64_MAX;
    rig.log->acknowledge(1);
    stored.erase(stored.begin());
    const auto all = read_all(rig.log.get());
    CHECK(all.size() >= stored.size());
    rig.append("room again");
    auto expected = stored;
    if (all.size() > stored.size()) expected.push_back(payload_of(99));
    expected.push_back("room again");
    check(expected);
  }
}

TEST(StoreFaults, AWriteThatFailsLeavesNothingBehind) {
  rig.open();
  rig.fill(1, 3);
  fail(Operation::Write, EIO);
  CHECK(rig.append("lost").outcome == Outcome::Failed);
  rig.append("kept");
  check({payload_of(1), payload_of(2), payload_of(3), "kept"});
}

// What could not be written cannot be cut off either: the file is left, and its end not believed.
TEST(StoreFaults, AWriteThatFailsAndCannotBeTakenBack) {
  for (const int operations : {2, 3, 4}) {
    rig.log.reset();
    rig.medium = std::make_shared<Medium>();
    rig.open();
    rig.fill(1, 3);
    int left = operations;
    rig.medium->fault = [&](Operation operation, const std::string& name) {
      const bool which = operation == Operation::Write || operation == Operation::Truncate ||
                         operation == Operation::Create;
      if (!which || name == "position" || left == 0) return 0;
      --left;
      return EIO;
    };
    std::vector<std::string> expected = {payload_of(1), payload_of(2), payload_of(3)};
    for (int i = 0; i < 8; ++i) {
      const std::string text = "try " + std::to_string(i);
      if (rig.append(text).stored == 1) expected.push_back(text);
    }
    CHECK(expected.size() >= 8);
    check(expected);
  }
}

TEST(StoreFaults, ASyncThatFailsIsToldAndTheFileIsLeft) {
  rig.options.sync = store::Sync::Always;
  rig.open();
  rig.fill(1, 3);
  const std::size_t files = rig.medium->segments().size();
  fail(Operation::Sync, EIO);
  const store::Appended appended = rig.append("lost");
  CHECK(appended.outcome == Outcome::Failed);
  LONGS_EQUAL(EIO, appended.error);
  rig.append("kept");
  LONGS_EQUAL(files + 1, rig.medium->segments().size());
  check({payload_of(1), payload_of(2), payload_of(3), "kept"});
}

TEST(StoreFaults, ASyncThatFailsLaterIsCountedAndTold) {
  rig.options.sync = store::Sync::Every;
  rig.options.sync_ms = 1;
  rig.open();
  fail(Operation::Sync, EIO);
  rig.fill(1, 1);
  while (rig.counters().sync_failures == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string news;
  for (const std::string& line : rig.log->take_news()) news += line;
  STRCMP_CONTAINS("cannot be written to the medium", news.c_str());
  rig.fill(2, 2);
  LONGS_EQUAL(2, rig.medium->segments().size());
  check({payload_of(1), payload_of(2)});
}

TEST(StoreFaults, APositionThatCannotBeWrittenCostsRepetitionOnly) {
  rig.open();
  rig.fill(1, 10);
  rig.log->acknowledge(2);
  rig.medium->fault = [](Operation operation, const std::string& name) {
    return operation == Operation::Write && name == "position" ? EIO : 0;
  };
  rig.log->acknowledge(4);
  LONGS_EQUAL(1, rig.counters().other_failures);
  LONGS_EQUAL(5, read_all(rig.log.get()).front().number);
  rig.kill();
  rig.open();
  LONGS_EQUAL(3, read_all(rig.log.get()).front().number);
  rig.log->acknowledge(4);
  rig.kill();
  rig.open();
  LONGS_EQUAL(5, read_all(rig.log.get()).front().number);
}

TEST(StoreFaults, ABadSectorCostsItsPageAndNotTheSegment) {
  rig.options.segment_bytes = 1 << 20;
  rig.options.max_bytes = 1 << 22;
  rig.open();
  rig.fill(1, 2000);
  const std::string name = rig.medium->segments().front();
  const std::size_t size = rig.medium->content(name).size();
  CHECK(size > 100'000);
  // Reading a page of it fails, and with it every larger read that touches it.
  const auto cursor_over = [&](std::uint64_t bad_page) {
    auto calls = std::make_shared<int>(0);
    rig.medium->fault = [calls, bad_page](Operation operation, const std::string&) {
      if (operation != Operation::Read) return 0;
      // The first is the window; then page by page.
      const int call = (*calls)++;
      return call == 0 || call == static_cast<int>(bad_page) + 1 ? EIO : 0;
    };
    auto records = read_all(rig.log.get());
    rig.medium->fault = nullptr;
    return records;
  };
  const auto records = cursor_over(10);
  const std::uint64_t damaged = rig.counters().damaged;
  LONGS_EQUAL(2000, records.size() + damaged);
  CHECK(damaged > 10 && damaged < 100);
  std::string news;
  for (const std::string& line : rig.log->take_news()) news += line;
  STRCMP_CONTAINS("cannot be read in places", news.c_str());
}

TEST(StoreFaults, ASegmentThatCannotBeOpenedIsSetAsideAndNotDeleted) {
  rig.open();
  rig.fill(1, 40);
  const std::string name = rig.medium->segments().at(2);
  const Content content = rig.medium->content(name);
  rig.medium->fault = [&](Operation operation, const std::string& which) {
    return operation == Operation::Open && which == name ? EACCES : 0;
  };
  const auto records = read_all(rig.log.get());
  CHECK(records.size() < 40);
  LONGS_EQUAL(40, records.size() + rig.counters().damaged);
  LONGS_EQUAL(1, rig.counters().set_aside);
  STRCMP_CONTAINS("cannot be opened", rig.log->take_news().at(0).c_str());
  rig.log->acknowledge(40);
  CHECK(rig.medium->content(name + ".damaged") == content);
  LONGS_EQUAL(0, rig.counters().other_failures);
  LONGS_EQUAL(0, rig.log->status().depth.records);
}

// Nothing comes behind it by whose number it could be acknowledged.
TEST(StoreFaults, ALossAtTheEndNeedsNoAcknowledgement) {
  rig.open();
  std::uint64_t last = 0;
  // Until a segment has been begun in which nothing could be written.
  while (rig.medium->segments().size() < 2) {
    int writes = 0;
    rig.medium->fault = [&](Operation operation, const std::string&) {
      return operation == Operation::Write && ++writes == 2 ? EIO : 0;
    };
    last += rig.append(payload_of(last + 1)).stored;
  }
  rig.medium->fault = nullptr;
  Content& sealed = rig.medium->content(rig.medium->segments().front());
  sealed[sealed.size() - 16] ^= 1;
  auto cursor = rig.log->cursor();
  LONGS_EQUAL(last - 1, read(&cursor).size());
  LONGS_EQUAL(1, rig.counters().damaged);
  rig.log->acknowledge(last - 1);
  LONGS_EQUAL(0, rig.log->status().depth.records);
}

TEST(StoreFaults, TooManyOpenFilesIsNoDamage) {
  rig.open();
  rig.fill(1, 40);
  auto cursor = rig.log->cursor();
  fail(Operation::Open, EMFILE, 3);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(cursor.next().has_value());
  LONGS_EQUAL(40, read(&cursor).size());
  LONGS_EQUAL(0, rig.counters().damaged);
}
