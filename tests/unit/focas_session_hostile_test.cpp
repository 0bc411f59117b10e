// A control, or somebody in its place, that sends what it should not. Whatever comes: the session
// ends and says so, and nothing of a faulty frame reaches its user.
#include <CppUTest/TestHarness.h>

#include <algorithm>

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

constexpr FrameType kTypes[] = {
    FrameType::OpenRequest,    FrameType::OpenReply,          FrameType::OpenRefused,
    FrameType::CloseRequest,   FrameType::CloseReply,         FrameType::DataRequest,
    FrameType::DataReply,      FrameType::DataError,          FrameType::DownloadStart,
    FrameType::DownloadError,  FrameType::UploadData,         FrameType::UploadFinished,
    static_cast<FrameType>(0), static_cast<FrameType>(0xffff)};

// The two frames of an open, and a reply to ActualFeed.
struct Script {
  RawFrame open = frames_of("v4_cnc_allclibhndl3", false).at(0);
  RawFrame system = frames_of("v4_cnc_allclibhndl3", false).at(1);
  RawFrame feed = frames_of("v4_cnc_actf", false).at(0);
};

void make_ready(SessionBench* bench, const Script& script) {
  bench->open();
  bench->feed(script.open);
  bench->feed(script.system);
}

// 0, 1 or 2: how far the session is before the frame that is tampered with.
void bring(SessionBench* bench, const Script& script, int stage) {
  bench->open();
  if (stage > 0) bench->feed(script.open);
  if (stage > 1) {
    bench->feed(script.system);
    bench->ask();
  }
  bench->host.take(0);
}

const RawFrame& frame_of(const Script& script, int stage) {
  return stage == 0 ? script.open : stage == 1 ? script.system : script.feed;
}

ReplyBlock feed_block(const RawFrame& data) {
  ReplyBlock block;
  block.command = 0x24;
  block.data = data;
  return block;
}

// It ends, counted as a bad frame, and its user has heard of nothing but the end.
void check_dropped(SessionBench* bench, const char* what) {
  CHECK_TEXT(bench->closing(), what);
  CHECK_TEXT(!bench->session.up(), what);
  LONGS_EQUAL_TEXT(0, bench->replies.size(), what);
  LONGS_EQUAL_TEXT(1, bench->count(RISE_COUNT_BAD_FRAMES), what);
  bench->end();
  LONGS_EQUAL_TEXT(1, bench->downs.size(), what);
  LONGS_EQUAL_TEXT(0, bench->host.misuse.size(), what);
}

}  // namespace

TEST_GROUP(FocasSessionHostile) {
  Script script;
  SessionBench bench;
};

TEST(FocasSessionHostile, EveryTruncationWaitsAndThenEnds) {
  for (int stage = 0; stage < 3; ++stage) {
    const RawFrame& whole = frame_of(script, stage);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      SessionBench own;
      bring(&own, script, stage);
      if (length > 0)
        own.feed({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      CHECK(!own.closing());
      LONGS_EQUAL(stage == 2 ? 1 : 0, own.ready);
      LONGS_EQUAL(0, own.replies.size());
      if (length % 2 == 0) {
        own.pass(500);
        LONGS_EQUAL(1, own.count(RISE_COUNT_TIMEOUTS));
        CHECK(own.closing());
      }
      own.end(RISE_CLOSED_BY_PEER);
      CHECK(own.session.state() == State::Down);
      // The rest of it is not taken for the beginning of the next session.
      own.connect();
      own.stream->open = true;
      own.session.on_open(own.now_ns);
      own.feed(script.open);
      CHECK(own.session.state() == State::Informing);
    }
  }
}

// Each byte in turn, changed to each of some values. Of header, lengths and echo any change ends
// the session; status and data are the control's business.
TEST(FocasSessionHostile, EveryCorruptedByteOfAReply) {
  constexpr std::size_t kBlock = kHeaderBytes + 2;
  for (int stage = 1; stage < 3; ++stage) {
    const RawFrame& whole = frame_of(script, stage);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (int change = 1; change < 256; ++change) {
        SessionBench own;
        bring(&own, script, stage);
        RawFrame bytes = whole;
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ change);
        own.feed(bytes);
        const bool version = at == 4 || at == 5;  // only that of the open reply counts
        const bool status = at >= kBlock + 8 && at < kBlock + 14;
        const bool data = at >= kBlock + 16;
        const std::size_t delivered = own.replies.size() + static_cast<std::size_t>(own.ready);
        if (stage == 2) {
          LONGS_EQUAL(version || status || data ? 2 : 1, delivered);
        } else if (!status) {
          LONGS_EQUAL(version || data ? 1 : 0, delivered);
        }
        own.session.close(own.now_ns);
        own.pass(1000);
        CHECK(own.closing());
        own.end();
        CHECK(own.session.state() == State::Down);
      }
    }
  }
}

