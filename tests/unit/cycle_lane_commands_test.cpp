// Commands and the stop word, through the region that others write.
#include <CppUTest/TestHarness.h>

#include "rt_core/random.hpp"
#include "tests/unit/support/lane_rig.hpp"

using namespace rise::test;
namespace message = rise::message;
using message::CommandKind;
using message::LaneCounter;
using message::LaneNotice;
using message::Outcome;
using message::Refusal;
using message::SafetyState;
using rise::shm::kWholeLane;
using rise::shm::Word;

namespace {
constexpr std::int64_t kPeriod = LaneRig::kPeriod;
}

TEST_GROUP(CycleLaneCommands) {
  LaneRig rig;

  void make(int machines) {
    rig.machine = "[[machine.output]]\nname = \"feed\"\ntarget = \"r1\"\nmin = 0.0\nmax = 9.0\n";
    rig.make(machines);
    rig.driver.on_cycle = [](FakeMachine* m, const rise_cycle& cycle) {
      m->ask(&rise_host::sample, 0, cycle.now_ns);
    };
    rig.begin();
  }
  Word* command_ring() {
    rise::shm::RingShape shape;
    return rig.core->region().commands(0, &shape);
  }
};

TEST(CycleLaneCommands, AnAcceptedCommandIsWithTheDriverInTheSameCycle) {
  make(2);
  rig.arm();
  const std::uint64_t sequence = rig.send(CommandKind::SetOutput, 1, 5);
  rig.run(1);
  LONGS_EQUAL(0, rig.driver.machine(0).commands.size());
  LONGS_EQUAL(1, rig.driver.machine(1).commands.size());
  DOUBLES_EQUAL(5, rig.driver.machine(1).commands[0].value, 0);
  const message::CommandResult result = rig.last_result();
  CHECK(result.outcome() == Outcome::Accepted);
  LONGS_EQUAL(sequence, result.sequence());
  LONGS_EQUAL(1, result.machine());
  LONGS_EQUAL(kPeriod, rig.histogram(message::LaneHistogram::Command).max());
}

TEST(CycleLaneCommands, AReplayIsRefused) {
  make(1);
  const message::Command command = rig.command(CommandKind::FeedHold);
  rig.push(command);
  rig.push(command);
  rig.run(1);
  LONGS_EQUAL(1, rig.driver.machine(0).commands.size());
  CHECK(rig.last_result().outcome() == Outcome::Refused);
  CHECK(rig.last_result().refusal() == Refusal::Replayed);
  LONGS_EQUAL(2, rig.counter(LaneCounter::CommandsReceived));
  LONGS_EQUAL(1, rig.counter(LaneCounter::CommandsRefused));
}

TEST(CycleLaneCommands, AnOldCommandIsExpired) {
  make(1);
  message::Command command = rig.command(CommandKind::FeedHold);
  command.mutate_ttl_ns(kPeriod);
  command.mutate_issued_mono_ns(rig.clock.now_ns() - 1);
  rig.push(command);
  rig.run(1);
  LONGS_EQUAL(0, rig.driver.machine(0).commands.size());
  CHECK(rig.last_result().outcome() == Outcome::Expired);
  CHECK(rig.last_result().refusal() == Refusal::None);
  CHECK(message::get_text(rig.last_result().approver()) == "anna");
  LONGS_EQUAL(0, rig.histogram(message::LaneHistogram::Command).count());
}

TEST(CycleLaneCommands, MachinesThatDoNotExistAreToldSo) {
  make(2);
  for (const std::uint16_t unknown :
       {std::uint16_t{2}, std::uint16_t{1000}, std::uint16_t{65534}}) {
    const std::uint64_t sequence = rig.send(CommandKind::FeedHold, unknown);
    rig.run(1);
    CHECK(rig.last_result().refusal() == Refusal::UnknownMachine);
    LONGS_EQUAL(sequence, rig.last_result().sequence());
    LONGS_EQUAL(unknown, rig.last_result().machine());
  }
}

TEST(CycleLaneCommands, ABroadcastReachesEveryMachineButSetsNothing) {
  make(3);
  rig.arm();
  rig.send(CommandKind::Disarm, kWholeLane);
  rig.run(1);
  for (std::size_t i = 0; i < 3; ++i) CHECK(rig.safety(i) == SafetyState::Disarmed);
  rig.arm();
  const std::size_t before = rig.results().size();
  rig.send(CommandKind::FeedHold, kWholeLane);
  rig.run(1);
  LONGS_EQUAL(before + 3, rig.results().size());
  for (std::size_t i = 0; i < 3; ++i) LONGS_EQUAL(1, rig.driver.machine(i).commands.size());
  rig.send(CommandKind::SetOutput, kWholeLane, 5);
  rig.run(1);
  CHECK(rig.last_result().refusal() == Refusal::UnknownMachine);
  for (std::size_t i = 0; i < 3; ++i) LONGS_EQUAL(1, rig.driver.machine(i).commands.size());
}

