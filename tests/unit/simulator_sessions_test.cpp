// Sessions: the two connections of the vendor's client, limits, segmentation, and clients that
// send nonsense.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::FrameType;
using rise::test::Ask;
using rise::test::Bench;
using rise::test::frame_of;
using rise::test::mill_spec;
using rise::test::open_request;
using rise::test::request_of;
using rise::test::take_frames;
using rise::test::type_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

SessionSpec two_sessions() {
  SessionSpec spec;
  spec.sessions_max = 2;
  return spec;
}

// A whole conversation: open, a data request, a transfer start, close.
Bytes conversation() {
  Bytes all = open_request(2);
  const Bytes ask = request_of({{0x18}, {0x24}, {0x8001, {0, 3, 0, 0}}});
  all.insert(all.end(), ask.begin(), ask.end());
  const Bytes close = frame_of(FrameType::CloseRequest, {});
  all.insert(all.end(), close.begin(), close.end());
  return all;
}

}  // namespace

TEST_GROUP(SimulatorSessions){};

TEST(SimulatorSessions, OpenDataClose) {
  Bench bench(mill_spec());
  const std::uint32_t connection = bench.connect(0);
  CHECK(connection != 0);
  CHECK(type_of(bench.send(connection, open_request(2))) == FrameType::OpenReply);
  LONGS_EQUAL(1, bench.sessions.sessions_in_use());
  CHECK(type_of(bench.send(connection, request_of({{0x18}}))) == FrameType::DataReply);
  bool alive = false;
  const Bytes closed = bench.send(connection, frame_of(FrameType::CloseRequest, {}), &alive);
  CHECK(type_of(closed) == FrameType::CloseReply);
  LONGS_EQUAL(10, closed.size());
  CHECK(alive);  // the client closes
  LONGS_EQUAL(0, bench.sessions.sessions_in_use());
  bench.sessions.disconnect(connection);
  LONGS_EQUAL(0, bench.sessions.open_connections());
}

TEST(SimulatorSessions, AnySegmentationGivesTheSameReplies) {
  Bytes expected;
  for (std::size_t piece = 1; piece <= conversation().size(); ++piece) {
    Bench bench(mill_spec());
    const std::uint32_t connection = bench.connect(0);
    const Bytes all = conversation();
    Bytes replies;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      const std::size_t n = std::min(piece, all.size() - at);
      bool alive = false;
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
      const Bytes part(begin, begin + static_cast<std::ptrdiff_t>(n));
      const Bytes reply = bench.send(connection, part, &alive);
      CHECK(alive);
      replies.insert(replies.end(), reply.begin(), reply.end());
    }
    if (expected.empty()) expected = replies;
    CHECK(replies == expected);
    LONGS_EQUAL(3, bench.sessions.counters().requests);
    LONGS_EQUAL(3, bench.sessions.counters().blocks);
  }
  LONGS_EQUAL(3, take_frames(&expected).size());
}

TEST(SimulatorSessions, TheSessionLimitRefusesOpensAndIsFreedAgain) {
  Bench bench(mill_spec(), two_sessions());
  const std::uint32_t first = bench.connect(2);
  const std::uint32_t second = bench.connect(2);
  const std::uint32_t third = bench.connect(0);
  CHECK(type_of(bench.send(third, open_request(2))) == FrameType::OpenRefused);
  LONGS_EQUAL(1, bench.sessions.counters().sessions_refused);
  // Transfer connections are not counted, and the refused one may try again.
  CHECK(type_of(bench.send(bench.connect(0), open_request(1))) == FrameType::OpenReply);
  (void)bench.send(first, frame_of(FrameType::CloseRequest, {}));
  CHECK(type_of(bench.send(third, open_request(2))) == FrameType::OpenReply);
  // A session whose client is gone without a word is free as well.
  bench.sessions.disconnect(second);
  LONGS_EQUAL(1, bench.sessions.sessions_in_use());
  CHECK(type_of(bench.send(bench.connect(0), open_request(2))) == FrameType::OpenReply);
}

