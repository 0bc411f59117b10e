// Commands: written, read back, answered once whatever happens.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <map>

#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/number.hpp"
#include "tests/unit/focas_machine_bench.hpp"

using rise::focas::wire::Status;
using rise::test::FakeControl;
using rise::test::MachineBench;

namespace {

// One sample in an hour: what is asked is the writer's.
const std::string kQuiet =
    "heartbeat_s = 3600\nbackoff_min_ms = 10\n"
    "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n"
    "[[group]]\nname = 'slow'\nperiod_ms = 3600000\nitems = ['feed']\n";

const MachineBench::Targets kTargets = {{"byte", "pmc.R100"},        {"bit", "pmc.G8.5"},
                                        {"word", "pmc.D10:word"},    {"long", "pmc.D20:long"},
                                        {"float", "pmc.D30:float"},  {"macro", "macro.500"},
                                        {"whole", "parameter.6713"}, {"axis", "parameter.1320.y"}};

}  // namespace

TEST_GROUP(FocasWriter){
    // Up, all sessions ready, outputs read.
    void settle(MachineBench * bench, bool legacy = false){
        if (legacy) bench->controls["cnc"] = std::make_unique<FakeControl>(true);
bench->control().parameters[6713] = {3, 0, {5}};
bench->control().parameters[1320] = {
    std::int16_t{static_cast<std::int16_t>(legacy ? 3 : 4)}, 3, {1000, 2000, 3000, 4000}};
bench->control().pmc[0][8] = 0xdf;
CHECK(bench->run_up());
bench->run(100);
bench->control().seen.clear();
bench->control().frame_blocks.clear();
}
void check_done(const MachineBench& bench, std::uint64_t id, std::uint32_t outcome,
                std::int32_t detail = 0) {
  LONGS_EQUAL(1, bench.host.done.size());
  LONGS_EQUAL(id, bench.host.done[0].id);
  LONGS_EQUAL(outcome, bench.host.done[0].outcome);
  LONGS_EQUAL(detail, bench.host.done[0].detail);
}
}
;

TEST(FocasWriter, EveryKindIsWrittenAndReadBack) {
  const double values[] = {200, 1, -5, -100000, 2.5, 12.345, 42, 3.25};
  for (const bool legacy : {false, true}) {
    for (const bool command_session : {false, true}) {
      for (std::uint32_t output = 0; output < kTargets.size(); ++output) {
        MachineBench bench(
            (command_session ? "command_session = true\n" : "command_session = false\n") + kQuiet,
            kTargets);
        settle(&bench, legacy);
        const double value = legacy && output == 7 ? 3 : values[output];
        LONGS_EQUAL(RISE_OK, bench.command(9, output, value));
        CHECK(bench.run_done());
        check_done(bench, 9, RISE_COMMAND_APPLIED);
        DOUBLES_EQUAL(value, bench.host.done[0].value, 1e-6);
        LONGS_EQUAL(1, bench.count(RISE_COUNT_WRITES));
        LONGS_EQUAL(0, bench.count(RISE_COUNT_WRITE_ERRORS));
        if (output == 1) LONGS_EQUAL(0xff, bench.control().pmc[0][8]);
      }
    }
  }
}

TEST(FocasWriter, OutputsAreReadAtTheStart) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  std::map<std::uint32_t, double> found;
  for (const auto& output : bench.host.outputs) found[output.output] = output.value;
  LONGS_EQUAL(kTargets.size() - 1, found.size());  // the macro is vacant
  DOUBLES_EQUAL(0, found[1], 0);
  DOUBLES_EQUAL(5, found[6], 0);
  DOUBLES_EQUAL(2, found[7], 0);
}

TEST(FocasWriter, ManyOutputsAreReadInSeveralFrames) {
  MachineBench::Targets targets;
  for (int i = 0; i < 23; ++i)
    targets.push_back({"o" + std::to_string(i), "macro." + std::to_string(500 + i)});
  MachineBench bench(kQuiet, targets);
  for (int i = 0; i < 23; ++i) {
    auto& macro = bench.control().macros[500 + i];
    macro.resize(8);
    rise::focas::wire::store_number(macro.data(), {i, 10, 0});
  }
  CHECK(bench.run_up());
  bench.run(100);
  LONGS_EQUAL(23, bench.host.outputs.size());
  for (std::uint32_t i = 0; i < 23; ++i) {
    LONGS_EQUAL(i, bench.host.outputs[i].output);
    DOUBLES_EQUAL(i, bench.host.outputs[i].value, 0);
  }
  CHECK(*std::max_element(bench.control().frame_blocks.begin(),
                          bench.control().frame_blocks.end()) <= 10);
}

