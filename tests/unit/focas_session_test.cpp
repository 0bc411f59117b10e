// The life of a session: opening, asking, closing, and every end that it can have.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/focas_session_bench.hpp"

using namespace rise::focas;
using namespace rise::focas::wire;
using rise::test::frames_of;
using rise::test::make_frame;
using rise::test::RawFrame;
using rise::test::reply_frame;
using rise::test::SessionBench;
using State = Session::State;

namespace {

RawFrame negative(FrameType type, std::int16_t status) {
  RawFrame body(8);
  store_u16(body.data() + 2, static_cast<std::uint16_t>(status));
  return make_frame(type, body);
}

const RawFrame kClose = {0xa0, 0xa0, 0xa0, 0xa0, 0, 1, 2, 1, 0, 0};

// All states in which a session has a stream.
enum class Stage { Connecting, Opening, Informing, Ready, Waiting, Closing };
constexpr Stage kStages[] = {Stage::Connecting, Stage::Opening, Stage::Informing,
                             Stage::Ready,      Stage::Waiting, Stage::Closing};

void bring(SessionBench* bench, Stage stage) {
  switch (stage) {
    case Stage::Connecting: bench->connect(); return;
    case Stage::Opening: bench->open(); return;
    case Stage::Informing: bench->inform(); return;
    case Stage::Ready: bench->make_ready(); return;
    case Stage::Waiting:
      bench->make_ready();
      bench->ask();
      return;
    case Stage::Closing:
      bench->make_ready();
      bench->session.close(bench->now_ns);
      bench->host.take(0);
      return;
  }
}

}  // namespace

TEST_GROUP(FocasSession) { SessionBench bench; };

TEST(FocasSession, SaysJustWhatTheVendorsClientSaysOnItsDataConnection) {
  for (const char* vector : {"v4_cnc_allclibhndl3", "v2_cnc_allclibhndl3"}) {
    SessionBench own;
    const auto client = frames_of(vector, true);
    CHECK(own.open() == client.at(0));
    own.feed(frames_of(vector, false).at(0));
    CHECK(own.host.take(0) == client.at(1));
    own.feed(frames_of(vector, false).at(1));
    LONGS_EQUAL(1, own.ready);
    CHECK(own.session.state() == State::Ready);
    own.session.close(own.now_ns);
    CHECK(own.host.take(0) == kClose);
  }
}

TEST(FocasSession, KnowsTheControlThen) {
  bench.make_ready();
  const ControlInfo& info = bench.session.info();
  LONGS_EQUAL(4, info.version);
  CHECK(info.is_new());
  LONGS_EQUAL(32, info.max_axes);
  LONGS_EQUAL(1, info.paths);
  LONGS_EQUAL(4, info.axes[0]);
  LONGS_EQUAL(1, info.spindles[0]);
  STRCMP_EQUAL("31", info.type);
  STRCMP_EQUAL(" M", info.machine);
  STRCMP_EQUAL("G433", info.series);
  SessionBench legacy;
  legacy.make_ready("v2_cnc_allclibhndl3");
  CHECK(!legacy.session.info().is_new());
  LONGS_EQUAL(8, legacy.session.info().max_axes);
  LONGS_EQUAL(4, legacy.session.info().axes[0]);
  STRCMP_EQUAL("16", legacy.session.info().type);
}

TEST(FocasSession, RequestAndReply) {
  bench.make_ready();
  bench.ask();
  CHECK(bench.sent);
  CHECK(bench.session.state() == State::Waiting);
  CHECK(bench.session.up());
  CHECK(!bench.session.ready());
  bench.now_ns += 3 * bench.kMs;
  bench.feed(frames_of("v4_cnc_actf", false).at(0));
  CHECK(bench.session.state() == State::Ready);
  LONGS_EQUAL(1, bench.replies.size());
  LONGS_EQUAL(3, bench.count(RISE_COUNT_SENT));
  LONGS_EQUAL(3, bench.count(RISE_COUNT_RECEIVED));
  LONGS_EQUAL(0, bench.count(RISE_COUNT_BAD_FRAMES));
  LONGLONGS_EQUAL(3 * bench.kMs, bench.host.round_trips.back());
}

TEST(FocasSession, RepliesInPiecesOfOneByte) {
  bench.open();
  for (const RawFrame& frame : frames_of("v4_cnc_allclibhndl3", false)) {
    for (const std::uint8_t byte : frame) bench.feed({byte});
  }
  CHECK(bench.session.state() == State::Ready);
  bench.ask();
  const RawFrame reply = frames_of("v4_cnc_actf", false).at(0);
  for (const std::uint8_t byte : reply) bench.feed({byte});
  LONGS_EQUAL(1, bench.replies.size());
}

