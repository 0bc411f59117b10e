#include <CppUTest/TestHarness.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "tests/unit/telemetry_fake_host.hpp"

using namespace rise::telemetry;
using rise::test::Wire;

namespace {

template <class T>
void put(std::vector<std::uint8_t>* bytes, std::size_t at, T value) {
  std::memcpy(bytes->data() + at, &value, sizeof value);
}

}  // namespace

TEST_GROUP(TelemetryDatagram) {
  Wire wire;
  std::vector<std::uint8_t> bytes;
  Datagram datagram;

  void setup() override {
    wire.channels = 3;
    for (int i = 0; i < 30; ++i) wire.samples.push_back(static_cast<float>(i) * 0.5F);
  }
  Fault check_it(std::vector<std::uint8_t> these) {
    bytes = std::move(these);  // the datagram points into them
    return check(bytes.data(), static_cast<std::uint32_t>(bytes.size()), &datagram);
  }
  template <class T>
  Fault with(std::size_t at, T value) {
    std::vector<std::uint8_t> changed = wire.bytes();
    put(&changed, at, value);
    return check_it(changed);
  }
};

// The offsets of README.md: what a firmware author relies on.
TEST(TelemetryDatagram, OffsetsAreThoseOfTheReadme) {
  wire.sensor = 0x01020304;
  wire.boot = 0x05060708;
  wire.sequence = 0x090a0b0c;
  wire.flags = 0x0d0e0f10;
  wire.time_ns = 0x1112131415161718;
  wire.interval_ns = 0x191a1b1c;
  wire.scale = 2;
  wire.offset = 4;
  bytes = wire.bytes();
  const std::uint8_t want[48] = {'R',  'S',  'D',  '1',  1,    0,    1,    0,    0x04, 0x03,
                                 0x02, 0x01, 0x08, 0x07, 0x06, 0x05, 0x0c, 0x0b, 0x0a, 0x09,
                                 0x10, 0x0f, 0x0e, 0x0d, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13,
                                 0x12, 0x11, 0x1c, 0x1b, 0x1a, 0x19, 10,   0,    3,    0,
                                 0,    0,    0,    0x40, 0,    0,    0x80, 0x40};
  MEMCMP_EQUAL(want, bytes.data(), sizeof want);
  LONGS_EQUAL(48 + 30 * 4, bytes.size());
  CHECK(check_it(bytes) == Fault::None);
}

TEST(TelemetryDatagram, Samples) {
  CHECK(check_it(wire.bytes()) == Fault::None);
  for (std::uint32_t i = 0; i < 10; ++i) {
    for (std::uint32_t c = 0; c < 3; ++c) {
      DOUBLES_EQUAL(0.5 * (i * 3 + c), sample(datagram, i, c), 0);
    }
  }
  wire.format = wire::Format::Int16;
  wire.scale = 0.25F;
  wire.offset = 3;
  wire.samples = {3, 3.25F, -5};
  CHECK(check_it(wire.bytes()) == Fault::None);
  DOUBLES_EQUAL(3, sample(datagram, 0, 0), 0);
  DOUBLES_EQUAL(3.25, sample(datagram, 0, 1), 0);
  DOUBLES_EQUAL(-5, sample(datagram, 0, 2), 0);
}

TEST(TelemetryDatagram, EverySizeButTheRightOneIsRefused) {
  for (const auto format : {wire::Format::Float32, wire::Format::Int16}) {
    wire.format = format;
    wire.scale = 0.5F;
    const std::vector<std::uint8_t> good = wire.bytes();
    for (std::size_t size = 0; size <= 2000; ++size) {
      std::vector<std::uint8_t> cut = good;
      cut.resize(size);
      const bool right = size == good.size();
      CHECK_TEXT((check_it(cut) == Fault::None) == right, std::to_string(size).c_str());
      if (!right) CHECK(check_it(cut) == Fault::Size);
    }
  }
}

TEST(TelemetryDatagram, TheLargestFits) {
  wire.channels = 2;
  wire.samples.assign(356, 1);
  LONGS_EQUAL(1472, wire.bytes().size());
  CHECK(check_it(wire.bytes()) == Fault::None);
  wire.samples.assign(358, 1);
  CHECK(check_it(wire.bytes()) == Fault::Size);
  wire.format = wire::Format::Int16;
  wire.samples.assign(712, 1);
  CHECK(check_it(wire.bytes()) == Fault::None);
  wire.samples.assign(714, 1);
  CHECK(check_it(wire.bytes()) == Fault::Size);
}

TEST(TelemetryDatagram, EveryFieldIsJudged) {
  CHECK(with(0, std::uint32_t{0x31445353}) == Fault::Magic);
  CHECK(with(0, std::uint32_t{0}) == Fault::Magic);
  CHECK(with(4, std::uint8_t{0}) == Fault::Version);
  CHECK(with(4, std::uint8_t{2}) == Fault::Version);
  CHECK(with(6, std::uint8_t{0}) == Fault::Kind);
  CHECK(with(6, std::uint8_t{6}) == Fault::Kind);
  CHECK(with(7, std::uint8_t{2}) == Fault::Format);
  CHECK(with(38, std::uint8_t{0}) == Fault::Channels);
  CHECK(with(38, std::uint8_t{9}) == Fault::Channels);
  CHECK(with(36, std::uint16_t{0}) == Fault::Count);
  CHECK(with(36, std::uint16_t{9}) == Fault::Size);
  CHECK(with(36, std::uint16_t{65535}) == Fault::Size);
  CHECK(with(32, std::uint32_t{0}) == Fault::Interval);
  CHECK(with(24, std::int64_t{-1}) == Fault::Time);
  CHECK(with(24, std::numeric_limits<std::int64_t>::max()) == Fault::Time);
  CHECK(with(24, std::numeric_limits<std::int64_t>::min()) == Fault::Time);
}

// The version rule: a newer minor uses what is reserved now.
TEST(TelemetryDatagram, ANewerMinorIsTaken) {
  CHECK(with(5, std::uint8_t{200}) == Fault::None);
  CHECK(with(39, std::uint8_t{255}) == Fault::None);
  CHECK(with(20, std::uint32_t{0xfffffff0}) == Fault::None);
}

TEST(TelemetryDatagram, ValuesMustBeNumbers) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), -INFINITY, 1.1e15F, -1e30F}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{17}, std::size_t{29}}) {
      CHECK(with(48 + 4 * at, bad) == Fault::Value);
    }
  }
  CHECK(with(48, 1e15F) == Fault::None);
  CHECK(with(48, std::numeric_limits<float>::denorm_min()) == Fault::None);
  // Of floats scale and offset are not looked at.
  CHECK(with(40, std::numeric_limits<float>::quiet_NaN()) == Fault::None);
  wire.format = wire::Format::Int16;
  CHECK(with(40, std::numeric_limits<float>::quiet_NaN()) == Fault::Value);
  CHECK(with(44, std::numeric_limits<float>::infinity()) == Fault::Value);
  CHECK(with(40, 1e12F) == Fault::Value);
}

TEST(TelemetryDatagram, OneSampleNeedsNoInterval) {
  wire.samples.resize(3);
  wire.interval_ns = 0;
  CHECK(check_it(wire.bytes()) == Fault::None);
  LONGLONGS_EQUAL(wire.time_ns, last_time_ns(datagram.header));
}
