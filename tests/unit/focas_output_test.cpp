// Outputs: their notation, the requests that write them, and what is read back.
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <limits>

#include "drivers/focas/output.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "drivers/focas/wire/number.hpp"
#include "tests/unit/focas_plan.hpp"
#include "tests/unit/focas_session_bench.hpp"

using namespace rise::focas;
using rise::test::frames_of;
using rise::test::RawFrame;

namespace {

const std::vector<PathSettings> kPath = {{{"x", "y", "z"}, 1}};

Output output_of(const std::string& target) {
  Output output;
  std::string why;
  CHECK_TEXT(parse_output(target, kPath, &output, &why), target.c_str());
  return output;
}

RawFrame frame_of(const wire::RequestBlock& block) {
  std::uint8_t memory[1024];
  wire::FrameWriter writer(memory, wire::kClientVersion, wire::FrameType::DataRequest);
  writer.add(block);
  const wire::Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

WriteJob job_of(const Output& output, double value, WriteStep step) {
  WriteJob job;
  job.output = &output;
  job.value = value;
  job.step = step;
  return job;
}

}  // namespace

TEST_GROUP(FocasOutput) {
  std::uint8_t payload[kMaxPayload];
  wire::RequestBlock block;
  std::string why;

  RawFrame request(const WriteJob& job, const ControlInfo& info) {
    CHECK(write_request(job, info, payload, &block));
    return frame_of(block);
  }
  bool refuses(const std::string& target, double value,
               const ControlInfo& info = rise::test::new_control()) {
    const Output output = output_of(target);
    WriteJob job = job_of(output, value, WriteStep::Write);
    job.parameter_type = 3;
    return !write_request(job, info, payload, &block);
  }
  double reads(const std::string& target, const RawFrame& data,
               const ControlInfo& info = rise::test::new_control()) {
    const Output output = output_of(target);
    double value = -999;
    return read_back(job_of(output, 0, WriteStep::ReadBack), info, data, &value) ? value : -999;
  }
};

TEST(FocasOutput, Notation) {
  CHECK(output_of("pmc.R100").kind == Output::Kind::Pmc);
  CHECK(output_of("pmc.G8.5").kind == Output::Kind::PmcBit);
  CHECK(output_of("pmc.D100:long").pmc.type == 2);
  LONGS_EQUAL(500, output_of("macro.500").number);
  LONGS_EQUAL(6713, output_of("parameter.6713").number);
  LONGS_EQUAL(2, output_of("parameter.1320.Y").axis);
  for (const char* target :
       {"", "pmc", "pmc.", "pmc.Q1", "pmc.R1-2", "pmc. 1", "macro", "macro.", "macro.x",
        "macro.500-501", "parameter.1320.*", "parameter.1320.q", "parameter.", "diagnosis.301",
        "status", "feed", "macro.500 ", "R100"}) {
    Output output;
    why.clear();
    CHECK_TEXT(!parse_output(target, kPath, &output, &why), target);
    CHECK_TEXT(!why.empty(), target);
  }
}

TEST(FocasOutput, Assignments) {
  Output output;
  double value = 0;
  CHECK(parse_assignment("pmc.R100=1", kPath, &output, &value, &why));
  DOUBLES_EQUAL(1, value, 0);
  CHECK(parse_assignment("macro.500=-12.5", kPath, &output, &value, &why));
  DOUBLES_EQUAL(-12.5, value, 0);
  for (const char* text : {"pmc.R100", "pmc.R100=", "=1", "pmc.R100=x", "pmc.R100=1x",
                           "pmc.R100=1=2", "pmc.R100=nan", "pmc.R100=inf", "pmc.R100=1e999"}) {
    CHECK_TEXT(!parse_assignment(text, kPath, &output, &value, &why), text);
  }
}

// The vendor's client, write for write.
TEST(FocasOutput, RequestsOfTheVectors) {
  const ControlInfo new_info = rise::test::new_control();
  const ControlInfo legacy = rise::test::legacy_control();
  const Output macro = output_of("macro.500");
  CHECK(request(job_of(macro, 12.345, WriteStep::Write), new_info) ==
        frames_of("v4_cnc_wrmacro", true).at(0));
  CHECK(request(job_of(macro, 12.345, WriteStep::Write), legacy) ==
        frames_of("v2_cnc_wrmacro", true).at(0));
  CHECK(request(job_of(macro, 0, WriteStep::ReadBack), new_info) ==
        frames_of("v4_cnc_rdmacro_readback", true).at(0));
  const std::pair<const char*, const ControlInfo*> sides[] = {{"v4_", &new_info}, {"v2_", &legacy}};
  for (const auto& [prefix, info] : sides) {
    const Output parameter = output_of("parameter.6711");
    const auto frames = frames_of(std::string(prefix) + "cnc_wrparam", true);
    WriteJob job = job_of(parameter, 78, WriteStep::Inform);
    CHECK(request(job, *info) == frames.at(0));
    const RawFrame answer = frames_of(std::string(prefix) + "cnc_wrparam", false).at(0);
    CHECK(take_answer(&job, *info, wire::Bytes(answer).subspan(28)));
    job.step = WriteStep::Write;
    CHECK(request(job, *info) == frames.at(1));
    const RawFrame read = frames_of(std::string(prefix) + "cnc_rdparam_6711_0", true).at(0);
    CHECK(request(job_of(parameter, 0, WriteStep::ReadBack), *info) == read);
    const Output bits = output_of("pmc.R200");
    CHECK(request(job_of(bits, 0x20, WriteStep::Write), *info) ==
          frames_of(std::string(prefix) + "pmc_wrpmcrng_20", true).at(0));
    CHECK(request(job_of(bits, 0, WriteStep::Write), *info) ==
          frames_of(std::string(prefix) + "pmc_wrpmcrng_00", true).at(0));
    CHECK(request(job_of(bits, 0xa5, WriteStep::Write), *info) ==
          frames_of(std::string(prefix) + "pmc_wrpmcrng_a5", true).at(0));
  }
}

TEST(FocasOutput, PmcWordsInBothForms) {
  // The vector writes words to a range; one of them is an output.
  const Output word = output_of("pmc.D200:word");
  request(job_of(word, -2, WriteStep::Write), rise::test::new_control());
  LONGS_EQUAL(0x8002, block.command);
  LONGS_EQUAL(200, block.argument[0]);
  LONGS_EQUAL(201, block.argument[1]);
  LONGS_EQUAL(9, block.argument[2]);
  LONGS_EQUAL(1, block.argument[3]);
  LONGS_EQUAL(0xfffe, wire::load_u16(block.payload.data()));
  const Output real = output_of("pmc.D200:float");
  request(job_of(real, 2.5, WriteStep::Write), rise::test::new_control());
  LONGS_EQUAL(0x40200000, wire::load_u32(block.payload.data()));
  const Output wide = output_of("pmc.D200:double");
  request(job_of(wide, -2.5, WriteStep::Write), rise::test::new_control());
  LONGS_EQUAL(0xc0040000, wire::load_u32(block.payload.data()));
  LONGS_EQUAL(8, block.payload.size());
}

TEST(FocasOutput, ABitKeepsItsByte) {
  const Output bit = output_of("pmc.G8.5");
  WriteJob job = job_of(bit, 0, WriteStep::Fetch);
  request(job, rise::test::new_control());
  LONGS_EQUAL(0x8001, block.command);
  LONGS_EQUAL(8, block.argument[0]);
  LONGS_EQUAL(8, block.argument[1]);
  for (int byte = 0; byte < 256; ++byte) {
    for (const double value : {0.0, 1.0}) {
      job.step = WriteStep::Fetch;
      job.value = value;
      CHECK(
          take_answer(&job, rise::test::new_control(), RawFrame{static_cast<std::uint8_t>(byte)}));
      job.step = WriteStep::Write;
      request(job, rise::test::new_control());
      LONGS_EQUAL(value != 0 ? byte | 0x20 : byte & ~0x20, block.payload[0]);
    }
  }
  job.step = WriteStep::Fetch;
  CHECK(!take_answer(&job, rise::test::new_control(), {}));
}

TEST(FocasOutput, WhatCannotBeExpressedIsRefused) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const char* target : {"pmc.R1", "pmc.R1:word", "pmc.R1:long", "pmc.R1:float",
                             "pmc.R1:double", "pmc.R1.0", "macro.500", "parameter.6711"}) {
    CHECK_TEXT(refuses(target, std::numeric_limits<double>::quiet_NaN()), target);
    CHECK_TEXT(refuses(target, inf), target);
    CHECK_TEXT(refuses(target, -inf), target);
  }
  CHECK(refuses("pmc.R1", 256));
  CHECK(refuses("pmc.R1", -129));
  CHECK(!refuses("pmc.R1", 255));
  CHECK(!refuses("pmc.R1", -128));
  CHECK(refuses("pmc.R1:word", 65536));
  CHECK(refuses("pmc.R1:long", 2147483648.0));
  CHECK(!refuses("pmc.R1:long", -2147483648.0));
  CHECK(refuses("pmc.R1:float", 1e39));
  CHECK(!refuses("pmc.R1:double", 1e300));
  CHECK(refuses("macro.500", 3e9));
  CHECK(refuses("macro.500", 5e9, rise::test::legacy_control()));
  CHECK(refuses("parameter.6711", 3e9));
}

