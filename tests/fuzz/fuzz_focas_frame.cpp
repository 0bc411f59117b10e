// Frames from any bytes: gathered in any pieces, taken apart, and, if nothing was wrong with them,
// put together again into the same bytes. Input: the number of segment sizes, these sizes, and the
// stream.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "drivers/focas/control_info.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/frame.hpp"
#include "drivers/focas/wire/number.hpp"

using namespace rise::focas::wire;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Each body in memory of its own size, so that one byte too far is found.
using Exact = std::vector<std::uint8_t>;

void numbers(Bytes data) {
  for (std::size_t at = 0; at + kNumberBytes <= data.size(); at += kNumberBytes) {
    const Number number = load_number(data.data() + at);
    std::uint8_t again[kNumberBytes];
    store_number(again, number);
    require(std::equal(again, again + kNumberBytes, data.data() + at));
    const auto value = value_of(number);
    if (!value) continue;
    require(*value >= -2147483648.0 && *value <= 2147483647.0);
    for (const auto& written : {decimal(*value, 9), binary(*value)}) {
      if (!written) continue;  // -2^31 and the like
      const auto read = value_of(*written);
      require(read.has_value());
      const double scale = std::max(1.0, std::abs(*value));
      require(std::abs(*read - *value) <= scale * 1e-8);
    }
  }
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: a count from the wire that is believed.
int planted_sum(Bytes data) {
  if (data.size() < 4) return 0;
  int sum = 0;
  const std::size_t count = load_u16(data.data() + 2);
  for (std::size_t i = 0; i < count; ++i) sum += load_i16(data.data() + 4 + 4 * i);
  return sum;
}
volatile int planted_sink;
#endif

void inspect(const RequestBlock& block) { numbers(block.payload); }
void inspect(const ReplyBlock& block) {
  numbers(block.data);
#ifdef RISE_FUZZ_PLANT
  if (block.command == static_cast<std::uint16_t>(Command::Figure))
    planted_sink = planted_sum(Exact(block.data.begin(), block.data.end()));
#endif
  rise::focas::ControlInfo info;
  rise::focas::read_system_info(block.data, &info);
}

template <class Block>
void blocks(const Frame& frame) {
  const Exact body(frame.body.begin(), frame.body.end());
  BlockReader<Block> reader(body);
  Exact memory(kHeaderBytes + std::max<std::size_t>(body.size(), 2));
  FrameWriter writer(memory, frame.header.version, frame.header.type);
  Block block;
  std::size_t count = 0;
  while (reader.next(&block)) {
    ++count;
    inspect(block);
    require(writer.add(block));  // what was read fits where it came from
  }
  if (reader.fault() != Fault::None) return;
  require(count == reader.count());
  if (count == 0) writer.add_u16(0);
  const Bytes again = writer.finish();
  require(std::equal(again.begin() + kHeaderBytes, again.end(), body.begin(), body.end()));
}

void inspect(const Frame& frame) {
  blocks<RequestBlock>(frame);
  blocks<ReplyBlock>(frame);
  const Exact body(frame.body.begin(), frame.body.end());
  Negative negative;
  require(read_negative(body, &negative) == (body.size() >= 8));
  rise::focas::ControlInfo info;
  if (!rise::focas::read_open_reply({frame.header, body}, &info)) return;
  require(info.max_axes >= 1 && info.max_axes <= 64);
  require(info.paths >= 1 && info.paths <= rise::focas::kMaxPaths);
  for (std::size_t i = 0; i < info.paths; ++i) require(info.axes[i] <= info.max_axes);
}

// -> frames seen before the first fault or the end.
template <std::size_t MaxFrame>
std::vector<Exact> gather(Bytes stream, Bytes segments, Fault* fault) {
  // On the heap: AddressSanitizer guards both of its ends.
  auto assembler = std::make_unique<Assembler<MaxFrame>>();
  std::vector<Exact> frames;
  for (std::size_t at = 0, turn = 0; at < stream.size(); ++turn) {
    const std::size_t wanted =
        segments.empty() ? stream.size() : 1u + segments[turn % segments.size()];
    Bytes piece = stream.subspan(at, std::min(wanted, stream.size() - at));
    at += piece.size();
    while (!piece.empty()) {
      piece = piece.subspan(assembler->feed(piece));
      *fault = assembler->fault();
      require(*fault == Fault::None || !assembler->complete());
      if (*fault != Fault::None) return frames;
      if (!assembler->complete()) {
        require(piece.empty());
        continue;
      }
      const Frame frame = assembler->frame();
      require(kHeaderBytes + frame.body.size() <= MaxFrame);
      inspect(frame);
      frames.emplace_back(frame.body.begin(), frame.body.end());
      assembler->clear();
    }
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t count = std::min<std::size_t>(data[0] & 7, size - 1);
  const Bytes segments(data + 1, count);
  const Bytes stream(data + 1 + count, size - 1 - count);
  Fault in_pieces = Fault::None;
  Fault at_once = Fault::None;
  // The pieces in which bytes come make no difference.
  require(gather<kLargestFrame>(stream, segments, &in_pieces) ==
          gather<kLargestFrame>(stream, {}, &at_once));
  require(in_pieces == at_once);
  gather<256>(stream, segments, &in_pieces);
  return 0;
}
