#include "rt_core/shm/reader.hpp"

#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <deque>

#include "rt_core/random.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;
using rise::Result;

TEST_GROUP(ShmReader) {
  TempDirectory directory;
  OwnedRegion owner = make_region(small_plan(directory.path(), 2));
  std::deque<Outlet> outlets;
  Region region;
  std::uint64_t published[2] = {};

  void setup() override {
    outlets.emplace_back(owner, 0);
    outlets.emplace_back(owner, 1);
    auto attached = attach("unit", Access::ReadWrite, directory.path());
    if (attached) region = std::move(*attached);
  }
  void publish(std::size_t count, std::uint32_t lane = 0) {
    for (std::size_t i = 0; i < count; ++i) {
      message::TelemetryFrame one = frame(++published[lane]);
      outlets[lane].frame(&one);
    }
  }
  void tell(std::int32_t code) {
    Event event;
    event.kind = message::EventKind::Notice;
    event.code = code;
    outlets[0].event(event);
  }
  Reader open(const std::string& name, Start start = Start::Oldest) {
    Result<Reader> reader = Reader::open(region, name, start);
    CHECK_OK(reader);
    return std::move(*reader);
  }
  std::string open_error(const std::string& name) {
    return error_of(Reader::open(region, name, Start::Oldest));
  }
  // The numbers of the frames that come.
  std::vector<std::uint64_t> sequences(Reader * reader) {
    std::vector<std::uint64_t> all;
    for (const auto& one : drain<message::TelemetryFrame>(reader)) all.push_back(one.sequence());
    return all;
  }
};

TEST(ShmReader, NewestSeesOnlyWhatComesOldestAlsoWhatIsHeld) {
  publish(5);
  tell(1);
  Reader newest = open("", Start::Newest);
  Reader oldest = open("", Start::Oldest);
  LONGS_EQUAL(0, sequences(&newest).size());
  LONGS_EQUAL(0, drain<message::MachineEvent>(&newest).size());
  LONGS_EQUAL(5, sequences(&oldest).size());
  LONGS_EQUAL(1, drain<message::MachineEvent>(&oldest).size());
  publish(1);
  LONGS_EQUAL(6, sequences(&newest).at(0));
  LONGS_EQUAL(6, sequences(&oldest).at(0));
}

TEST(ShmReader, OldestAfterAnOverflowBeginsWithTheHeadStartAndCountsNothingLost) {
  publish(100);
  Reader reader = open("");
  const auto all = sequences(&reader);
  LONGS_EQUAL(12, all.size());  // three quarters of the ring
  LONGS_EQUAL(89, all.front());
  LONGS_EQUAL(0, reader.lost());  // it did not exist when the others were there
}

TEST(ShmReader, LanesComeInTurn) {
  publish(3, 0);
  publish(3, 1);
  Reader reader = open("");
  message::TelemetryFrame one;
  for (std::uint32_t i = 0; i < 6; ++i) {
    std::uint32_t lane = 9;
    CHECK(reader.next(&one, &lane));
    LONGS_EQUAL(i % 2, lane);
    LONGS_EQUAL(i / 2 + 1, one.sequence());
  }
  CHECK(!reader.next(&one));
  publish(2, 1);  // a lane alone does not wait for the other
  CHECK(reader.next(&one));
  CHECK(reader.next(&one));
  LONGS_EQUAL(8, reader.frames());
}

TEST(ShmReader, ABusyLaneDoesNotStarveTheOther) {
  Reader reader = open("");
  message::TelemetryFrame one;
  publish(1, 1);
  int until_other = 0;
  for (std::uint32_t lane = 0; lane != 1 && until_other < 10; ++until_other) {
    publish(4, 0);
    CHECK(reader.next(&one, &lane));
  }
  CHECK(until_other <= 2);
}

TEST(ShmReader, ANameNeedsWriting) {
  auto looking = attach("unit", Access::ReadOnly, directory.path());
  STRCMP_EQUAL("", error_of(Reader::open(*looking, "", Start::Oldest)).c_str());
  STRCMP_CONTAINS("needs a region attached for writing",
                  error_of(Reader::open(*looking, "r", Start::Oldest)).c_str());
}

TEST(ShmReader, NamesHaveAtMost31Bytes) {
  open(std::string(31, 'n'));
  STRCMP_CONTAINS("is too long", open_error(std::string(32, 'n')).c_str());
}

TEST(ShmReader, ANamedReaderResumesExactlyWhereTheDeadOneHadCommitted) {
  publish(10);
  for (int i = 0; i < 6; ++i) tell(i);
  message::CommandResult result;
  for (std::uint64_t i = 0; i < 4; ++i) {
    result.mutate_sequence(i);
    outlets[0].result(&result);
  }
  Child first([&] {
    auto mine = attach("unit", Access::ReadWrite, directory.path());
    auto reader = Reader::open(*mine, "r", Start::Oldest);
    if (!reader || reader->resumed()) return 1;
    message::TelemetryFrame one;
    message::MachineEvent event;
    message::CommandResult answer;
    for (int i = 0; i < 5; ++i) {
      if (!reader->next(&one)) return 2;
    }
    for (int i = 0; i < 2; ++i) {
      if (!reader->next(&event)) return 3;
    }
    if (!reader->next(&answer)) return 4;
    reader->commit();
    for (int i = 0; i < 3; ++i) {  // read, but not done with
      if (!reader->next(&one) || !reader->next(&event) || !reader->next(&answer)) return 5;
    }
    ::raise(SIGKILL);
    return 6;
  });
  LONGS_EQUAL(1000 + SIGKILL, first.status());
  Reader second = open("r", Start::Newest);  // the start counts for new names only
  CHECK(second.resumed());
  LONGS_EQUAL(5, second.frames());
  message::TelemetryFrame one;
  CHECK(second.next(&one));
  LONGS_EQUAL(6, one.sequence());
  message::MachineEvent event;
  CHECK(second.next(&event));
  LONGS_EQUAL(2, event.code());
  message::CommandResult answer;
  CHECK(second.next(&answer));
  LONGS_EQUAL(1, answer.sequence());
  LONGS_EQUAL(6, second.frames());
  LONGS_EQUAL(2, region.readers()[0].attachments);
}