TEST(FocasOutput, ParameterInformation) {
  const Output parameter = output_of("parameter.1320.x");
  WriteJob job = job_of(parameter, 1.6, WriteStep::Inform);
  RawFrame data(28);
  wire::store_i32(data.data() + 8, 1320);
  for (std::uint16_t type = 0; type <= 4; ++type) {
    wire::store_u16(data.data() + 12, type);
    job.value = 1.6;
    CHECK(take_answer(&job, rise::test::new_control(), data));
    LONGS_EQUAL(type, job.parameter_type);
    DOUBLES_EQUAL(type == 4 ? 1.6 : 2, job.value, 0);  // what has no point is written whole
  }
  wire::store_u16(data.data() + 12, 5);
  CHECK(!take_answer(&job, rise::test::new_control(), data));
  wire::store_u16(data.data() + 12, 0xffff);
  CHECK(!take_answer(&job, rise::test::new_control(), data));
  wire::store_u16(data.data() + 12, 3);
  wire::store_i32(data.data() + 8, 1321);  // of another parameter
  CHECK(!take_answer(&job, rise::test::new_control(), data));
  for (std::size_t size = 0; size < 16; ++size) {
    CHECK(!take_answer(&job, rise::test::new_control(), wire::Bytes(data).first(size)));
  }
}

