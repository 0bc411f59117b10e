// Sessions of a machine: reconnect, backup endpoint, fail-back, stop.
#include <CppUTest/TestHarness.h>

#include <algorithm>

#include "tests/unit/focas_machine_bench.hpp"

using rise::test::FakeControl;
using rise::test::MachineBench;

namespace {

const std::string kGroup =
    "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n"
    "[[group]]\nname = 'fast'\nperiod_ms = 10\nitems = ['feed', 'position.absolute']\n";
const std::string kBackup =
    "backup = 'spare'\nretry_count = 2\nbackoff_min_ms = 10\nbackoff_max_ms = 40\nfailback_s = 1\n";

bool told(const MachineBench& bench, const std::string& text) {
  for (const auto& notice : bench.host.notices) {
    if (notice.text.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_GROUP(FocasMachineLinks){};

TEST(FocasMachineLinks, ConnectsAgainWithBackoff) {
  MachineBench bench("backoff_min_ms = 100\nbackoff_max_ms = 400\n" + kGroup);
  auto cnc = std::move(bench.controls["cnc"]);
  bench.controls.clear();
  bench.run(3000);
  // 50, 100, 200, 200, ... ms with a jitter of 0: the first, then about 17 more.
  const auto attempts = static_cast<std::size_t>(
      std::count_if(bench.host.links.begin(), bench.host.links.end(),
                    [](const auto& link) { return link.state == RISE_LINK_CONNECTING; }));
  CHECK(attempts >= 14 && attempts <= 18);
  LONGS_EQUAL(0, bench.count(RISE_COUNT_FAILOVERS));
  bench.controls["cnc"] = std::move(cnc);
  CHECK(bench.run_up());
  bench.run(20);
  CHECK(bench.host.value("feed.actual").has_value());
}

TEST(FocasMachineLinks, FailoverAndFailback) {
  MachineBench bench(kBackup + kGroup);
  bench.controls["spare"] = std::make_unique<FakeControl>();
  bench.control("spare").feed = 700;
  CHECK(bench.run_up());
  bench.run(50);
  DOUBLES_EQUAL(1500, *bench.host.value("feed.actual"), 0);
  auto cnc = std::move(bench.controls["cnc"]);
  bench.controls.erase("cnc");
  bench.cut();
  CHECK(!bench.host.up());
  CHECK(bench.run_up());
  LONGS_EQUAL(1, bench.host.links.back().endpoint);
  LONGS_EQUAL(1, bench.count(RISE_COUNT_FAILOVERS));
  CHECK(told(bench, "backup endpoint is tried now"));
  bench.run(3500);  // the probes of the primary fail meanwhile
  CHECK(bench.host.up());
  DOUBLES_EQUAL(700, *bench.host.value("feed.actual"), 0);
  LONGS_EQUAL(0, bench.count(RISE_COUNT_FAILBACKS));
  const std::size_t samples = bench.host.samples.size();
  bench.controls["cnc"] = std::move(cnc);
  CHECK(bench.run_until([&] { return bench.count(RISE_COUNT_FAILBACKS) == 1; }));
  bench.run(50);
  LONGS_EQUAL(0, bench.host.links.back().endpoint);
  DOUBLES_EQUAL(1500, *bench.host.value("feed.actual"), 0);
  LONGS_EQUAL(1, bench.control("spare").closed);  // it has its session back
  LONGS_EQUAL(1, bench.host.streams_used());
  CHECK(bench.host.samples.size() > samples + 4);
  for (const auto& link : bench.host.links) CHECK(link.state <= RISE_LINK_UP);
  LONGS_EQUAL(0, bench.host.misuse.size());
}

// It takes every session and loses it again: not worth its retries, so the backup is tried.
TEST(FocasMachineLinks, AControlThatOnlyOpensIsLeft) {
  MachineBench bench(kBackup + kGroup);
  bench.controls["spare"] = std::make_unique<FakeControl>();
  bench.run_until([&] {
    if (bench.host.up() && bench.host.links.back().endpoint == 0) bench.cut();
    return bench.host.sample_count(0) > 0;
  });
  LONGS_EQUAL(1, bench.host.links.back().endpoint);
  LONGS_EQUAL(2, bench.control("cnc").opened);
}

// The primary opens sessions and does nothing more: a backup that works must not be left for it.
TEST(FocasMachineLinks, AHealthyBackupIsNotLeftForAPrimaryThatOnlyOpens) {
  for (const int how : {0, 1, 2, 3}) {
    MachineBench bench(kBackup + "reply_timeout_ms = 50\n" + kGroup, {{"o", "macro.500"}});
    bench.controls["spare"] = std::make_unique<FakeControl>();
    auto cnc = std::move(bench.controls["cnc"]);
    bench.controls.erase("cnc");
    CHECK(bench.run_up());
    bench.run(100);
    bench.controls["cnc"] = std::move(cnc);
    FakeControl& primary = bench.control("cnc");
    if (how == 0) primary.refuse_frames = rise::focas::wire::Status::Reject;
    if (how == 1)
      primary.refuse = {{0x24, rise::focas::wire::Status::Busy},
                        {0x26, rise::focas::wire::Status::Busy}};
    if (how == 2) primary.poison = 0x26;  // part of the sample
    if (how == 3) primary.most_blocks = 0;
    const std::size_t links = bench.host.links.size();
    const std::size_t samples = bench.host.samples.size();
    bench.run(3500);
    LONGS_EQUAL(0, bench.count(RISE_COUNT_FAILBACKS));
    LONGS_EQUAL(links, bench.host.links.size());
    CHECK(bench.host.samples.size() > samples + 340);
    CHECK(bench.host.streams_used() <= 3);
    primary.refuse_frames.reset();
    primary.refuse.clear();
    primary.poison = 0;
    primary.most_blocks = 1000;
    CHECK(bench.run_until([&] { return bench.count(RISE_COUNT_FAILBACKS) == 1; }));
    bench.run(100);
    CHECK(bench.host.up());
    LONGS_EQUAL(0, bench.host.links.back().endpoint);
    LONGS_EQUAL(0, bench.host.misuse.size());
  }
}

// The session that is to be closed must not begin anything when its last answer comes.
TEST(FocasMachineLinks, AProbeThatIsBeingClosedDoesNotTakeOver) {
  for (int at = 0; at < 30; ++at) {
    MachineBench bench(kBackup + "command_session = false\n" + kGroup);
    bench.controls["spare"] = std::make_unique<FakeControl>();
    auto cnc = std::move(bench.controls["cnc"]);
    bench.controls.erase("cnc");
    CHECK(bench.run_up());
    bench.run(100);
    bench.controls["cnc"] = std::move(cnc);
    bench.reply_ms = 5;
    CHECK(bench.run_until([&] { return bench.host.streams_used() == 2; }));
    bench.run(at);
    const std::uint64_t before = bench.count(RISE_COUNT_FAILBACKS);
    for (std::size_t i = 0; i < bench.host.streams.size(); ++i) {  // the sweep session is lost
      if (before == 0 && bench.host.streams[i].used && bench.host.streams[i].host == "spare")
        bench.end(static_cast<std::int32_t>(i), RISE_CLOSED_RESET);
    }
    bench.run(300);
    CHECK(bench.count(RISE_COUNT_FAILBACKS) <= before + 1);
    CHECK(bench.run_up());
    bench.run(100);
    CHECK(bench.host.value("feed.actual").has_value());
    LONGS_EQUAL(0, bench.host.misuse.size());
    CHECK(bench.host.streams_used() <= 2);
  }
}

// Connects that fail, and answers that are torn, are faults like any other.
TEST(FocasMachineLinks, FailedConnectsAndTornAnswersAreCounted) {
  MachineBench bench("backoff_min_ms = 10\nbackoff_max_ms = 10\n" + kGroup);
  auto cnc = std::move(bench.controls["cnc"]);
  bench.controls.clear();
  bench.run(100);
  CHECK(bench.count(RISE_COUNT_TIMEOUTS) >= 5);
  bench.controls["cnc"] = std::move(cnc);
  CHECK(bench.run_up());
  bench.run(20);
  const std::uint64_t timeouts = bench.count(RISE_COUNT_TIMEOUTS);
  LONGS_EQUAL(0, bench.count(RISE_COUNT_BAD_FRAMES));
  bench.mute = 0;
  bench.run(20);  // a question is out
  const std::uint8_t piece[] = {0xa0, 0xa0, 0xa0};
  bench.machine.on_bytes(0, piece, bench.now_ns);
  bench.cut();
  LONGS_EQUAL(1, bench.count(RISE_COUNT_BAD_FRAMES));
  bench.mute = -1;
  CHECK(bench.run_up());
  bench.run(20);
  bench.mute = 0;
  bench.run(20);
  bench.cut();
  LONGS_EQUAL(timeouts + 1, bench.count(RISE_COUNT_TIMEOUTS));
}

// And on failure of both it goes round.
TEST(FocasMachineLinks, BothEndpointsAreTriedInTurn) {
  MachineBench bench(kBackup + kGroup);
  bench.controls.clear();
  bench.run(2000);
  CHECK(bench.count(RISE_COUNT_FAILOVERS) >= 10);
  bench.controls["cnc"] = std::make_unique<FakeControl>();
  CHECK(bench.run_up());
  LONGS_EQUAL(0, bench.host.links.back().endpoint);
}

// Items that the primary lacks must not keep the value of the backup.
TEST(FocasMachineLinks, FailbackKeepsNoValueOfTheOtherControl) {
  MachineBench bench(kBackup +
                     "[[path]]\naxes = ['X']\n[[path]]\naxes = ['X']\n"
                     "[[group]]\nname = 'fast'\nperiod_ms = 10\nitems = ['feed']\n");
  bench.controls["spare"] = std::make_unique<FakeControl>();
  bench.control("spare").paths = 2;
  auto cnc = std::move(bench.controls["cnc"]);
  bench.controls.erase("cnc");
  CHECK(bench.run_up());
  bench.run(50);
  CHECK(bench.host.value("path.2.feed.actual").has_value());
  bench.controls["cnc"] = std::move(cnc);
  CHECK(bench.run_until([&] { return bench.count(RISE_COUNT_FAILBACKS) == 1; }));
  bench.run(50);
  CHECK(bench.host.value("feed.actual").has_value());
  CHECK(!bench.host.value("path.2.feed.actual"));
}

TEST(FocasMachineLinks, CommandSessionIsMissed) {
  MachineBench bench(kGroup, {{"o", "macro.500"}});
  CHECK(bench.run_up());
  bench.control().refuse_open = true;  // one session is all that this control has
  bench.run(30'000);
  CHECK(bench.host.up());
  // Told once, and asked less and less often: after 1, 2, 4, 8, 10 s.
  CHECK(told(bench, "command session"));
  LONGS_EQUAL(1, std::count_if(bench.host.notices.begin(), bench.host.notices.end(),
                               [](const auto& n) { return n.code == 7; }));
  // Its outputs were read all the same.
  LONGS_EQUAL(1, bench.control().count(0x15));
  bench.control().refuse_open = false;
  CHECK(bench.run_until([&] { return bench.control().opened == 2; }));
}

TEST(FocasMachineLinks, AMachineWithoutOutputsHasOneSession) {
  MachineBench bench(kGroup);
  CHECK(bench.run_up());
  bench.run(3000);
  LONGS_EQUAL(1, bench.control().opened);
}

TEST(FocasMachineLinks, StopSaysGoodByeOnAllSessions) {
  for (const std::int64_t reply_ms : {1, 20}) {
    for (int at = 0; at < 60; ++at) {
      MachineBench bench(kGroup, {{"o", "macro.500"}});
      bench.reply_ms = reply_ms;
      bench.run(at);
      const bool was_up = bench.host.up();
      bench.machine.stop(bench.now_ns);
      bench.run(200);
      LONGS_EQUAL(0, bench.host.streams_used());
      LONGS_EQUAL(bench.control().opened, bench.control().closed);
      if (was_up) CHECK(bench.control().opened >= 1);
      const std::size_t links = bench.host.links.size();
      bench.run(2000);  // and nothing is opened any more
      LONGS_EQUAL(links, bench.host.links.size());
      LONGS_EQUAL(0, bench.host.streams_used());
      LONGS_EQUAL(0, bench.host.misuse.size());
    }
  }
}

TEST(FocasMachineLinks, StopEndsThoughTheControlIsSilent) {
  for (int at = 0; at < 40; ++at) {
    MachineBench bench(kGroup, {{"o", "macro.500"}});
    bench.run(at);
    bench.control().silent = true;
    bench.run(at % 3);
    bench.machine.stop(bench.now_ns);
    bench.run(1200);
    LONGS_EQUAL(0, bench.host.streams_used());
  }
}

TEST(FocasMachineLinks, StopOnTheBackupWithAProbeUnderWay) {
  MachineBench bench(kBackup + kGroup, {{"o", "macro.500"}});
  bench.controls["spare"] = std::make_unique<FakeControl>();
  auto cnc = std::move(bench.controls["cnc"]);
  bench.controls.erase("cnc");
  CHECK(bench.run_up());
  bench.controls["cnc"] = std::move(cnc);
  bench.control("cnc").silent = true;
  CHECK(bench.run_until([&] { return bench.host.streams_used() == 3; }));
  bench.machine.stop(bench.now_ns);
  bench.run(1200);
  LONGS_EQUAL(0, bench.host.streams_used());
  LONGS_EQUAL(2, bench.control("spare").closed);
}

// The link is told down before it is told up again, and the session is made anew after each fault.
TEST(FocasMachineLinks, TimeoutsMakeTheSessionAnew) {
  MachineBench bench("reply_timeout_ms = 50\nbackoff_min_ms = 10\n" + kGroup);
  CHECK(bench.run_up());
  bench.run(100);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    bench.control().silent = true;
    CHECK(bench.run_until([&] { return !bench.host.up(); }));
    LONGS_EQUAL(i, bench.count(RISE_COUNT_TIMEOUTS));
    bench.control().silent = false;
    CHECK(bench.run_up());
    bench.run(100);
    LONGS_EQUAL(i, bench.count(RISE_COUNT_RECONNECTS));
  }
}

// Names, series and texts of a control are bytes of anybody: what people read is plain text.
TEST(FocasMachineLinks, NoticesArePlainText) {
  MachineBench bench(kGroup);
  bench.control().axis_names = "\x01\xff\n\x80";
  CHECK(bench.run_up());
  bench.run(50);
  CHECK(!bench.host.notices.empty());
  for (const auto& notice : bench.host.notices) {
    for (const char c : notice.text) CHECK(c >= 0x20 && c < 0x7f);
  }
}

TEST(FocasMachineLinks, NoStreamToBeHad) {
  MachineBench bench(kGroup);
  CHECK(bench.run_up());
  bench.host.stream_limit = 0;
  bench.cut();
  bench.run(5000);
  CHECK(!bench.host.up());
  bench.host.stream_limit = 4;
  CHECK(bench.run_up());
}
