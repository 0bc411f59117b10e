// Whether there is memory behind the region: too small a tmpfs, huge pages that cannot be had,
// writers that take pages away. Mounts are made in a namespace of a child process.
#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "rt_core/shm/hugepages.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::shm;
using namespace rise::test;

namespace {

constexpr const char* kPages = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

bool own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool mount_tmpfs(const std::string& at, const char* options) {
  ::mkdir(at.c_str(), 0755);
  return ::mount("rise-test", at.c_str(), "tmpfs", 0, options) == 0;
}

std::string no_mounts() {
  Child child([] { return own_mounts() ? 0 : 1; });
  return child.status() == 0 ? "" : "mounts of one's own need root";
}

std::string no_huge_mounts() {
  const std::string why = no_mounts();
  if (!why.empty()) return why;
  if (::access(kPages, R_OK) != 0) return "this kernel has no huge pages of 2 MiB";
  TempDirectory directory;
  Child child([&] {
    return own_mounts() &&
                   ::mount("h", directory.path().c_str(), "hugetlbfs", 0, "pagesize=2M") == 0
               ? 0
               : 1;
  });
  return child.status() == 0 ? "" : "hugetlbfs cannot be mounted";
}

// In a child of its own mounts: the sentence must hold every one of these.
int holds_all(const std::string& sentence, std::initializer_list<const char*> words) {
  int code = 0;
  for (const char* word : words) {
    ++code;
    if (sentence.find(word) != std::string::npos) continue;
    std::printf("\n\"%s\" is not in: %s\n", word, sentence.c_str());
    return 100 + code;
  }
  return 0;
}

}  // namespace

TEST_GROUP(ShmRegionMemory) {
  TempDirectory directory;
  RegionPlan plan = small_plan(directory.path());
  std::string in = in_path(directory.path(), "unit");
};

TEST_WHEN(no_mounts(), ShmRegionMemory, TooSmallAFolderIsAFailureOfTheStart) {
  Child child([&] {
    const std::string small = directory.path() + "/small";
    if (!own_mounts() || !mount_tmpfs(small, "size=256k")) return 1;
    plan.directory = small;
    plan.lanes[0].telemetry_frames = 4096;
    const std::string error = error_of(OwnedRegion::create(plan));
    if (!std::filesystem::is_empty(small)) return 2;  // what was begun is taken back
    return holds_all(error, {"/rise.unit.out needs ", " MiB, but ", small.c_str(),
                             " free of 0.2 MiB", "mount -o remount,size=", "history_s"});
  });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(no_mounts(), ShmRegionMemory, AFolderThatFillsUpLaterIsNoHarm) {
  Child child([&] {
    die_quietly_of(SIGBUS);
    const std::string small = directory.path() + "/small";
    if (!own_mounts() || !mount_tmpfs(small, "size=16m")) return 1;
    plan.directory = small;
    const OwnedRegion region = make_region(plan);
    if (region.out_bytes() == 0) return 2;
    std::ofstream hog(small + "/hog");
    for (int i = 0; i < 64 && hog; ++i) hog << std::string(1 << 20, 'x') << std::flush;
    if (hog) return 3;
    rise::message::TelemetryFrame one;
    Outlet outlet(region, 0);
    for (int i = 0; i < 100; ++i) outlet.frame(&one);
    region.control()->stop_word = 1;
    return 0;
  });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(no_huge_mounts(), ShmRegionMemory, HugePagesThatCannotBeHadAreReplacedAndNamed) {
  Child child([&] {
    const std::string huge = directory.path() + "/huge";
    const std::string counter = directory.path() + "/nr_hugepages";
    ::mkdir(huge.c_str(), 0755);
    std::ofstream(counter) << "100\n";
    // The machine seems to have pages, but all of them are taken.
    if (!own_mounts() || ::mount(counter.c_str(), kPages, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("h", huge.c_str(), "hugetlbfs", 0, "pagesize=2M,size=0") != 0) {
      return 1;
    }
    plan.use_hugepages = true;
    const OwnedRegion region = make_region(plan);
    if (region.out_bytes() == 0) return 2;
    if (region.hugepages() || !region.out_path().starts_with(directory.path() + "/rise.")) return 3;
    if (!std::filesystem::is_empty(huge)) return 4;
    if (!attach("unit", Access::ReadOnly, directory.path())) return 5;
    return holds_all(region.hugepages_refused(), {"/rise.unit.out", "MiB"});
  });
  LONGS_EQUAL(0, child.status());
}

TEST_WHEN(no_huge_mounts(), ShmRegionMemory, AMachineWithoutHugePagesIsNotComplainedOf) {
  Child child([&] {
    const std::string counter = directory.path() + "/nr_hugepages";
    std::ofstream(counter) << "0\n";
    if (!own_mounts() || ::mount(counter.c_str(), kPages, nullptr, MS_BIND, nullptr) != 0) return 1;
    plan.use_hugepages = true;
    const OwnedRegion region = make_region(plan);
    if (region.out_bytes() == 0) return 2;
    return region.hugepages() || !region.hugepages_refused().empty() ? 3 : 0;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(ShmRegionMemory, CuttingGrowingAndHolesInTheInFileAreSeen) {
  const OwnedRegion region = make_region(plan);
  const auto bytes = static_cast<off_t>(region.in_bytes());
  CHECK(region.input_intact());
  const int fd = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
  LONGS_EQUAL(0, ::ftruncate(fd, bytes + 4096));
  CHECK(!region.input_intact());
  LONGS_EQUAL(0, ::ftruncate(fd, bytes));
  CHECK(region.input_intact());
  LONGS_EQUAL(0, ::ftruncate(fd, 4096));
  CHECK(!region.input_intact());
  LONGS_EQUAL(0, ::ftruncate(fd, bytes));  // the size is right again, the pages are gone
  CHECK(!region.input_intact());
  ::close(fd);
}

TEST(ShmRegionMemory, AHoleInTheInFileIsSeen) {
  const OwnedRegion region = make_region(plan);
  const int fd = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
  const int rc = ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096);
  ::close(fd);
  if (rc != 0) return;  // a file system that knows no holes
  CHECK(!region.input_intact());
}

TEST(ShmRegionMemory, UseOfTheInFileIsNoDamage) {
  const OwnedRegion region = make_region(plan);
  auto other = attach("unit", Access::ReadWrite, directory.path());
  CHECK_OK(other);
  other->control()->stop_word = 1;
  for (ReaderSlot& slot : other->readers()) slot.frames = 1;
  CHECK(region.input_intact());
}