TEST(FocasOutput, ReadBack) {
  RawFrame record(8 + 8 * 32);
  wire::store_i32(record.data(), 1320);
  wire::store_u16(record.data() + 4, 1);
  wire::store_u16(record.data() + 6, 4);
  wire::store_number(record.data() + 8, {12345, 10, 3});
  DOUBLES_EQUAL(12.345, reads("parameter.1320.x", record), 1e-12);
  DOUBLES_EQUAL(-999, reads("parameter.1320.y", record), 0);
  DOUBLES_EQUAL(-999, reads("parameter.1321.x", record), 0);
  wire::store_u16(record.data() + 6, 3);
  DOUBLES_EQUAL(12345, reads("parameter.1320.x", record), 0);
  wire::store_number(record.data() + 8, {78, 0, -1});  // as it was written
  DOUBLES_EQUAL(78, reads("parameter.1320.x", record), 0);
  DOUBLES_EQUAL(78, reads("parameter.1320.x", record, rise::test::legacy_control()), 0);
  for (std::size_t size = 0; size < 16; ++size) {
    DOUBLES_EQUAL(-999,
                  reads("parameter.1320.x",
                        {record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size)}),
                  0);
  }
  DOUBLES_EQUAL(200, reads("pmc.R1", {200}), 0);
  DOUBLES_EQUAL(1, reads("pmc.R1.7", {200}), 0);
  DOUBLES_EQUAL(-1, reads("pmc.R1:word", {0xff, 0xff}), 0);
  DOUBLES_EQUAL(2.5, reads("pmc.R1:float", {0x40, 0x20, 0, 0}), 0);
  DOUBLES_EQUAL(-999, reads("pmc.R1:float", {0x40, 0x20, 0}), 0);
  DOUBLES_EQUAL(-999, reads("macro.1", RawFrame(7)), 0);
  DOUBLES_EQUAL(-999, reads("macro.1", {0, 0, 0, 0, 0, 10, 0xff, 0xff}), 0);
}

TEST(FocasOutput, SameValue) {
  CHECK(same_value(output_of("pmc.R1"), -1, 255));
  CHECK(!same_value(output_of("pmc.R1"), 1, 2));
  CHECK(same_value(output_of("pmc.R1:word"), 65535, -1));
  CHECK(same_value(output_of("pmc.R1:float"), 0.1, static_cast<double>(0.1f)));
  CHECK(same_value(output_of("pmc.R1.0"), 1, 1));
  CHECK(!same_value(output_of("pmc.R1.0"), 1, 0));
  CHECK(same_value(output_of("macro.1"), 123.456789, 123.456789));
  CHECK(!same_value(output_of("macro.1"), 123.4567, 123.4568));
  CHECK(!same_value(output_of("parameter.1320"), 1, 2));
}

TEST(FocasOutput, NoTrailingZerosOnTheWire) {
  CHECK((*wire::decimal(0.285, 9) == wire::Number{285, 10, 3}));
  CHECK((*wire::decimal(1.1, 9) == wire::Number{11, 10, 1}));
  CHECK((*wire::decimal(0.1 + 0.2, 9) == wire::Number{3, 10, 1}));
  CHECK((*wire::decimal(120, 9) == wire::Number{120, 10, 0}));
  CHECK((*wire::decimal(0, 9) == wire::Number{0, 10, 0}));
  for (int i = -20000; i <= 20000; ++i) {
    const auto number = wire::decimal(i / 1000.0, 9);
    CHECK(number->exponent <= 3);
    DOUBLES_EQUAL(i / 1000.0, *wire::value_of(*number), 1e-12);
  }
}

// How long the answers may be that the planner of the writes allows for.
TEST(FocasOutput, ReplyBytes) {
  const ControlInfo info = rise::test::new_control();
  const auto bytes = [&](const char* target, WriteStep step) {
    const Output output = output_of(target);
    return reply_bytes(job_of(output, 0, step), info);
  };
  LONGS_EQUAL(28, bytes("parameter.6711", WriteStep::Inform));
  LONGS_EQUAL(0, bytes("parameter.6711", WriteStep::Write));
  LONGS_EQUAL(8 + 8 * 32, bytes("parameter.6711", WriteStep::ReadBack));
  LONGS_EQUAL(8, bytes("macro.500", WriteStep::ReadBack));
  LONGS_EQUAL(1, bytes("pmc.R1.0", WriteStep::Fetch));
  LONGS_EQUAL(4, bytes("pmc.R1:long", WriteStep::ReadBack));
}
