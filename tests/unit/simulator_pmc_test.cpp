// PLC memory and the signals in it.
#include <CppUTest/TestHarness.h>

#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::Status;
using rise::test::Answered;
using rise::test::Bench;
using rise::test::legacy_spec;
using rise::test::mill_spec;

namespace {

constexpr int kG = 0;
constexpr int kF = 1;
constexpr int kR = 5;
constexpr int kD = 9;
constexpr std::uint16_t kRead = 0x8001;
constexpr std::uint16_t kWrite = 0x8002;

}  // namespace

TEST_GROUP(SimulatorPmc){};

TEST(SimulatorPmc, BytesWordsAndLongs) {
  Bench bench(mill_spec());
  // Words are big-endian on the wire and little-endian in the PLC.
  CHECK(bench.ask_pmc(kWrite, {200, 203, kD, 1}, {0x12, 0x34, 0xff, 0xfe}).status == Status::Ok);
  CHECK((bench.ask_pmc(kRead, {200, 203, kD, 0}).data ==
         std::vector<std::uint8_t>{0x34, 0x12, 0xfe, 0xff}));
  CHECK((bench.ask_pmc(kRead, {200, 203, kD, 1}).data ==
         std::vector<std::uint8_t>{0x12, 0x34, 0xff, 0xfe}));
  CHECK((bench.ask_pmc(kRead, {200, 203, kD, 2}).data ==
         std::vector<std::uint8_t>{0xff, 0xfe, 0x12, 0x34}));
}

TEST(SimulatorPmc, FloatsAndDoubles) {
  // Types 4 and 5, as the vendor's client numbers them on the wire; there is no type 3.
  Bench bench(mill_spec());
  CHECK(bench.ask_pmc(kWrite, {4, 7, kR, 4}, {0x40, 0x50, 0, 0}).status == Status::Ok);
  LONGS_EQUAL(0x40, bench.control.pmc().byte(PmcArea::R, 7));
  LONGS_EQUAL(0x50, bench.control.pmc().byte(PmcArea::R, 6));
  CHECK((bench.ask_pmc(kRead, {4, 7, kR, 4}).data == std::vector<std::uint8_t>{0x40, 0x50, 0, 0}));
  CHECK(
      bench.ask_pmc(kWrite, {8, 15, kR, 5}, {0x40, 9, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}).status ==
      Status::Ok);
  LONGS_EQUAL(0x40, bench.control.pmc().byte(PmcArea::R, 15));
  LONGS_EQUAL(0x18, bench.control.pmc().byte(PmcArea::R, 8));
  LONGS_EQUAL(16, bench.ask_pmc(kRead, {0, 15, kR, 5}).data.size());
  CHECK(bench.ask_pmc(kRead, {8, 11, kR, 5}).status == Status::Length);
}

TEST(SimulatorPmc, RangesAreChecked) {
  Bench bench(mill_spec());
  LONGS_EQUAL(1432, bench.ask_pmc(kRead, {0, 1431, kR, 0}).data.size());
  CHECK(bench.ask_pmc(kRead, {0, 9999, kR, 0}).status == Status::Number);
  CHECK(bench.ask_pmc(kRead, {5, 4, kR, 0}).status == Status::Number);
  CHECK(bench.ask_pmc(kRead, {-1, 4, kR, 0}).status == Status::Number);
  CHECK(bench.ask_pmc(kRead, {0, 3, 14, 0}).status == Status::Number);
  CHECK(bench.ask_pmc(kRead, {0, 3, -1, 0}).status == Status::Attribute);
  CHECK(bench.ask_pmc(kRead, {0, 3, kR, 3}).status == Status::Attribute);
  CHECK(bench.ask_pmc(kRead, {0, 3, kR, 6}).status == Status::Attribute);
  CHECK(bench.ask_pmc(kRead, {0, 3, kR, -1}).status == Status::Attribute);
  CHECK(bench.ask_pmc(kRead, {0, 2, kR, 1}).status == Status::Length);
  CHECK(bench.ask_pmc(kWrite, {0, 1, kR, 0}, {1}).status == Status::Length);
  CHECK(bench.ask_pmc(kWrite, {0, 0, kF, 0}, {1}).status == Status::Protected);
  Bench old(legacy_spec());
  CHECK(old.ask_pmc(kRead, {0, 0, 12, 0}).status == Status::Number);  // no E on legacy controls
  CHECK(old.ask_pmc(kRead, {2204, 2205, kD, 1}).status == Status::Ok);
}

TEST(SimulatorPmc, WholeReplyOfTheLargestRange) {
  // More than the version's reply can hold: the block says so, and carries nothing.
  Bench bench(legacy_spec());
  const Answered large = bench.ask_pmc(kRead, {0, 1432, kR, 0});
  CHECK(large.status == Status::Length);
  CHECK(large.data.empty());
}

TEST(SimulatorPmc, FeedHoldAndEmergencyThroughSignals) {
  Bench bench(mill_spec());
  bench.start("O1\nG1 X100. F6000.\nM30\n");
  bench.run(0.3);
  const std::uint8_t g8 = bench.ask_pmc(kRead, {8, 8, kG, 0}).data[0];
  LONGS_EQUAL(0x30, g8 & 0x30);
  const auto without_hold = static_cast<std::uint8_t>(g8 & ~0x20);
  CHECK(bench.ask_pmc(kWrite, {8, 8, kG, 0}, {without_hold}).status == Status::Ok);
  bench.run(0.2);
  LONGS_EQUAL(2, bench.ask(0x19).i16(2));
  const auto f = bench.ask_pmc(kRead, {0, 1, kF, 0}).data;
  LONGS_EQUAL(0xd0, f[0]);  // OP, SA, SPL
  const auto pressed = static_cast<std::uint8_t>(g8 & ~0x10);
  CHECK(bench.ask_pmc(kWrite, {8, 8, kG, 0}, {pressed}).status == Status::Ok);
  bench.run(0.1);
  LONGS_EQUAL(1, bench.ask(0x19).i16(8));
  LONGS_EQUAL(0, bench.ask_pmc(kRead, {0, 0, kF, 0}).data[0] & 0xe0);
}

