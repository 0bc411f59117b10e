#include <CppUTest/TestHarness.h>

#include <vector>

#include "drivers/focas/wire/frame.hpp"
#include "drivers/focas/wire/number.hpp"

using namespace rise::focas::wire;

namespace {

std::vector<std::uint8_t> two_block_request() {
  std::uint8_t memory[256];
  FrameWriter writer(memory, kClientVersion, FrameType::DataRequest);
  RequestBlock block;
  block.command = static_cast<std::uint16_t>(Command::Position);
  block.argument[0] = 4;
  block.argument[1] = -1;
  CHECK(writer.add(block));
  const std::uint8_t payload[] = {1, 2, 3};
  block.device = Device::Pmc;
  block.payload = payload;
  CHECK(writer.add(block));
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

}  // namespace

TEST_GROUP(FocasFrame){};

TEST(FocasFrame, WhatIsWrittenIsRead) {
  const auto bytes = two_block_request();
  Header header;
  CHECK(read_header(bytes, &header) == Fault::None);
  CHECK(header.type == FrameType::DataRequest);
  LONGS_EQUAL(bytes.size() - kHeaderBytes, header.length);
  RequestReader reader(Bytes(bytes).subspan(kHeaderBytes));
  LONGS_EQUAL(2, reader.count());
  RequestBlock block;
  CHECK(reader.next(&block));
  LONGS_EQUAL(0x26, block.command);
  LONGS_EQUAL(-1, block.argument[1]);
  CHECK(reader.next(&block));
  CHECK(block.device == Device::Pmc);
  LONGS_EQUAL(3, block.payload.size());
  CHECK(!reader.next(&block));
  CHECK(reader.fault() == Fault::None);
}

TEST(FocasFrame, EveryTruncationOfTheBodyIsAFault) {
  const auto bytes = two_block_request();
  for (std::size_t length = kHeaderBytes; length < bytes.size(); ++length) {
    RequestReader reader(Bytes(bytes).subspan(kHeaderBytes, length - kHeaderBytes));
    RequestBlock block;
    while (reader.next(&block)) {
    }
    CHECK(reader.fault() != Fault::None);
  }
}

TEST(FocasFrame, EveryWrongBlockLengthIsAFault) {
  const auto good = two_block_request();
  for (int wrong = 0; wrong < 0x10000; ++wrong) {
    auto bytes = good;
    bytes[12] = static_cast<std::uint8_t>(wrong >> 8);
    bytes[13] = static_cast<std::uint8_t>(wrong);
    if (bytes == good) continue;
    RequestReader reader(Bytes(bytes).subspan(kHeaderBytes));
    RequestBlock block;
    while (reader.next(&block)) {
    }
    CHECK(reader.fault() != Fault::None);
  }
}

TEST(FocasFrame, AssemblerTakesAnySegmentation) {
  const auto bytes = two_block_request();
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Assembler<512> assembler;
    std::size_t at = 0;
    while (at < bytes.size()) {
      CHECK(!assembler.complete());
      const std::size_t n = std::min(piece, bytes.size() - at);
      LONGS_EQUAL(n, assembler.feed(Bytes(bytes).subspan(at, n)));
      at += n;
    }
    CHECK(assembler.complete());
    LONGS_EQUAL(bytes.size() - kHeaderBytes, assembler.frame().body.size());
  }
}

TEST(FocasFrame, AssemblerStopsAtTheFrameBoundary) {
  auto bytes = two_block_request();
  const std::size_t one = bytes.size();
  bytes.insert(bytes.end(), bytes.begin(), bytes.end());
  Assembler<512> assembler;
  LONGS_EQUAL(one, assembler.feed(bytes));
  CHECK(assembler.complete());
  LONGS_EQUAL(0, assembler.feed(Bytes(bytes).subspan(one)));
}

TEST(FocasFrame, AssemblerRefusesWrongMagicAndLongFrames) {
  auto bytes = two_block_request();
  Assembler<512> assembler;
  assembler.set_limit(bytes.size() - 1);
  assembler.feed(bytes);
  CHECK(assembler.fault() == Fault::TooLong);
  CHECK(!assembler.complete());
  assembler.clear();
  assembler.set_limit(512);
  bytes[2] = 0xa1;
  assembler.feed(bytes);
  CHECK(assembler.fault() == Fault::BadMagic);
}

TEST(FocasFrame, WriterRefusesWhatDoesNotFit) {
  std::uint8_t memory[kHeaderBytes + 2 + kRequestBlockBytes + 5];
  FrameWriter writer(memory, 1, FrameType::DataRequest);
  CHECK(writer.add(RequestBlock{}));
  CHECK(!writer.add(RequestBlock{}));
  LONGS_EQUAL(1, writer.blocks());
  LONGS_EQUAL(kHeaderBytes + 2 + kRequestBlockBytes, writer.finish().size());
}

TEST_GROUP(FocasNumber){};

TEST(FocasNumber, NoValueAndNonsenseAreNoValue) {
  CHECK(!value_of({0, 10, -1}));
  CHECK(!value_of({-1, 10, -1}));
  CHECK(!value_of({5, 10, 10}));
  CHECK(!value_of({5, 7, 0}));
  CHECK(!value_of({5, 2, 63}));
  CHECK(!value_of({0x20204d00, 0x5858, 0x5959}));
}

TEST(FocasNumber, DecimalAndBinary) {
  DOUBLES_EQUAL(12.345, *value_of({12345, 10, 3}), 1e-12);
  DOUBLES_EQUAL(12.345, *value_of({0x62c28f5c, 2, 0x1b}), 1e-8);
  CHECK((*decimal(12.345, 9) == Number{12345, 10, 3}));
  CHECK((*decimal(-7, 9) == Number{-7, 10, 0}));
  CHECK((*binary(12.345) == Number{0x62c28f5c, 2, 0x1b}));
  CHECK(!decimal(3e9, 3));
  CHECK(!decimal(NAN, 3));
  CHECK(!binary(5e9));
}

// Legacy controls normalise the mantissa to 31 bits, so small values have more than 31 bits behind
// the point: 0.25 is 2^30 / 2^32.
TEST(FocasNumber, SmallBinaryValues) {
  CHECK((*binary(0.25) == Number{0x40000000, 2, 32}));
  DOUBLES_EQUAL(0.25, *value_of({0x40000000, 2, 32}), 0);
  CHECK((*binary(-0.25) == Number{-0x40000000, 2, 32}));
  CHECK((*binary(0.001) == Number{0x4189374c, 2, 40}));
  DOUBLES_EQUAL(0.001, *value_of({0x4189374c, 2, 40}), 1e-12);
  DOUBLES_EQUAL(0.001, *value_of(*binary(0.001)), 1e-12);
  CHECK((*binary(1.0 / 2147483648.0) == Number{0x40000000, 2, 61}));
  DOUBLES_EQUAL(1e-17, *value_of(*binary(1e-17)), 1e-18);
}

TEST(FocasNumber, BinaryRoundTripsWithin31Bits) {
  for (const double value : {1.0, -1.0, 0.1, 123456.789, -0.000123, 2147483647.0, 1e-9}) {
    const auto number = binary(value);
    CHECK(number.has_value());
    DOUBLES_EQUAL(value, *value_of(*number), 1e-9 + 1e-8 * (value < 0 ? -value : value));
  }
}
