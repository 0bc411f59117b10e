// A recording that somebody made up, read and handed out as a replay does it. Input: an option
// byte, then bytes. Options: bit 0 the bytes are a whole file; else they are the content of one
// block, for which head and check sum are made (or nothing but wrong ones would ever be tried). Bit
// 1: as with another config.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "drivers/replay/stage.hpp"
#include "rise_generated.h"
#include "rt_core/record/crc32c.hpp"
#include "schema_hash.hpp"

using namespace rise;
using replay::Bytes;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::uint8_t> file_around(Bytes content) {
  record::Head head;
  head.schema_hash = message::kSchemaHash;
  std::vector<std::uint8_t> file = record::encode(head);
  const std::size_t at = file.size();
  file.resize(at + record::kBlockPrefixBytes);
  const auto put = [&](std::size_t where, std::uint32_t value) {
    std::memcpy(file.data() + at + where, &value, sizeof value);
  };
  put(0, record::kBlockMagic);
  put(4, static_cast<std::uint32_t>(content.size()));
  put(8, 0);
  put(12, record::crc32c(content.data(), content.size(), record::crc32c(&file[at + 4], 8)));
  file.insert(file.end(), content.begin(), content.end());
  return file;
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: the length of a cycle is believed.
volatile unsigned planted_sink;
void planted(const std::vector<std::uint8_t>& file, std::size_t content) {
  if (content == 0) return;
  const std::size_t begin = file.size() - content;
  for (std::size_t i = 0; i < (file[begin] & 0x7fu); ++i) planted_sink = file.data()[begin + 1 + i];
}
#endif

// What a lane would see of it. Machines 0 and 2 are its own.
struct Lane {
  unsigned sum = 0;
  std::int64_t last_ns = 0;

  void touch(const std::uint8_t* bytes, std::uint32_t length) {
    for (std::uint32_t i = 0; i < length; ++i) sum += bytes[i];
  }
  static void known(std::uint32_t owner) { require(owner == 0 || owner == 2); }
  io::StreamSink sink() {
    io::StreamSink sink;
    sink.self = this;
    sink.on_open = [](void*, std::uint32_t owner, std::int32_t, std::int64_t) { known(owner); };
    sink.on_bytes = [](void* self, std::uint32_t owner, std::int32_t, const std::uint8_t* bytes,
                       std::uint32_t length, std::int64_t) {
      known(owner);
      static_cast<Lane*>(self)->touch(bytes, length);
    };
    sink.on_closed = [](void*, std::uint32_t owner, std::int32_t, std::int32_t, std::int64_t) {
      known(owner);
    };
    return sink;
  }
  io::DatagramSink datagram_sink() {
    io::DatagramSink sink;
    sink.self = this;
    sink.on_datagram = [](void* self, std::uint32_t owner, std::int32_t,
                          const rise_datagram& datagram, std::int64_t) {
      known(owner);
      require(datagram.length <= RISE_DATAGRAM_MAX);
      static_cast<Lane*>(self)->touch(datagram.bytes, datagram.length);
    };
    return sink;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool whole = (data[0] & 1) != 0;
  const Bytes rest(data + 1, size - 1);
  // In memory of its own size: one byte too far is found.
  const std::vector<std::uint8_t> file =
      whole ? std::vector<std::uint8_t>(rest.begin(), rest.end()) : file_around(rest);
#ifdef RISE_FUZZ_PLANT
  planted(file, whole ? 0 : rest.size());
#endif
  auto recording = replay::Recording::parse(file);
  require(static_cast<bool>(recording) || whole);
  if (!recording) {
    require(!recording.error().empty());
    return 0;
  }
  replay::Stage stage({"a", "", "c"}, (data[0] & 2) != 0);
  Lane lane;
  const cycle::Clock clock = stage.clock();
  const io::StreamPort streams = stage.streams(lane.sink());
  const io::DatagramPort datagrams = stage.datagrams(lane.datagram_sink());
  const io::Witness witness = stage.witness();
  replay::Cycle cycle;
  std::uint64_t cycles = 0;
  while (true) {
    const replay::Recording::Next next = recording->next(&cycle);
    require((next == replay::Recording::Next::Nonsense) == !recording->fault().empty());
    if (next != replay::Recording::Next::Cycle) break;
    require(++cycles <= size);
    if (cycle.is_end) continue;
    const std::size_t stamps = cycle.stamps.size();
    const std::vector<replay::Outward> outward = cycle.outward;
    stage.enter(cycle);
    lane.last_ns = clock.wait_until(clock.self, 0);
    for (std::size_t i = 0; i < stamps + 1; ++i) lane.last_ns = clock.stamp(clock.self);
    io::SeenWords words;
    witness.words(witness.self, &words);
    shm::Word command[sizeof(message::Command) / sizeof(shm::Word)];
    while (witness.command(witness.self, shm::Pop::Empty, command) != shm::Pop::Empty) {
    }
    // Every second thing that it asked for is asked for again.
    for (std::size_t i = 0; i < outward.size(); i += 2) {
      const replay::Outward& out = outward[i];
      if (out.kind == record::Kind::Open) {
        const std::string host(out.bytes.begin(), out.bytes.end());
        (void)streams.open(streams.self, out.owner, host.c_str(), out.port, out.timeout_ms);
      } else if (out.kind == record::Kind::Send) {
        (void)streams.send(streams.self, out.number, out.bytes.data(),
                           static_cast<std::uint32_t>(out.bytes.size()));
      } else if (out.kind == record::Kind::Close) {
        (void)streams.close(streams.self, out.number);
      } else {
        (void)datagrams.send(datagrams.self, out.number, {out.address, out.port, 0},
                             out.bytes.data(), static_cast<std::uint32_t>(out.bytes.size()));
      }
    }
    streams.exchange(streams.self, lane.last_ns);
    datagrams.exchange(datagrams.self, lane.last_ns);
    stage.leave();
    require(stage.divergences().texts.size() <= replay::Divergences::kKept);
  }
  return 0;
}
