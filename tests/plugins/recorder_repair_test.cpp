#include "plugins/recorder/repair.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/plugins/mcap_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;

TEST_GROUP(RecorderRepair) {
  McapRig rig;
  std::string out;
  RepairTotals totals;

  Found repaired(const std::string& file) {
    out.clear();
    CHECK(repair(
        bytes_of_text(file),
        [this](std::string_view bytes) {
          out += bytes;
          return true;
        },
        &totals));
    return read_exactly(out);
  }
};

TEST(RecorderRepair, CutOffAnywhereItGivesAWholeFileOfAllWholeChunks) {
  rig.chunks(3);
  rig.writer.finish();
  for (std::size_t length = sizeof kMagic; length < rig.file.size(); ++length) {
    const std::string cut = rig.file.substr(0, length);
    const Found found = repaired(cut);
    CHECK(found.whole);
    CHECK(found.messages == read_exactly(cut).messages);
    CHECK_FALSE(totals.was_whole);
  }
}

TEST(RecorderRepair, WhatIsWholeStaysAsItIs) {
  rig.chunks(3);
  rig.writer.finish();
  const Found found = repaired(rig.file);
  CHECK(found.whole && totals.was_whole);
  CHECK(found.messages == rig.given);
}

TEST(RecorderRepair, ADamagedChunkIsLeftOut) {
  rig.chunks(3);
  rig.writer.finish();
  rig.file[rig.chunk_ends[0] + 60] = static_cast<char>(rig.file[rig.chunk_ends[0] + 60] ^ 1);
  const Found found = repaired(rig.file);
  CHECK(found.whole);
  LONGS_EQUAL(6, found.messages.size());
  CHECK_FALSE(totals.faults.empty());
}

TEST(RecorderRepair, AnOutputThatIsFullIsTold) {
  rig.chunks(3);
  CHECK_FALSE(repair(
      bytes_of_text(rig.file), [](std::string_view) { return false; }, &totals));
}
