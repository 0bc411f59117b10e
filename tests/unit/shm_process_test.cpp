#include "rt_core/shm/process.hpp"

#include <CppUTest/TestHarness.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/unit/support/child.hpp"

using namespace rise::shm;
using namespace rise::test;

namespace {

// A child that says who it is and then waits.
struct Sleeper {
  int ends[2] = {-1, -1};
  int piped = ::pipe(ends);
  Child child{[this] {
    ::prctl(PR_SET_NAME, ") Z 1 (");  // the name is the child's own; proc(5) shows it as it is
    const ProcessId me = self();
    if (::write(ends[1], &me, sizeof me) != sizeof me) return 1;
    ::pause();
    return 0;
  }};
  ProcessId id;

  Sleeper() {
    if (::read(ends[0], &id, sizeof id) != sizeof id) id = {};
  }
  ~Sleeper() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

}  // namespace

TEST_GROUP(ShmProcess){};

TEST(ShmProcess, ThisProcessIsAlive) {
  const ProcessId me = self();
  LONGS_EQUAL(::getpid(), me.pid);
  CHECK(me.start_time > 0);
  CHECK(alive(me));
}

TEST(ShmProcess, ALivingChildIsAliveWhateverItsName) {
  Sleeper sleeper;
  LONGS_EQUAL(sleeper.child.pid(), sleeper.id.pid);
  CHECK(sleeper.id.start_time >= self().start_time);
  CHECK(alive(sleeper.id));
}

TEST(ShmProcess, ADeadOneIsNot) {
  Sleeper sleeper;
  sleeper.child.kill(SIGKILL);
  sleeper.child.status();
  CHECK(!alive(sleeper.id));
}

TEST(ShmProcess, AZombieIsNot) {
  Sleeper sleeper;
  sleeper.child.kill(SIGKILL);
  sleeper.child.wait_for_zombie();
  LONGS_EQUAL(0, ::kill(static_cast<pid_t>(sleeper.id.pid), 0));  // its number is still in use
  CHECK(!alive(sleeper.id));
}

TEST(ShmProcess, ANumberGivenToAnotherProcessIsNotTheSameProcess) {
  ProcessId other = self();
  ++other.start_time;
  CHECK(!alive(other));
  other.start_time -= 2;
  CHECK(!alive(other));
  other.start_time = 0;
  CHECK(!alive(other));
}

TEST(ShmProcess, NumbersThatCannotBeAreNotAlive) {
  CHECK(!alive({}));
  CHECK(!alive({0, self().start_time}));
  CHECK(!alive({~0u, self().start_time}));
}
