#include "rt_core/shm/region_owner.hpp"

#include <CppUTest/TestHarness.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;

namespace {

constexpr int kFiles = 3;  // in, out and the lock

// A core that makes the region, publishes one frame, and then does not end properly.
int dying_core(const RegionPlan& plan, Signal* made) {
  OwnedRegion region = make_region(plan);
  if (region.out_bytes() == 0) return 1;
  region.set_state(RegionState::Running);
  Outlet outlet(region, 0);
  message::TelemetryFrame one = frame(1);
  outlet.frame(&one);
  made->raise();
  ::pause();
  ::_exit(2);
}

}  // namespace

TEST_GROUP(ShmRegionOwner) {
  TempDirectory directory;
  RegionPlan plan = small_plan(directory.path());
  std::string in = in_path(directory.path(), "unit");

  // A region whose core was killed; its pid.
  std::uint32_t abandoned() {
    Signal made;
    Child core([&] { return dying_core(plan, &made); });
    CHECK(made.wait());
    core.kill(SIGKILL);
    LONGS_EQUAL(1000 + SIGKILL, core.status());
    return core.pid();
  }
};

TEST(ShmRegionOwner, FilesLiveAsLongAsTheOwner) {
  std::optional<OwnedRegion> region(make_region(plan));
  CHECK(std::filesystem::exists(in));
  CHECK(std::filesystem::exists(region->out_path()));
  LONGS_EQUAL(kFiles, directory.files());
  LONGS_EQUAL(0, region->cleaned_up());
  auto reader = attach("unit", Access::ReadOnly, directory.path());
  region.reset();
  LONGS_EQUAL(0, directory.files());
  CHECK(reader->state() == RegionState::Closed);  // who is still attached knows that it is over
}

TEST(ShmRegionOwner, FilesAreForOwnerAndGroupOnly) {
  const OwnedRegion region = make_region(plan);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(in).permissions() == perms(0660));
  CHECK(std::filesystem::status(region.out_path()).permissions() == perms(0640));
}

TEST(ShmRegionOwner, ASecondCoreOfTheSameNameIsRefusedAndTheFirstIsNamed) {
  const OwnedRegion first = make_region(plan);
  const std::string error = error_of(OwnedRegion::create(plan));
  STRCMP_CONTAINS("already running", error.c_str());
  STRCMP_CONTAINS(("pid " + std::to_string(::getpid())).c_str(), error.c_str());
  STRCMP_EQUAL("", error_of(attach("unit", Access::ReadOnly, directory.path())).c_str());
  CHECK(first.state() == RegionState::Starting);
  plan.name = "unit-2";
  CHECK_OK(OwnedRegion::create(plan));
}

TEST(ShmRegionOwner, ACoreInAnotherProcessIsFoundToo) {
  Signal made;
  Child core([&] { return dying_core(plan, &made); });
  CHECK(made.wait());
  const std::string error = error_of(OwnedRegion::create(plan));
  STRCMP_CONTAINS(("pid " + std::to_string(core.pid())).c_str(), error.c_str());
  CHECK(attach("unit", Access::ReadOnly, directory.path())->core_alive());
}

TEST(ShmRegionOwner, WhatAKilledCoreLeftIsReadableUntilTheNextOneRemovesIt) {
  const std::uint32_t pid = abandoned();
  LONGS_EQUAL(kFiles, directory.files());
  auto stale = attach("unit", Access::ReadWrite, directory.path());
  CHECK_OK(stale);
  LONGS_EQUAL(pid, stale->core_pid());
  CHECK(!stale->core_alive());
  CHECK(stale->state() == RegionState::Running);  // nobody could say otherwise
  LONGS_EQUAL(1, all_frames(*stale).size());

  const OwnedRegion next = make_region(plan);
  LONGS_EQUAL(pid, next.cleaned_up());
  LONGS_EQUAL(kFiles, directory.files());
  CHECK(stale->state() == RegionState::Abandoned);
  LONGS_EQUAL(1, all_frames(*stale).size());  // what it had stays readable
  LONGS_EQUAL(0, all_frames(next).size());
  auto fresh = attach("unit", Access::ReadOnly, directory.path());
  LONGS_EQUAL(::getpid(), fresh->core_pid());
}

