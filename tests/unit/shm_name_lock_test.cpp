#include "rt_core/shm/name_lock.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::shm;
using namespace rise::test;

TEST_GROUP(ShmNameLock) {
  TempDirectory directory;
  std::string path = directory.path() + "/rise.unit.lock";
  std::string in = in_path(directory.path(), "unit");

  rise::Result<NameLock> take() { return NameLock::take(directory.path(), "unit"); }
};

TEST(ShmNameLock, ItIsForItsOwnerOnlyAndGoesWithIt) {
  {
    const auto lock = take();
    CHECK_OK(lock);
    CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(0600));
    STRCMP_CONTAINS(("pid " + std::to_string(::getpid())).c_str(), error_of(take()).c_str());
    CHECK(std::filesystem::exists(path));
  }
  LONGS_EQUAL(0, directory.files());
  CHECK_OK(take());
}

TEST(ShmNameLock, ALockWhoseHolderWasKilledIsFree) {
  Signal taken;
  Child core([&] {
    const auto lock = take();
    if (!lock) return 1;
    taken.raise();
    ::pause();
    return 2;
  });
  CHECK(taken.wait());
  STRCMP_CONTAINS(("pid " + std::to_string(core.pid())).c_str(), error_of(take()).c_str());
  core.kill(SIGKILL);
  core.status();
  LONGS_EQUAL(1, directory.files());
  CHECK_OK(take());
  LONGS_EQUAL(0, directory.files());
}

TEST(ShmNameLock, ALockOnAFileThatIsGoneDoesNotCount) {
  // As a second core has it that opened the file just before the first one ended.
  std::optional first(take());
  const int second = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  first.reset();
  LONGS_EQUAL(0, ::flock(second, LOCK_EX | LOCK_NB));
  const auto third = take();
  CHECK_OK(third);
  ::close(second);
  STRCMP_CONTAINS("already running", error_of(take()).c_str());
}

TEST(ShmNameLock, NeverTwoHoldersHoweverOftenItChangesHands) {
  const std::string mark = directory.path() + "/mark";
  std::vector<std::unique_ptr<Child>> cores;
  for (int i = 0; i < 4; ++i) {
    cores.push_back(std::make_unique<Child>([&] {
      for (int round = 0; round < 3000; ++round) {
        const auto lock = take();
        if (!lock) continue;
        const int fd = ::open(mark.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) return 1;  // somebody else is in here, too
        ::close(fd);
        ::sched_yield();
        ::unlink(mark.c_str());
      }
      return 0;
    }));
  }
  for (auto& core : cores) LONGS_EQUAL(0, core->status());
}

TEST(ShmNameLock, OneOfManyThatStartAtOnceWins) {
  for (int round = 0; round < 20; ++round) {
    Signal go[8];
    std::vector<std::unique_ptr<Child>> cores;
    Signal holds;
    for (Signal& start : go) {
      cores.push_back(std::make_unique<Child>([&] {
        if (!start.wait()) return 1;
        RegionPlan plan = small_plan(directory.path());
        const auto region = OwnedRegion::create(plan);
        if (!region) return region.error().find("already running") != std::string::npos ? 0 : 2;
        holds.raise();
        ::pause();
        return 3;
      }));
    }
    for (Signal& start : go) start.raise();
    CHECK(holds.wait());
    CHECK(!holds.wait(20));  // no second one
    CHECK_OK(attach("unit", Access::ReadOnly, directory.path()));
    int refused = 0;
    const std::uint32_t winner = attach("unit", Access::ReadOnly, directory.path())->core_pid();
    for (auto& core : cores) {
      if (core->pid() == winner) continue;
      LONGS_EQUAL(0, core->status());
      ++refused;
    }
    LONGS_EQUAL(7, refused);
  }
}

TEST(ShmNameLock, ALockOnTheInOrOutFileKeepsNobodyFromStarting) {
  RegionPlan plan = small_plan(directory.path());
  Signal made;
  Child core([&] {
    const OwnedRegion region = make_region(plan);
    made.raise();
    ::pause();
    return 0;
  });
  CHECK(made.wait());
  core.kill(SIGKILL);
  core.status();
  // Any reader may lock what it may open.
  const int on_in = ::open(in.c_str(), O_RDWR | O_CLOEXEC);
  const int on_out = ::open((directory.path() + "/rise.unit.out").c_str(), O_RDONLY | O_CLOEXEC);
  LONGS_EQUAL(0, ::flock(on_in, LOCK_EX | LOCK_NB));
  LONGS_EQUAL(0, ::flock(on_out, LOCK_EX | LOCK_NB));
  CHECK_OK(OwnedRegion::create(plan));
  ::close(on_in);
  ::close(on_out);
}

TEST_WHEN(::geteuid() == 0 ? "" : "only root can make a file of another user", ShmNameLock,
          AFileOfAnotherUserIsNotWaitedFor) {
  std::ofstream(path) << "1\n";
  LONGS_EQUAL(0, ::chown(path.c_str(), 65534, 65534));
  const int squatter = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  LONGS_EQUAL(0, ::flock(squatter, LOCK_EX | LOCK_NB));
  CHECK_OK(take());
  ::close(squatter);
}

TEST(ShmNameLock, ALinkIsReplacedNotFollowed) {
  const std::string target = directory.path() + "/precious";
  std::ofstream(target) << "precious";
  std::filesystem::create_symlink(target, path);
  CHECK_OK(take());
  LONGS_EQUAL(8, std::filesystem::file_size(target));
}
