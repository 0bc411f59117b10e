// The commands over the wire: what they answer, and that each one that the protocol names is
// there.
#include <CppUTest/TestHarness.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::Device;
using rise::focas::wire::Status;
using rise::test::Answered;
using rise::test::Ask;
using rise::test::Bench;
using rise::test::legacy_spec;
using rise::test::mill_spec;

namespace {

std::string text_at(const Answered& answer, std::size_t offset, std::size_t length) {
  const std::string all(answer.data.begin() + static_cast<std::ptrdiff_t>(offset),
                        answer.data.begin() + static_cast<std::ptrdiff_t>(offset + length));
  return all.substr(0, all.find('\0'));
}

}  // namespace

TEST_GROUP(SimulatorCommands){};

TEST(SimulatorCommands, UnknownCommandsAreRefusedOneByOne) {
  Bench bench(mill_spec());
  const auto answers = bench.ask({{0x18}, {0x7777}, {0x24}, {0x9999}, {0x1a}});
  CHECK(answers[0].status == Status::Ok);
  CHECK(answers[1].status == Status::Function);
  CHECK(answers[1].data.empty());
  CHECK(answers[2].status == Status::Ok);
  CHECK(answers[3].status == Status::Function);
  CHECK(answers[4].status == Status::Ok);
  Ask nobody(0x24);
  nobody.device = static_cast<Device>(3);
  CHECK(bench.ask({nobody}).front().status == Status::Function);
}

TEST(SimulatorCommands, EveryCommandIsDocumented) {
  std::ifstream file("drivers/focas/simulator/README.md");
  std::stringstream text;
  text << file.rdbuf();
  CHECK_TRUE_TEXT(!text.str().empty(), "run from the project's folder");
  const auto check = [&](const CommandRow& row) {
    char code[16];
    std::snprintf(code, sizeof code, "0x%x", static_cast<unsigned>(row.command));
    const std::string cell = std::string("`") + code + "`";
    CHECK_TRUE_TEXT(text.str().find(cell) != std::string::npos, code);
  };
  for (const CommandRow& row : cnc_commands()) check(row);
  for (const CommandRow& row : pmc_commands()) check(row);
}

TEST(SimulatorCommands, EveryCommandSurvivesAnyArgument) {
  // No argument and no payload may bring a handler to its knees; errors are fine.
  for (const ControlSpec& spec : {mill_spec(), legacy_spec()}) {
    Bench bench(spec);
    bench.start("O1\nG1 X100. F1000.\nM30\n");
    bench.run(1);
    Random random(11);
    const auto any = [&]() -> std::int32_t {
      constexpr std::int32_t kEdges[] = {0,
                                         1,
                                         -1,
                                         2,
                                         -2,
                                         255,
                                         1000,
                                         32767,
                                         -32768,
                                         0x7fffffff,
                                         static_cast<std::int32_t>(0x80000000)};
      return kEdges[random.below(std::size(kEdges))];
    };
    for (int round = 0; round < 60; ++round) {
      std::vector<Ask> blocks;
      for (const auto rows : {cnc_commands(), pmc_commands()}) {
        for (const CommandRow& row : rows) {
          Ask block(row.command);
          for (int i = 0; i < 4; ++i) block.arguments.push_back(any());
          block.payload.resize(random.below(3) * random.below(140));
          for (auto& byte : block.payload) byte = static_cast<std::uint8_t>(random.next());
          block.path = static_cast<std::uint16_t>(random.below(3));
          blocks.push_back(block);
          if (blocks.size() == 10) {
            (void)bench.ask(blocks);
            blocks.clear();
          }
        }
      }
      bench.run(0.01);
    }
  }
}

TEST(SimulatorCommands, PathsAreApart) {
  ControlSpec spec = mill_spec();
  spec.paths.push_back(spec.paths[0]);
  spec.paths[1].axes.resize(2);
  spec.paths[1].axes[0].start_mm = 77;
  Bench bench(spec);
  const auto answers = bench.ask({{0x26, {1, 1}, 1},
                                  {0x26, {1, 1}, 2},
                                  {0x26, {1, 1}, 3},
                                  {0xa4, {0}, 2},
                                  {0x8001, {8, 8, 0, 0}, 2}});
  DOUBLES_EQUAL(0, answers[0].number(0), 0);
  DOUBLES_EQUAL(77, answers[1].number(0), 0);
  CHECK(answers[2].status == Status::Path);
  LONGS_EQUAL(2, answers[3].i16(0));
  CHECK(answers[4].status == Status::Ok);
}