// Parameters come in records of 264 bytes: five of them would be too much for a proven frame.
TEST(FocasWriter, ReadingKeepsToTheReplyLimit) {
  MachineBench::Targets targets;
  for (int i = 0; i < 12; ++i)
    targets.push_back({"o" + std::to_string(i), "parameter." + std::to_string(100 + i)});
  for (const std::size_t limit : {256u, 1460u, 3480u}) {
    MachineBench bench("max_reply_bytes = " + std::to_string(limit) + "\n" + kQuiet, targets);
    for (int i = 0; i < 12; ++i) bench.control().parameters[100 + i] = {3, 0, {i}};
    CHECK(bench.run_up());
    bench.run(100);
    LONGS_EQUAL(12, bench.host.outputs.size());
    for (const std::size_t blocks : bench.control().frame_blocks) {
      CHECK(blocks <= std::max<std::size_t>(1, (limit - 12) / 280) || blocks <= 3);
    }
  }
}

TEST(FocasWriter, WhatIsReadBackDiffers) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  bench.control().ignore_writes = true;
  bench.command(1, 6, 42);
  CHECK(bench.run_done());
  check_done(bench, 1, RISE_COMMAND_MISMATCH);
  DOUBLES_EQUAL(5, bench.host.done[0].value, 0);
  LONGS_EQUAL(1, bench.count(RISE_COUNT_WRITE_ERRORS));
  LONGS_EQUAL(0, bench.count(RISE_COUNT_WRITES));
}

// Read back as "vacant": nobody knows the value, so it is not told as 0.
TEST(FocasWriter, WhatIsReadBackIsNoValue) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  bench.control().ignore_writes = true;
  bench.command(1, 5, 42);
  CHECK(bench.run_done());
  check_done(bench, 1, RISE_COMMAND_FAILED, static_cast<int>(Status::Data));
}

TEST(FocasWriter, TheControlRefusesAnyStep) {
  const std::pair<std::uint32_t, std::vector<std::uint16_t>> steps[] = {
      {0, {0x8002, 0x8001}}, {1, {0x8001, 0x8002}}, {5, {0x16, 0x15}}, {6, {0xa0, 0x8e, 0x8d}}};
  for (const auto& [output, commands] : steps) {
    for (const std::uint16_t command : commands) {
      MachineBench bench(kQuiet, kTargets);
      settle(&bench);
      bench.control().refuse[command] = Status::Protected;
      bench.command(1, output, 1);
      CHECK(bench.run_done());
      check_done(bench, 1, RISE_COMMAND_FAILED, 7);
      bench.control().refuse.clear();
      bench.command(2, output, 1);
      CHECK(bench.run_done(2));
      LONGS_EQUAL(RISE_COMMAND_APPLIED, bench.host.done[1].outcome);
    }
  }
}

TEST(FocasWriter, TheControlRefusesTheFrame) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  bench.control().refuse_frames = Status::Reject;
  bench.command(1, 0, 1);
  CHECK(bench.run_done());
  check_done(bench, 1, RISE_COMMAND_FAILED, 13);
}

TEST(FocasWriter, WhatCannotBeExpressedFailsWithoutARequest) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  bench.command(1, 0, 999);
  CHECK(bench.run_done());
  check_done(bench, 1, RISE_COMMAND_FAILED, static_cast<int>(Status::Data));
  LONGS_EQUAL(0, bench.control().seen.size());
  bench.command(2, 0, 9);
  CHECK(bench.run_done(2));
}

TEST(FocasWriter, CommandsThatAreNotTaken) {
  MachineBench bench(kQuiet, kTargets);
  LONGS_EQUAL(RISE_E_CLOSED, bench.command(1, 0, 1));  // no link yet
  settle(&bench);
  LONGS_EQUAL(RISE_E_ARGUMENT, bench.command(1, 8, 1));
  LONGS_EQUAL(RISE_E_UNSUPPORTED, bench.command(1, 0, 1, 77));
  LONGS_EQUAL(RISE_E_UNSUPPORTED, bench.command(1, 0, 1, RISE_COMMAND_FEED_HOLD));
  bench.machine.stop(bench.now_ns);
  LONGS_EQUAL(RISE_E_CLOSED, bench.command(1, 0, 1));
  bench.run(1000);
  LONGS_EQUAL(0, bench.host.done.size());
}

