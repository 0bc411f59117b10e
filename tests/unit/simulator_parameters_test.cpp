// Parameters, diagnosis and macro variables over the wire, on new and legacy controls.
#include <CppUTest/TestHarness.h>

#include <cmath>

#include "drivers/focas/simulator/machine/diagnosis.hpp"
#include "drivers/focas/simulator/machine/variables.hpp"
#include "drivers/focas/simulator/spec/parameter_table.hpp"
#include "drivers/focas/wire/bytes.hpp"
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

using Bytes = std::vector<std::uint8_t>;

void put_i16(Bytes* bytes, int value) {
  bytes->push_back(static_cast<std::uint8_t>(value >> 8));
  bytes->push_back(static_cast<std::uint8_t>(value));
}
void put_i32(Bytes* bytes, std::int32_t value) {
  put_i16(bytes, value >> 16);
  put_i16(bytes, value);
}
void put_number(Bytes* bytes, const Number& number) {
  put_i32(bytes, number.mantissa);
  put_i16(bytes, number.base);
  put_i16(bytes, number.exponent);
}

// The payload of a parameter write.
Bytes record(int number, int axis, int type, const std::vector<Number>& elements, bool wide,
             std::size_t count) {
  Bytes bytes;
  put_i32(&bytes, number);
  put_i16(&bytes, axis);
  put_i16(&bytes, type);
  for (std::size_t i = 0; i < count; ++i) {
    const Number element = i < elements.size() ? elements[i] : Number{0, 0, -1};
    if (wide)
      put_number(&bytes, element);
    else
      put_i32(&bytes, element.mantissa);
  }
  return bytes;
}

}  // namespace

TEST_GROUP(SimulatorParameters){};

TEST(SimulatorParameters, TheTableIsInOrderAndEachNumberOnce) {
  int last = -1;
  for (const ParameterRow& row : parameter_rows()) {
    CHECK(row.number > last);
    last = row.number;
  }
  last = -1;
  for (const DiagnosisRow& row : diagnosis_rows()) {
    CHECK(row.number > last);
    last = row.number;
  }
}

TEST(SimulatorParameters, RecordsHaveAsManyElementsAsTheControlHasAxesAtMost) {
  Bench mill(mill_spec());
  const Answered all = mill.ask(0x8d, {1320, 1320, -1});
  CHECK(all.status == Status::Ok);
  LONGS_EQUAL(8 + 32 * 8, all.data.size());
  LONGS_EQUAL(1320, all.i32(0));
  LONGS_EQUAL(-1, all.i16(4));
  LONGS_EQUAL(4, all.i16(6));
  DOUBLES_EQUAL(1000, all.number(1), 1e-9);
  DOUBLES_EQUAL(1000, all.number(4), 1e-9);
  DOUBLES_EQUAL(0, all.number(5), 1e-9);
  Bench old(legacy_spec());
  const Answered legacy = old.ask(0x0e, {1320, 1320, -1});
  LONGS_EQUAL(8 + 8 * 4, legacy.data.size());
  LONGS_EQUAL(3, legacy.i16(6));  // no point on legacy controls
  LONGS_EQUAL(1000000, legacy.i32(8));
}

TEST(SimulatorParameters, TheAxisArgumentSelects) {
  ControlSpec spec = mill_spec();
  spec.paths[0].axes[1].high_mm = 400;
  Bench bench(spec);
  const Answered second = bench.ask(0x8d, {1320, 1320, 2});
  LONGS_EQUAL(2, second.i16(4));
  DOUBLES_EQUAL(400, second.number(1), 1e-9);
  CHECK(bench.ask(0x8d, {1320, 1320, 0}).status == Status::Attribute);
  CHECK(bench.ask(0x8d, {1320, 1320, 5}).status == Status::Attribute);
  CHECK(bench.ask(0x8d, {6711, 6711, 1}).status == Status::Attribute);
  CHECK(bench.ask(0x8d, {32000, 32000, 0}).status == Status::Number);
  const Answered common = bench.ask(0x8d, {6711, 6711, -1});
  CHECK(common.status == Status::Ok);
  LONGS_EQUAL(0, common.i16(4));
  CHECK(bench.ask(0x8d, {1320, 1320, 0}).data.empty());
}