// An open reply with a wrong byte either fails or describes a control that could exist.
TEST(FocasSessionHostile, EveryCorruptedByteOfTheOpenReply) {
  for (const char* vector : {"v4_cnc_allclibhndl3", "v2_cnc_allclibhndl3"}) {
    const RawFrame whole = frames_of(vector, false).at(0);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (int change = 1; change < 256; change += at < 64 ? 1 : 37) {
        SessionBench own;
        own.open();
        RawFrame bytes = whole;
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ change);
        own.feed(bytes);
        if (own.session.state() != State::Informing) {
          own.pass(500);  // a greater length is waited for
          CHECK(own.closing());
          continue;
        }
        const ControlInfo& info = own.session.info();
        CHECK(info.max_axes >= 1 && info.max_axes <= 64);
        CHECK(info.paths >= 1 && info.paths <= kMaxPaths);
        for (std::size_t i = 0; i < info.paths; ++i) CHECK(info.axes[i] <= info.max_axes);
        // What decides about the layout is never wrong and accepted.
        CHECK(at >= 10 || (at == 4 || at == 5));
      }
    }
  }
}

TEST(FocasSessionHostile, WrongEchoWrongCountWrongLength) {
  const RawFrame number(8);
  ReplyBlock path = feed_block(number);
  path.path = 2;
  ReplyBlock device = feed_block(number);
  device.device = Device::Pmc;
  ReplyBlock command = feed_block(number);
  command.command = 0x25;
  const ReplyBlock good = feed_block(number);
  RawFrame two_announced = reply_frame({good});
  two_announced[11] = 2;
  RawFrame none_announced = reply_frame({good});
  none_announced[11] = 0;
  RawFrame inner = reply_frame({good});
  inner[27] = 7;  // data length, within the block
  const std::pair<const char*, RawFrame> cases[] = {
      {"path", reply_frame({path})},
      {"device", reply_frame({device})},
      {"command", reply_frame({command})},
      {"one block too many", reply_frame({good, good})},
      {"no block", make_frame(FrameType::DataReply, {0, 0})},
      {"empty body", make_frame(FrameType::DataReply, {})},
      {"one byte", make_frame(FrameType::DataReply, {0})},
      {"two announced", two_announced},
      {"none announced", none_announced},
      {"data length", inner},
  };
  for (const auto& [what, frame] : cases) {
    SessionBench own;
    make_ready(&own, script);
    own.ask();
    own.feed(frame);
    check_dropped(&own, what);
  }
}

TEST(FocasSessionHostile, BytesBehindTheReply) {
  make_ready(&bench, script);
  bench.ask();
  RawFrame bytes = script.feed;
  bytes.push_back(0xa0);
  bench.feed(bytes);
  check_dropped(&bench, "one byte more");
  SessionBench twice;
  make_ready(&twice, script);
  twice.ask();
  RawFrame two = script.feed;
  two.insert(two.end(), script.feed.begin(), script.feed.end());
  twice.feed(two);
  check_dropped(&twice, "the reply twice");
}

TEST(FocasSessionHostile, UnsolicitedBytes) {
  for (const RawFrame& bytes :
       {RawFrame{0xa0}, RawFrame{0}, script.feed, make_frame(FrameType::DataError, RawFrame(8)),
        make_frame(FrameType::CloseReply, {})}) {
    SessionBench own;
    make_ready(&own, script);
    own.feed(bytes);
    check_dropped(&own, "nothing was asked");
  }
}

