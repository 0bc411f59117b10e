// What the tap notes is what the reader finds, record by record; and bytes that nobody recorded.
#include "drivers/replay/recording.hpp"

#include <CppUTest/TestHarness.h>

#include "rt_core/random.hpp"
#include "rt_core/record/crc32c.hpp"
#include "tests/unit/support/record_rig.hpp"
#include "tests/unit/support/tap_rig.hpp"

using namespace rise::test;
namespace io = rise::io;
namespace message = rise::message;
namespace record = rise::record;
namespace shm = rise::shm;
using record::Kind;
using rise::replay::Cycle;
using rise::replay::Recording;

TEST_GROUP(ReplayRecording) {
  TapRig rig;
  std::vector<std::uint8_t> file;

  Recording recording() {
    rig.recorder->finish();
    file = RecordRig::read(rig.recorder->path());
    auto parsed = Recording::parse(file);
    CHECK_OK(parsed);
    return std::move(*parsed);
  }
  static std::string text(rise::replay::Bytes bytes) { return {bytes.begin(), bytes.end()}; }
  // Block for block, so that only the records can be wrong.
  void repair() {
    std::size_t used = 0;
    if (!record::decode_head(file.data(), file.size(), &used)) return;
    while (used + record::kBlockPrefixBytes <= file.size()) {
      std::uint32_t length = 0;
      std::memcpy(&length, file.data() + used + 4, sizeof length);
      const std::size_t content = used + record::kBlockPrefixBytes;
      if (length > file.size() - content) return;
      const std::uint32_t crc =
          record::crc32c(file.data() + content, length, record::crc32c(file.data() + used + 4, 8));
      std::memcpy(file.data() + used + 12, &crc, sizeof crc);
      used = content + length;
    }
  }
};

TEST(ReplayRecording, Times) {
  rig.make();
  LONGS_EQUAL(1'000'000'000'000, rig.clock.now(rig.clock.self));
  rig.end_cycle();
  rig.cycle(2);
  rig.now_ns += 40'000;  // too far for the short form
  rig.cycle(1);
  (void)rig.clock.wait_until(rig.clock.self, rig.now_ns + 1'000'000);
  rig.now_ns -= 10;  // stamps of another core may step back
  (void)rig.clock.stamp(rig.clock.self);
  rig.end_cycle();
  Recording all = recording();
  Cycle cycle;
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.number == 0 && cycle.now_ns == 1'000'000'000'000 && cycle.stamps.empty());
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.number == 1 && cycle.now_ns == 1'000'001'000'000);
  CHECK(cycle.stamps == std::vector<std::int64_t>({1'000'001'000'100, 1'000'001'000'200}));
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  LONGS_EQUAL(-10, cycle.stamps.at(0) - cycle.now_ns);
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.is_end && cycle.end == record::EndReason::Stopped);
  CHECK(all.next(&cycle) == Recording::Next::End);
}