TEST(ShmReader, WhatWasLostWhileNobodyReadIsCountedExactly) {
  publish(10);
  Child first([&] {
    auto mine = attach("unit", Access::ReadWrite, directory.path());
    auto reader = Reader::open(*mine, "r", Start::Oldest);
    message::TelemetryFrame one;
    for (int i = 0; i < 10; ++i) {
      if (!reader || !reader->next(&one)) return 1;
    }
    reader->commit();
    return 0;
  });
  LONGS_EQUAL(0, first.status());
  publish(40);
  Reader second = open("r");
  const auto all = sequences(&second);
  LONGS_EQUAL(12, all.size());
  LONGS_EQUAL(39, all.front());
  LONGS_EQUAL(28, second.lost());
  LONGS_EQUAL(50, second.frames() + second.lost());
  second.commit();
  LONGS_EQUAL(28, region.readers()[0].lost);
  LONGS_EQUAL(22, region.readers()[0].frames);
}

TEST(ShmReader, CountsStayExactThroughAnyPace) {
  Reader reader = open("r");
  std::uint64_t random = 5;
  message::TelemetryFrame one;
  std::uint64_t last[2] = {};
  for (int round = 0; round < 3000; ++round) {
    publish(rise::next_random(&random) % 20, 0);
    publish(rise::next_random(&random) % 5, 1);
    std::uint32_t lane = 0;
    for (auto n = rise::next_random(&random) % 25; n > 0 && reader.next(&one, &lane); --n) {
      CHECK(one.sequence() > last[lane]);
      last[lane] = one.sequence();
    }
  }
  sequences(&reader);
  CHECK(reader.lost() > 0);
  LONGS_EQUAL(published[0] + published[1], reader.frames() + reader.lost());
}

TEST(ShmReader, TwoLivingReadersCannotShareAName) {
  Signal opened;
  Child other([&] {
    auto mine = attach("unit", Access::ReadWrite, directory.path());
    auto reader = Reader::open(*mine, "r", Start::Oldest);
    if (!reader) return 1;
    opened.raise();
    ::pause();
    return 2;
  });
  CHECK(opened.wait());
  const std::string error = open_error("r");
  STRCMP_CONTAINS("reader \"r\" is already running", error.c_str());
  STRCMP_CONTAINS(("pid " + std::to_string(other.pid())).c_str(), error.c_str());
  open("r2");
  other.kill(SIGKILL);
  other.status();
  CHECK(open("r").resumed());
}

TEST(ShmReader, WhenAllPlacesAreTakenTheirHoldersAreNamed) {
  std::deque<Reader> readers;
  for (std::size_t i = 0; i < kMaxReaders; ++i) {
    readers.push_back(open("reader-" + std::to_string(i)));
  }
  const std::string error = open_error("one-more");
  STRCMP_CONTAINS("all 16 reader places are taken by:", error.c_str());
  for (std::size_t i = 0; i < kMaxReaders; ++i) {
    STRCMP_CONTAINS((" reader-" + std::to_string(i)).c_str(), error.c_str());
  }
  open("");  // without a name nobody needs a place
  readers[7].release();
  open("one-more");
}

TEST(ShmReader, ReleaseForgetsThePosition) {
  publish(8);
  Reader first = open("r");
  LONGS_EQUAL(8, sequences(&first).size());
  first.commit();
  first.release();
  first.commit();  // has no place any more: no effect
  CHECK(region.readers()[0].name[0] == '\0');
  Reader second = open("r");
  CHECK(!second.resumed());
  LONGS_EQUAL(0, second.frames());
  LONGS_EQUAL(8, sequences(&second).size());
}

TEST(ShmReader, ACursorBeyondTheHeadIsDamageAndIsReplaced) {
  publish(8);
  {
    Reader first = open("r");
    sequences(&first);
    first.commit();
  }
  ReaderSlot& slot = region.readers()[0];
  slot.pid = 0;  // as if its process had died
  slot.telemetry[0] = 1'000'000;
  slot.events[0] = ~Word{0};
  tell(3);
  Reader second = open("r");
  CHECK(second.resumed());
  LONGS_EQUAL(8, sequences(&second).size());
  LONGS_EQUAL(1, drain<message::MachineEvent>(&second).size());
}

TEST(ShmReader, ADamagedTableOfReadersIsSurvived) {
  for (ReaderSlot& slot : region.readers()) std::memset(&slot, 0xff, sizeof slot);
  STRCMP_CONTAINS("places are taken", open_error("r").c_str());
  Reader unnamed = open("");
  publish(1);
  LONGS_EQUAL(1, sequences(&unnamed).size());
}