TEST(FocasSession, RefusedWhenAllSessionsAreInUse) {
  bench.open();
  bench.feed(negative(FrameType::OpenRefused, 1));
  CHECK(bench.closing());
  LONGS_EQUAL(0, bench.count(RISE_COUNT_BAD_FRAMES));
  bench.end();
  LONGS_EQUAL(1, bench.downs.size());
  CHECK(bench.downs[0].find("refused") != std::string::npos);
}

TEST(FocasSession, SystemInformationWithAnErrorEndsIt) {
  bench.inform();
  ReplyBlock block;
  block.command = 0x18;
  block.status = Status::Busy;
  bench.feed(reply_frame({block}));
  CHECK(bench.closing());
  LONGS_EQUAL(0, bench.ready);
  SessionBench frame_error;
  frame_error.inform();
  frame_error.feed(negative(FrameType::DataError, -1));
  CHECK(frame_error.closing());
  LONGS_EQUAL(0, frame_error.ready);
}

TEST(FocasSession, ARefusedFrameIsNoEnd) {
  bench.make_ready();
  bench.ask();
  bench.feed(negative(FrameType::DataError, 13));
  CHECK(bench.session.state() == State::Ready);
  LONGS_EQUAL(1, bench.refused.size());
  CHECK(bench.refused[0] == Status::Reject);
  bench.ask();
  CHECK(bench.sent);
  bench.feed(make_frame(FrameType::DataError, RawFrame(7)));
  CHECK(bench.closing());
  LONGS_EQUAL(1, bench.count(RISE_COUNT_BAD_FRAMES));
}

TEST(FocasSession, ContentThatItsUserRefusesEndsIt) {
  bench.make_ready();
  bench.accept = false;
  bench.ask();
  bench.feed(frames_of("v4_cnc_actf", false).at(0));
  CHECK(bench.closing());
  CHECK(!bench.session.up());
  bench.ask();
  CHECK(!bench.sent);
}

