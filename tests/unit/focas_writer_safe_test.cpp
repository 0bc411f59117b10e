// The safe state: before all else, and confirmed or not, but never forgotten.
#include <CppUTest/TestHarness.h>

#include "tests/unit/focas_machine_bench.hpp"

using rise::focas::wire::Status;
using rise::test::MachineBench;

namespace {

const std::string kBase =
    "heartbeat_s = 3600\nreply_timeout_ms = 100\nbackoff_min_ms = 10\n"
    "safe = ['pmc.R100=1', 'pmc.G8.4=0', 'pmc.G8.5=0', 'macro.900=0']\n";
const std::string kPath = "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n";
const std::string kQuiet =
    kPath + "[[group]]\nname = 'slow'\nperiod_ms = 3600000\nitems = ['feed']\n";
const std::string kBusy = kPath + "[[group]]\nname = 'fast'\nperiod_ms = 1\nitems = ['feed']\n";

const MachineBench::Targets kTargets = {{"o", "parameter.6713"}, {"p", "pmc.R100"}};

}  // namespace

TEST_GROUP(FocasWriterSafe){
    void settle(MachineBench * bench){bench->control().parameters[6713] = {3, 0, {5}};
bench->control().pmc[0][8] = 0xff;
CHECK(bench->run_up());
bench->run(50);
bench->control().seen.clear();
bench->control().frame_blocks.clear();
}
void check_safe(MachineBench* bench) {
  LONGS_EQUAL(1, bench->control().pmc[5][100]);
  LONGS_EQUAL(0xcf, bench->control().pmc[0][8]);
}
bool run_safe(MachineBench* bench, std::size_t count = 1) {
  return bench->run_until([&] { return bench->host.safe_done.size() >= count; });
}
}
;

// Bits of one byte do not undo one another.
TEST(FocasWriterSafe, SeveralWritesGoTogether) {
  MachineBench bench(kBase + kQuiet, kTargets);
  settle(&bench);
  bench.machine.safe(bench.now_ns);
  CHECK(run_safe(&bench));
  LONGS_EQUAL(1, bench.host.safe_done[0]);
  check_safe(&bench);
  // What needs no look before is written with the first frame.
  LONGS_EQUAL(3, bench.control().frame_blocks.size());
  LONGS_EQUAL(4, bench.control().frame_blocks[0]);
  LONGS_EQUAL(0x8002, bench.control().seen[0].block.command);
  LONGS_EQUAL(0, bench.host.done.size());
}

TEST(FocasWriterSafe, NothingConfiguredIsNothingConfirmed) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  bench.machine.safe(bench.now_ns);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  LONGS_EQUAL(0, bench.host.safe_done[0]);
}

TEST(FocasWriterSafe, RefusedOrWithoutEffectIsNotConfirmed) {
  for (const int how : {0, 1, 2}) {
    MachineBench bench(kBase + kQuiet, kTargets);
    settle(&bench);
    if (how == 0) bench.control().refuse[0x8002] = Status::Protected;
    if (how == 1) bench.control().ignore_writes = true;
    if (how == 2) bench.control().refuse_frames = Status::Reject;
    bench.machine.safe(bench.now_ns);
    CHECK(run_safe(&bench));
    LONGS_EQUAL(0, bench.host.safe_done[0]);
    bench.control().refuse.clear();
    bench.control().ignore_writes = false;
    bench.control().refuse_frames.reset();
    bench.machine.safe(bench.now_ns);
    CHECK(run_safe(&bench, 2));
    LONGS_EQUAL(1, bench.host.safe_done[1]);
    check_safe(&bench);
  }
}

