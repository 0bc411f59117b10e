// The replies of the test vectors through the driver's decoder, against what the vendor's library
// made of the same bytes ("library decoded" in the vector).
#include <CppUTest/TestHarness.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "tests/unit/focas_decode.hpp"

using namespace rise::focas;
using rise::test::FocasVector;
using rise::test::group_of;
using rise::test::Plan;

namespace {

// What the comment says: numbers and strings in their order, whatever brackets are around them.
struct Decoded {
  std::vector<double> numbers;
  std::vector<std::string> strings;
};

Decoded decoded_comment(const FocasVector& vector) {
  Decoded decoded;
  for (const std::string& comment : vector.comments) {
    const std::string prefix = "library decoded: ";
    if (!comment.starts_with(prefix)) continue;
    const char* at = comment.c_str() + prefix.size();
    while (*at != '\0') {
      if (*at == '"') {
        const char* end = std::strchr(at + 1, '"');
        decoded.strings.emplace_back(at + 1, end);
        at = end + 1;
      } else if ((*at >= '0' && *at <= '9') || *at == '-') {
        char* end = nullptr;
        decoded.numbers.push_back(std::strtod(at, &end));
        at = end;
      } else {
        ++at;
      }
    }
  }
  return decoded;
}

// "20 a1 07 00": the bytes of the caller's structure on a little-endian machine.
double structure_integer(const std::string& dump, std::size_t offset, std::size_t size) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) {
    bits |= std::strtoull(dump.c_str() + 3 * (offset + i), nullptr, 16) << (8 * i);
  }
  const auto shift = static_cast<int>(64 - 8 * size);
  return static_cast<double>(static_cast<std::int64_t>(bits << shift) >> shift);
}

enum class From { Number, Text, Hex, Byte, Word, Long, Timer };

struct Check {
  const char* signal;
  From from;
  std::size_t place;  // in the list of numbers or strings; offset in a structure
  double scale = 1;   // of the library's integer on a new control
  double legacy = 0;  // on a legacy control; 0: the same
};

struct Case {
  const char* name;  // of the vector, without v4_ or v2_
  std::vector<std::string> items;
  std::vector<Check> checks;
  bool on_legacy = true;  // false: a legacy control is asked otherwise
};

// Makes the planner ask the first position axis by axis: in long form the rest would not fit.
std::vector<std::string> split(const std::string& first) {
  std::vector<std::string> items = {"position." + first};
  for (const char* kind : {"absolute", "machine", "relative", "distance"}) {
    if (kind != first) items.push_back(std::string("position.") + kind);
  }
  items.emplace_back("macro.500-549");
  return items;
}

std::vector<Check> all_axes(const char* x, const char* y, const char* z, const char* a) {
  return {{x, From::Number, 0, 1e3},
          {y, From::Number, 1, 1e3},
          {z, From::Number, 2, 1e3},
          {a, From::Number, 3, 1e3}};
}