TEST(CycleLaneCommands, OnlySoManyAreTakenInOneCycle) {
  make(1);
  for (int i = 0; i < 40; ++i) rig.send(CommandKind::Disarm);
  rig.run(1);
  LONGS_EQUAL(16, rig.counter(LaneCounter::CommandsReceived));
  rig.run(1);
  LONGS_EQUAL(32, rig.counter(LaneCounter::CommandsReceived));
  rig.run(1);
  LONGS_EQUAL(40, rig.counter(LaneCounter::CommandsReceived));
}

TEST(CycleLaneCommands, ACorruptRingIsToldAndGoesOn) {
  make(1);
  command_ring()[0] = 1'000'000;
  rig.run(1);
  LONGS_EQUAL(1, rig.counter(LaneCounter::CommandRingCorrupt));
  LONGS_EQUAL(1, rig.notices(LaneNotice::CommandRingCorrupt));
  rig.send(CommandKind::FeedHold);
  rig.run(1);
  LONGS_EQUAL(1, rig.driver.machine(0).commands.size());
}

TEST(CycleLaneCommands, AProducerThatGoesMadIsCountedInEveryCycleAndToldOncePerSecond) {
  make(1);
  std::uint64_t random = 9;
  for (int i = 0; i < 1500; ++i) {
    command_ring()[0] = rise::next_random(&random);
    rig.run(1);
  }
  LONGS_EQUAL(1500, rig.counter(LaneCounter::CommandRingCorrupt));
  LONGS_EQUAL(2, rig.notices(LaneNotice::CommandRingCorrupt));
  LONGS_EQUAL(1500, rig.counter(LaneCounter::Cycles));
}

TEST(CycleLaneCommands, RandomBytesInTheRingHarmNobody) {
  make(2);
  rig.arm();
  std::uint64_t random = 5;
  for (int i = 0; i < 3000; ++i) {
    message::Command command;
    Word words[sizeof command / sizeof(Word)];
    for (Word& word : words) word = rise::next_random(&random) >> (rise::next_random(&random) % 64);
    std::memcpy(static_cast<void*>(&command), words, sizeof command);
    if (i % 2 == 0) {  // through the gate
      command.mutate_sequence(rig.sequence += 1000);
      command.mutate_issued_mono_ns(rig.clock.now_ns());
      command.mutate_ttl_ns(1'000'000'000);
    }
    rig.push(command);
    rig.run(1);
  }
  LONGS_EQUAL(3000 + 1, rig.counter(LaneCounter::CommandsReceived));
  for (std::size_t i = 0; i < 2; ++i) {
    for (const rise_command& command : rig.driver.machine(i).commands) {
      if (command.kind != RISE_COMMAND_SET) continue;
      CHECK(command.output == 0 && command.value >= 0 && command.value <= 9);
    }
  }
}

TEST(CycleLaneCommands, TheStopWordTripsEverythingInTheNextCycleAndSafeIsCalledInIt) {
  make(2);
  rig.arm();
  rig.set_stop_word(1);
  rig.run(1);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(rig.safety(i) == SafetyState::Tripped);
    CHECK(rig.reason(i) == message::TripReason::StopWord);
    LONGS_EQUAL(1, rig.driver.machine(i).called("safe 1"));
    CHECK(rig.state(i).safety() == SafetyState::Tripped);  // and published
  }
  rig.run(50);
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe"));
  rig.send(CommandKind::Reset, kWholeLane);
  rig.run(1);
  CHECK(rig.last_result().refusal() == Refusal::TripConditionActive);
  rig.set_stop_word(0);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Tripped);
  rig.send(CommandKind::Reset, kWholeLane);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Disarmed);
}

TEST(CycleLaneCommands, SafeBytesLeaveInTheCycleOfTheTrip) {
  make(1);
  std::int32_t stream = -1;
  rig.driver.on_safe = [&](FakeMachine* m) { m->send(stream, "SAFE"); };
  stream = rig.driver.machine(0).ask(&rise_host::stream_open, "peer", std::uint16_t{1},
                                     std::uint32_t{100});
  rig.run(3);
  rig.arm();
  rig.set_stop_word(1);
  rig.run(1);
  LONGS_EQUAL(1, rig.peer.heard.size());
  STRCMP_EQUAL("SAFE", rig.peer.heard[0].second.c_str());
}

TEST(CycleLaneCommands, ADamagedInputTripsEverything) {
  make(1);
  rig.arm();
  rig.core->inputs().input_lost = true;
  rig.run(1);
  CHECK(rig.reason(0) == message::TripReason::InputLost);
  LONGS_EQUAL(1, rig.driver.machine(0).called("safe 7"));
}