TEST(FocasSession, TimeoutInEveryState) {
  for (const Stage stage : kStages) {
    SessionBench own;
    bring(&own, stage);
    const std::int64_t limit_ms = stage == Stage::Connecting ? 2000
                                  : stage == Stage::Closing  ? 200
                                                             : 500;
    own.pass(limit_ms - 1);
    CHECK(!own.closing());
    own.pass(1);
    CHECK_EQUAL(stage != Stage::Ready, own.closing());
    const bool counts = stage != Stage::Ready && stage != Stage::Closing;
    LONGS_EQUAL(counts ? 1 : 0, own.count(RISE_COUNT_TIMEOUTS));
    own.pass(100'000);  // and nothing more happens until the stream is gone
    LONGS_EQUAL(counts ? 1 : 0, own.count(RISE_COUNT_TIMEOUTS));
    own.end();
    CHECK(own.session.state() == State::Down);
    LONGS_EQUAL(1, own.downs.size());
    LONGS_EQUAL(0, own.host.misuse.size());
  }
}

// A control that sends a byte now and then does not keep the session waiting for ever.
TEST(FocasSession, DrippingBytesDoNotExtendTheTimeout) {
  bench.make_ready();
  bench.ask();
  const RawFrame reply = frames_of("v4_cnc_actf", false).at(0);
  for (std::size_t i = 0; i < 10; ++i) {
    bench.feed({reply[i]});
    bench.pass(49);
  }
  CHECK(!bench.closing());
  bench.pass(10);
  CHECK(bench.closing());
  bench.feed({reply.begin() + 10, reply.end()});
  LONGS_EQUAL(0, bench.replies.size());
}

TEST(FocasSession, PeerCloseInEveryState) {
  for (const Stage stage : kStages) {
    for (const std::int32_t reason : std::initializer_list<std::int32_t>{
             RISE_CLOSED_BY_PEER, RISE_CLOSED_REFUSED, RISE_CLOSED_TIMEOUT, RISE_CLOSED_RESET,
             RISE_CLOSED_OVERFLOW, 99}) {
      SessionBench own;
      bring(&own, stage);
      own.end(reason);
      CHECK(own.session.state() == State::Down);
      LONGS_EQUAL(1, own.downs.size());
      CHECK(!own.downs[0].empty());
      // It can be used again.
      CHECK(own.session.connect({"cnc", 8193}, own.now_ns));
    }
  }
}

TEST(FocasSession, CloseInEveryState) {
  for (const Stage stage : kStages) {
    SessionBench own;
    bring(&own, stage);
    own.session.close(own.now_ns);
    CHECK(!own.session.up());
    own.session.close(own.now_ns);  // twice is once
    switch (stage) {
      case Stage::Connecting: CHECK(own.closing()); break;
      case Stage::Ready: CHECK(own.host.take(0) == kClose); break;
      case Stage::Closing: CHECK(own.host.take(0).empty()); break;
      default:  // the reply under way comes first
        CHECK(own.host.take(0).empty());
        CHECK(!own.closing());
    }
    if (stage == Stage::Opening) {
      own.feed(frames_of("v4_cnc_allclibhndl3", false).at(0));
      own.host.take(0);
    }
    if (stage == Stage::Opening || stage == Stage::Informing) {
      own.feed(frames_of("v4_cnc_allclibhndl3", false).at(1));
      CHECK(own.host.take(0) == kClose);
    }
    if (stage == Stage::Waiting) {
      own.feed(frames_of("v4_cnc_actf", false).at(0));
      LONGS_EQUAL(1, own.replies.size());
      CHECK(own.host.take(0) == kClose);
    }
    if (stage != Stage::Connecting) {
      own.feed(make_frame(FrameType::CloseReply, {}));
      CHECK(own.closing());
    }
    own.end();
    CHECK(own.session.state() == State::Down);
    LONGS_EQUAL(1, own.downs.size());
    STRCMP_EQUAL("closed by us", own.downs[0].c_str());
    LONGS_EQUAL(0, own.count(RISE_COUNT_BAD_FRAMES));
  }
}

// The control never answers: closing ends all the same.
TEST(FocasSession, CloseWithoutAnyAnswer) {
  for (const Stage stage : kStages) {
    SessionBench own;
    bring(&own, stage);
    own.session.close(own.now_ns);
    for (int ms = 0; ms < 5000 && !own.closing(); ++ms) own.pass(1);
    CHECK(own.closing());
    own.end();
    CHECK(own.session.state() == State::Down);
  }
}

TEST(FocasSession, NothingNewIsAskedWhenTheCloseIsWanted) {
  bench.make_ready();
  bench.ask();
  bench.session.close(bench.now_ns);
  bench.ask();
  CHECK(!bench.sent);
}

// The connect came through just when it was given up: no session may be opened on the control.
TEST(FocasSession, NoOpenAfterTheConnectWasGivenUp) {
  bench.connect();
  bench.session.close(bench.now_ns);
  bench.stream->open = true;
  bench.session.on_open(bench.now_ns);
  CHECK(bench.host.take(0).empty());
  bench.end();
  CHECK(bench.session.state() == State::Down);
}

TEST(FocasSession, WhatCannotBeQueuedEndsIt) {
  for (const Stage stage : {Stage::Connecting, Stage::Opening, Stage::Informing, Stage::Ready}) {
    SessionBench own;
    bring(&own, stage);
    own.host.send_result = RISE_E_AGAIN;
    const auto replies = frames_of("v4_cnc_allclibhndl3", false);
    if (stage == Stage::Connecting) {
      own.stream->open = true;
      own.session.on_open(own.now_ns);
    }
    if (stage == Stage::Opening) own.feed(replies.at(0));
    if (stage == Stage::Informing) own.session.close(own.now_ns), own.feed(replies.at(1));
    if (stage == Stage::Ready) {
      own.ask();
      CHECK(!own.sent);
    }
    CHECK(own.closing());
    own.end();
    LONGS_EQUAL(1, own.downs.size());
  }
}

// Its user has said good-bye: it must not be told that the session is ready after that.
TEST(FocasSession, ClosedWhileItOpensItIsNeverReady) {
  for (const Stage stage : {Stage::Opening, Stage::Informing}) {
    SessionBench own;
    bring(&own, stage);
    own.session.close(own.now_ns);
    const auto replies = frames_of("v4_cnc_allclibhndl3", false);
    if (stage == Stage::Opening) own.feed(replies.at(0));
    own.feed(replies.at(1));
    LONGS_EQUAL(0, own.ready);
    CHECK(own.session.state() == State::Closing);
  }
}

TEST(FocasSession, NoStreamToBeHad) {
  bench.host.stream_limit = 0;
  CHECK(!bench.session.connect({"cnc", 8193}, 0));
  CHECK(bench.session.state() == State::Down);
  bench.host.stream_limit = 1;
  CHECK(bench.session.connect({"cnc", 8193}, 0));
  CHECK(!bench.session.connect({"cnc", 8193}, 0));  // one at a time
}