TEST(SimulatorCommands, PositionsOfAllKinds) {
  ControlSpec spec = mill_spec();
  Bench bench(spec);
  bench.path().parameters().set_real(1221, 0, 10);
  bench.start("O1\nG1 X90. F6000.\nM30\n");
  bench.run(0.5);
  const auto value = [&](int kind) { return bench.ask(0x26, {kind, 1}).number(0); };
  const double machine = bench.path().machine_position()[0];
  DOUBLES_EQUAL(machine, value(1), 0.0005);
  DOUBLES_EQUAL(machine - 10, value(4), 0.0005);
  DOUBLES_EQUAL(value(4), value(0), 0);
  DOUBLES_EQUAL(100 - machine, value(7), 0.0005);
  DOUBLES_EQUAL(value(7), value(3), 0);
  DOUBLES_EQUAL(value(6), value(2), 0);
  LONGS_EQUAL(256, bench.ask(0x26, {4, -1}).data.size());
  CHECK(bench.ask(0x26, {4, 0}).status == Status::Attribute);
  CHECK(bench.ask(0x26, {4, 5}).status == Status::Attribute);
  CHECK(bench.ask(0x26, {5, 1}).status == Status::Attribute);
  Bench old(legacy_spec());
  LONGS_EQUAL(64, old.ask(0x26, {4, -1}).data.size());
}

TEST(SimulatorCommands, InchesAreShownAsInches) {
  Bench bench(mill_spec());
  bench.start("O1\nG20 G1 X2. F10.\nG4 X9.\nM30\n");
  bench.run(15);
  const Answered x = bench.ask(0x26, {4, 1});
  LONGS_EQUAL(4, x.i16(6));
  DOUBLES_EQUAL(2, x.number(0), 1e-9);
  DOUBLES_EQUAL(50.8, bench.ask(0x26, {1, 1}).number(0), 1e-9);
  const Answered units = bench.ask(0x88, {1});
  LONGS_EQUAL(1, units.i16(0));
  LONGS_EQUAL(0, units.i16(2));
  LONGS_EQUAL(2, units.i16(12));  // A counts degrees
}

TEST(SimulatorCommands, StaleElementsBeyondTheAxes) {
  ControlSpec spec = legacy_spec();
  spec.stale_elements = true;
  Bench bench(spec);
  const Answered all = bench.ask(0x26, {4, -1});
  DOUBLES_EQUAL(0, all.number(2), 0);
  CHECK(std::isnan(all.number(3)));
  CHECK(all.i32(3 * 8) != 0);
}

TEST(SimulatorCommands, NamesAndCounts) {
  Bench bench(mill_spec());
  const Answered names = bench.ask(0x89, {0});
  LONGS_EQUAL(16, names.data.size());
  STRCMP_EQUAL("A", text_at(names, 12, 4).c_str());
  LONGS_EQUAL(64, bench.ask(0x89, {-1}).data.size());
  STRCMP_EQUAL("S1", text_at(bench.ask(0x8a), 0, 4).c_str());
  LONGS_EQUAL(4, bench.ask(0xa4, {0}).i16(0));
  LONGS_EQUAL(1, bench.ask(0xa4, {1}).i16(0));
  LONGS_EQUAL(16, bench.ask(0xa3, {0, -1}).data.size());
}

TEST(SimulatorCommands, SpindleDataAndAControlWithoutSpindle) {
  Bench bench(mill_spec());
  bench.start("O1\nS2000 M3\nG4 X99.\nM30\n");
  bench.run(2);
  DOUBLES_EQUAL(2000, bench.ask(0x25).number(0), 1);
  DOUBLES_EQUAL(2000, bench.ask(0x40, {5, -1}).number(0), 1);
  DOUBLES_EQUAL(8000, bench.ask(0x40, {1, 1}).number(0), 0);
  CHECK(bench.ask(0x40, {4, 1}).number(0) > 1);
  CHECK(bench.ask(0x40, {4, 2}).status == Status::Attribute);
  ControlSpec wire = mill_spec();
  wire.paths[0].spindles.clear();
  Bench edm(wire);
  CHECK(edm.ask(0x25).status == Status::Function);
  CHECK(edm.ask(0x40, {4, -1}).status == Status::NoOption);
  CHECK(edm.ask(0x24).status == Status::Ok);
}