// A piece that comes early must not become the head of the next answer.
TEST(FocasSessionHostile, AnEarlyPieceIsNotPutBeforeTheNextReply) {
  make_ready(&bench, script);
  bench.feed({script.feed.begin(), script.feed.begin() + 10});
  bench.ask();
  CHECK(!bench.sent);
  bench.feed({script.feed.begin() + 10, script.feed.end()});
  check_dropped(&bench, "two halves");
}

TEST(FocasSessionHostile, EveryWrongTypeInEveryState) {
  for (int stage = 0; stage < 3; ++stage) {
    for (const FrameType type : kTypes) {
      for (const std::size_t body : {std::size_t{0}, std::size_t{8}, std::size_t{300}}) {
        SessionBench own;
        bring(&own, script, stage);
        own.feed(make_frame(type, RawFrame(body)));
        const bool allowed = stage == 2 && type == FrameType::DataError && body >= 8;
        CHECK_EQUAL(!allowed, own.closing());
        LONGS_EQUAL(0, own.replies.size());
        LONGS_EQUAL(stage == 2 ? 1 : 0, own.ready);
      }
    }
  }
}

// The vendor's client takes no longer reply than this from a control of that version.
TEST(FocasSessionHostile, LongestReplyByVersion) {
  const std::pair<std::uint16_t, std::size_t> limits[] = {
      {1, 1460}, {2, 1460}, {3, 2920}, {4, 3480}, {5, 4960}, {9, 4960}, {65535, 4960}};
  for (const auto& [version, limit] : limits) {
    const char* vector = version < 3 ? "v2_cnc_allclibhndl3" : "v4_cnc_allclibhndl3";
    RawFrame open = frames_of(vector, false).at(0);
    store_u16(open.data() + 4, version);
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
      SessionBench own;
      own.open();
      own.feed(open);
      own.feed(frames_of(vector, false).at(1));
      LONGS_EQUAL(1, own.ready);
      own.ask();
      const RawFrame data(limit + more - kHeaderBytes - 2 - kReplyBlockBytes);
      const RawFrame reply = reply_frame({feed_block(data)});
      LONGS_EQUAL(limit + more, reply.size());
      // The length alone is enough to know.
      own.feed({reply.begin(), reply.begin() + kHeaderBytes});
      CHECK_EQUAL(more != 0, own.closing());
      if (more == 0) {
        own.feed({reply.begin() + kHeaderBytes, reply.end()});
        LONGS_EQUAL(1, own.replies.size());
        continue;
      }
      check_dropped(&own, "too long");
    }
  }
}

TEST(FocasSessionHostile, LongestOpenReply) {
  bench.open();
  RawFrame header = script.open;
  header.resize(kHeaderBytes);
  store_u16(header.data() + 8, 0xffff);
  bench.feed(header);
  check_dropped(&bench, "65535 bytes");
}

// The replies of random bytes, in random pieces: it ends one way or the other.
TEST(FocasSessionHostile, Garbage) {
  std::uint64_t seed = 7;
  const auto next = [&seed] {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(seed >> 33);
  };
  for (int round = 0; round < 3000; ++round) {
    SessionBench own;
    bring(&own, script, static_cast<int>(next() % 3));
    for (int piece = 0; piece < 20 && !own.closing(); ++piece) {
      RawFrame bytes(1 + next() % 40);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(next());
      if (next() % 2 == 0)
        std::fill(
            bytes.begin(),
            bytes.begin() + std::min<std::ptrdiff_t>(4, static_cast<std::ptrdiff_t>(bytes.size())),
            0xa0);
      own.feed(bytes);
      own.pass(next() % 100);
    }
    own.session.close(own.now_ns);
    own.pass(1000);
    own.pass(1000);
    CHECK(own.closing());
    own.end();
    LONGS_EQUAL(1, own.downs.size());
    LONGS_EQUAL(0, own.replies.size());
    LONGS_EQUAL(0, own.host.misuse.size());
  }
}