std::vector<Case> cases() {
  return {
      {"cnc_absolute_all",
       {"position.absolute"},
       all_axes("axis.x.position", "axis.y.position", "axis.z.position", "axis.a.position")},
      {"cnc_machine_all",
       {"position.machine"},
       all_axes("axis.x.machine_position", "axis.y.machine_position", "axis.z.machine_position",
                "axis.a.machine_position")},
      {"cnc_relative_all",
       {"position.relative"},
       all_axes("axis.x.relative_position", "axis.y.relative_position", "axis.z.relative_position",
                "axis.a.relative_position")},
      {"cnc_distance_all",
       {"position.distance"},
       all_axes("axis.x.distance_to_go", "axis.y.distance_to_go", "axis.z.distance_to_go",
                "axis.a.distance_to_go")},
      {"cnc_absolute_1", split("absolute"), {{"axis.x.position", From::Number, 1, 1e3}}, false},
      {"cnc_machine_1",
       split("machine"),
       {{"axis.x.machine_position", From::Number, 1, 1e3}},
       false},
      {"cnc_relative_1",
       split("relative"),
       {{"axis.x.relative_position", From::Number, 1, 1e3}},
       false},
      {"cnc_distance_1",
       split("distance"),
       {{"axis.x.distance_to_go", From::Number, 1, 1e3}},
       false},
      {"cnc_actf", {"feed"}, {{"feed.actual", From::Number, 0}}},
      {"cnc_acts", {"spindle.speed"}, {{"spindle.0.speed", From::Number, 0}}},
      {"cnc_alarm", {"alarms"}, {{"alarm.bits", From::Hex, 0}}},
      {"cnc_alarm2", {"alarms"}, {{"alarm.bits", From::Hex, 0}}},
      {"cnc_diagnoss_301_1", {"diagnosis.301.x"}, {{"diagnosis.301.x", From::Long, 0, 1e3, 1}}},
      {"cnc_diagnoss_308_all",
       {"servo.temperature"},
       {{"axis.x.temperature", From::Word, 0},
        {"axis.y.temperature", From::Word, 2},
        {"axis.z.temperature", From::Word, 4},
        {"axis.a.temperature", From::Word, 6}}},
      {"cnc_diagnoss_980_0", {"diagnosis.980"}, {{"diagnosis.980", From::Long, 0}}},
      {"cnc_exeprgname", {"program.name"}, {{"program.name", From::Text, 0}}},
      {"cnc_exeprgname2", {"program.path"}, {{"program.path", From::Text, 0}}},
      {"cnc_modal_106", {"modal.m"}, {{"modal.m", From::Number, 0}}},
      {"cnc_modal_107", {"modal.s"}, {{"modal.s", From::Number, 0}}},
      {"cnc_modal_108", {"modal.t"}, {{"modal.t", From::Number, 0}}},
      {"cnc_rdblkcount", {"program.block"}, {{"program.block", From::Number, 0}}},
      {"cnc_rdprgnum",
       {"program.number"},
       {{"program.running", From::Number, 0}, {"program.main", From::Number, 1}}},
      {"cnc_rdseqnum", {"program.sequence"}, {{"program.sequence", From::Number, 0}}},
      {"cnc_rddynamic2_all",
       {"alarms", "program.number", "program.sequence", "feed", "spindle.speed",
        "position.absolute", "position.machine"},
       {{"alarm.bits", From::Number, 1},
        {"program.running", From::Number, 2},
        {"program.main", From::Number, 3},
        {"program.sequence", From::Number, 4},
        {"feed.actual", From::Number, 5},
        {"spindle.0.speed", From::Number, 6},
        {"axis.x.position", From::Number, 7, 1e3},
        {"axis.y.position", From::Number, 8, 1e3},
        {"axis.z.position", From::Number, 9, 1e3},
        {"axis.a.position", From::Number, 10, 1e3}}},
      {"cnc_rdmacro", {"macro.500"}, {{"macro.500", From::Number, 1, 1e3}}},
      {"cnc_rdmacro_readback", {"macro.500"}, {{"macro.500", From::Number, 1, 1e3}}},
      {"cnc_rdmacror",
       {"macro.500-502"},
       {{"macro.500", From::Number, 0, 1e3},
        {"macro.501", From::Number, 2, 10},
        {"macro.502", From::Number, 4}}},
      {"cnc_rdparam_1320_1", {"parameter.1320.x"}, {{"parameter.1320.x", From::Long, 0, 1e3, 1}}},
      {"cnc_rdparam_3401_0", {"parameter.3401"}, {{"parameter.3401", From::Byte, 0}}},
      {"cnc_rdparam_6711_0", {"parts.count"}, {{"parts.count", From::Long, 0}}},
      {"cnc_rdposition",
       {"position.machine"},
       {{"axis.x.machine_position", From::Number, 4, 1e3},
        {"axis.y.machine_position", From::Number, 20, 1e3},
        {"axis.z.machine_position", From::Number, 36, 1e3}}},
      {"cnc_rdspeed",
       {"feed", "spindle.speed"},
       {{"feed.actual", From::Number, 0}, {"spindle.0.speed", From::Number, 4}}},
      {"cnc_rdspmeter", {"spindle.load"}, {{"spindle.0.load", From::Number, 0}}},
      {"cnc_rdsvmeter",
       {"servo.load"},
       {{"axis.x.load", From::Number, 0},
        {"axis.y.load", From::Number, 3},
        {"axis.z.load", From::Number, 6},
        {"axis.a.load", From::Number, 9}}},
      {"cnc_rdtimer_0", {"timer.power_on"}, {{"timer.power_on", From::Timer, 0}}},
      {"cnc_rdtimer_1", {"timer.operating"}, {{"timer.operating", From::Timer, 0}}},
      {"cnc_rdtimer_2", {"timer.cutting"}, {{"timer.cutting", From::Timer, 0}}},
      {"cnc_rdtimer_3", {"timer.cycle"}, {{"timer.cycle", From::Timer, 0}}},
      {"cnc_rdtofs_1_0", {"offset.1"}, {{"offset.1.wear_radius", From::Number, 2, 1e3}}},
      {"cnc_rdtofs_1_1", {"offset.1"}, {{"offset.1.geometry_radius", From::Number, 2, 1e3}}},
      {"cnc_rdtofs_1_2", {"offset.1"}, {{"offset.1.wear_length", From::Number, 2, 1e3}}},
      {"cnc_rdtofs_1_3", {"offset.1"}, {{"offset.1.geometry_length", From::Number, 2, 1e3}}},
      {"cnc_statinfo",
       {"status"},
       {{"status.mode", From::Number, 2},
        {"status.run", From::Number, 3},
        {"status.motion", From::Number, 4},
        {"status.mstb", From::Number, 5},
        {"status.emergency", From::Number, 6},
        {"status.alarm", From::Number, 7},
        {"status.edit", From::Number, 8}}},
      {"pmc_rdpmcrng_D100_byte",
       {"pmc.d100-101"},
       {{"pmc.d100", From::Number, 0}, {"pmc.d101", From::Number, 1}}},
      {"pmc_rdpmcrng_D100_word",
       {"pmc.d100-103:word"},
       {{"pmc.d100", From::Number, 0}, {"pmc.d102", From::Number, 1}}},
      {"pmc_rdpmcrng_D100_long",
       {"pmc.d100-107:long"},
       {{"pmc.d100", From::Number, 0}, {"pmc.d104", From::Number, 1}}},
      {"pmc_rdpmcrng_F0_byte",
       {"pmc.f0-1"},
       {{"pmc.f0", From::Number, 0}, {"pmc.f1", From::Number, 1}}},
      {"pmc_rdpmcrng_G8_byte", {"pmc.g8-9"}, {{"pmc.g8", From::Number, 0}}},
      {"pmc_rdpmcrng_K0_byte", {"pmc.k0-1"}, {{"pmc.k0", From::Number, 0}}},
      {"pmc_rdpmcrng_R100_byte", {"pmc.r100-101"}, {{"pmc.r100", From::Number, 0}}},
      {"pmc_rdpmcrng_X8_byte", {"pmc.x8-9"}, {{"pmc.x8", From::Number, 0}}},
      {"pmc_rdpmcrng_Y0_byte", {"pmc.y0-1"}, {{"pmc.y0", From::Number, 0}}},
  };
}

