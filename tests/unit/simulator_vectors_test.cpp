// The client's side of every v4_* and v2_* vector is played to a control of the same kind. The
// reply must have the same frame type, block count, echo, status and data length; the open
// replies and sysinfo must be the same to the byte.
#include <CppUTest/TestHarness.h>

#include <map>
#include <string_view>

#include "tests/unit/focas_vectors.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::focas::wire;
using namespace rise::test;
using rise::cncsim::ControlSpec;

namespace {

// Where the simulator differs from the lab server behind the vectors, on purpose. Each entry must
// really differ, otherwise the test fails.
struct Difference {
  std::string_view api;
  bool length;
  bool status;
  const char* why;
};
constexpr Difference kDifferences[] = {
    {"cnc_pdf_slctmain", false, true, "the lab server did not offer it; the simulator does"},
    {"cnc_rdexecprog", true, false, "text of the program that is loaded here"},
    {"cnc_rdgcode", true, false, "all 22 groups; the lab server sent the first 10"},
    // Replies that other calls read further than the lab server went: cnc_rdmaxgrp, cnc_rdtlinfo;
    // cnc_rdtltool, cnc_rdtoolgrp; cnc_rdgrpinfo, cnc_rdtoolrng.
    {"cnc_rdngrp", true, false, "with the largest numbers"},
    {"cnc_toolnum", true, false, "with H code, D code and state"},
    {"cnc_rdntool", true, false, "32 bytes for each group"},
    {"cnc_rdlife", true, false, "32 bytes for each group"},
    {"cnc_rdcount", true, false, "32 bytes for each group"},
};

constexpr char kPrograms[] =
    "O0001(FIRST)\nG0X0\nM30\nO1000(MAIN)\nG0X0\nM30\nO9999\nM30\nO9876(VEC)\nG00X0Y0\nM30\n";

ControlSpec spec_for(const FocasVector& vector) {
  ControlSpec spec = mill_spec();
  if (vector.starts_with("v2_")) {
    spec.model = "16i";
    spec.series = "BDH1";
  }
  spec.paths[0].program = "O1234(SUB PART)\nN90 G01 X10. Y20. F1500\nN100 Z-5.\nM30\n";
  if (vector.file.find("2path_") != std::string::npos) spec.paths.push_back(spec.paths[0]);
  // The directory vectors list three programs and a folder.
  const bool directory = vector.api.starts_with("cnc_rdp");
  const std::string_view all = kPrograms;
  spec.programs.push_back({rise::cncsim::path_folder(0),
                           std::string(directory ? all.substr(0, all.find("O9999")) : all)});
  spec.programs.push_back({rise::cncsim::path_folder(0) + "SUBDIR/", "O1\nM30\n"});
  return spec;
}

void prepare(Bench* bench, const FocasVector& vector) {
  if (vector.api.starts_with("cnc_rdalmmsg")) {
    bench->path().alarms().raise({10, 3, 0, "IMPROPER G-CODE"});
    bench->path().alarms().raise({500, 4, 2, "(Y)OVER TRAVEL (SOFT 1)"});
  }
  bench->control.messages()[0] = {2001, "DOOROPEN"};
}

using Frame = std::vector<std::uint8_t>;

Bytes body_of(const Frame& frame) { return Bytes(frame).subspan(kHeaderBytes); }

void compare_blocks(const Frame& expected, const Frame& actual, const FocasVector& vector,
                    std::map<std::string, int>* differences) {
  ReplyReader wanted(body_of(expected));
  ReplyReader given(body_of(actual));
  const char* name = vector.file.c_str();
  LONGS_EQUAL_TEXT(wanted.count(), given.count(), name);
  ReplyBlock want;
  ReplyBlock have;
  while (wanted.next(&want)) {
    CHECK_TRUE_TEXT(given.next(&have), name);
    CHECK_TRUE_TEXT(want.device == have.device, name);
    LONGS_EQUAL_TEXT(want.path, have.path, name);
    LONGS_EQUAL_TEXT(want.command, have.command, name);
    const bool same_status = want.status == have.status;
    const bool same_length = want.data.size() == have.data.size();
    if (same_status && same_length) continue;
    bool excused = false;
    for (const Difference& difference : kDifferences) {
      excused = excused || (difference.api == vector.api && difference.status == !same_status &&
                            difference.length == !same_length);
    }
    const std::string text =
        vector.file + ": status " + std::to_string(static_cast<int>(have.status)) + " instead of " +
        std::to_string(static_cast<int>(want.status)) + ", length " +
        std::to_string(have.data.size()) + " instead of " + std::to_string(want.data.size());
    CHECK_TRUE_TEXT(excused, text.c_str());
    ++(*differences)[vector.api];
  }
  CHECK_TRUE_TEXT(!given.next(&have) && given.fault() == Fault::None, name);
}

bool is_sysinfo(const Frame& frame) {
  return type_of(frame) == FrameType::DataReply &&
         load_u16(frame.data() + kHeaderBytes + 2 + 6) ==
             static_cast<std::uint16_t>(Command::SystemInfo);
}

// -> replies compared.
int play(const FocasVector& vector, std::map<std::string, int>* differences) {
  Bench bench(spec_for(vector));
  prepare(&bench, vector);
  const bool opens = type_of(vector.frames.front().bytes) == FrameType::OpenRequest;
  std::uint32_t connections[3] = {0, bench.connect(opens ? 0 : 1), bench.connect(opens ? 0 : 2)};
  std::vector<std::uint8_t> received[3];
  int compared = 0;
  for (const VectorFrame& frame : vector.frames) {
    const int line = frame.connection;
    if (frame.from_client) {
      bool alive = false;
      const auto reply = bench.send(connections[line], frame.bytes, &alive);
      CHECK_TRUE_TEXT(alive, vector.file.c_str());
      received[line].insert(received[line].end(), reply.begin(), reply.end());
      continue;
    }
    CHECK_TRUE_TEXT(received[line].size() >= kHeaderBytes, vector.file.c_str());
    const std::size_t size = kHeaderBytes + load_u16(received[line].data() + 8);
    CHECK_TRUE_TEXT(received[line].size() >= size, vector.file.c_str());
    const Frame actual(received[line].begin(), received[line].begin() + std::ptrdiff_t(size));
    received[line].erase(received[line].begin(), received[line].begin() + std::ptrdiff_t(size));
    ++compared;
    CHECK_TRUE_TEXT(size <= largest_reply(bench.control.personality().version),
                    vector.file.c_str());
    CHECK_TRUE_TEXT(type_of(frame.bytes) == type_of(actual), vector.file.c_str());
    LONGS_EQUAL_TEXT(load_u16(frame.bytes.data() + 4), load_u16(actual.data() + 4),
                     vector.file.c_str());
    if (type_of(actual) == FrameType::DataReply) {
      compare_blocks(frame.bytes, actual, vector, differences);
    } else {
      CHECK_TRUE_TEXT(frame.bytes == actual, vector.file.c_str());
    }
    if (is_sysinfo(actual)) CHECK_TRUE_TEXT(frame.bytes == actual, vector.file.c_str());
  }
  for (const auto& rest : received) CHECK_TRUE_TEXT(rest.empty(), vector.file.c_str());
  LONGS_EQUAL_TEXT(0, bench.sessions.counters().malformed, vector.file.c_str());
  return compared;
}

}  // namespace

TEST_GROUP(SimulatorVectors){};

TEST(SimulatorVectors, TheRepliesHaveTheFormOfTheVectors) {
  std::map<std::string, int> differences;
  int vectors = 0;
  int compared = 0;
  for (const FocasVector& vector : read_focas_vectors()) {
    if (vector.starts_with("cap_")) continue;
    ++vectors;
    compared += play(vector, &differences);
  }
  CHECK(vectors > 240);
  CHECK(compared > vectors);
  for (const Difference& difference : kDifferences) {
    CHECK_TRUE_TEXT(differences[std::string(difference.api)] > 0, difference.why);
  }
}