TEST(SimulatorCommands, AlarmsAsBitsAndTexts) {
  Bench bench(mill_spec());
  CHECK(bench.ask(0x23, {-1, 10, 2, 32}).data.empty());
  bench.path().alarms().raise({10, 3, 0, "IMPROPER G-CODE"});
  bench.path().alarms().raise({500, 4, 2, "(Y)+ OVERTRAVEL ( SOFT 1 )"});
  LONGS_EQUAL(0x18, bench.ask(0x1a).i32(0));
  const Answered all = bench.ask(0x23, {-1, 10, 2, 32});
  LONGS_EQUAL(2 * 48, all.data.size());
  LONGS_EQUAL(15, all.i32(12));
  STRCMP_EQUAL("IMPROPER G-CODE", text_at(all, 16, 32).c_str());
  LONGS_EQUAL(2, all.i32(48 + 8));
  LONGS_EQUAL(48, bench.ask(0x23, {4, 10, 2, 32}).data.size());
  LONGS_EQUAL(48, bench.ask(0x23, {-1, 1, 2, 32}).data.size());
  LONGS_EQUAL(2 * 80, bench.ask(0x23, {-1, 10, 0, 64}).data.size());
  LONGS_EQUAL(1, bench.ask(0x19).i16(10));
}

TEST(SimulatorCommands, AsManyAlarmsAsAReplyCanCarry) {
  Bench bench(legacy_spec());
  for (int i = 0; i < 40; ++i) bench.path().alarms().raise({1000 + i, 15, 0, "EXTERNAL"});
  LONGS_EQUAL(17 * 80, bench.ask(0x23, {-1, 100, 2, 64}).data.size());
}

TEST(SimulatorCommands, OperatorMessages) {
  Bench bench(mill_spec());
  const Answered none = bench.ask(0x34, {0});
  LONGS_EQUAL(268, none.data.size());
  LONGS_EQUAL(-1, none.i32(0));
  bench.control.messages()[1] = {2001, "DOOR OPEN"};
  const Answered one = bench.ask(0xd0, {0, -1, 4});
  LONGS_EQUAL(268, one.data.size());
  LONGS_EQUAL(2001, one.i32(0));
  LONGS_EQUAL(9, one.i32(8));
  STRCMP_EQUAL("DOOR OPEN", text_at(one, 12, 256).c_str());
  CHECK(bench.ask(0x34, {9}).status == Status::Attribute);
}

TEST(SimulatorCommands, ProgramStateAndText) {
  Bench bench(mill_spec());
  bench.start("O1234(MAIN)\nN10 M98 P20\nN20 M30\nO20(SUB)\nN5 G1 X100. F600.\nM99\n");
  bench.run(1);
  const Answered numbers = bench.ask(0x1c);
  LONGS_EQUAL(20, numbers.i32(0));
  LONGS_EQUAL(1234, numbers.i32(4));
  LONGS_EQUAL(5, bench.ask(0x1d).i32(0));
  STRCMP_EQUAL("//CNC_MEM/USER/PATH1/O0020", text_at(bench.ask(0xfc), 0, 256).c_str());
  STRCMP_EQUAL("//CNC_MEM/USER/PATH1/O1234", text_at(bench.ask(0xb9), 0, 256).c_str());
  STRCMP_EQUAL("O0020", text_at(bench.ask(0xcf), 4, 36).c_str());
  const Answered text = bench.ask(0x20, {256});
  LONGS_EQUAL(2, text.i32(0));
  STRCMP_EQUAL("N5 G1 X100. F600.\nM99\n%", text_at(text, 4, text.data.size() - 4).c_str());
  LONGS_EQUAL(4 + 7, bench.ask(0x20, {7}).data.size());
  LONGS_EQUAL(4, bench.ask(0x20, {0}).data.size());
  LONGS_EQUAL(4, bench.ask(0x20, {-5}).data.size());
}

// The digits behind the point of F stand in the second word of flags, and of no other letter.
TEST(SimulatorCommands, ModalFeedHasDigits) {
  const auto flags = [](const Answered& answer) { return answer.data[6] << 8 | answer.data[7]; };
  for (const auto& [program, value, digits] :
       {std::tuple{"O1\nG91 G1 X100. F600.\nM30\n", 600, 0},
        std::tuple{"O1\nG91 G1 X1000. F612.5\nM30\n", 6125, 1},
        std::tuple{"O1\nG91 G95 S100 M3 G1 X100. F0.125\nM30\n", 125, 3},
        std::tuple{"O1\nG20 G91 G1 X10. F12.5\nM30\n", 125, 1}}) {
    Bench bench(mill_spec());
    bench.start(program);
    bench.run(0.5);
    const Answered feed = bench.ask(0x22, {5, 0});
    LONGS_EQUAL(value, feed.i32(0));
    LONGS_EQUAL(digits, flags(feed));
    LONGS_EQUAL(digits != 0 ? 0x40 : 0, feed.data[5] & 0x40);
    LONGS_EQUAL(0, flags(bench.ask(0x22, {21, 0})));
  }
}