TEST(SimulatorParameters, TheWrongCommandSetIsRefused) {
  Bench mill(mill_spec());
  for (const int command : {0x0e, 0x0f, 0x30, 0x29, 0x8c}) {
    CHECK(mill.ask(static_cast<std::uint16_t>(command), {6711, 6711, 0}).status ==
          Status::Function);
  }
  Bench old(legacy_spec());
  for (const int command : {0x8d, 0x8e, 0x93, 0x90, 0xa0, 0xa3, 0xa4, 0xd0}) {
    CHECK(old.ask(static_cast<std::uint16_t>(command), {6711, 6711, 0}).status == Status::Function);
  }
}

TEST(SimulatorParameters, FamilyTwoTakesBothCommandSets) {
  ControlSpec spec = legacy_spec();
  spec.family = 2;
  Bench bench(spec);
  LONGS_EQUAL(8 + 8 * 4, bench.ask(0x0e, {6711, 6711, 0}).data.size());
  LONGS_EQUAL(8 + 8 * 8, bench.ask(0x8d, {9153, 9153, 0}).data.size());
  LONGS_EQUAL(4, bench.ask(0x8c).data.size());
}

TEST(SimulatorParameters, ARangeThatDoesNotFitIsGoneThroughInParts) {
  Bench bench(mill_spec());
  int first = 1;
  int records = 0;
  int parts = 0;
  while (true) {
    const Answered part = bench.ask(0x8d, {first, 9999, -1});
    ++parts;
    CHECK(part.data.size() % 264 == 0);
    CHECK(part.data.size() <= 3480);
    for (std::size_t at = 0; at < part.data.size(); at += 264) {
      CHECK(part.i32(at) >= first);
      first = part.i32(at) + 1;
      ++records;
    }
    if (part.status == Status::Ok) break;
    CHECK(part.status == Status::Length);
    CHECK(!part.data.empty());
  }
  CHECK(parts > 5);
  std::size_t expected = 0;
  for (const ParameterRow& row : parameter_rows()) expected += !row.legacy_only && row.number > 0;
  LONGS_EQUAL(expected, records);
}

TEST(SimulatorParameters, WritesOfAllTypes) {
  Bench bench(mill_spec());
  const auto write = [&](const Bytes& payload) { return bench.ask(0x8e, {}, payload).status; };
  CHECK(write(record(6711, 0, 3, {{78, 0, -1}}, true, 32)) == Status::Ok);
  LONGS_EQUAL(78, bench.path().parameters().integer(6711));
  // A bit parameter whose eighth bit is set arrives with its sign extended.
  CHECK(write(record(3401, 0, 0, {{-127, 0, -1}}, true, 32)) == Status::Ok);
  LONGS_EQUAL(0x81, bench.path().parameters().integer(3401));
  CHECK(write(record(1320, 2, 4, {{4995, 10, 1}}, true, 32)) == Status::Ok);
  DOUBLES_EQUAL(499.5, bench.path().parameters().real(1320, 1), 1e-9);
  CHECK(write(record(1320, -1, 4, {{100, 10, 0}, {200, 10, 0}, {300, 10, 0}, {400, 10, 0}}, true,
                     32)) == Status::Ok);
  DOUBLES_EQUAL(400, bench.path().parameters().real(1320, 3), 1e-9);
}

TEST(SimulatorParameters, BadWritesChangeNothing) {
  Bench bench(mill_spec());
  const auto write = [&](const Bytes& payload) { return bench.ask(0x8e, {}, payload).status; };
  CHECK(write({1, 2, 3}) == Status::Length);
  CHECK(write(record(32000, 0, 3, {{1, 0, -1}}, true, 32)) == Status::Number);
  CHECK(write(record(1320, 0, 4, {{1, 10, 0}}, true, 32)) == Status::Attribute);
  CHECK(write(record(20, 0, 1, {{300, 0, -1}}, true, 32)) == Status::Data);
  CHECK(write(record(1320, -1, 4, {{1, 10, 0}, {1, 10, 12}}, true, 32)) == Status::Data);
  DOUBLES_EQUAL(1000, bench.path().parameters().real(1320, 0), 1e-9);
  LONGS_EQUAL(4, bench.path().parameters().integer(20));
}