TEST(CycleLaneCommands, TheSidecarIsAliveForItsTimeAfterAHeartbeat) {
  rig.machine = "on_sidecar_loss = \"trip\"\n";
  rig.make(1, "", "[safety]\nsidecar_timeout_ms = 20");
  rig.driver.on_cycle = [](FakeMachine* m, const rise_cycle& cycle) {
    m->ask(&rise_host::sample, 0, cycle.now_ns);
  };
  rig.begin();
  rig.arm();
  rig.beat();
  rig.run(20);
  CHECK(rig.safety(0) == SafetyState::Armed);
  rig.run(1);
  CHECK(rig.safety(0) == SafetyState::Tripped);
  CHECK(rig.reason(0) == message::TripReason::SidecarLost);
}

TEST(CycleLaneCommands, HeartbeatsThatCannotBeAreNone) {
  rig.machine = "on_sidecar_loss = \"trip\"\n";
  for (const Word lie : {Word{0}, ~Word{0}, Word{1} << 63, Word{1} << 62, Word{1}}) {
    LaneRig one;
    one.machine = rig.machine;
    one.make();
    one.driver.on_cycle = [](FakeMachine* m, const rise_cycle& cycle) {
      m->ask(&rise_host::sample, 0, cycle.now_ns);
    };
    one.begin();
    one.arm();
    one.core->region().control()->sidecar_heartbeat_ns = lie;
    one.run(1);
    CHECK(one.reason(0) == message::TripReason::SidecarLost);
  }
}

TEST(CycleLaneCommands, WhatWasSentSinceTheLaneWokeIsNotFromTheFuture) {
  make(1);
  rig.driver.on_cycle = [&](FakeMachine*, const rise_cycle&) {
    rig.clock.spend(5'000'000);  // a step that takes long; the command comes at its end
    if (rig.sequence == 0) {
      message::Command command = rig.command(CommandKind::FeedHold);
      command.mutate_sequence(static_cast<std::uint64_t>(rig.clock.now_ns()));
      rig.push(command);
    }
  };
  rig.run(1);
  CHECK(rig.last_result().outcome() == Outcome::Accepted);
  LONGS_EQUAL(1, rig.driver.machine(0).commands.size());
}

TEST(CycleLaneCommands, OneBadSequenceNumberShutsNobodyOut) {
  make(1);
  message::Command bad = rig.command(CommandKind::FeedHold);
  bad.mutate_sequence(~std::uint64_t{0});
  rig.push(bad);
  rig.run(1);
  CHECK(rig.last_result().refusal() == Refusal::FromTheFuture);
  rig.send(CommandKind::FeedHold);
  rig.run(1);
  CHECK(rig.last_result().outcome() == Outcome::Accepted);
}

TEST(CycleLaneCommands, BroadcastsAreCountedByTheMachinesThatTheyReach) {
  make(8);  // two whole-lane commands fill the 16 calls of a cycle
  for (int i = 0; i < 5; ++i) rig.send(CommandKind::FeedHold, kWholeLane);
  rig.run(1);
  LONGS_EQUAL(2, rig.counter(LaneCounter::CommandsReceived));
  for (std::size_t i = 0; i < 8; ++i) LONGS_EQUAL(2, rig.driver.machine(i).commands.size());
  rig.run(2);
  LONGS_EQUAL(5, rig.counter(LaneCounter::CommandsReceived));
}

TEST(CycleLaneCommands, ABroadcastToMoreMachinesThanTheBudgetIsNotDivided) {
  make(20);
  rig.send(CommandKind::FeedHold, kWholeLane);
  rig.send(CommandKind::FeedHold, kWholeLane);
  rig.run(1);
  LONGS_EQUAL(1, rig.counter(LaneCounter::CommandsReceived));
  for (std::size_t i = 0; i < 20; ++i) LONGS_EQUAL(1, rig.driver.machine(i).commands.size());
}

TEST(CycleLaneCommands, EveryRefusalIsCounted) {
  make(1);
  rig.send(CommandKind::SetOutput, 0, 5);                     // by the supervisor: not armed
  rig.send(CommandKind::FeedHold, 9);                         // by the lane: no such machine
  message::Command old = rig.command(CommandKind::FeedHold);  // by the gate
  old.mutate_ttl_ns(1);
  rig.push(old);
  rig.run(1);
  LONGS_EQUAL(3, rig.counter(LaneCounter::CommandsRefused));
}

TEST(CycleLaneCommands, EveryTripIsCounted) {
  make(3);
  rig.arm();
  rig.set_stop_word(1);
  rig.run(10);
  LONGS_EQUAL(3, rig.counter(LaneCounter::Trips));
}

TEST(CycleLaneCommands, ADamagedInputIsToldOnce) {
  make(1);
  rig.run(1);
  rig.core->inputs().input_lost = true;
  rig.run(100);
  LONGS_EQUAL(1, rig.notices(LaneNotice::InputLost));
}