TEST(SimulatorSessions, OpeningTwiceTakesOneSession) {
  Bench bench(mill_spec(), two_sessions());
  const std::uint32_t connection = bench.connect(2);
  CHECK(type_of(bench.send(connection, open_request(2))) == FrameType::OpenReply);
  LONGS_EQUAL(1, bench.sessions.sessions_in_use());
}

TEST(SimulatorSessions, ATransferConnectionThatAsksForDataIsReset) {
  Bench bench(mill_spec());
  const std::uint32_t connection = bench.connect(1);
  bool alive = true;
  CHECK(bench.send(connection, request_of({{0x18}}), &alive).empty());
  CHECK(!alive);
  CHECK(bench.sessions.was_reset(connection));
  LONGS_EQUAL(1, bench.sessions.counters().resets);
}

TEST(SimulatorSessions, ATransferOnADataConnectionIsRefused) {
  Bench bench(mill_spec());
  const std::uint32_t connection = bench.connect(2);
  bool alive = false;
  CHECK(type_of(bench.send(connection, frame_of(FrameType::UploadStart, Bytes(516, 0)), &alive)) ==
        FrameType::UploadRefused);
  CHECK(alive);
  (void)bench.send(connection, frame_of(FrameType::DownloadData, {1, 2}), &alive);
  CHECK(!alive);
}

TEST(SimulatorSessions, DataBeforeTheOpenEndsTheConnection) {
  Bench bench(mill_spec());
  bool alive = true;
  const std::uint32_t connection = bench.connect(0);
  CHECK(bench.send(connection, request_of({{0x18}}), &alive).empty());
  CHECK(!alive);
  CHECK(!bench.sessions.was_reset(connection));
}

TEST(SimulatorSessions, HalfOpenClientsHurtNobody) {
  Bench bench(mill_spec());
  for (int i = 0; i < 50; ++i) CHECK(bench.connect(0) != 0);
  LONGS_EQUAL(50, bench.sessions.open_connections());
  CHECK(bench.ask(0x24).status == rise::focas::wire::Status::Ok);
}

TEST(SimulatorSessions, ConnectionsAreReusedUnderNewNumbers) {
  Bench bench(mill_spec());
  const std::uint32_t old = bench.connect(2);
  bench.sessions.disconnect(old);
  const std::uint32_t fresh = bench.connect(2);
  CHECK(fresh != old);
  bool alive = true;
  CHECK(bench.send(old, request_of({{0x18}}), &alive).empty());
  CHECK(!alive);
  bench.sessions.disconnect(old);  // has no effect on the new one
  CHECK(type_of(bench.send(fresh, request_of({{0x18}}))) == FrameType::DataReply);
}

TEST(SimulatorSessions, ServiceTimeIsOneAfterTheOther) {
  SessionSpec spec;
  spec.service_us = 2000;
  Bench bench(mill_spec(), spec);
  const std::uint32_t a = bench.connect(0);
  const std::uint32_t b = bench.connect(0);
  CHECK(bench.send(a, open_request(2)).empty());
  CHECK(bench.send(b, open_request(2)).empty());
  LONGS_EQUAL(bench.now_ns + 2'000'000, bench.sessions.next_due_ns(a));
  LONGS_EQUAL(bench.now_ns + 4'000'000, bench.sessions.next_due_ns(b));
  bench.run(0.002);
  Bytes reply;
  CHECK(bench.sessions.poll(a, bench.now_ns, &reply));
  CHECK(type_of(reply) == FrameType::OpenReply);
  reply.clear();
  CHECK(bench.sessions.poll(b, bench.now_ns, &reply));
  CHECK(reply.empty());
  CHECK(bench.sessions.next_due_ns(a) == Sessions::kNever);
}

TEST_GROUP(SimulatorHostileClients){};

TEST(SimulatorHostileClients, EveryTruncationJustWaits) {
  const Bytes all = conversation();
  for (std::size_t length = 0; length < all.size(); ++length) {
    Bench bench(mill_spec());
    const std::uint32_t connection = bench.connect(0);
    bool alive = false;
    (void)bench.send(connection,
                     Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length)), &alive);
    CHECK(alive);
    LONGS_EQUAL(0, bench.sessions.counters().malformed);
    bench.sessions.disconnect(connection);
    LONGS_EQUAL(0, bench.sessions.open_connections());
  }
}

