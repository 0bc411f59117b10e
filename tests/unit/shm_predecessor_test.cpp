// What a core learns of the one before it.
#include "rt_core/shm/predecessor.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

#include "rt_core/shm/region_layout.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;

TEST_GROUP(ShmPredecessor) {
  TempDirectory directory;
  RegionPlan plan = small_plan(directory.path());
  std::string in = in_path(directory.path(), "unit");
  std::string out = directory.path() + "/rise.unit.out";

  // A core that runs, does `what` with its region, and dies of SIGKILL.
  template <class What>
  void died(What && what) {
    Signal done;
    Child core([&] {
      OwnedRegion region = make_region(plan);
      if (region.out_bytes() == 0) return 1;
      region.set_state(RegionState::Running);
      what(region);
      done.raise();
      ::pause();
      return 2;
    });
    CHECK(done.wait());
    core.kill(SIGKILL);
    LONGS_EQUAL(1000 + SIGKILL, core.status());
  }
  static void nothing(OwnedRegion&) {}
  static void publish(OwnedRegion & region, std::uint16_t machine, message::SafetyState safety) {
    message::MachineState state;
    state.mutate_safety(safety);
    Outlet(region, 0).state(machine, state);
  }
  template <class T>
  void patch(const std::string& path, std::size_t offset, T value) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    LONGS_EQUAL(sizeof value, ::pwrite(fd, &value, sizeof value, static_cast<off_t>(offset)));
    ::close(fd);
  }
};

TEST(ShmPredecessor, TheFirstCoreHasNone) {
  const OwnedRegion region = make_region(plan);
  CHECK(!region.predecessor().unclean);
  CHECK(!region.predecessor().tripped);
  LONGS_EQUAL(0, region.predecessor().stop_word);
}

TEST(ShmPredecessor, AnOrderlyEndLeavesNothingToTell) {
  {
    OwnedRegion region = make_region(plan);
    publish(region, 0, message::SafetyState::Tripped);
    region.control()->stop_word = 1;
  }
  const OwnedRegion region = make_region(plan);
  CHECK(!region.predecessor().unclean);
  CHECK(!region.predecessor().tripped);
  LONGS_EQUAL(0, region.control()->stop_word);
}

TEST(ShmPredecessor, AKilledCoreWasUncleanAndItsStopWordStands) {
  died([](OwnedRegion& region) { region.control()->stop_word = 7; });
  {
    const OwnedRegion region = make_region(plan);
    CHECK(region.predecessor().unclean);
    CHECK(!region.predecessor().tripped);
    LONGS_EQUAL(7, region.predecessor().stop_word);
    LONGS_EQUAL(7, region.control()->stop_word);
  }
  LONGS_EQUAL(0, directory.files());
}

TEST(ShmPredecessor, TheStopWordOutlivesManyDeathsAndAChangeOfTheConfig) {
  died([](OwnedRegion& region) { region.control()->stop_word = 7; });
  died(nothing);
  plan = small_plan(directory.path(), 3);
  plan.machines = 9;
  died(nothing);
  LONGS_EQUAL(7, make_region(plan).control()->stop_word);
}

TEST(ShmPredecessor, ATrippedMachineIsFoundWhicheverItIs) {
  for (const std::uint16_t machine : {std::uint16_t{0}, std::uint16_t{1}}) {
    died([&](OwnedRegion& region) { publish(region, machine, message::SafetyState::Tripped); });
    CHECK(make_region(plan).predecessor().tripped);
    died([&](OwnedRegion& region) { publish(region, machine, message::SafetyState::Armed); });
    CHECK(!make_region(plan).predecessor().tripped);
  }
}

TEST(ShmPredecessor, ACoreThatDiedWhileItEndedWasClean) {
  died([](OwnedRegion& region) { region.set_state(RegionState::Closed); });
  CHECK(!make_region(plan).predecessor().unclean);
}

TEST(ShmPredecessor, InWithoutOutCountsAsUnclean) {
  died([](OwnedRegion& region) { region.control()->stop_word = 3; });
  std::filesystem::remove(out);
  const OwnedRegion region = make_region(plan);
  CHECK(region.predecessor().unclean);
  LONGS_EQUAL(3, region.control()->stop_word);
}