TEST(SimulatorParameters, LegacyWrite) {
  Bench bench(legacy_spec());
  CHECK(bench.ask(0x0f, {}, record(6711, 0, 3, {{78, 0, 0}}, false, 8)).status == Status::Ok);
  LONGS_EQUAL(78, bench.path().parameters().integer(6711));
  CHECK(bench.ask(0x0f, {}, record(1320, 1, 3, {{499500, 0, 0}}, false, 8)).status == Status::Ok);
  DOUBLES_EQUAL(499.5, bench.path().parameters().real(1320, 0), 1e-9);
}

TEST(SimulatorParameters, InformationLeadsThroughTheNumbers) {
  Bench bench(mill_spec());
  const Answered info = bench.ask(0x10, {6711, 2});
  LONGS_EQUAL(8 + 2 * 8, info.data.size());
  LONGS_EQUAL(6710, info.i32(0));
  LONGS_EQUAL(6713, info.i32(4));
  LONGS_EQUAL(6711, info.i32(8));
  LONGS_EQUAL(3, info.i32(12));
  LONGS_EQUAL(0x207, bench.ask(0x10, {1320, 1}).i32(12));  // per axis, with a point
  const Answered info2 = bench.ask(0xa0, {1320, 1});
  LONGS_EQUAL(28, info2.data.size());
  LONGS_EQUAL(4, info2.i16(12));
  LONGS_EQUAL(1, info2.i16(14));
  // A number that does not exist: the next one.
  LONGS_EQUAL(20, bench.ask(0x10, {2, 1}).i32(8));
  CHECK(bench.ask(0x10, {99999, 1}).status == Status::Number);
  int number = 0;
  int count = 1;
  while ((number = bench.ask(0x10, {number, 1}).i32(4)) != 0) ++count;
  LONGS_EQUAL(bench.path().parameters().all().size(), count);
}

TEST(SimulatorParameters, TheyAreTheTruth) {
  Bench bench(mill_spec());
  bench.path().parameters().set_real(1320, 0, 50);
  bench.start("O1\nG0 X51.\nM30\n");
  bench.run(1);
  LONGS_EQUAL(500, bench.path().alarms().list().front().number);
  bench.path().reset();
  bench.path().parameters().set_real(1420, 0, 600);
  bench.start("O1\nG0 X40.\nM30\n");
  bench.run(2);
  DOUBLES_EQUAL(10, bench.path().speed_mm_s(), 1e-9);
  // Timers are parameters as well, in both directions.
  CHECK(bench.ask(0x8e, {}, record(6752, 0, 3, {{90, 0, -1}}, true, 32)).status == Status::Ok);
  LONGS_EQUAL(90, bench.path().timers().minutes(Timer::Operating));
  const Answered minutes = bench.ask(0x8d, {6752, 6752, 0});
  DOUBLES_EQUAL(90, minutes.number(1), 1e-9);
}

TEST(SimulatorParameters, DiagnosisIsAlive) {
  ControlSpec spec = mill_spec();
  spec.cutting.thermal_time_s = 5;
  Bench bench(spec);
  bench.start("O1\nS8000 M3\nG1 X900. F10000.\nM30\n");
  bench.run(5);
  CHECK(bench.path().in_feed());
  const Answered motor = bench.ask(0x93, {308, 309, -1});
  LONGS_EQUAL(2 * 264, motor.data.size());
  CHECK(motor.number(1) > 25);
  CHECK(motor.number(33 + 1) > 22);
  CHECK(motor.number(33 + 1) <= motor.number(1));
  LONGS_EQUAL(22, std::lround(motor.number(2)));  // Y does not move
  const Answered spindle = bench.ask(0x93, {403, 403, 1});
  LONGS_EQUAL(1, spindle.i16(4));
  CHECK(spindle.number(1) > 25);
  const Answered place = bench.ask(0x93, {301, 301, 1});
  DOUBLES_EQUAL(bench.path().machine_position()[0], place.number(1), 0.001);
  // Position error: speed by loop gain.
  const Answered lag = bench.ask(0x93, {300, 300, 1});
  DOUBLES_EQUAL(10000.0 / 60 / 30 * 1000, lag.number(1), 1);
  CHECK(bench.ask(0x93, {999, 999, 0}).status == Status::Number);
  CHECK(bench.ask(0x93, {308, 308, 0}).status == Status::Attribute);
}

TEST_GROUP(SimulatorMacros){};

