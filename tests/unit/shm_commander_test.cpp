#include "rt_core/shm/commander.hpp"

#include <CppUTest/TestHarness.h>
#include <sched.h>

#include <deque>
#include <optional>

#include "rt_core/message/text.hpp"
#include "rt_core/shm/file_lock.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"

using namespace rise::shm;
using namespace rise::test;
namespace message = rise::message;

TEST_GROUP(ShmCommander) {
  TempDirectory directory;
  OwnedRegion owner = make_region(small_plan(directory.path(), 2));
  Region region;
  SpscConsumer<> lanes[2];
  CommandRequest request;

  void setup() override {
    auto attached = attach("unit", Access::ReadWrite, directory.path());
    if (attached) region = std::move(*attached);
    for (std::uint32_t lane = 0; lane < 2; ++lane) {
      RingShape shape;
      Word* memory = owner.commands(lane, &shape);
      lanes[lane] = SpscConsumer<>(memory, shape);
    }
    request.approver = "unit";
  }
  // The next command as the lane gets it.
  std::optional<message::Command> take(std::uint32_t lane = 0) {
    Word words[sizeof(message::Command) / sizeof(Word)];
    const Pop pop = lanes[lane].pop(words);
    CHECK(pop != Pop::Corrupt);
    if (pop != Pop::Item) return {};
    message::Command command;
    std::memcpy(&command, words, sizeof command);
    return command;
  }
};

TEST(ShmCommander, EveryFieldArrives) {
  request.kind = message::CommandKind::SetOutput;
  request.machine = 3;
  request.output = 5;
  request.value = -12.5;
  request.approval = message::Approval::Provisional;
  request.ttl_ns = 777;
  request.approver = "anna";
  const std::uint64_t sequence = Commander(region).send(1, request);
  CHECK(sequence != 0);
  CHECK(!take(0));
  const auto command = take(1);
  CHECK(command.has_value());
  CHECK(command->sequence() == sequence);
  CHECK(command->issued_mono_ns() > 0);
  CHECK(command->kind() == message::CommandKind::SetOutput);
  LONGS_EQUAL(3, command->machine());
  LONGS_EQUAL(5, command->output());
  DOUBLES_EQUAL(-12.5, command->value(), 0);
  CHECK(command->approval() == message::Approval::Provisional);
  LONGS_EQUAL(777, command->ttl_ns());
  CHECK(message::get_text(command->approver()) == "anna");
}

TEST(ShmCommander, ALongApproverIsCutAndStaysTerminated) {
  request.approver = std::string(40, 'a');
  Commander(region).send(0, request);
  CHECK(message::get_text(take()->approver()) == std::string(31, 'a'));
}

TEST(ShmCommander, SequencesRise) {
  Commander commander(region);
  std::uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t sequence = commander.send(0, request);
    CHECK(sequence > last);
    CHECK(take()->sequence() == sequence);
    last = sequence;
  }
}

TEST(ShmCommander, AFullRingIsToldAndLosesNothing) {
  Commander commander(region);
  std::uint64_t sequences[8];
  for (std::uint64_t& sequence : sequences) sequence = commander.send(0, request);
  LONGS_EQUAL(0, commander.send(0, request));
  CHECK(commander.send(1, request) != 0);  // the other lane has its own
  CHECK(take()->sequence() == sequences[0]);
  const std::uint64_t next = commander.send(0, request);
  CHECK(next != 0);
  for (int i = 1; i < 8; ++i) CHECK(take()->sequence() == sequences[i]);
  CHECK(take()->sequence() == next);
  CHECK(!take());
}

TEST(ShmCommander, ALaneThatDoesNotExistTakesNothing) {
  LONGS_EQUAL(0, Commander(region).send(2, request));
  LONGS_EQUAL(0, Commander(region).send(~0u, request));
}

TEST(ShmCommander, ProducersOfSeveralProcessesTakeTurns) {
  constexpr int kProducers = 4;
  constexpr int kCommands = 250;
  std::deque<Child> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      // Attached by itself: a lock between processes needs a descriptor of one's own.
      auto mine = attach("unit", Access::ReadWrite, directory.path());
      if (!mine) return 1;
      Commander commander(*mine);
      CommandRequest numbered = request;
      numbered.machine = static_cast<std::uint16_t>(p);
      for (int i = 0; i < kCommands; ++i) {
        numbered.value = i;
        while (commander.send(0, numbered) == 0) ::sched_yield();  // ended by the child's limit
      }
      return 0;
    });
  }
  double expected[kProducers] = {};
  std::uint64_t last = 0;
  int taken = 0;
  for (int idle = 0; taken < kProducers * kCommands && idle < 10'000'000;) {
    const auto command = take();
    if (!command) {
      ++idle;
      ::sched_yield();
      continue;
    }
    ++taken;
    CHECK(command->sequence() > last);
    last = command->sequence();
    CHECK(command->machine() < kProducers);
    DOUBLES_EQUAL(expected[command->machine()]++, command->value(), 0);
  }
  LONGS_EQUAL(kProducers * kCommands, taken);
  for (Child& producer : producers) LONGS_EQUAL(0, producer.status());
  CHECK(!take());
}

TEST(ShmCommander, AProducerKilledInsideTheLockLeavesTheRingUsable) {
  Child producer([&] {
    auto mine = attach("unit", Access::ReadWrite, directory.path());
    if (!mine || Commander(*mine).send(0, request) == 0) return 1;
    const FileLock lock(mine->in().fd(), static_cast<int>(LockByte::FirstCommand));
    ::raise(SIGKILL);
    return 2;
  });
  LONGS_EQUAL(1000 + SIGKILL, producer.status());
  const std::uint64_t sequence = Commander(region).send(0, request);
  CHECK(take()->sequence() < sequence);
  CHECK(take()->sequence() == sequence);
}

TEST(ShmCommander, TheStopWordIsOneStoreForEverybody) {
  Commander commander(region);
  LONGS_EQUAL(0, commander.stop_word());
  commander.set_stop_word(42);
  LONGS_EQUAL(42, owner.control()->stop_word);
  LONGS_EQUAL(42, Commander(owner).stop_word());
  commander.set_stop_word(0);
  LONGS_EQUAL(0, owner.control()->stop_word);
}

TEST(ShmCommander, BeatsShowTheTimeAndRise) {
  Commander commander(region);
  LONGS_EQUAL(0, owner.control()->sidecar_heartbeat_ns);
  commander.beat();
  const Word first = owner.control()->sidecar_heartbeat_ns;
  CHECK(first > 0);
  commander.beat();
  CHECK(owner.control()->sidecar_heartbeat_ns >= first);
}
