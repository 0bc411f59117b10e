// What public clients ask in forms of their own: the vendor's client library and pyfanuc with what
// was made of it. Each test was a call that went wrong with one of them.
#include <CppUTest/TestHarness.h>

#include <cmath>
#include <initializer_list>

#include "drivers/focas/wire/number.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::Number;
using rise::focas::wire::Status;
using rise::test::Answered;
using rise::test::Bench;
using rise::test::legacy_spec;
using rise::test::mill_spec;

namespace {

using Payload = std::vector<std::uint8_t>;

void put_i32(Payload* payload, std::int32_t value) {
  for (const int shift : {24, 16, 8, 0}) {
    payload->push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

Payload base_two(std::int32_t mantissa, int bits) {
  Payload payload;
  put_i32(&payload, mantissa);
  put_i32(&payload, 2 << 16 | bits);
  return payload;
}

// A whole record of a parameter without axis; what stands behind its value is junk.
void put_record(Payload* payload, int number, std::int32_t value, bool wide, int elements) {
  put_i32(payload, number);
  put_i32(payload, 3);
  for (int i = 0; i < elements; ++i) {
    put_i32(payload, i == 0 ? value : 0xfb4);
    if (wide) put_i32(payload, i == 0 ? 0xffff : 0x10002);
  }
}

}  // namespace

TEST_GROUP(SimulatorClients){};

TEST(SimulatorClients, SmallMacroValuesInBaseTwo) {
  // cnc_wrmacro of 1e-8 and of -1.2345e-5 on a legacy control.
  Bench bench(legacy_spec());
  CHECK(bench.ask(0x16, {100, 100}, base_two(0x55e63b88, 57)).status == Status::Ok);
  DOUBLES_EQUAL(1e-8, bench.path().macros().get(100), 1e-16);
  CHECK(bench.ask(0x16, {100, 100}, base_two(-0x678eaf85, 47)).status == Status::Ok);
  DOUBLES_EQUAL(-1.2345e-5, bench.path().macros().get(100), 1e-13);
  DOUBLES_EQUAL(-1.2345e-5, bench.ask(0x15, {100, 100}).number(0), 1e-9);
  CHECK(bench.ask(0x16, {100, 100}, base_two(1, 128)).status == Status::Data);
}

TEST(SimulatorClients, WrittenDoublesAreCounted) {
  Bench bench(mill_spec());
  const Answered three = bench.ask(0xa8, {120}, Payload(24));
  LONGS_EQUAL(4, three.data.size());
  LONGS_EQUAL(3, three.i32(0));
}

TEST(SimulatorClients, SeveralParametersInOneWrite) {
  // cnc_wrparas puts one record behind the other.
  for (const bool is_new : {true, false}) {
    Bench bench(is_new ? mill_spec() : legacy_spec());
    const std::uint16_t command = is_new ? 0x8e : 0x0f;
    const int elements = is_new ? 32 : 8;
    Payload payload;
    put_record(&payload, 6712, 5, is_new, elements);
    put_record(&payload, 6713, 99, is_new, elements);
    CHECK(bench.ask(command, {}, payload).status == Status::Ok);
    LONGS_EQUAL(5, bench.path().parameters().integer(6712));
    LONGS_EQUAL(99, bench.path().parameters().integer(6713));
    // One of them makes no sense: none is written.
    Payload half;
    put_record(&half, 6712, 6, is_new, elements);
    put_record(&half, 12345, 7, is_new, elements);
    CHECK(bench.ask(command, {}, half).status == Status::Number);
    LONGS_EQUAL(5, bench.path().parameters().integer(6712));
    payload.resize(payload.size() - 4);
    CHECK(bench.ask(command, {}, payload).status == Status::Length);
  }
}

TEST(SimulatorClients, ParameterInformationTellsWhatTheValuesBelongTo) {
  // cnc_wrparam takes as many values as spindles with bit 8 set, otherwise as many as axes.
  Bench bench(legacy_spec());
  LONGS_EQUAL(0x03, bench.ask(0x10, {6711, 1}).i32(12));
  LONGS_EQUAL(0x07, bench.ask(0x10, {1320, 1}).i32(12));
  LONGS_EQUAL(0x04, bench.ask(0x10, {1006, 1}).i32(12));
  LONGS_EQUAL(0x103, bench.ask(0x10, {3741, 1}).i32(12));
}

TEST(SimulatorClients, SpindleNumberZeroIsTheFirst) {
  // A pyfanuc asks for the load with all arguments 0.
  Bench bench(mill_spec());
  bench.start("O1\nS2000 M3\nG4 X99.\nM30\n");
  bench.run(2);
  const Answered load = bench.ask(0x40);
  LONGS_EQUAL(8, load.data.size());
  DOUBLES_EQUAL(bench.ask(0x40, {0, 1}).number(0), load.number(0), 0);
  CHECK(load.number(0) > 1);
  CHECK(bench.ask(0x40, {4, -2}).status == Status::Attribute);
}

TEST(SimulatorClients, OneSpindleIsSelected) {
  // cnc_rdaxisdata of the selected spindle reads as many values as this count says.
  ControlSpec spec = mill_spec();
  spec.paths[0].spindles.resize(2);
  Bench bench(spec);
  LONGS_EQUAL(2, bench.ask(0xa4, {1}).i16(0));
  LONGS_EQUAL(1, bench.ask(0xa4, {3}).i16(0));
  spec.paths[0].spindles.clear();
  Bench none(spec);
  LONGS_EQUAL(0, none.ask(0xa4, {3}).i16(0));
}

TEST(SimulatorClients, AllMessagesOfALegacyControl) {
  // cnc_rdopmsg3 of type -1.
  Bench bench(legacy_spec());
  const Answered none = bench.ask(0x34, {-1});
  LONGS_EQUAL(268, none.data.size());
  LONGS_EQUAL(-1, none.i32(0));
  bench.control.messages()[0] = {2001, "DOOR OPEN"};
  bench.control.messages()[2] = {2003, "OIL LOW"};
  const Answered two = bench.ask(0x34, {-1});
  LONGS_EQUAL(2 * 268, two.data.size());
  LONGS_EQUAL(2001, two.i32(0));
  LONGS_EQUAL(2003, two.i32(268));
  CHECK(bench.ask(0x34, {-2}).status == Status::Attribute);
}

TEST(SimulatorClients, RangesOfWorkOffsets) {
  // cnc_rdzofsr; each offset with one axis, or with all that the control can have.
  Bench bench(mill_spec());
  for (int number = 0; number <= 6; ++number) {
    bench.path().parameters().set_real(1220 + number, 1, number + 0.5);
  }
  const Answered one_axis = bench.ask(0x0b, {0, 6, 2});
  LONGS_EQUAL(7 * 8, one_axis.data.size());
  for (std::size_t i = 0; i <= 6; ++i) {
    DOUBLES_EQUAL(static_cast<double>(i) + 0.5, one_axis.number(i), 1e-9);
  }
  const Answered all_axes = bench.ask(0x0b, {0, 4, -1});
  LONGS_EQUAL(5 * 256, all_axes.data.size());
  DOUBLES_EQUAL(4.5, all_axes.number(4 * 32 + 1), 1e-9);
  CHECK(bench.ask(0x0b, {0, 7, 1}).status == Status::Number);
  CHECK(bench.ask(0x0b, {3, 2, 1}).status == Status::Number);
  // More than fits: what does, and status 2.
  ControlSpec spec = mill_spec();
  spec.version = 3;
  Bench small(spec);
  const auto answers = small.ask({{0x0b, {0, 6, -1}}, {0x0b, {0, 6, -1}}});
  CHECK(answers[1].status == Status::Length);
  LONGS_EQUAL(0, answers[1].data.size() % 256);
  CHECK(!answers[1].data.empty());
}

TEST(SimulatorClients, AllKindsOfToolOffsets) {
  // cnc_rdtofsr of type -1: memory C has four values for each number.
  Bench bench(mill_spec());
  for (int kind = 0; kind < 4; ++kind) bench.path().offsets().set(3, kind, kind + 1);
  const Answered all = bench.ask(0x08, {1, 5, -1});
  LONGS_EQUAL(5 * 4 * 8, all.data.size());
  for (std::size_t kind = 0; kind < 4; ++kind) {
    DOUBLES_EQUAL(static_cast<double>(kind) + 1, all.number(2 * 4 + kind), 1e-9);
  }
  CHECK(bench.ask(0x08, {5, 1, -1}).status == Status::Number);
  CHECK(bench.ask(0x08, {1, 201, -1}).status == Status::Number);
  ControlSpec spec = mill_spec();
  spec.machine = MachineType::Lathe;
  Bench lathe(spec);
  CHECK(lathe.ask(0x08, {1, 5, -1}).status == Status::Attribute);
}

TEST(SimulatorClients, ToolGroupsAndTheirTools) {
  Bench bench(legacy_spec());
  // cnc_rdngrp, cnc_rdmaxgrp, cnc_rdmaxtool and cnc_rdtlinfo read different words of one reply.
  const Answered counts = bench.ask(0x4a);
  LONGS_EQUAL(20, counts.data.size());
  LONGS_EQUAL(8, counts.i32(0));
  LONGS_EQUAL(8, counts.i32(4));
  LONGS_EQUAL(2, counts.i32(8));
  CHECK(counts.i32(12) > 0 && counts.i32(16) > 0);
  // cnc_rdgrpinfo, cnc_rdtoolrng.
  const Answered groups = bench.ask(0x8b, {2, 4});
  LONGS_EQUAL(4 + 3 * 32, groups.data.size());
  LONGS_EQUAL(2, groups.i32(0));
  for (std::size_t i = 0; i < 3; ++i) {
    LONGS_EQUAL(2, groups.i32(4 + 32 * i));
    LONGS_EQUAL(45, groups.i32(4 + 32 * i + 8));
  }
  CHECK(bench.ask(0x8b, {4, 2}).status == Status::Number);
  CHECK(bench.ask(0x8b, {2, 9}).status == Status::Number);
  // cnc_toolnum, cnc_rdtltool, cnc_rdtoolgrp.
  const Answered tools = bench.ask(0x4d, {3, 1, 99});
  LONGS_EQUAL(8 + 2 * 16, tools.data.size());
  LONGS_EQUAL(3, tools.i32(0));
  LONGS_EQUAL(1, tools.i32(4));
  LONGS_EQUAL(301, tools.i32(8));
  LONGS_EQUAL(302, tools.i32(24));
  LONGS_EQUAL(8 + 16, bench.ask(0x4d, {3, 2, 1}).data.size());
  LONGS_EQUAL(8 + 16, bench.ask(0x4d, {3, 2, 0}).data.size());
  CHECK(bench.ask(0x4d, {3, 3, 1}).status == Status::Number);
}
