// A machine from end to end against a fake control: sweeps to signals, heartbeats, statistics,
// alarms, stop.
#include <CppUTest/TestHarness.h>

#include "tests/unit/focas_machine_bench.hpp"

using rise::test::FakeControl;
using rise::test::MachineBench;

namespace {

const std::string kPath = "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n";
const std::string kFast =
    "[[group]]\nname = 'fast'\nperiod_ms = 10\n"
    "items = ['status', 'alarms', 'position.absolute', 'feed', 'spindle.load']\n";
const std::string kSlow =
    "[[group]]\nname = 'slow'\nperiod_ms = 100\n"
    "items = ['program.name', 'macro.500', 'parts.count', 'pmc.r100']\n";

}  // namespace

TEST_GROUP(FocasMachine){};

TEST(FocasMachine, SweepToSignals) {
  for (const bool legacy : {false, true}) {
    for (const std::size_t piece : {0u, 1u, 7u}) {
      MachineBench bench(kPath + kFast + kSlow);
      bench.controls["cnc"] = std::make_unique<FakeControl>(legacy);
      bench.control().macros[500] = {0, 0, 0x30, 0x39, 0, 10, 0, 3};
      bench.control().parameters[6711] = {3, 0, {77}};
      bench.control().pmc[5][100] = 9;
      bench.piece = piece;
      LONGS_EQUAL(RISE_OK, bench.result);
      CHECK(bench.run_up());
      bench.run(300);
      LONGS_EQUAL(0, bench.host.misuse.size());
      DOUBLES_EQUAL(1, *bench.host.value("status.mode"), 0);
      DOUBLES_EQUAL(3, *bench.host.value("status.run"), 0);
      DOUBLES_EQUAL(104.0, *bench.host.value("axis.x.position"), 1e-9);
      DOUBLES_EQUAL(104.003, *bench.host.value("axis.a.position"), 1e-9);
      DOUBLES_EQUAL(1500, *bench.host.value("feed.actual"), 0);
      DOUBLES_EQUAL(42, *bench.host.value("spindle.0.load"), 0);
      DOUBLES_EQUAL(0, *bench.host.value("alarm.bits"), 0);
      STRCMP_EQUAL("O1234", bench.host.text("program.name").c_str());
      DOUBLES_EQUAL(12.345, *bench.host.value("macro.500"), 1e-9);
      DOUBLES_EQUAL(77, *bench.host.value("parts.count"), 0);
      DOUBLES_EQUAL(9, *bench.host.value("pmc.r100"), 0);
      // 300 ms: about 30 samples of the one, 3 of the other.
      CHECK(bench.host.sample_count(0) >= 29 && bench.host.sample_count(0) <= 31);
      CHECK(bench.host.sample_count(1) >= 3 && bench.host.sample_count(1) <= 4);
      LONGS_EQUAL(0, bench.count(RISE_COUNT_BAD_FRAMES));
      LONGS_EQUAL(0, bench.host.rejected);
    }
  }
}

TEST(FocasMachine, OneFramePerSampleAndNoMoreThanTheLimits) {
  MachineBench bench(kPath + kFast + kSlow);
  CHECK(bench.run_up());
  bench.run(1000);
  for (const std::size_t blocks : bench.control().frame_blocks) CHECK(blocks <= 10);
  CHECK(bench.count(RISE_COUNT_SENT) <= 100 + 10 + 8);
}

TEST(FocasMachine, LinkTellsWhatWasMet) {
  MachineBench bench(kPath + kFast);
  CHECK(bench.run_up());
  LONGS_EQUAL(RISE_LINK_CONNECTING, bench.host.links[0].state);
  STRCMP_EQUAL("control 31 M series G433, 4 axes, 1 path", bench.host.links.back().reason.c_str());
  LONGS_EQUAL(0, bench.host.links.back().endpoint);
}

// An hour's period is no reason to wait an hour for the first sample.
TEST(FocasMachine, TheFirstSampleOfASlowGroupComesSoon) {
  MachineBench bench(kPath + "[[group]]\nname = 'g'\nperiod_ms = 3600000\nitems = ['feed']\n");
  bench.host.random = 0xffffffff;
  CHECK(bench.run_up());
  bench.run(1100);
  LONGS_EQUAL(1, bench.host.sample_count(0));
}

TEST(FocasMachine, LateSamplesAndTheDegradedFlag) {
  MachineBench bench(kPath + kFast + kSlow);
  bench.reply_ms = 25;
  CHECK(bench.run_up());
  bench.run(1000);
  CHECK(bench.count(RISE_COUNT_LATE_SAMPLES) >= 50);
  bench.reply_ms = 1;
  bench.run(100);
  bench.flags = RISE_CYCLE_DEGRADED;
  bench.run(200);
  const std::size_t slow = bench.host.sample_count(1);
  const std::size_t fast = bench.host.sample_count(0);
  bench.run(1000);
  LONGS_EQUAL(slow, bench.host.sample_count(1));
  CHECK(bench.host.sample_count(0) >= fast + 99);
}

