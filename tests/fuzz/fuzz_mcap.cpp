// An MCAP file that somebody made up: read, taken apart, exported, repaired. Input: an option byte,
// then bytes. Options: bit 0 the bytes are a whole file; else they are the records of one chunk,
// for which head and check sum are made (or nothing but wrong ones would ever be tried). Bit 1:
// that chunk is compressed.
#include <zstd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "plugins/recorder/export.hpp"
#include "plugins/recorder/repair.hpp"

using namespace rise::recorder;

namespace {

constexpr std::size_t kMaxOut = 1u << 22u;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::uint8_t> file_around(Bytes records, bool compressed) {
  std::string packed = text_of(records);
  if (compressed) {
    packed.resize(::ZSTD_compressBound(records.size()));
    packed.resize(::ZSTD_compress(packed.data(), packed.size(), records.data(), records.size(), 1));
  }
  std::string file(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  Encoder(&file, Op::Header).text("").text("fuzz");
  Encoder(&file, Op::Chunk)
      .u64(0)
      .u64(0)
      .u64(records.size())
      .u32(crc32(records.data(), records.size()))
      .text(compressed ? "zstd" : "")
      .u64(packed.size())
      .bytes(packed);
  return {file.begin(), file.end()};
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: the length of a record is believed.
volatile unsigned planted_sink;
void planted(const std::vector<std::uint8_t>& file) {
  const std::size_t at = sizeof kMagic + 1;
  if (file.size() <= at) return;
  for (std::size_t i = 0; i < file[at]; ++i) planted_sink = file.data()[at + 8 + i];
}
#endif

struct Seen {
  std::uint16_t channel = 0;
  std::uint32_t sequence = 0;
  std::uint64_t log_time = 0;
  std::string data;
  bool operator==(const Seen&) const = default;
};

// All messages of a file. ->*whole
std::vector<Seen> read(Bytes file, bool* whole) {
  ReaderLimits limits;
  limits.chunk_bytes = 1u << 20u;
  McapReader reader(file, limits);
  MessageDecoder decoder;
  McapMessage message;
  std::vector<Seen> seen;
  while (reader.next(&message)) {
    require(message.channel != nullptr);
    require(seen.size() < file.size() + limits.chunk_bytes);
    seen.push_back(
        {message.channel->id, message.sequence, message.log_time, text_of(message.data)});
    const std::string line = json_line(message, &decoder);
    require(line.empty() || (line.front() == '{' && line.back() == '}'));
  }
  require(reader.totals().messages == seen.size());
  require(!reader.next(&message));
  *whole = reader.whole();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  // In memory of its own size: one byte too far is found.
  const std::vector<std::uint8_t> file = (data[0] & 1) != 0
                                             ? std::vector<std::uint8_t>(rest.begin(), rest.end())
                                             : file_around(rest, (data[0] & 2) != 0);
#ifdef RISE_FUZZ_PLANT
  planted(file);
#endif
  bool whole = false;
  const std::vector<Seen> seen = read(file, &whole);
  std::size_t bytes = 0;
  for (const Seen& one : seen) bytes += one.data.size();
  if (bytes > kMaxOut) return 0;

  // What is repaired holds the same messages, and is whole.
  std::string repaired;
  RepairTotals totals;
  require(repair(
      file,
      [&](std::string_view more) {
        repaired += more;
        return true;
      },
      &totals));
  bool repaired_whole = false;
  const std::vector<std::uint8_t> again(repaired.begin(), repaired.end());
  const std::vector<Seen> kept = read(again, &repaired_whole);
  require(repaired_whole);
  require(kept.size() >= seen.size());  // more: the limit of chunks is another one here
  if (kept.size() == seen.size()) require(kept == seen);

  std::size_t out = 0;
  const auto count = [&](std::string_view more) {
    out += more.size();
    return out < kMaxOut;
  };
  Selection selection;
  selection.signals = {"*x*"};
  (void)export_csv(file, {}, count);
  (void)export_csv(file, selection, count);
  (void)export_mcap(file, {}, count);
  return 0;
}