TEST(ReplayRecording, StreamsAndDatagrams) {
  rig.make();
  record::Tap& tap = rig.recorder->tap();
  struct World {
    io::StreamSink sink;
    io::DatagramSink datagram_sink;
    int heard = 0;
  } world;
  io::StreamSink lane;
  lane.self = &world;
  lane.on_open = [](void* self, std::uint32_t, std::int32_t, std::int64_t) {
    ++static_cast<World*>(self)->heard;
  };
  lane.on_bytes = [](void* self, std::uint32_t, std::int32_t, const std::uint8_t*, std::uint32_t,
                     std::int64_t) { ++static_cast<World*>(self)->heard; };
  lane.on_closed = [](void* self, std::uint32_t, std::int32_t, std::int32_t, std::int64_t) {
    ++static_cast<World*>(self)->heard;
  };
  io::DatagramSink datagram_lane;
  datagram_lane.self = &world;
  datagram_lane.on_datagram = [](void* self, std::uint32_t, std::int32_t, const rise_datagram&,
                                 std::int64_t) { ++static_cast<World*>(self)->heard; };
  world.sink = tap.wrap(lane);
  world.datagram_sink = tap.wrap(datagram_lane);
  io::StreamPort inner;
  inner.self = &world;
  inner.open = [](void*, std::uint32_t, const char*, std::uint16_t, std::uint32_t) {
    return std::int32_t{5};
  };
  inner.send = [](void*, std::int32_t, const std::uint8_t*, std::uint32_t) {
    return std::int32_t{RISE_E_AGAIN};
  };
  inner.close = [](void*, std::int32_t) { return std::int32_t{RISE_E_CLOSED}; };
  inner.exchange = [](void* self, std::int64_t now_ns) {
    const io::StreamSink& sink = static_cast<World*>(self)->sink;
    sink.on_open(sink.self, 2, 5, now_ns);
    sink.on_bytes(sink.self, 2, 5, reinterpret_cast<const std::uint8_t*>("hello"), 5, now_ns + 7);
    sink.on_closed(sink.self, 2, 5, RISE_CLOSED_RESET, now_ns);
  };
  io::DatagramPort datagram_inner;
  datagram_inner.self = &world;
  datagram_inner.send = [](void*, std::int32_t, const rise_endpoint&, const std::uint8_t*,
                           std::uint32_t) { return std::int32_t{RISE_OK}; };
  datagram_inner.exchange = [](void* self, std::int64_t now_ns) {
    const io::DatagramSink& sink = static_cast<World*>(self)->datagram_sink;
    alignas(8) const std::uint8_t bytes[3] = {1, 2, 3};
    rise_datagram datagram{};
    datagram.struct_size = sizeof datagram;
    datagram.length = sizeof bytes;
    datagram.bytes = bytes;
    datagram.from = {0x7f000001, 9000, 0};
    sink.on_datagram(sink.self, 3, 1, datagram, now_ns);
  };
  const io::StreamPort port = tap.wrap(inner);
  CHECK(tap.wrap(io::DatagramPort{}).self == nullptr);
  const io::DatagramPort datagrams = tap.wrap(datagram_inner);
  (void)rig.clock.wait_until(rig.clock.self, 2'000'000'000'000);
  LONGS_EQUAL(5, port.open(port.self, 2, "host", 8193, 100));
  LONGS_EQUAL(RISE_E_AGAIN,
              port.send(port.self, 5, reinterpret_cast<const std::uint8_t*>("ab"), 2));
  LONGS_EQUAL(RISE_E_CLOSED, port.close(port.self, 5));
  LONGS_EQUAL(RISE_OK, datagrams.send(datagrams.self, 1, {0x0a000001, 77, 0},
                                      reinterpret_cast<const std::uint8_t*>("xyz"), 3));
  port.exchange(port.self, 2'000'000'000'050);
  datagrams.exchange(datagrams.self, 2'000'000'000'060);
  rig.end_cycle();
  LONGS_EQUAL(4, world.heard);
  Recording all = recording();
  Cycle cycle;
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  UNSIGNED_LONGS_EQUAL(4, cycle.outward.size());
  const auto& out = cycle.outward;
  CHECK(out[0].kind == Kind::Open && out[0].owner == 2 && out[0].port == 8193);
  CHECK(out[0].timeout_ms == 100 && out[0].answer == 5 && text(out[0].bytes) == "host");
  CHECK(out[1].kind == Kind::Send && out[1].number == 5 && out[1].answer == RISE_E_AGAIN);
  CHECK(text(out[1].bytes) == "ab");
  CHECK(out[2].kind == Kind::Close && out[2].answer == RISE_E_CLOSED);
  CHECK(out[3].kind == Kind::DatagramSend && out[3].number == 1 && out[3].port == 77);
  CHECK(out[3].address == 0x0a000001 && text(out[3].bytes) == "xyz");
  UNSIGNED_LONGS_EQUAL(5, cycle.inward.size());
  const auto& in = cycle.inward;
  CHECK(in[0].kind == Kind::Opened && in[0].owner == 2 && in[0].now_ns == 2'000'000'000'050);
  CHECK(in[1].kind == Kind::Bytes && in[1].now_ns == 2'000'000'000'057);
  CHECK(text(in[1].bytes) == "hello");
  CHECK(in[2].kind == Kind::Closed && in[2].reason == RISE_CLOSED_RESET);
  CHECK(in[3].kind == Kind::Datagrams);
  CHECK(in[4].kind == Kind::Datagram && in[4].owner == 3 && in[4].number == 1);
  CHECK(in[4].address == 0x7f000001 && in[4].port == 9000 && in[4].bytes.size() == 3);
  LONGS_EQUAL(2'000'000'000'060, in[4].now_ns);
}

