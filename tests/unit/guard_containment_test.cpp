// The other side may truncate the file that both have mapped. Each case in a process of its own.
#include "rt_core/guard/containment.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::guard;
using namespace rise::test;

namespace {

constexpr std::size_t kBytes = 64 * 1024;

// A file of kBytes full of 'x', mapped. Null: failed.
char* mapped_file(const std::string& path, int* fd) {
  *fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (::ftruncate(*fd, kBytes) != 0) return nullptr;
  void* base = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
  if (base == MAP_FAILED) return nullptr;
  std::memset(base, 'x', kBytes);
  return static_cast<char*>(base);
}

// Takes all mappings that the process may have, so that no further one can be made. False: it could
// not.
bool use_up_mappings() {
  for (int i = 0; i < 400'000; ++i) {
    // Neighbours of the same kind would be merged into one.
    if (::mmap(nullptr, 4096, i % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
               0) == MAP_FAILED) {
      return true;
    }
  }
  return false;
}

std::string many_mappings() {
  long limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  return limit > 0 && limit < 300'000 ? "" : "this machine allows too many mappings";
}

char read_byte(const char* at) { return *static_cast<const volatile char*>(at); }

}  // namespace

TEST_GROUP(GuardContainment) {
  TempDirectory directory;
  std::string path = directory.path() + "/in";
};

TEST(GuardContainment, ATruncatedFileReadsAsZerosAndIsFlagged) {
  Child child([&] {
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    if (read_byte(base + 5000) != 'x' || lost) return 1;
    if (::ftruncate(fd, 0) != 0) return 2;
    if (read_byte(base + 5000) != 0) return 3;
    if (!lost) return 4;
    for (std::size_t i = 0; i < kBytes; i += 512) {
      if (read_byte(base + i) != 0) return 5;
    }
    base[100] = 'y';  // stores go nowhere, and harm nobody
    return read_byte(base + 100) == 'y' ? 0 : 6;
  });
  LONGS_EQUAL(0, child.status());
  LONGS_EQUAL(0, std::filesystem::file_size(path));
}

TEST(GuardContainment, AStoreBeyondTheEndIsContainedToo) {
  Child child([&] {
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    if (::ftruncate(fd, 4096) != 0) return 1;
    if (read_byte(base) != 'x' || lost) return 2;  // what is still there is no fault
    *static_cast<volatile char*>(base + kBytes - 1) = 'z';
    if (!lost) return 3;
    return read_byte(base) == 0 ? 0 : 4;  // the whole mapping was replaced
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardContainment, ATruncationByAnotherProcessIsTheSame) {
  Signal ready;
  Signal truncated;
  Child core([&] {
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    ready.raise();
    if (!truncated.wait()) return 1;
    return read_byte(base) == 0 && lost ? 0 : 2;
  });
  CHECK(ready.wait());
  LONGS_EQUAL(0, ::truncate(path.c_str(), 0));
  truncated.raise();
  LONGS_EQUAL(0, core.status());
}

TEST(GuardContainment, WithoutItTheProcessDies) {
  Child child([&] {
    die_quietly_of(SIGBUS);
    int fd = -1;
    const char* base = mapped_file(path, &fd);
    if (::ftruncate(fd, 0) != 0) return 1;
    return read_byte(base) == 0 ? 2 : 3;
  });
  LONGS_EQUAL(1000 + SIGBUS, child.status());
}

TEST(GuardContainment, AFaultElsewhereStillKills) {
  Child child([&] {
    die_quietly_of(SIGBUS);
    int fd = -1;
    int other_fd = -1;
    char* base = mapped_file(path, &fd);
    const char* other = mapped_file(path + ".other", &other_fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    if (::ftruncate(other_fd, 0) != 0) return 1;
    return read_byte(other) == 0 ? 2 : 3;
  });
  LONGS_EQUAL(1000 + SIGBUS, child.status());
}

TEST(GuardContainment, AfterReleaseTheMappingIsLikeAnyOther) {
  Child child([&] {
    die_quietly_of(SIGBUS);
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    release_input();
    if (::ftruncate(fd, 0) != 0) return 1;
    return read_byte(base) == 0 ? 2 : 3;
  });
  LONGS_EQUAL(1000 + SIGBUS, child.status());
}

TEST_WHEN(many_mappings(), GuardContainment, WhatCannotBeReplacedKillsInsteadOfHanging) {
  Child child([&] {
    die_quietly_of(SIGBUS);
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    if (::ftruncate(fd, 0) != 0) return 1;
    if (!use_up_mappings()) return 2;
    return read_byte(base) == 0 ? 3 : 4;
  });
  LONGS_EQUAL(1000 + SIGBUS, child.status());
}

TEST(GuardContainment, ManyThreadsMayFindOutAtOnce) {
  Child child([&] {
    for (int round = 0; round < 50; ++round) {
      int fd = -1;
      char* base = mapped_file(path, &fd);
      std::atomic<bool> lost{false};
      if (!contain_input(base, kBytes, &lost)) return 90;
      std::atomic<bool> go{false};
      std::atomic<int> wrong{0};
      std::vector<std::thread> lanes;
      for (int lane = 0; lane < 4; ++lane) {
        lanes.emplace_back([&, lane] {
          while (!go) {
          }
          if (read_byte(base + lane * 8192) != 0) ++wrong;
        });
      }
      if (::ftruncate(fd, 0) != 0) return 1;
      go = true;
      for (std::thread& lane : lanes) lane.join();
      if (wrong != 0 || !lost) return 2;
      release_input();
      ::munmap(base, kBytes);
      ::close(fd);
    }
    return 0;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardContainment, AfterAbandoningNothingOfTheFileIsSeenOrTouched) {
  Child child([&] {
    int fd = -1;
    char* base = mapped_file(path, &fd);
    std::atomic<bool> lost{false};
    if (!contain_input(base, kBytes, &lost)) return 90;
    abandon_input();
    if (!lost) return 1;
    if (read_byte(base + 5000) != 0) return 2;
    base[100] = 'y';
    char in_file = 0;
    if (::pread(fd, &in_file, 1, 100) != 1 || in_file != 'x') return 3;
    abandon_input();  // a second time changes nothing
    return read_byte(base + 100) == 'y' ? 0 : 4;
  });
  LONGS_EQUAL(0, child.status());
}

TEST(GuardContainment, WithoutAnInputThereIsNothingToAbandon) {
  abandon_input();
  release_input();
}
