// A recorded lane of fake machines, and what a replay says when the driver does something else.
#include "drivers/replay/replay.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/unit/support/record_rig.hpp"

using namespace rise::test;
using rise::replay::Replay;
namespace message = rise::message;
namespace shm = rise::shm;

TEST_GROUP(ReplayReplay) {
  RecordRig rig;
  std::vector<std::uint8_t> file;
  // What the driver does: the same in the recording and in the replay, unless a test changes it.
  std::string said = "how are you?";
  double value = 1.5;
  std::int64_t now_ns = 0;  // of the cycle
  std::uint64_t until_cycle = UINT64_MAX;
  std::vector<std::string> texts;  // of the divergences

  void record(int machines = 1, const std::string& more = "") {
    rig.rig.driver.on_start = [](FakeMachine* m) {
      m->ask(&rise_host::stream_open, "peer", std::uint16_t{1}, std::uint32_t{100});
    };
    rig.rig.driver.on_open = [](FakeMachine* m, std::int32_t) { m->link(RISE_LINK_UP); };
    rig.rig.driver.on_cycle = [this](FakeMachine* m, const rise_cycle& cycle) {
      now_ns = cycle.now_ns;
      if (!m->streams.empty() && cycle.number % 10 == 0 && cycle.number < until_cycle) {
        m->send(m->streams[0], said);
      }
    };
    rig.rig.driver.on_bytes = [this](FakeMachine* m, std::string_view) {
      m->ask(&rise_host::signal_write, 0, value + static_cast<double>(m->cycles));
      m->ask(&rise_host::sample, 0, now_ns);
    };
    rig.rig.driver.on_stop = [](FakeMachine* m) {
      for (const std::int32_t stream : m->streams) m->ask(&rise_host::stream_close, stream);
    };
    rig.make(machines, more);
    rig.rig.begin();
    rig.run(200);
    file = rig.finish();
  }
  rise::replay::Summary play() {
    std::string why;
    const std::unique_ptr<Replay> replay = rig.replay(file, &why);
    STRCMP_EQUAL("", why.c_str());
    int steps = 0;
    while (replay->step()) CHECK(++steps < 10'000);
    texts = replay->divergences().texts;
    return replay->summary();
  }
  bool told(const std::string& words) {
    for (const std::string& text : texts) {
      if (text.find(words) != std::string::npos) return true;
    }
    return false;
  }
};

TEST(ReplayReplay, TheSameDriverDoesTheSame) {
  record(3);
  const auto summary = play();
  UNSIGNED_LONGS_EQUAL(0, texts.size());
  CHECK(summary.complete);
  CHECK(summary.cycles > 200);
  CHECK(summary.frames > 40);
  CHECK(summary.compared > 20);
  CHECK(summary.bytes_in == 2 * summary.bytes_out / said.size());
}

TEST(ReplayReplay, OtherBytesSentAreShownWithTheirPlace) {
  record();
  said = "how are yOu?";
  play();
  CHECK(told("cycle 10: m0, stream 0: sends 12 bytes instead of 12, different from offset 9"));
  CHECK(told("recorded [0..] 68 6f 77 20 61 72 65 20 79 >6f 75 3f"));
  CHECK(told("replayed [0..] 68 6f 77 20 61 72 65 20 79 >4f 75 3f"));
}

TEST(ReplayReplay, LessAndMoreSentAreDifferencesToo) {
  record();
  said = "how";
  play();
  CHECK(told("sends 3 bytes instead of 12, different from offset 3"));
  until_cycle = 100;
  said = "how are you?";
  play();
  CHECK(told("cycle 100: m0, stream 0: the recording has bytes to send"));
  CHECK_FALSE(told("cycle 90:"));
}

TEST(ReplayReplay, WhatWasNotSentThenIsADifference) {
  until_cycle = 100;
  record();
  until_cycle = UINT64_MAX;
  play();
  CHECK(told("cycle 100: m0, stream 0: sends, not so in the recording"));
}

TEST(ReplayReplay, OtherTelemetryIsADifferenceOnce) {
  record();
  value = 1.25;
  play();
  UNSIGNED_LONGS_EQUAL(1, texts.size());
  CHECK(told("telemetry frames differ from here on: as many, with other bytes"));
}

TEST(ReplayReplay, OtherEventsAreADifferenceOnce) {
  record();
  rig.rig.driver.on_open = [](FakeMachine* m, std::int32_t) { m->link(RISE_LINK_UP, 0, "other"); };
  play();
  UNSIGNED_LONGS_EQUAL(1, texts.size());
  CHECK(told("events and command results differ from here on"));
}

TEST(ReplayReplay, AnotherDriverOfTheNameIsWarnedOf) {
  record();
  rig.rig.driver.abi.version = "2.0";
  const auto replay = rig.replay(file);
  UNSIGNED_LONGS_EQUAL(1, replay->warnings().size());
  STRCMP_CONTAINS("m0 was recorded with driver fake 1.2.3; this is fake 2.0",
                  replay->warnings()[0].c_str());
}

TEST(ReplayReplay, NobodyElseGetsAWordIn) {
  record();
  const auto replay = rig.replay(file);
  // Somebody takes the replay's region for a core.
  replay->core().region().control()->stop_word = 1;
  replay->core().region().control()->sidecar_heartbeat_ns = 12345;
  message::Command command = rig.rig.command(message::CommandKind::Arm, shm::kWholeLane);
  shm::RingShape shape;
  shm::Word* memory = replay->core().region().commands(0, &shape);
  shm::Word words[sizeof command / sizeof(shm::Word)];
  std::memcpy(words, &command, sizeof command);
  CHECK(shm::SpscProducer<>(memory, shape).push(words));
  int steps = 0;
  while (replay->step()) CHECK(++steps < 10'000);
  UNSIGNED_LONGS_EQUAL(0, replay->divergences().count);
}

TEST(ReplayReplay, ARecordingDoesNotRecordItself) {
  record();
  (void)play();
  CHECK(RecordRig::read(rig.path()) == file);
}

TEST(ReplayReplay, AStreamThatIsNotClosedIsADifference) {
  record();
  rig.rig.driver.on_stop = nullptr;
  play();
  CHECK(told("the recording has a stream to close"));
}

TEST(ReplayReplay, ALaneThatGoesOnWhereItHadStoppedIsADifference) {
  rig.make();
  rig.rig.begin();
  rig.run(50);
  rig.recorder().finish();  // as if the lane were at its end
  file = RecordRig::read(rig.path());
  play();
  CHECK(told("the lane goes on; in the recording it stopped"));
}