TEST(ReplayRecording, Words) {
  rig.make();
  std::int64_t offset_ns = -77;
  io::SeenWords words{1, 12345, true, false};
  shm::Word command[sizeof(message::Command) / sizeof(shm::Word)] = {42};
  (void)rig.clock.wait_until(rig.clock.self, 1);
  rig.witness.utc_offset(rig.witness.self, &offset_ns);
  rig.witness.words(rig.witness.self, &words);
  CHECK(rig.witness.command(rig.witness.self, shm::Pop::Item, command) == shm::Pop::Item);
  CHECK(rig.witness.command(rig.witness.self, shm::Pop::Corrupt, command) == shm::Pop::Corrupt);
  CHECK(rig.witness.command(rig.witness.self, shm::Pop::Empty, command) == shm::Pop::Empty);
  rig.witness.notice(rig.witness.self, 3, "not reloaded", 12);
  rig.witness.seat(rig.witness.self, 4);
  rig.end_cycle();
  rig.cycle();  // nothing has changed, and still holds
  words = {0, 0, false, true};
  (void)rig.clock.wait_until(rig.clock.self, 3'000'000);
  rig.witness.words(rig.witness.self, &words);
  rig.end_cycle();
  Recording all = recording();
  Cycle cycle;
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.words == io::SeenWords({1, 12345, true, false}) && cycle.utc_offset_ns == -77);
  UNSIGNED_LONGS_EQUAL(2, cycle.commands.size());
  CHECK(std::memcmp(cycle.commands[0].data(), command, sizeof command) == 0);
  CHECK(cycle.commands[1].empty());
  CHECK(cycle.notices.size() == 1 && cycle.notices[0].machine == 3);
  STRCMP_EQUAL("not reloaded", cycle.notices[0].text.c_str());
  CHECK(cycle.seats == std::vector<std::uint16_t>{4});
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.words.stop_word == 1 && cycle.utc_offset_ns == -77 && cycle.commands.empty());
  CHECK(all.next(&cycle) == Recording::Next::Cycle);
  CHECK(cycle.words == words);
}

TEST(ReplayRecording, CutAnywhereItPlaysWhatIsWhole) {
  rig.make();
  for (int i = 0; i < 300; ++i) {
    rig.cycle(i % 7);
    if (i % 100 == 0) rig.recorder->pump();
  }
  (void)recording();
  const std::vector<std::uint8_t> good = file;
  std::size_t used = 0;
  CHECK_OK(record::decode_head(good.data(), good.size(), &used));
  for (std::size_t length = used; length < good.size(); length += 13) {
    file.assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    auto parsed = Recording::parse(file);
    CHECK_OK(parsed);
    Cycle cycle;
    while (parsed->next(&cycle) == Recording::Next::Cycle) CHECK_FALSE(cycle.is_end);
    CHECK(parsed->cut() || length == used);
  }
}

TEST(ReplayRecording, AnyChangedByteIsFound) {
  rig.make();
  for (int i = 0; i < 20; ++i) rig.cycle(3);
  (void)recording();
  for (std::size_t at = 0; at < file.size(); ++at) {
    file[at] ^= 0x10;
    const auto parsed = Recording::parse(file);
    // A length may have become one that the file is too short for: as if it were cut there.
    CHECK(!parsed || parsed->cut());
    file[at] ^= 0x10;
  }
}

// With check sums that are right, so that the records are read; in memory of the right size, for
// the sanitizers.
TEST(ReplayRecording, NonsenseIsReadWithoutHarm) {
  rig.make();
  for (int i = 0; i < 50; ++i) rig.cycle(i % 5);
  (void)recording();
  const std::vector<std::uint8_t> good = file;
  std::uint64_t random = 3;
  int nonsense = 0;
  for (int round = 0; round < 3000; ++round) {
    file = good;
    for (int i = 0; i < 3; ++i) {
      file[rise::next_random(&random) % file.size()] =
          static_cast<std::uint8_t>(rise::next_random(&random));
    }
    repair();
    const auto exact = std::make_unique<std::uint8_t[]>(file.size());
    std::copy(file.begin(), file.end(), exact.get());
    auto parsed = Recording::parse({exact.get(), file.size()});
    if (!parsed) continue;
    Cycle cycle;
    for (int i = 0; i < 1000; ++i) {
      const Recording::Next next = parsed->next(&cycle);
      nonsense += next == Recording::Next::Nonsense ? 1 : 0;
      if (next != Recording::Next::Cycle) break;
    }
  }
  CHECK(nonsense > 100);
}
