// What a lane takes over from the core before it.
#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/lane_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::CommandKind;
using message::LaneCounter;
using message::Refusal;
using message::SafetyState;
using message::TripReason;

TEST_GROUP(CycleLaneStart) {
  LaneRig rig;

  // A core of the same name that dies without a word, in a process of its own.
  void die_before(std::uint64_t stop_word) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto region = make_region(small_plan(rig.directory.path()));
      region.control()->stop_word = stop_word;
      ::_exit(0);  // no destructor runs
    }
    int status = 0;
    LONGS_EQUAL(child, ::waitpid(child, &status, 0));
    LONGS_EQUAL(0, status);
  }
  void make() {
    rig.machine = "[[machine.output]]\nname = \"feed\"\ntarget = \"r1\"\nmin = 0.0\nmax = 9.0\n";
    rig.make(2);
    rig.driver.on_cycle = [](FakeMachine* m, const rise_cycle& cycle) {
      m->link(RISE_LINK_UP);
      m->ask(&rise_host::sample, 0, cycle.now_ns);
    };
    rig.begin();
    rig.beat();
  }
};

TEST(CycleLaneStart, TheFirstCoreBeginsAsNew) {
  make();
  rig.run(2);
  CHECK(rig.safety(0) == SafetyState::Disarmed);
  LONGS_EQUAL(0, rig.core->region().control()->stop_word);
  LONGS_EQUAL(0, rig.driver.machine(0).called("safe"));
}

TEST(CycleLaneStart, AfterACoreThatDiedMachinesBeginTrippedAndGetTheirSafeOutputs) {
  die_before(0);
  make();
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(rig.safety(i) == SafetyState::Tripped);
    CHECK(rig.reason(i) == TripReason::UncleanStart);
    rig.driver.machine(i).ask(&rise_host::output_value, 0u, 5.0);
    CHECK(!rig.core->machine(i).supervisor().output(0).approved_known);
  }
  rig.run(3);
  for (std::size_t i = 0; i < 2; ++i) LONGS_EQUAL(1, rig.driver.machine(i).called("safe 8"));
  CHECK(rig.state(0).safety() == SafetyState::Tripped);
  LONGS_EQUAL(2, rig.counter(LaneCounter::Trips));
  rig.send(CommandKind::Arm);
  rig.run(1);
  CHECK(rig.last_result().refusal() == Refusal::WrongState);
  rig.send(CommandKind::Reset);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Disarmed);
  CHECK(rig.safety(1) == SafetyState::Tripped);
}

TEST(CycleLaneStart, AStopWordOutlivesItsCore) {
  die_before(77);
  make();
  LONGS_EQUAL(77, rig.core->region().control()->stop_word);
  CHECK(rig.reason(0) == TripReason::StopWord);
  rig.run(3);
  rig.send(CommandKind::Reset, rise::shm::kWholeLane);
  rig.run(1);
  CHECK(rig.last_result().refusal() == Refusal::TripConditionActive);
  rig.set_stop_word(0);
  rig.run(1);
  rig.send(CommandKind::Reset, rise::shm::kWholeLane);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Disarmed);
}
