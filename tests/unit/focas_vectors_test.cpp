// Every frame of every vector goes through the codec: it must parse without fault and, written
// again by FrameWriter, give the same bytes. That holds for the published captures, too: none of
// them contradicts itself.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "drivers/focas/wire/frame.hpp"
#include "tests/unit/focas_vectors.hpp"

using namespace rise::focas::wire;
using rise::test::FocasVector;
using rise::test::VectorFrame;

namespace {

template <class Block>
bool copy_blocks(Bytes body, FrameWriter* writer) {
  BlockReader<Block> reader(body);
  Block block;
  while (reader.next(&block)) {
    if (!writer->add(block)) return false;
  }
  if (reader.count() == 0) writer->add_u16(0);
  return reader.fault() == Fault::None;
}

// Takes the frame apart and writes it again; "" or what went wrong.
std::string round_trip(const VectorFrame& frame) {
  if (frame.bytes.size() < kHeaderBytes) return "shorter than a header";
  Header header;
  if (const Fault fault = read_header(frame.bytes, &header); fault != Fault::None) {
    return fault_name(fault);
  }
  if (frame.bytes.size() != kHeaderBytes + header.length) return "header length is wrong";
  const Bytes body = Bytes(frame.bytes).subspan(kHeaderBytes);
  std::array<std::uint8_t, kLargestFrame> memory{};
  FrameWriter writer(memory, header.version, header.type);
  bool copied = true;
  if (header.type == FrameType::DataRequest) {
    copied = copy_blocks<RequestBlock>(body, &writer);
  } else if (header.type == FrameType::DataReply) {
    copied = copy_blocks<ReplyBlock>(body, &writer);
  } else {
    copied = writer.add_bytes(body);
  }
  if (!copied) return "blocks cannot be copied";
  const Bytes written = writer.finish();
  return std::equal(written.begin(), written.end(), frame.bytes.begin(), frame.bytes.end())
             ? ""
             : "written again it differs";
}

}  // namespace

TEST_GROUP(FocasVectors){};

TEST(FocasVectors, AllAreThere) {
  const auto vectors = rise::test::read_focas_vectors();
  LONGS_EQUAL(269, vectors.size());
  for (const FocasVector& vector : vectors) {
    CHECK_TRUE_TEXT(!vector.frames.empty(), vector.file.c_str());
    CHECK_TRUE_TEXT(!vector.comments.empty(), vector.file.c_str());
    const bool capture = vector.starts_with("cap_");
    CHECK_TRUE_TEXT(capture == vector.api.empty(), vector.file.c_str());
    CHECK_TRUE_TEXT(vector.frames.front().from_client, vector.file.c_str());
  }
}

TEST(FocasVectors, EachFrameSurvivesTheCodec) {
  std::size_t frames = 0;
  for (const FocasVector& vector : rise::test::read_focas_vectors()) {
    for (const VectorFrame& frame : vector.frames) {
      ++frames;
      const std::string fault = round_trip(frame);
      CHECK_TRUE_TEXT(fault.empty(), (vector.file + ": " + fault).c_str());
    }
  }
  CHECK(frames > 500);
}

TEST(FocasVectors, ASpoiltFrameIsNoticed) {
  // The guard of this test: one changed length byte must not survive.
  for (const FocasVector& vector : rise::test::read_focas_vectors()) {
    VectorFrame frame = vector.frames.front();
    frame.bytes[9] ^= 1;
    CHECK_TRUE_TEXT(!round_trip(frame).empty(), vector.file.c_str());
  }
}

TEST(FocasVectors, TheParserSaysWhereItIsWrong) {
  using rise::test::parse_focas_vector;
  const auto good =
      parse_focas_vector("x", "# API call: cnc_actf(h, b)\nC1> a0 01\nC1> 02\n#\nC1> 03\nS2> ff\n");
  STRCMP_EQUAL("cnc_actf", good.api.c_str());
  LONGS_EQUAL(3, good.frames.size());
  LONGS_EQUAL(3, good.frames[0].bytes.size());
  LONGS_EQUAL(1, good.frames[1].bytes.size());
  CHECK(!good.frames[2].from_client);
  LONGS_EQUAL(2, good.frames[2].connection);
  for (const char* bad : {"X1> 00\n", "C3> 00\n", "C1> 0\n", "C1> 0g\n", "00 01\n"}) {
    std::string message;
    try {
      (void)parse_focas_vector("x", bad);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    CHECK_TRUE_TEXT(message.starts_with("x.hex:1: "), bad);
  }
}