TEST(FocasWriter, TheQueueHasALimit) {
  MachineBench bench(kQuiet, kTargets);
  settle(&bench);
  std::uint64_t taken = 0;
  while (bench.command(taken + 1, 0, static_cast<double>(taken)) == RISE_OK) ++taken;
  LONGS_EQUAL(9, taken);  // one is under way, eight wait
  LONGS_EQUAL(RISE_E_AGAIN, bench.command(99, 0, 1));
  CHECK(bench.run_done(9));
  for (std::size_t i = 0; i < 9; ++i) {  // in order
    LONGS_EQUAL(i + 1, bench.host.done[i].id);
    LONGS_EQUAL(RISE_COMMAND_APPLIED, bench.host.done[i].outcome);
  }
  LONGS_EQUAL(RISE_OK, bench.command(100, 0, 1));
}

// The control has no second session: commands take their place between two sweeps, at once.
TEST(FocasWriter, CommandsWithoutTheirSession) {
  MachineBench bench(
      "[[path]]\naxes = ['X']\n[[group]]\nname = 'g'\nperiod_ms = 10\n"
      "items = ['feed']\n",
      {{"o", "pmc.R1"}});
  CHECK(bench.run_up());
  bench.control().refuse_open = true;
  bench.run(5000);
  LONGS_EQUAL(RISE_OK, bench.command(1, 0, 7));
  bench.run(20);
  check_done(bench, 1, RISE_COMMAND_APPLIED);
}

// Cut at every millisecond of a write of three steps: one result, and nothing is written later.
TEST(FocasWriter, ConnectionLostWithinAWrite) {
  for (int at = 0; at < 12; ++at) {
    for (const bool command_session : {false, true}) {
      MachineBench bench((command_session ? "" : "command_session = false\n") + kQuiet, kTargets);
      bench.reply_ms = 3;
      settle(&bench);
      bench.command(1, 6, 42);
      bench.command(2, 0, 7);
      bench.run(at);
      bench.cut();
      const std::size_t done = bench.host.done.size();
      LONGS_EQUAL(2, done);
      bench.control().seen.clear();
      CHECK(bench.run_up());
      bench.run(500);
      LONGS_EQUAL(2, bench.host.done.size());
      for (const auto& seen : bench.control().seen) {
        CHECK(seen.block.command != 0x8e && seen.block.command != 0x8002);
      }
    }
  }
}

// Any mix of commands, safe states, losses and waits: each command that was taken is answered once.
TEST(FocasWriter, EveryCommandIsAnsweredOnce) {
  std::uint64_t seed = 3;
  const auto next = [&seed](std::uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(seed >> 33) % n;
  };
  for (int round = 0; round < 300; ++round) {
    MachineBench bench("reply_timeout_ms = 20\nsafe = ['pmc.R1.0=1', 'pmc.R1.1=1']\n" + kQuiet,
                       kTargets);
    bench.control().parameters[6713] = {3, 0, {5}};
    bench.control().parameters[1320] = {4, 3, {1, 2, 3, 4}};
    std::map<std::uint64_t, int> taken;
    for (std::uint64_t id = 1; id < 60; ++id) {
      bench.run(next(8));
      bench.reply_ms = 1 + next(5);
      bench.control().silent = next(10) == 0;
      bench.control().refuse_open = next(5) == 0;
      if (next(15) == 0) bench.cut();
      if (next(12) == 0) bench.machine.safe(bench.now_ns);
      if (bench.command(id, next(8), next(100)) == RISE_OK) taken[id] = 0;
    }
    if (round % 2 == 0) bench.machine.stop(bench.now_ns);
    bench.control().silent = false;
    bench.run(1000);
    for (const auto& done : bench.host.done) ++taken[done.id];
    for (const auto& [id, answers] : taken) LONGS_EQUAL(1, answers);
    LONGS_EQUAL(0, bench.host.misuse.size());
  }
}