TEST(SimulatorMacros, BaseTenOnNewControls) {
  Bench bench(mill_spec());
  Bytes payload;
  put_number(&payload, {12345, 10, 3});
  put_number(&payload, {0, 10, -1});
  CHECK(bench.ask(0x16, {500, 501}, payload).status == Status::Ok);
  const Answered read = bench.ask(0x15, {500, 502});
  LONGS_EQUAL(24, read.data.size());
  DOUBLES_EQUAL(12.345, read.number(0), 1e-12);
  LONGS_EQUAL(10, read.i16(4));
  CHECK(std::isnan(read.number(1)));
  LONGS_EQUAL(-1, read.i16(8 + 6));
  DOUBLES_EQUAL(0, read.number(2), 0);
}

TEST(SimulatorMacros, BaseTwoOnLegacyControls) {
  Bench bench(legacy_spec());
  Bytes payload;
  put_number(&payload, {0x62c28f5c, 2, 0x1b});
  CHECK(bench.ask(0x16, {500, 500}, payload).status == Status::Ok);
  DOUBLES_EQUAL(12.345, bench.path().macros().get(500), 1e-8);
  const Answered read = bench.ask(0x15, {500, 500});
  LONGS_EQUAL(0x62c28f5c, read.i32(0));
  LONGS_EQUAL(2, read.i16(4));
  LONGS_EQUAL(0x1b, read.i16(6));
  CHECK(std::isnan(bench.ask(0x15, {100, 100}).number(0)));
}

TEST(SimulatorMacros, Doubles) {
  Bench bench(mill_spec());
  const Bytes payload = {0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0x1e, 0, 0, 0, 0, 0, 0};
  CHECK(bench.ask(0xa8, {500}, payload).status == Status::Ok);
  DOUBLES_EQUAL(1.5, bench.path().macros().get(500), 0);
  DOUBLES_EQUAL(-7.5, bench.path().macros().get(501), 0);
  CHECK(bench.ask(0xa7, {500, 2}).data == payload);
}

TEST(SimulatorMacros, BadNumbersAndValues) {
  Bench bench(mill_spec());
  CHECK(bench.ask(0x15, {300, 300}).status == Status::Number);
  CHECK(bench.ask(0x15, {34, 34}).status == Status::Number);
  CHECK(bench.ask(0x15, {199, 200}).status == Status::Number);
  CHECK(bench.ask(0x15, {501, 500}).status == Status::Number);
  CHECK(bench.ask(0xa7, {500, -5}).status == Status::Number);
  CHECK(bench.ask(0xa7, {500, 2000000000}).status == Status::Number);
  Bytes payload;
  put_number(&payload, {1, 10, 0});
  CHECK(bench.ask(0x16, {900, 900}, payload).status == Status::Attribute);
  CHECK(bench.ask(0x16, {3011, 3011}, payload).status == Status::Attribute);
  CHECK(bench.ask(0x16, {500, 501}, payload).status == Status::Length);
  put_number(&payload, {1, 7, 0});
  CHECK(bench.ask(0x16, {500, 501}, payload).status == Status::Data);
  DOUBLES_EQUAL(0, bench.path().macros().get(500), 0);  // nothing of it was written
}

TEST(SimulatorMacros, SystemAndLiveVariables) {
  Bench bench(mill_spec());
  bench.start("O1\nT4 M6\nS3000 M3\nG1 X10. Z-5. F500.\nX900.\nM30\n");
  bench.run(20);
  const auto value = [&](int number) { return bench.ask(0x15, {number, number}).number(0); };
  DOUBLES_EQUAL(4, value(900), 0);
  CHECK(value(901) > 0);
  CHECK(value(904) > 0.3);
  DOUBLES_EQUAL(10 * 2 * 500 / 1000.0, value(905), 0.01);  // cm3/min
  DOUBLES_EQUAL(500, value(4109), 0);
  DOUBLES_EQUAL(1, value(4001), 0);
  DOUBLES_EQUAL(1, value(4115), 0);
  DOUBLES_EQUAL(20240506, value(3011), 0);
  DOUBLES_EQUAL(bench.path().machine_position()[0], value(5021), 0.001);
  DOUBLES_EQUAL(900, value(5001), 0.001);
  CHECK(std::isnan(value(915)));  // there is no fifth axis
}