TEST(SimulatorHostileClients, AFrameThatContradictsItselfEndsItsConnectionOnly) {
  const Bytes good = request_of({{0x18}, {0x24}});
  Bytes wrong_magic = good;
  wrong_magic[1] = 0;
  Bytes long_block = good;
  long_block[13] += 1;
  Bytes short_block = good;
  short_block[13] = 27;
  Bytes few_blocks = good;
  few_blocks[11] = 1;
  Bytes many_blocks = good;
  many_blocks[11] = 3;
  Bytes too_long = frame_of(FrameType::DataRequest, Bytes(5000, 0));
  Bytes unknown_type = good;
  unknown_type[6] = 0x99;
  Bytes server_type = good;
  server_type[7] = 2;
  Bytes no_count = frame_of(FrameType::DataRequest, {0});
  Bytes strange_open = open_request(3);
  Bytes long_open = frame_of(FrameType::OpenRequest, {0, 2, 0});
  Bytes fat_close = frame_of(FrameType::CloseRequest, {1});
  for (const Bytes& bad :
       {wrong_magic, long_block, short_block, few_blocks, many_blocks, too_long, unknown_type,
        server_type, no_count, strange_open, long_open, fat_close}) {
    Bench bench(mill_spec());
    const std::uint32_t innocent = bench.connect(2);
    const std::uint32_t connection = bench.connect(2);
    bool alive = true;
    CHECK(bench.send(connection, bad, &alive).empty());
    CHECK(!alive);
    CHECK(!bench.sessions.was_reset(connection));
    LONGS_EQUAL(1, bench.sessions.counters().malformed);
    CHECK(type_of(bench.send(innocent, good)) == FrameType::DataReply);
  }
}

TEST(SimulatorHostileClients, NoPartOfAMalformedFrameIsCarriedOut) {
  Bench bench(mill_spec());
  bench.load("O1\nG1 X100. F600.\nM30\n");
  Bytes bad = request_of({{0x01}, {0x24}});
  bad.back() = 1;  // the second block announces a payload that is longer than none
  bad[10 + 2 + 28 + 1] = 29;
  const std::uint32_t connection = bench.connect(2);
  bool alive = true;
  (void)bench.send(connection, bad, &alive);
  CHECK(!alive);
  CHECK(bench.path().run() == Run::Reset);
}

TEST(SimulatorHostileClients, RandomBytes) {
  Random random(5);
  Bench bench(mill_spec());
  const Bytes all = conversation();
  for (int round = 0; round < 3000; ++round) {
    const std::uint32_t connection = bench.connect(static_cast<int>(random.below(3)));
    Bytes bytes = all;
    const std::uint64_t changes = random.below(6);
    for (std::uint64_t i = 0; i < changes; ++i) {
      bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.next());
    }
    if (random.below(4) == 0) {
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    }
    bool alive = true;
    for (std::size_t at = 0; at < bytes.size() && alive;) {
      const std::size_t n = std::min<std::size_t>(1 + random.below(200), bytes.size() - at);
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      (void)bench.send(connection, Bytes(begin, begin + static_cast<std::ptrdiff_t>(n)), &alive);
      at += n;
    }
    bench.sessions.disconnect(connection);
  }
  LONGS_EQUAL(0, bench.sessions.open_connections());
  LONGS_EQUAL(0, bench.sessions.sessions_in_use());
  CHECK(bench.sessions.counters().malformed > 500);
  CHECK(bench.ask(0x24).status == rise::focas::wire::Status::Ok);
}

TEST(SimulatorHostileClients, AClientThatTakesNothingIsCutOff) {
  SessionSpec spec;
  spec.service_us = 1'000'000;
  Bench bench(mill_spec(), spec);
  const std::uint32_t connection = bench.connect(2);
  const Bytes request = request_of(std::vector<Ask>(10, Ask(0x26, {4, -1})));
  bool alive = true;
  int requests = 0;
  while (alive && requests < 20000) {
    (void)bench.send(connection, request, &alive);
    ++requests;
  }
  CHECK(!alive);
  CHECK(requests < 10000);
}