TEST(SimulatorCommands, ModalCodes) {
  Bench bench(mill_spec());
  bench.start("O1\nG91 G1 X100. F600.\nM30\n");
  bench.run(0.5);
  const Answered all = bench.ask(0x21, {-1, 0});
  LONGS_EQUAL(44, all.data.size());
  LONGS_EQUAL(0x80 | 1, all.data[0]);  // commanded in this block
  LONGS_EQUAL(17, all.data[2]);
  LONGS_EQUAL(0x80 | 91, all.data[4]);
  LONGS_EQUAL(0x80 | 91, bench.ask(0x21, {2, 0}).data[0]);
  CHECK(bench.ask(0x21, {22, 0}).status == Status::Attribute);
  LONGS_EQUAL(600, bench.ask(0x22, {5, 0}).i32(0));
  LONGS_EQUAL(224, bench.ask(0x22, {-1, 0}).data.size());
  const Answered codes = bench.ask(0x96, {-1, 0});
  for (std::size_t group = 0; group < 22; ++group) {
    CHECK(codes.i32(12 * group + 8) >= 0 && codes.i32(12 * group + 8) <= 9);
  }
  LONGS_EQUAL(401, codes.i32(12 * 17 + 4));
  LONGS_EQUAL(1, codes.i32(12 * 17 + 8));
}

TEST(SimulatorCommands, ClockAndTimers) {
  Bench bench(mill_spec());
  bench.run(2);
  Answered now = bench.ask(0x45, {0});
  LONGS_EQUAL(12, now.data.size());
  LONGS_EQUAL(2024, now.i16(0));
  LONGS_EQUAL(22, now.i16(10));
  const std::vector<std::uint8_t> set = {7, 0xe8, 0, 2, 0, 29, 0, 23, 0, 59, 0, 58};
  CHECK(bench.ask(0x46, {0}, set).status == Status::Ok);
  CHECK(bench.ask(0x46, {1}, set).status == Status::Ok);
  bench.run(3);
  now = bench.ask(0x45, {1});
  LONGS_EQUAL(3, now.i16(2));
  LONGS_EQUAL(1, now.i16(4));
  LONGS_EQUAL(1, now.i16(10));
  CHECK(bench.ask(0x46, {0}, {7, 0xe8, 0, 13, 0, 1, 0, 0, 0, 0, 0, 0}).status == Status::Data);
  CHECK(bench.ask(0x46, {0}, {1}).status == Status::Length);
  bench.run(60);
  LONGS_EQUAL(1, bench.ask(0x120, {0}).i32(0));
  LONGS_EQUAL(5000, bench.ask(0x120, {0}).i32(4));
  CHECK(bench.ask(0x120, {5}).status == Status::Attribute);
}

TEST(SimulatorCommands, StartResetAndTheirRefusals) {
  Bench bench(mill_spec());
  CHECK(bench.ask(0x01).status == Status::Reject);  // no program
  bench.load("O1\nG1 X100. F600.\nM30\n");
  CHECK(bench.ask(0x01).status == Status::Ok);
  bench.run(0.5);
  LONGS_EQUAL(3, bench.ask(0x19).i16(2));
  LONGS_EQUAL(1, bench.ask(0x19).i16(4));
  CHECK(bench.ask(0x03, {1}).status == Status::Reject);
  CHECK(bench.ask(0x02).status == Status::Ok);
  bench.run(0.5);
  LONGS_EQUAL(0, bench.ask(0x19).i16(2));
  bench.path().alarms().raise({401, 6, 1, "V_READY"});
  CHECK(bench.ask(0x01).status == Status::Alarm);
  bench.path().alarms().clear(-1);
  write_mode(&bench.control.pmc(), 0, Mode::Edit);
  bench.control.signals_changed();
  CHECK(bench.ask(0x01).status == Status::Mode);
  bench.control.press_emergency(true);
  CHECK(bench.ask(0x01).status == Status::Reject);
  LONGS_EQUAL(1, bench.ask(0x19).i16(8));
}

