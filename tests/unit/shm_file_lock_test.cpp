#include "rt_core/shm/file_lock.hpp"

#include <CppUTest/TestHarness.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <optional>

#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;

namespace {

void pause_ms(long ms) {
  timespec time{ms / 1000, ms % 1000 * 1'000'000};
  while (::nanosleep(&time, &time) != 0) {
  }
}

}  // namespace

TEST_GROUP(ShmFileLock) {
  TempDirectory directory;
  std::string path = directory.path() + "/lock";

  int open_file() { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }
  // True: somebody else holds the byte now.
  bool is_taken(int byte) {
    const int fd = open_file();
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = byte;
    lock.l_len = 1;
    const bool taken = ::fcntl(fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);
    ::close(fd);
    return taken;
  }
};

TEST(ShmFileLock, ItIsHeldForTheLifeOfTheObject) {
  const int fd = open_file();
  {
    const FileLock lock(fd, 3);
    CHECK(is_taken(3));
    CHECK(!is_taken(2));
    CHECK(!is_taken(4));
  }
  CHECK(!is_taken(3));
  ::close(fd);
}

TEST(ShmFileLock, AnotherProcessHoldsItUntilItDies) {
  Signal locked;
  Child holder([&] {
    const FileLock lock(open_file(), 16);
    locked.raise();
    ::pause();
    return 0;
  });
  CHECK(locked.wait());
  CHECK(is_taken(16));
  CHECK(!is_taken(17));
  holder.kill(SIGKILL);
  holder.status();
  CHECK(!is_taken(16));
}

TEST(ShmFileLock, NobodyIsInsideTogether) {
  constexpr int kChildren = 3;
  constexpr long kRounds = 2000;
  auto* counter = static_cast<std::atomic<long>*>(::mmap(nullptr, sizeof(std::atomic<long>),
                                                         PROT_READ | PROT_WRITE,
                                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  {
    std::deque<Child> children;
    for (int c = 0; c < kChildren; ++c) {
      children.emplace_back([&] {
        const int fd = open_file();
        for (long i = 0; i < kRounds; ++i) {
          const FileLock lock(fd, 0);
          const long seen = counter->load(std::memory_order_relaxed);
          if (i % 16 == 0) ::sched_yield();  // invites the others
          counter->store(seen + 1, std::memory_order_relaxed);
        }
        return 0;
      });
    }
    for (Child& child : children) LONGS_EQUAL(0, child.status());
  }
  LONGS_EQUAL(kChildren * kRounds, counter->load());
  ::munmap(counter, sizeof(std::atomic<long>));
}

// ThreadSanitizer keeps a handler back until the next call that it watches: then only the wait
// counts.
#ifdef RISE_TSAN
constexpr int kInterruptions = 0;
#else
constexpr int kInterruptions = 3;
#endif

TEST(ShmFileLock, ASignalDoesNotLetTheWaiterIn) {
  struct Shared {
    std::atomic<int> interrupted{0};
    std::atomic<bool> released{false};
  };
  static Shared* shared;  // for the signal handler
  shared = new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)) Shared;
  const int fd = open_file();
  Signal waiting;
  std::optional<FileLock> held;
  held.emplace(fd, 0);
  Child waiter([&] {
    struct sigaction action {};  // without SA_RESTART, as many programs have it
    action.sa_handler = [](int) { shared->interrupted.fetch_add(1); };
    ::sigaction(SIGUSR1, &action, nullptr);
    const int own = open_file();
    waiting.raise();
    const FileLock lock(own, 0);
    return shared->released.load() ? 0 : 1;  // 1: inside together with the holder
  });
  CHECK(waiting.wait());
  for (int i = 0; i < 3 || (i < 500 && shared->interrupted.load() < kInterruptions); ++i) {
    waiter.kill(SIGUSR1);
    pause_ms(2);
  }
  shared->released.store(true);
  held.reset();
  LONGS_EQUAL(0, waiter.status());
  CHECK(shared->interrupted.load() >= kInterruptions);
  ::munmap(shared, sizeof(Shared));
  ::close(fd);
}
