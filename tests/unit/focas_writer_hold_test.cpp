// The feed hold, what outputs can hold, and what becomes of writes that are lost.
#include <CppUTest/TestHarness.h>

#include <limits>

#include "tests/unit/focas_machine_bench.hpp"

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

TEST_GROUP(FocasWriterHold){
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

TEST(FocasWriterHold, FeedHold) {
  MachineBench bench("feed_hold = 'pmc.G8.5=0'\n" + kQuiet);
  bench.control().pmc[0][8] = 0xff;
  CHECK(bench.run_up());
  bench.run(50);
  LONGS_EQUAL(RISE_OK, bench.command(3, 0, 0, RISE_COMMAND_FEED_HOLD));
  CHECK(bench.run_done());
  check_done(bench, 3, RISE_COMMAND_APPLIED);
  LONGS_EQUAL(0xdf, bench.control().pmc[0][8]);
}

// It has a session of its own, so it waits neither for the commands before it nor for the reply to
// the one that is out.
TEST(FocasWriterHold, FeedHoldOvertakesCommands) {
  for (const bool mute : {false, true}) {
    MachineBench bench("feed_hold = 'pmc.G8.5=0'\nreply_timeout_ms = 400\n" + kQuiet, kTargets);
    settle(&bench);
    bench.control().pmc[0][8] = 0xff;
    bench.reply_ms = 10;
    if (mute) bench.mute = 1;
    for (std::uint64_t id = 1; id <= 5; ++id) bench.command(id, 0, static_cast<double>(id));
    bench.run(2);
    LONGS_EQUAL(RISE_OK, bench.command(9, 0, 0, RISE_COMMAND_FEED_HOLD));
    bench.run(21);  // fetched, written
    LONGS_EQUAL(0xdf, bench.control().pmc[0][8]);
    CHECK(bench.control().pmc[5][100] <= 1);
    bench.mute = -1;
    CHECK(bench.run_done(6));
    for (const auto& done : bench.host.done) {
      const bool lost = mute && done.id == 1;
      LONGS_EQUAL(lost ? RISE_COMMAND_FAILED : RISE_COMMAND_APPLIED, done.outcome);
    }
    CHECK(bench.host.done[0].id == 9 || bench.host.done[1].id == 9);
    LONGS_EQUAL(5, bench.control().pmc[5][100]);
  }
}

// A bit beside it is being written: both must be as they were meant, at whatever moment they meet.
TEST(FocasWriterHold, FeedHoldAndACommandInTheSameByte) {
  for (int at = 0; at < 16; ++at) {
    MachineBench bench("feed_hold = 'pmc.G8.5=0'\n" + kQuiet, {{"o", "pmc.G8.4"}});
    settle(&bench);
    bench.control().pmc[0][8] = 0xef;
    bench.reply_ms = 4;
    bench.command(1, 0, 1);
    bench.run(at);
    bench.command(2, 0, 0, RISE_COMMAND_FEED_HOLD);
    bench.run(1);
    CHECK(bench.run_done(2));
    for (const auto& done : bench.host.done) LONGS_EQUAL(RISE_COMMAND_APPLIED, done.outcome);
    LONGS_EQUAL(0xdf, bench.control().pmc[0][8]);
  }
}

// Limits that the target cannot hold are refused at set-up.
TEST(FocasWriterHold, LimitsBeyondTheTarget) {
  const auto faults = [](const std::string& target, double min, double max) {
    rise::test::FakeHost host;
    rise::test::DriverConfig config("endpoint = 'cnc'\n" + kQuiet, {{"o", target}});
    rise_output_spec spec = config.abi.outputs[0];
    spec.min = min;
    spec.max = max;
    config.abi.outputs = &spec;
    rise::focas::Machine machine;
    machine.configure(&host.abi, config.abi);
    return (host.has_fault("/output.0.min") ? 1 : 0) + (host.has_fault("/output.0.max") ? 2 : 0) +
           (host.has_fault("/output.0.target") ? 4 : 0);
  };
  const double inf = std::numeric_limits<double>::infinity();
  LONGS_EQUAL(0, faults("pmc.R100", 0, 255));
  LONGS_EQUAL(2, faults("pmc.R100", 0, 256));
  LONGS_EQUAL(3, faults("pmc.R100", -inf, inf));
  LONGS_EQUAL(2, faults("pmc.R100.3", 0, 2));
  LONGS_EQUAL(1, faults("pmc.D10:word", -40000, 1));
  LONGS_EQUAL(3, faults("macro.500", -inf, inf));
  LONGS_EQUAL(0, faults("macro.500", -1e9, 1e9));
  LONGS_EQUAL(4, faults("pmc.F10", 0, 1));
  LONGS_EQUAL(4, faults("path.2.macro.1", 0, 1));
}

// Several bytes as one number, some bits of a byte, and another path's macro.
TEST(FocasWriterHold, RangesBitsAndPaths) {
  MachineBench bench("[[path]]\naxes = ['X']\n" + kQuiet,
                     {{"o", "pmc.R100..R103"}, {"b", "pmc.R110.2-5"}, {"m", "path.2.macro.500"}});
  bench.control().paths = 2;
  bench.control().pmc[5][110] = 0xff;
  CHECK(bench.run_up());
  bench.run(100);
  bench.command(1, 0, 0x01020304);
  bench.command(2, 1, 5);
  bench.command(3, 2, 1.5);
  CHECK(bench.run_done(3));
  for (const auto& done : bench.host.done) LONGS_EQUAL(RISE_COMMAND_APPLIED, done.outcome);
  LONGS_EQUAL(4, bench.control().pmc[5][100]);
  LONGS_EQUAL(1, bench.control().pmc[5][103]);
  LONGS_EQUAL(0xd7, bench.control().pmc[5][110]);
  for (const auto& seen : bench.control().seen) {
    if (seen.block.command == 0x16 || seen.block.command == 0x15) LONGS_EQUAL(2, seen.block.path);
  }
}

// Lost while the outputs are being read: they are read all the same.
TEST(FocasWriterHold, ALostReadingIsDoneAgain) {
  for (int at = 0; at < 20; ++at) {
    MachineBench bench(kQuiet, kTargets);
    bench.control().parameters[6713] = {3, 0, {5}};
    bench.reply_ms = 5;
    CHECK(bench.run_until([&] { return bench.control().opened == 2; }));
    bench.run(at);
    bench.control().refuse_open = true;  // there is no other command session
    bench.end(1, RISE_CLOSED_RESET);
    bench.run(500);
    bool found = false;
    for (const auto& output : bench.host.outputs) found = found || output.output == 6;
    CHECK(found);
  }
}

// The reply to a write is lost: it may have been done, so its output is looked at again.
TEST(FocasWriterHold, ALostWriteIsLookedAtAgain) {
  for (const bool both : {false, true}) {
    MachineBench bench(kQuiet, kTargets);
    settle(&bench);
    bench.reply_ms = 10;
    bench.command(1, 0, 42);
    bench.run(2);  // done there, not told here
    bench.host.outputs.clear();
    if (both) {
      bench.cut();
    } else {
      bench.end(1, RISE_CLOSED_RESET);
    }
    check_done(bench, 1, RISE_COMMAND_FAILED, -16);
    bench.reply_ms = 1;
    bench.run(3000);
    bool found = false;
    for (const auto& output : bench.host.outputs) {
      found = found || (output.output == 0 && output.value == 42);
    }
    CHECK(found);
  }
}