TEST(SimulatorCommands, ToolAndWorkOffsets) {
  Bench bench(mill_spec());
  CHECK(bench.ask(0x09, {2, 2, 1000}, {0, 0, 0x15, 0xb3, 0, 0, 0xff, 0xff}).status == Status::Ok);
  DOUBLES_EQUAL(5.555, bench.ask(0x08, {2, 2, 1000}).number(0), 1e-9);
  LONGS_EQUAL(24, bench.ask(0x08, {1, 3, 0}).data.size());
  CHECK(bench.ask(0x08, {201, 201, 0}).status == Status::Number);
  CHECK(bench.ask(0x08, {1, 1, 1004}).status == Status::Attribute);
  CHECK(bench.ask(0x09, {2, 3, 1000}, {0, 0, 0, 1, 0, 0, 0xff, 0xff}).status == Status::Length);
  LONGS_EQUAL(200, bench.ask(0x0a).i32(0));
  bench.path().parameters().set_real(1223, 1, 33.5);
  DOUBLES_EQUAL(33.5, bench.ask(0x0b, {3, 3, 2}).number(0), 1e-9);
  LONGS_EQUAL(256, bench.ask(0x0b, {3, 3, -1}).data.size());
  CHECK(bench.ask(0x0b, {7, 7, 1}).status == Status::Number);
}

TEST(SimulatorCommands, ToolLifeFollowsTheCutting) {
  Bench bench(mill_spec());
  bench.start("O1\nT1 M6\nS3000 M3\nG1 Z-1. F500.\nX900. F500.\nX0.\nM30\n");
  bench.run(200);
  const Answered life = bench.ask(0x8b, {1, 1});
  LONGS_EQUAL(36, life.data.size());
  LONGS_EQUAL(45, life.i32(12));
  LONGS_EQUAL(3, life.i32(20));
  LONGS_EQUAL(102, bench.ask(0x4d, {1, 2, 2}).i32(8));
  CHECK(bench.ask(0x8b, {9, 9}).status == Status::Number);
}

TEST(SimulatorCommands, RepliesStayWithinTheLimitOfTheVersion) {
  for (const int version : {1, 2, 3, 4, 5}) {
    ControlSpec spec = mill_spec();
    spec.version = version;
    if (version < 3) spec.model = "16i";
    Bench bench(spec);
    std::vector<Ask> blocks(10, Ask(0x8d, {1320, 1321, -1}));
    const std::uint32_t connection = bench.connect(2);
    const auto reply = bench.send(connection, rise::test::request_of(blocks));
    const std::size_t limit = rise::focas::wire::largest_reply(static_cast<std::uint16_t>(version));
    CHECK(reply.size() <= limit);
    CHECK(!reply.empty());
  }
  Bench bench(legacy_spec());
  const auto answers = bench.ask(std::vector<Ask>(60, Ask(0x0e, {1320, 1320, -1})));
  CHECK(answers.front().status == Status::Ok);
  CHECK(answers.back().status == Status::Length);
}

TEST(SimulatorCommands, MoreBlocksThanAReplyCanHoldAreRefusedAsAWhole) {
  Bench bench(legacy_spec());
  const std::uint32_t connection = bench.connect(2);
  const auto request = rise::test::request_of(std::vector<Ask>(100, Ask(0x24, {})));
  bool alive = false;
  const auto reply = bench.send(connection, request, &alive);
  CHECK(alive);
  CHECK(rise::test::type_of(reply) == rise::focas::wire::FrameType::DataError);
  rise::focas::wire::Negative negative;
  CHECK(rise::focas::wire::read_negative(
      rise::focas::wire::Bytes(reply).subspan(rise::focas::wire::kHeaderBytes), &negative));
  CHECK(negative.status == Status::Length);
}

TEST(SimulatorCommands, PayloadLengthsOfBlocksWithoutPayloadAreForgiven) {
  // As pyfanuc asks for parameter information: 0x10000 bytes announced, none there.
  Bench bench(mill_spec());
  const std::uint32_t connection = bench.connect(2);
  auto request = rise::test::request_of({{0xa0, {6711, 1}}, {0x24}});
  request[10 + 2 + 25] = 1;
  bool alive = false;
  const auto reply = bench.send(connection, request, &alive);
  CHECK(alive);
  CHECK(rise::test::type_of(reply) == rise::focas::wire::FrameType::DataReply);
  LONGS_EQUAL(2, rise::focas::wire::load_u16(reply.data() + 10));
}