// At every moment of a write of three steps with more in the queue.
TEST(FocasWriterSafe, PreemptsTheCommandUnderWayAndFlushesTheQueue) {
  for (const bool command_session : {false, true}) {
    for (int at = 0; at < 14; ++at) {
      MachineBench bench((command_session ? "" : "command_session = false\n") + kBase + kQuiet,
                         kTargets);
      bench.reply_ms = 3;
      settle(&bench);
      for (std::uint64_t id = 1; id <= 5; ++id) bench.command(id, 0, 42);
      bench.run(at);
      const std::size_t done_before = bench.host.done.size();
      bench.machine.safe(bench.now_ns);
      CHECK(run_safe(&bench));
      LONGS_EQUAL(1, bench.host.safe_done[0]);
      check_safe(&bench);
      LONGS_EQUAL(5, bench.host.done.size());
      for (std::size_t i = done_before; i < 5; ++i) {
        // The one whose last answer was on its way has come to its end.
        const std::uint32_t outcome = bench.host.done[i].outcome;
        const bool failed = outcome == RISE_COMMAND_FAILED || outcome == RISE_COMMAND_DROPPED;
        const bool first = bench.host.done[i].id == done_before + 1;
        CHECK(failed || first);
      }
      // One write may be out when the safe state begins: it is written again after that.
      std::size_t last_safe = 0;
      std::size_t last_command = 0;
      std::size_t commands_after = 0;
      for (std::size_t i = 0; i < bench.control().seen.size(); ++i) {
        const std::uint16_t code = bench.control().seen[i].block.command;
        if (code == 0x8002) last_safe = i + 1;
        if (code == 0x8e) last_command = i + 1;
        if (code == 0x8e && last_safe != 0) ++commands_after;
      }
      CHECK(last_safe > last_command);
      CHECK(commands_after <= 1);
    }
  }
}

TEST(FocasWriterSafe, WithoutALinkItIsNotConfirmedAndWorksLater) {
  MachineBench bench(kBase + kQuiet, kTargets);
  bench.machine.safe(bench.now_ns);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  LONGS_EQUAL(0, bench.host.safe_done[0]);
  settle(&bench);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  bench.machine.safe(bench.now_ns);  // as the core does when the link is back
  CHECK(run_safe(&bench, 2));
  LONGS_EQUAL(1, bench.host.safe_done[1]);
  check_safe(&bench);
}

TEST(FocasWriterSafe, TheLinkIsLostWithinIt) {
  for (int at = 0; at < 12; ++at) {
    MachineBench bench(kBase + kQuiet, kTargets);
    bench.reply_ms = 3;
    settle(&bench);
    bench.machine.safe(bench.now_ns);
    bench.run(at);
    bench.cut();
    LONGS_EQUAL(1, bench.host.safe_done.size());
    if (at < 9) LONGS_EQUAL(0, bench.host.safe_done[0]);
    CHECK(bench.run_up());
    bench.machine.safe(bench.now_ns);
    CHECK(run_safe(&bench, 2));
    LONGS_EQUAL(1, bench.host.safe_done[1]);
    check_safe(&bench);
  }
}

// The command session dies under it; the sweep session lives: it is done there.
TEST(FocasWriterSafe, MovesToTheOtherSession) {
  for (int at = 0; at < 9; ++at) {
    MachineBench bench(kBase + kBusy, kTargets);
    bench.reply_ms = 3;
    settle(&bench);
    LONGS_EQUAL(2, bench.host.streams_used());
    bench.control().refuse_open = true;
    bench.machine.safe(bench.now_ns);
    bench.run(at);
    bench.end(1, RISE_CLOSED_RESET);
    CHECK(bench.host.up());
    CHECK(run_safe(&bench));
    LONGS_EQUAL(1, bench.host.safe_done[0]);
    check_safe(&bench);
  }
}

// The command session is dead, but nobody has noticed: a fault has been found on it and the host
// has not ended the stream yet. Nothing is given to it any more.
TEST(FocasWriterSafe, NotGivenToADyingSession) {
  MachineBench bench(kBase + kBusy, kTargets);
  settle(&bench);
  bench.answer_closing = false;
  const std::uint8_t junk = 0;
  bench.machine.on_bytes(1, {&junk, 1}, bench.now_ns);
  CHECK(bench.host.streams[1].closing);
  bench.machine.safe(bench.now_ns);
  bench.run(100);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  LONGS_EQUAL(1, bench.host.safe_done[0]);
  check_safe(&bench);
}