TEST(FocasMachine, Heartbeats) {
  const std::string once = "[[group]]\nname = 'slow'\nperiod_ms = 3600000\nitems = ['feed']\n";
  MachineBench bench("heartbeat_s = 2\n" + kPath + once, {{"o", "macro.500"}});
  CHECK(bench.run_up());
  bench.run(20'500);
  // Two idle sessions, each every two seconds, and each answered.
  LONGS_EQUAL(2, bench.control().opened);
  CHECK(bench.count(RISE_COUNT_HEARTBEATS) >= 18 && bench.count(RISE_COUNT_HEARTBEATS) <= 20);
  LONGS_EQUAL(bench.count(RISE_COUNT_HEARTBEATS), bench.control().count(0x19));
  // A half-open connection is found by them.
  bench.control().silent = true;
  CHECK(bench.run_until([&] { return !bench.host.up(); }));
  CHECK(bench.count(RISE_COUNT_TIMEOUTS) >= 1);
}

TEST(FocasMachine, ABusySessionDoesNotBeat) {
  MachineBench bench("heartbeat_s = 1\ncommand_session = false\n" + kPath +
                     "[[group]]\nname = 'fast'\nperiod_ms = 10\nitems = ['feed']\n");
  CHECK(bench.run_up());
  bench.run(5000);
  LONGS_EQUAL(0, bench.count(RISE_COUNT_HEARTBEATS));
  // But every answer shows that the control lives: the host keeps the time of that.
  CHECK(bench.host.signs_of_life >= 490);
}

TEST(FocasMachine, Statistics) {
  MachineBench bench(kPath + kFast);
  CHECK(bench.run_up());
  bench.run(500);
  LONGS_EQUAL(bench.host.samples.size(), bench.count(RISE_COUNT_SAMPLES));
  CHECK(bench.count(RISE_COUNT_SENT) - bench.count(RISE_COUNT_RECEIVED) <= 1);
  LONGS_EQUAL(0, bench.count(RISE_COUNT_RECONNECTS));
  CHECK(bench.host.round_trips.size() + 1 >= bench.count(RISE_COUNT_SAMPLES));
  for (const std::int64_t ns : bench.host.round_trips) CHECK(ns >= 0 && ns <= 3 * bench.kMs);
  bench.cut();
  CHECK(!bench.host.up());
  CHECK(bench.run_up());
  LONGS_EQUAL(1, bench.count(RISE_COUNT_RECONNECTS));
}

TEST(FocasMachine, AlarmsFromBitsToMessages) {
  MachineBench bench(kPath + kFast);
  CHECK(bench.run_up());
  bench.run(50);
  bench.control().alarms[1] = {{500, 4, 2, "(Y)OVER TRAVEL"}};
  bench.run(50);
  LONGS_EQUAL(1, bench.host.alarms.size());
  STRCMP_EQUAL("(Y)OVER TRAVEL", bench.host.alarms[0][0].text.c_str());
  DOUBLES_EQUAL(16, *bench.host.value("alarm.bits"), 0);
  // It goes while the connection is away: that is told when it is back.
  bench.cut();
  bench.control().alarms.clear();
  CHECK(bench.run_up());
  bench.run(50);
  LONGS_EQUAL(0, bench.host.alarms.back().size());
}

// Records of another size than asked for: a machine in alarm must not lose its session over them.
TEST(FocasMachine, AlarmRecordsOfAnotherSize) {
  MachineBench bench(kPath + kFast);
  bench.control().alarm_text_bytes = 32;
  bench.control().alarms[1] = {{500, 4, 2, "(Y)OVER TRAVEL"}};
  CHECK(bench.run_up());
  bench.run(2000);
  CHECK(bench.host.up());
  LONGS_EQUAL(1, bench.control().opened);
  LONGS_EQUAL(1, bench.control().count(0x23));
  LONGS_EQUAL(1, bench.host.alarms.back().size());
  LONGS_EQUAL(4, bench.host.alarms.back()[0].type);
}

// Refused for the moment, again and again: the alarm is told, without its text.
TEST(FocasMachine, AlarmMessagesThatAreNeverToBeHad) {
  MachineBench bench(kPath + kFast);
  bench.control().refuse[0x23] = rise::focas::wire::Status::Busy;
  CHECK(bench.run_up());
  bench.control().alarms[1] = {{500, 4, 2, "OVER TRAVEL"}};
  bench.run(700);
  LONGS_EQUAL(0, bench.host.alarms.size());
  bench.run(700);
  LONGS_EQUAL(1, bench.host.alarms.back().size());
  LONGS_EQUAL(4, bench.host.alarms.back()[0].type);
  bench.control().refuse.clear();
  bench.run(700);
  STRCMP_EQUAL("OVER TRAVEL", bench.host.alarms.back()[0].text.c_str());
}

TEST(FocasMachine, ALegacyControlIsAskedForItsShortMessages) {
  MachineBench bench(kPath + kFast);
  bench.controls["cnc"] = std::make_unique<FakeControl>(true);
  bench.control().alarms[1] = {{500, 4, 2, "(Y)OVER TRAVEL"}, {10, 3, 0, "IMPROPER G-CODE"}};
  CHECK(bench.run_up());
  bench.run(100);
  STRCMP_EQUAL("IMPROPER G-CODE", bench.host.alarms.back()[1].text.c_str());
  LONGS_EQUAL(1, bench.host.alarms.back()[1].path);
  for (const auto& seen : bench.control().seen) {
    if (seen.block.command == 0x23) LONGS_EQUAL(32, seen.block.argument[3]);
  }
}

TEST(FocasMachine, AlarmsWithoutMessages) {
  MachineBench bench(kPath + kFast);
  bench.control().refuse[0x23] = rise::focas::wire::Status::NoOption;
  bench.control().alarms[1] = {{500, 4, 2, ""}};
  CHECK(bench.run_up());
  bench.run(100);
  LONGS_EQUAL(4, bench.host.alarms.back()[0].type);
  bench.control().alarms[1].push_back({1, 9, 0, ""});
  bench.run(100);
  LONGS_EQUAL(2, bench.host.alarms.back().size());
  bench.control().alarms.clear();
  bench.run(100);
  LONGS_EQUAL(0, bench.host.alarms.back().size());
}