TEST(ShmRegionOwner, ACoreThatExitsWithoutCleaningUpIsTheSame) {
  Child core([&]() -> int {
    OwnedRegion region = make_region(plan);
    ::_exit(region.out_bytes() == 0 ? 1 : 0);
  });
  LONGS_EQUAL(0, core.status());
  LONGS_EQUAL(kFiles, directory.files());
  LONGS_EQUAL(core.pid(), make_region(plan).cleaned_up());
  LONGS_EQUAL(0, directory.files());
}

TEST(ShmRegionOwner, ALeftOutFileWithoutItsInFileIsRemovedToo) {
  const std::uint32_t pid = abandoned();
  std::filesystem::remove(in);
  const OwnedRegion next = make_region(plan);
  LONGS_EQUAL(pid, next.cleaned_up());
  LONGS_EQUAL(kFiles, directory.files());
}

TEST(ShmRegionOwner, RubbishUnderTheNameIsReplaced) {
  std::ofstream(in) << "not a region";
  std::ofstream(directory.path() + "/rise.unit.out") << std::string(100'000, '\xff');
  const OwnedRegion region = make_region(plan);
  LONGS_EQUAL(0, region.cleaned_up());
  STRCMP_EQUAL("", error_of(attach("unit", Access::ReadOnly, directory.path())).c_str());
}

TEST(ShmRegionOwner, ALinkIsNotFollowed) {
  const std::string target = directory.path() + "/precious";
  std::ofstream(target) << "precious";
  std::filesystem::create_symlink(target, in);
  const std::string error = error_of(OwnedRegion::create(plan));
  STRCMP_CONTAINS("cannot be opened", error.c_str());
  STRCMP_CONTAINS("remove it by hand", error.c_str());
  LONGS_EQUAL(8, std::filesystem::file_size(target));
}

TEST(ShmRegionOwner, WhatTheInFileNamesAsOutIsLeftAlone) {
  // The `in` file may have been written by anybody: nothing is removed because it says so, not even
  // what has the right name.
  abandoned();
  const std::string folder = directory.path() + "/elsewhere";
  const std::string target = folder + "/rise.unit.out";
  std::filesystem::create_directory(folder);
  std::filesystem::copy(directory.path() + "/rise.unit.out", target);
  std::fstream file(in, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offsetof(RegionHeader, out_path));
  file.write(target.c_str(), static_cast<std::streamsize>(target.size() + 1));
  file.close();
  const OwnedRegion region = make_region(plan);
  CHECK(std::filesystem::exists(target));
}

TEST(ShmRegionOwner, AFolderThatDoesNotExistIsSaidSo) {
  plan.directory = directory.path() + "/none";
  STRCMP_CONTAINS("cannot be created", error_of(OwnedRegion::create(plan)).c_str());
}

TEST(ShmRegionOwner, WithoutHugePagesTheFolderItselfIsUsed) {
  plan.use_hugepages = true;
  const OwnedRegion region = make_region(plan);
  CHECK(region.hugepages() != region.out_path().starts_with(directory.path()));
  CHECK(region.out_bytes() > 0);
}

TEST(ShmRegionOwner, MovingKeepsTheRegion) {
  OwnedRegion first = make_region(plan);
  const std::size_t bytes = first.out_bytes();
  {
    OwnedRegion second = std::move(first);
    LONGS_EQUAL(bytes, second.out_bytes());
    first = std::move(second);
  }
  LONGS_EQUAL(kFiles, directory.files());
  STRCMP_EQUAL("", error_of(attach("unit", Access::ReadOnly, directory.path())).c_str());
}

TEST(ShmRegionOwner, AssigningOverARegionEndsIt) {
  OwnedRegion region = make_region(plan);
  auto reader = attach("unit", Access::ReadOnly, directory.path());
  plan.name = "unit-2";
  region = make_region(plan);
  LONGS_EQUAL(kFiles, directory.files());
  CHECK(reader->state() == RegionState::Closed);
  STRCMP_EQUAL("", error_of(attach("unit-2", Access::ReadOnly, directory.path())).c_str());
  region = OwnedRegion();
  LONGS_EQUAL(0, directory.files());
}