// A heartbeat that is not answered must not hold it up while the sweep session works.
TEST(FocasWriterSafe, DoesNotWaitForAHeartbeat) {
  MachineBench bench("heartbeat_s = 1\nreply_timeout_ms = 5000\nsafe = ['pmc.R100=1']\n" + kBusy,
                     kTargets);
  settle(&bench);
  bench.mute = 1;
  bench.run(1200);
  CHECK(bench.host.up());
  bench.machine.safe(bench.now_ns);
  bench.run(12);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  LONGS_EQUAL(1, bench.host.safe_done[0]);
}

// A command that is not answered must not, either. And when it is lost, nobody knows whether the
// control will do it after all: so the safe state is written once more, and only then confirmed.
TEST(FocasWriterSafe, DoesNotWaitForACommandAndIsRepeatedAfterIt) {
  MachineBench bench("reply_timeout_ms = 300\nheartbeat_s = 3600\nsafe = ['pmc.R100=1']\n" + kBusy,
                     kTargets);
  settle(&bench);
  bench.mute = 1;
  LONGS_EQUAL(RISE_OK, bench.command(7, 1, 9));
  bench.run(5);
  bench.machine.safe(bench.now_ns);
  bench.run(3);  // one sweep is under way: the safe state leaves with its reply
  LONGS_EQUAL(1, bench.control().pmc[5][100]);
  LONGS_EQUAL(0, bench.host.done.size());
  bench.run(20);
  LONGS_EQUAL(0, bench.host.safe_done.size());
  bench.control().pmc[5][100] = 9;  // the lost write comes through
  CHECK(run_safe(&bench));
  LONGS_EQUAL(1, bench.host.safe_done[0]);
  LONGS_EQUAL(1, bench.control().pmc[5][100]);
  LONGS_EQUAL(1, bench.host.done.size());
  LONGS_EQUAL(RISE_COMMAND_FAILED, bench.host.done[0].outcome);
  bench.run(100);
  LONGS_EQUAL(1, bench.host.safe_done.size());
}

// What is out only reads: there is nothing to repeat.
TEST(FocasWriterSafe, IsNotRepeatedWithoutNeed) {
  MachineBench bench("heartbeat_s = 3600\nsafe = ['pmc.R100=1']\n" + kBusy, kTargets);
  bench.reply_ms = 4;
  settle(&bench);
  bench.command(7, 0, 9);  // a parameter: its type is asked first
  bench.run(1);
  bench.machine.safe(bench.now_ns);
  CHECK(run_safe(&bench));
  bench.run(100);
  LONGS_EQUAL(1, bench.control().count(0x8002));
  LONGS_EQUAL(0, bench.control().count(0x8e));
}

TEST(FocasWriterSafe, MoreThanOneFrameIfItMustBe) {
  std::string safe = "safe = [";
  for (int i = 0; i < 10; ++i) safe += "'parameter." + std::to_string(100 + i) + "=7', ";
  MachineBench bench("heartbeat_s = 3600\n" + safe + "]\n" + kQuiet);
  for (int i = 0; i < 10; ++i) bench.control().parameters[100 + i] = {3, 0, {i}};
  settle(&bench);
  bench.machine.safe(bench.now_ns);
  CHECK(run_safe(&bench));
  LONGS_EQUAL(1, bench.host.safe_done[0]);
  for (int i = 0; i < 10; ++i) LONGS_EQUAL(7, bench.control().parameters[100 + i].values[0]);
  for (const auto& request : bench.control().requests) CHECK(request.size() <= 1460);
}

TEST(FocasWriterSafe, OneBlockPerFrameIfTheControlTakesNoMore) {
  MachineBench bench("max_blocks = 1\n" + kBase + kQuiet, kTargets);
  settle(&bench);
  bench.machine.safe(bench.now_ns);
  CHECK(run_safe(&bench));
  LONGS_EQUAL(1, bench.host.safe_done[0]);
  check_safe(&bench);
  for (const std::size_t blocks : bench.control().frame_blocks) LONGS_EQUAL(1, blocks);
}

