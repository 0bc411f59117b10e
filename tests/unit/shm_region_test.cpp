#include "rt_core/shm/region.hpp"

#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;

namespace {

RegionHeader header_of(const std::string& path) {
  RegionHeader header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  return header;
}

void check_sections(const std::string& path, std::uint64_t magic, std::size_t expected) {
  const RegionHeader header = header_of(path);
  CHECK(header.magic == magic);
  LONGS_EQUAL(std::filesystem::file_size(path), header.total_bytes);
  LONGS_EQUAL(expected, header.section_count);
  std::vector<Section> sections(header.sections, header.sections + header.section_count);
  std::sort(sections.begin(), sections.end(),
            [](const Section& a, const Section& b) { return a.offset < b.offset; });
  std::uint64_t end = sizeof(RegionHeader);
  for (const Section& section : sections) {
    LONGS_EQUAL(0, section.offset % kSectionAlign);
    CHECK(section.offset >= end);
    end = section.offset + section.bytes;
  }
  CHECK(end <= header.total_bytes);
}

}  // namespace

TEST_GROUP(ShmRegion) {
  TempDirectory directory;
  RegionPlan plan = small_plan(directory.path(), 2);
  OwnedRegion region = make_region(plan);
  std::string in = in_path(directory.path(), "unit");

  template <class Change>
  void patch_in_header(Change && change) {
    auto writer = attach("unit", Access::ReadWrite, directory.path());
    CHECK_OK(writer);
    change(writer->in().header());
  }
};

TEST(ShmRegion, SectionsOfBothFilesAreAlignedAndDoNotOverlap) {
  check_sections(region.out_path(), kOutMagic, 8 + 2 * 5);
  check_sections(in, kInMagic, 2 + 2);
}

TEST(ShmRegion, TablesHaveTheirSizesAndAreZero) {
  LONGS_EQUAL(2, region.lane_count());
  LONGS_EQUAL(2, region.table<message::CoreHealth>(SectionKind::Lanes).size());
  LONGS_EQUAL(2, region.table<message::MachineEntry>(SectionKind::Machines).size());
  LONGS_EQUAL(2, region.table<message::DriverHealth>(SectionKind::Drivers).size());
  LONGS_EQUAL(3, region.table<message::SignalEntry>(SectionKind::Signals).size());
  LONGS_EQUAL(2, region.table<message::OutputEntry>(SectionKind::Outputs).size());
  LONGS_EQUAL(kMaxReaders, region.readers().size());
  const auto health = region.table<message::CoreHealth>(SectionKind::Lanes);
  const auto* bytes = reinterpret_cast<const char*>(health.data());
  CHECK(std::all_of(bytes, bytes + health.size_bytes(), [](char c) { return c == 0; }));
  CHECK(region.table<message::CoreHealth>(SectionKind::None).empty());
}

TEST(ShmRegion, CellsEndWhereTheirTableEnds) {
  std::size_t words = 0;
  CHECK(region.cell(SectionKind::States, 0, &words) != nullptr);
  LONGS_EQUAL(sizeof(message::MachineState) / 8, words);
  Word* first = region.cell(SectionKind::Texts, 0, &words);
  LONGS_EQUAL(sizeof(message::TextState) / 8, words);
  Word* second = region.cell(SectionKind::Texts, 1, &words);
  LONGS_EQUAL(1 + sizeof(message::TextState) / 8, second - first);
  CHECK(region.cell(SectionKind::States, 2, &words) == nullptr);
  CHECK(region.cell(SectionKind::Texts, 2, &words) == nullptr);
  CHECK(region.cell(SectionKind::Control, 0, &words) == nullptr);
}

TEST(ShmRegion, RingsAreRoundedUpToPowersOfTwo) {
  plan = small_plan(directory.path());
  plan.name = "rounded";
  plan.lanes[0].telemetry_frames = 17;
  plan.lanes[0].events = 0;
  plan.lanes[0].results = 64;
  plan.lanes[0].commands = 1;
  const OwnedRegion rounded = make_region(plan);
  RingShape shape;
  CHECK(rounded.ring(SectionKind::Telemetry, 0, &shape) != nullptr);
  LONGS_EQUAL(32, shape.capacity);
  LONGS_EQUAL(sizeof(message::TelemetryFrame) / 8, shape.payload_words);
  CHECK(rounded.ring(SectionKind::Events, 0, &shape) != nullptr);
  LONGS_EQUAL(2, shape.capacity);
  CHECK(rounded.ring(SectionKind::Results, 0, &shape) != nullptr);
  LONGS_EQUAL(64, shape.capacity);
  CHECK(rounded.ring(SectionKind::Flight, 0, &shape) != nullptr);
  LONGS_EQUAL(8, shape.capacity);
  LONGS_EQUAL(8, shape.payload_words);
  CHECK(rounded.commands(0, &shape) != nullptr);
  LONGS_EQUAL(2, shape.capacity);
  LONGS_EQUAL(sizeof(message::Command) / 8, shape.payload_words);
}