double expected_value(const Check& check, const Decoded& decoded, bool is_new) {
  const double scale = is_new || check.legacy == 0 ? check.scale : check.legacy;
  const std::string& dump = decoded.strings.empty() ? std::string() : decoded.strings[0];
  switch (check.from) {
    case From::Number: return decoded.numbers.at(check.place) / scale;
    case From::Hex: return static_cast<double>(std::strtoul(dump.c_str(), nullptr, 16));
    case From::Byte:
      return static_cast<double>(
          static_cast<std::uint8_t>(static_cast<int>(structure_integer(dump, check.place, 1))));
    case From::Word: return structure_integer(dump, check.place, 2) / scale;
    case From::Long: return structure_integer(dump, check.place, 4) / scale;
    case From::Timer: return decoded.numbers.at(0) * 60 + decoded.numbers.at(1) / 1000;
    case From::Text: break;
  }
  return 0;
}

void run(const Case& one, const FocasVector& vector, const ControlInfo& info) {
  Plan plan({group_of(one.items)}, {{{"x", "y", "z", "a"}, 1}});
  CHECK_TEXT(plan.good, one.name);
  plan.meet(info);
  CHECK_TEXT(rise::test::decode(&plan, vector, info) > 0, vector.file.c_str());
  const Decoded decoded = decoded_comment(vector);
  for (const Check& check : one.checks) {
    if (check.from == From::Text) {
      STRCMP_EQUAL_TEXT(decoded.strings.at(check.place).c_str(),
                        plan.host.text(check.signal).c_str(), vector.file.c_str());
      continue;
    }
    const auto value = plan.host.value(check.signal);
    CHECK_TEXT(value.has_value(), (vector.file + " " + check.signal).c_str());
    DOUBLES_EQUAL_TEXT(expected_value(check, decoded, info.is_new()), value.value_or(-1), 1e-9,
                       (vector.file + " " + check.signal).c_str());
  }
  LONGS_EQUAL_TEXT(0, plan.host.misuse.size(), one.name);
}

void run_all(const std::string& prefix, const ControlInfo& info) {
  std::map<std::string, FocasVector> vectors;
  for (FocasVector& vector : rise::test::read_focas_vectors()) {
    vectors.emplace(vector.file, std::move(vector));
  }
  for (const Case& one : cases()) {
    if (!info.is_new() && !one.on_legacy) continue;
    const auto vector = vectors.find(prefix + one.name);
    CHECK_TEXT(vector != vectors.end(), one.name);
    if (vector != vectors.end()) run(one, vector->second, info);
  }
}

}  // namespace

TEST_GROUP(FocasDecodeVectors){};

TEST(FocasDecodeVectors, AtLeastFortyOfThem) { CHECK(cases().size() >= 40); }

TEST(FocasDecodeVectors, NewControl) { run_all("v4_", rise::test::new_control()); }

TEST(FocasDecodeVectors, LegacyControl) { run_all("v2_", rise::test::legacy_control()); }