TEST(ShmPredecessor, OutWithoutInCountsAsUnclean) {
  died([](OwnedRegion& region) { region.control()->stop_word = 3; });
  std::filesystem::remove(in);
  const OwnedRegion region = make_region(plan);
  CHECK(region.predecessor().unclean);
  LONGS_EQUAL(0, region.control()->stop_word);
}

TEST(ShmPredecessor, OffsetsInTheInFileAreNotFollowed) {
  died([](OwnedRegion& region) { region.control()->stop_word = 7; });
  RegionHeader header{};
  const int fd = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
  LONGS_EQUAL(sizeof header, ::pread(fd, &header, sizeof header, 0));
  for (Section& section : header.sections) section.offset = ~std::uint64_t{63};
  header.section_count = ~0u;
  LONGS_EQUAL(sizeof header, ::pwrite(fd, &header, sizeof header, 0));
  ::close(fd);
  LONGS_EQUAL(7, make_region(plan).control()->stop_word);
}

TEST(ShmPredecessor, AnotherLayoutOrAShortFileHasNoStopWord) {
  const auto seven = [](OwnedRegion& region) { region.control()->stop_word = 7; };
  died(seven);
  patch(in, offsetof(RegionHeader, version), kRegionVersion + 1);
  LONGS_EQUAL(0, make_region(plan).control()->stop_word);
  died(seven);
  patch(in, offsetof(RegionHeader, header_bytes), std::uint32_t{8});
  LONGS_EQUAL(0, make_region(plan).control()->stop_word);
  died(seven);
  LONGS_EQUAL(0, ::truncate(in.c_str(), kControlOffset + 4));
  const OwnedRegion region = make_region(plan);
  LONGS_EQUAL(0, region.control()->stop_word);
  CHECK(region.predecessor().unclean);
}

TEST(ShmPredecessor, ADamagedOutIsReadWithCare) {
  const auto tripped = [&](OwnedRegion& region) {
    publish(region, 1, message::SafetyState::Tripped);
  };
  const std::size_t states = offsetof(RegionHeader, sections) + 5 * sizeof(Section);
  died(tripped);
  patch(out, states + offsetof(Section, offset), ~std::uint64_t{63});
  CHECK(!make_region(plan).predecessor().tripped);
  died(tripped);
  patch(out, states + offsetof(Section, count), ~std::uint64_t{0});
  CHECK(!make_region(plan).predecessor().tripped);
  died(tripped);
  patch(out, offsetof(RegionHeader, section_count), ~std::uint32_t{0});
  CHECK(make_region(plan).predecessor().tripped);
  died(tripped);
  LONGS_EQUAL(0, ::truncate(out.c_str(), sizeof(RegionHeader)));
  CHECK(make_region(plan).predecessor().unclean);
}

TEST(ShmPredecessor, TheControlBlockLiesWhereItIsLookedFor) {
  const Layout layout = Layout::of_in(plan);
  CHECK(layout.sections().front().kind == SectionKind::Control);
  LONGS_EQUAL(kControlOffset, layout.sections().front().offset);
}

TEST(ShmPredecessor, APipeUnderTheNameDoesNotHoldTheStartUp) {
  LONGS_EQUAL(0, ::mkfifo(in.c_str(), 0600));
  STRCMP_CONTAINS("is not a file; remove it by hand", error_of(OwnedRegion::create(plan)).c_str());
}

TEST(ShmPredecessor, AnInFileThatShrinksAllTheTimeIsNoDanger) {
  died(nothing);
  LONGS_EQUAL(0, ::truncate(in.c_str(), 0));
  Child shrinker([&] {
    for (;;) {
      [[maybe_unused]] const int up = ::truncate(in.c_str(), 1 << 20);
      [[maybe_unused]] const int down = ::truncate(in.c_str(), 0);
    }
    return 0;
  });
  for (int i = 0; i < 2000; ++i) {
    CHECK_OK(look_at_remains(in, {out}));
    // Short, or zeros, or not of this core: a sentence, never a signal.
    CHECK(!attach("unit", Access::ReadOnly, directory.path()));
  }
}