TEST(SimulatorPmc, OverridesThroughSignals) {
  Bench bench(mill_spec());
  bench.start("O1\nS1000 M3\nG1 X100. F600.\nG0 X0.\nM30\n");
  CHECK(bench.ask_pmc(kWrite, {12, 12, kG, 0}, {255 - 200}).status == Status::Ok);
  CHECK(bench.ask_pmc(kWrite, {30, 30, kG, 0}, {50}).status == Status::Ok);
  bench.run(2);
  DOUBLES_EQUAL(1200, bench.ask(0x24).number(0), 0);
  DOUBLES_EQUAL(500, bench.ask(0x25).number(0), 1);
  CHECK(bench.ask_pmc(kWrite, {12, 12, kG, 0}, {0}).status == Status::Ok);
  bench.run(0.5);
  DOUBLES_EQUAL(0, bench.ask(0x24).number(0), 0);  // all signals 0 count as 0 %
  CHECK(bench.ask_pmc(kWrite, {12, 12, kG, 0}, {255 - 100}).status == Status::Ok);
  CHECK(bench.ask_pmc(kWrite, {14, 14, kG, 0}, {3}).status == Status::Ok);
  CHECK(bench.run_until(20, [&] { return bench.path().in_rapid(); }));
  bench.run(0.2);
  DOUBLES_EQUAL(500, bench.ask(0x24).number(0), 0);  // F0: parameter 1421
}

TEST(SimulatorPmc, CycleStartActsWhenTheButtonIsLetGo) {
  Bench bench(mill_spec());
  bench.load("O1\nG1 X100. F600.\nM30\n");
  CHECK(bench.ask_pmc(kWrite, {7, 7, kG, 0}, {4}).status == Status::Ok);
  CHECK(bench.path().run() == Run::Reset);
  CHECK(bench.ask_pmc(kWrite, {7, 7, kG, 0}, {0}).status == Status::Ok);
  CHECK(bench.path().run() == Run::Start);
  const std::uint8_t g8 = bench.ask_pmc(kRead, {8, 8, kG, 0}).data[0];
  CHECK(bench.ask_pmc(kWrite, {8, 8, kG, 0}, {static_cast<std::uint8_t>(g8 | 0x80)}).status ==
        Status::Ok);
  bench.run(0.5);
  CHECK(bench.path().run() == Run::Reset);
}

TEST(SimulatorPmc, EachPathHasItsSignals) {
  ControlSpec spec = mill_spec();
  spec.paths.push_back(spec.paths[0]);
  Bench bench(spec);
  CHECK(bench.ask_pmc(kWrite, {1012, 1012, kG, 0}, {255 - 30}).status == Status::Ok);
  DOUBLES_EQUAL(1, bench.path(0).switches().feed_override, 1e-9);
  DOUBLES_EQUAL(0.3, bench.path(1).switches().feed_override, 1e-9);
  bench.path(1).alarms().raise({10, 3, 0, "X"});
  LONGS_EQUAL(0, bench.ask_pmc(kRead, {1, 1, kF, 0}).data[0] & 1);
  LONGS_EQUAL(1, bench.ask_pmc(kRead, {1001, 1001, kF, 0}).data[0] & 1);
}

TEST(SimulatorPmc, TheOperatorsPanelIsTheSameSwitches) {
  Bench bench(mill_spec());
  Answered panel = bench.ask(0x5d, {0x1fff});
  LONGS_EQUAL(26, panel.data.size());
  LONGS_EQUAL(1, panel.i16(0));
  LONGS_EQUAL(10, panel.i16(10));
  std::vector<std::uint8_t> payload(32, 0);
  payload[7] = 2;   // rapid 25 %
  payload[11] = 5;  // feed 50 %
  payload[17] = 1;  // single block
  CHECK(bench.ask(0x5e, {1 << 3 | 1 << 5 | 1 << 8}, payload).status == Status::Ok);
  DOUBLES_EQUAL(0.25, bench.path().switches().rapid_override, 1e-9);
  DOUBLES_EQUAL(0.5, bench.path().switches().feed_override, 1e-9);
  CHECK(bench.path().switches().single_block);
  CHECK(bench.path().switches().mode == Mode::Memory);  // was not selected
  panel = bench.ask(0x5d, {0x1fff});
  LONGS_EQUAL(2, panel.i16(6));
  LONGS_EQUAL(5, panel.i16(10));
  LONGS_EQUAL(255 - 50, bench.control.pmc().byte(PmcArea::G, 12));
  payload[7] = 4;
  CHECK(bench.ask(0x5e, {1 << 3}, payload).status == Status::Data);
}

TEST(SimulatorPmc, AddressesAsText) {
  PmcAddress address;
  CHECK(parse_pmc_address("G8.5", &address));
  LONGS_EQUAL(0, address.area);
  LONGS_EQUAL(8, address.address);
  LONGS_EQUAL(5, address.bit);
  CHECK(parse_pmc_address("D2204", &address));
  LONGS_EQUAL(9, address.area);
  LONGS_EQUAL(-1, address.bit);
  for (const char* bad : {"", "8", "G", "Q1", "G8.8", "G8.", "G8.55", "G-1", "G8x"}) {
    CHECK_TRUE_TEXT(!parse_pmc_address(bad, &address), bad);
  }
}