TEST(ShmRegion, EachLaneHasItsOwnRingsAndNoOther) {
  RingShape shape;
  CHECK(region.ring(SectionKind::Telemetry, 0, &shape) !=
        region.ring(SectionKind::Telemetry, 1, &shape));
  CHECK(region.commands(0, &shape) != region.commands(1, &shape));
  CHECK(region.ring(SectionKind::Telemetry, 2, &shape) == nullptr);
  CHECK(region.commands(2, &shape) == nullptr);
  CHECK(region.ring(SectionKind::Commands, 0, &shape) == nullptr);  // not in `out`
}

TEST(ShmRegion, ReadersSeeWhoTheCoreIsAndItsState) {
  auto reader = attach("unit", Access::ReadOnly, directory.path());
  CHECK_OK(reader);
  LONGS_EQUAL(::getpid(), reader->core_pid());
  CHECK(reader->core_alive());
  CHECK(reader->state() == RegionState::Starting);
  region.set_state(RegionState::Running);
  CHECK(reader->state() == RegionState::Running);
  CHECK(!reader->writable());
  CHECK(attach("unit", Access::ReadWrite, directory.path())->writable());
}

TEST(ShmRegion, ATableThatIsChangedLaterHasNoEffect) {
  auto reader = attach("unit", Access::ReadOnly, directory.path());
  CHECK_OK(reader);
  const ControlBlock* control = region.control();
  const ControlBlock* read_control = reader->control();
  RingShape shape;
  const Word* commands = region.commands(1, &shape);
  // A writer of `in` turns every offset, size and count into nonsense.
  auto writer = attach("unit", Access::ReadWrite, directory.path());
  RegionHeader* header = writer->in().header();
  for (Section& section : header->sections) {
    section = {SectionKind::Commands, 0, 0x4141'4140, ~0u, 1u << 30, 1u << 30};
  }
  header->section_count = ~0u;
  header->lane_count = ~0u;
  header->total_bytes = ~0u;
  POINTERS_EQUAL(control, region.control());
  POINTERS_EQUAL(read_control, reader->control());
  LONGS_EQUAL(kMaxReaders, region.readers().size());
  LONGS_EQUAL(kMaxReaders, reader->readers().size());
  RingShape after;
  POINTERS_EQUAL(commands, region.commands(1, &after));
  LONGS_EQUAL(shape.capacity, after.capacity);
  LONGS_EQUAL(shape.payload_words, after.payload_words);
  LONGS_EQUAL(2, region.lane_count());
  CHECK(region.commands(2, &after) == nullptr);
}

TEST(ShmRegion, FilesOfTwoCoresAreNotTakenTogether) {
  patch_in_header([](RegionHeader* header) { ++header->core_pid; });
  STRCMP_CONTAINS("are not of the same core",
                  error_of(attach("unit", Access::ReadOnly, directory.path())).c_str());
}

TEST(ShmRegion, WhatOneSideWritesTheOtherReads) {
  auto other = attach("unit", Access::ReadWrite, directory.path());
  CHECK_OK(other);
  other->control()->stop_word = 7;
  LONGS_EQUAL(7, region.control()->stop_word);
  region.table<message::MachineEntry>(SectionKind::Machines)[1].mutate_lane(9);
  LONGS_EQUAL(9, other->table<message::MachineEntry>(SectionKind::Machines)[1].lane());
}

TEST(ShmRegion, NobodyButTheCoreCanWriteOut) {
  Child child([&] {
    die_quietly_of(SIGSEGV);
    auto other = attach("unit", Access::ReadWrite, directory.path());
    if (!other) return 1;
    other->table<message::MachineEntry>(SectionKind::Machines)[0].mutate_lane(1);
    return 0;
  });
  LONGS_EQUAL(1000 + SIGSEGV, child.status());
}

TEST(ShmRegion, ReadOnlyMeansThatNothingCanBeWritten) {
  Child child([&] {
    die_quietly_of(SIGSEGV);
    auto other = attach("unit", Access::ReadOnly, directory.path());
    if (!other) return 1;
    Hardware::store(&other->control()->stop_word, 1, std::memory_order_relaxed);
    return 0;
  });
  LONGS_EQUAL(1000 + SIGSEGV, child.status());
  LONGS_EQUAL(0, region.control()->stop_word);
}

TEST_GROUP(ShmRegionName){};

TEST(ShmRegionName, OnlyPlainNamesAreTaken) {
  for (const char* good : {"a", "rise", "rise-2", "0", "-", "abcdefghijklmnopqrstuvwxyz012345"}) {
    STRCMP_EQUAL("", name_fault(good).c_str());
  }
  for (const char* bad : {"", "Rise", "a/b", "..", "a.b", "a b", "\xc3\xa4", "a_b",
                          "abcdefghijklmnopqrstuvwxyz0123456"}) {
    STRCMP_CONTAINS("use 1 to 32 of a-z, 0-9 and '-'", name_fault(bad).c_str());
  }
}

TEST(ShmRegionName, NeitherSideTakesABadName) {
  TempDirectory directory;
  RegionPlan plan = small_plan(directory.path());
  plan.name = "../unit";
  STRCMP_CONTAINS("region name \"../unit\"", error_of(OwnedRegion::create(plan)).c_str());
  STRCMP_CONTAINS("region name \"../unit\"",
                  error_of(attach("../unit", Access::ReadOnly, directory.path())).c_str());
  LONGS_EQUAL(0, directory.files());
}