// The control takes fewer blocks than the config says.
TEST(FocasWriterSafe, FramesThatAreRefusedGetSmaller) {
  for (const std::size_t most : {1u, 2u, 3u}) {
    MachineBench bench(kBase + kQuiet, kTargets);
    settle(&bench);
    bench.control().most_blocks = most;
    bench.machine.safe(bench.now_ns);
    CHECK(run_safe(&bench));
    LONGS_EQUAL(1, bench.host.safe_done[0]);
    check_safe(&bench);
  }
}

TEST(FocasWriterSafe, WhileStoppingItIsAnswered) {
  MachineBench bench(kBase + kQuiet, kTargets);
  settle(&bench);
  bench.machine.stop(bench.now_ns);
  bench.machine.safe(bench.now_ns);
  bench.run(500);
  LONGS_EQUAL(1, bench.host.safe_done.size());
  LONGS_EQUAL(0, bench.host.streams_used());
}

TEST(FocasWriterSafe, StopWithinIt) {
  for (int at = 0; at < 12; ++at) {
    MachineBench bench(kBase + kQuiet, kTargets);
    bench.reply_ms = 3;
    settle(&bench);
    bench.machine.safe(bench.now_ns);
    bench.run(at);
    bench.machine.stop(bench.now_ns);
    bench.run(1000);
    LONGS_EQUAL(1, bench.host.safe_done.size());
    LONGS_EQUAL(0, bench.host.streams_used());
  }
}

TEST(FocasWriterSafe, TooManyOrWrongOnesAreRefusedAtSetUp) {
  std::string eleven = "safe = [";
  for (int i = 0; i < 11; ++i) eleven += "'pmc.R" + std::to_string(i) + "=1', ";
  MachineBench many(eleven + "]\n" + kQuiet);
  LONGS_EQUAL(RISE_E_CONFIG, many.result);
  CHECK(many.host.has_fault("safe"));
  MachineBench wrong("safe = ['pmc.R1=1', 'pmc.R1']\nfeed_hold = 'x=1'\n" + kQuiet,
                     {{"o", "status"}});
  LONGS_EQUAL(RISE_E_CONFIG, wrong.result);
  CHECK(wrong.host.has_fault("safe.1"));
  CHECK(wrong.host.has_fault("feed_hold"));
  CHECK(wrong.host.has_fault("/output.0.target"));
  LONGS_EQUAL(3, wrong.host.faults.size());
}

// A write that no control could take is found out at set-up, not when the machine trips.
TEST(FocasWriterSafe, ValuesThatCannotBeWrittenAreRefusedAtSetUp) {
  for (const std::string write :
       {"pmc.R100=300", "pmc.R100=-129", "pmc.G8.5=7", "pmc.G8.5=-1", "pmc.G8.5=0.5", "pmc.X8=1",
        "pmc.F0=1", "pmc.X8.4=1", "pmc.D1:word=70000", "pmc.D1:long=3e9", "pmc.R1.2-3=4",
        "pmc.R1..R2=70000", "macro.500=1e30", "parameter.1=1e10", "path.2.macro.500=1"}) {
    MachineBench safe("safe = ['pmc.R1=1', '" + write + "']\n" + kQuiet);
    LONGS_EQUAL(RISE_E_CONFIG, safe.result);
    CHECK_TEXT(safe.host.has_fault("safe.1"), write.c_str());
    LONGS_EQUAL(1, safe.host.faults.size());
    MachineBench hold("feed_hold = '" + write + "'\n" + kQuiet);
    LONGS_EQUAL(RISE_E_CONFIG, hold.result);
    CHECK_TEXT(hold.host.has_fault("feed_hold"), write.c_str());
  }
  for (const std::string write : {"pmc.R100=255", "pmc.R100=-128", "pmc.G8.5=0", "pmc.R1.2-3=3",
                                  "pmc.D1:word=65535", "pmc.R1..R3=16777215"}) {
    MachineBench good("safe = ['" + write + "']\nfeed_hold = '" + write + "'\n" + kQuiet);
    LONGS_EQUAL(RISE_OK, good.result);
  }
}
