#include "plugins/recorder/frame_layout.hpp"

#include <CppUTest/TestHarness.h>
#include <flatbuffers/reflection.h>

#include <cmath>

#include "tests/plugins/recorder_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;
namespace recorded = rise::recorded;
namespace message = rise::message;

TEST_GROUP(RecorderFrameLayout) {
  FrameLayout layout{mill(), 0, 7};

  // What a stranger who has nothing but the schema and the bytes reads.
  const reflection::Object* table(const std::string& schema) {
    flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(schema.data()),
                                   schema.size());
    CHECK(reflection::VerifySchemaBuffer(verifier));
    return reflection::GetSchema(schema.data())->root_table();
  }
  double number(const FrameLayout& of, const std::vector<std::uint8_t>& bytes, const char* field) {
    const auto* found = table(of.schema())->fields()->LookupByKey(field);
    CHECK(found != nullptr);
    return flatbuffers::GetAnyFieldF(*flatbuffers::GetAnyRoot(bytes.data()), *found);
  }
  std::vector<std::uint8_t> encode(FrameLayout * of, const message::TelemetryFrame& frame) {
    const Bytes bytes = of->encode(frame);
    return {bytes.begin(), bytes.end()};
  }
};

TEST(RecorderFrameLayout, TheSchemaNamesEachSignal) {
  const auto* root = table(layout.schema());
  STRCMP_EQUAL("rise.recorded.Frame7", root->name()->c_str());
  STRCMP_EQUAL("rise.recorded.Frame7", layout.schema_name().c_str());
  LONGS_EQUAL(6 + 3, root->fields()->size());
  const auto* position = root->fields()->LookupByKey("axis_x_position");
  CHECK(position != nullptr);
  LONGS_EQUAL(reflection::Double, position->type()->base_type());
  LONGS_EQUAL(FrameLayout::kFirstSignal, position->id());
  CHECK(std::isnan(position->default_real()));
  STRCMP_CONTAINS("axis.x.position, mm", position->documentation()->Get(0)->c_str());
  STRCMP_CONTAINS("1=memory",
                  root->fields()->LookupByKey("status_mode")->documentation()->Get(0)->c_str());
}

TEST(RecorderFrameLayout, AFrameIsReadBySchemaAlone) {
  const auto bytes = encode(&layout, sample(9, kUtc));
  DOUBLES_EQUAL(9.5, number(layout, bytes, "axis_x_position"), 0);
  DOUBLES_EQUAL(1, number(layout, bytes, "status_mode"), 0);
  CHECK(std::isnan(number(layout, bytes, "spindle_0_load")));
  DOUBLES_EQUAL(9, number(layout, bytes, "sequence"), 0);
  DOUBLES_EQUAL(90, number(layout, bytes, "cycle"), 0);
  DOUBLES_EQUAL(1500, number(layout, bytes, "publish_mono_ns"), 0);
}

TEST(RecorderFrameLayout, NothingOfAFrameStaysInTheNext) {
  const auto first = encode(&layout, sample(1, kUtc));
  encode(&layout, sample(2, kUtc + 1));
  message::TelemetryFrame bad = sample(3, kUtc);
  bad.mutate_valid(0);
  bad.mutate_quality(message::Quality::Bad);
  const auto bytes = encode(&layout, bad);
  for (const char* field : {"axis_x_position", "spindle_0_load", "status_mode"}) {
    CHECK(std::isnan(number(layout, bytes, field)));
  }
  DOUBLES_EQUAL(2, number(layout, bytes, "quality"), 0);
  CHECK(encode(&layout, sample(1, kUtc)) == first);
}

TEST(RecorderFrameLayout, PagesHaveTheirOwnSignals) {
  FrameLayout second(mill(), 1, 1);
  LONGS_EQUAL(6 + 1, table(second.schema())->fields()->size());
  const auto bytes = encode(&second, sample(4, kUtc, 0, 1));
  DOUBLES_EQUAL(4.5, number(second, bytes, "macro_500"), 0);
  CHECK(FrameLayout::signature(mill(), 0) != FrameLayout::signature(mill(), 1));
}

TEST(RecorderFrameLayout, NamesThatCollideOrMeanSomethingAreToldApart) {
  Machine machine = mill();
  machine.signals.clear();
  std::uint16_t slot = 0;
  for (const char* name : {"a.b", "a_b", "cycle", "double", "9lives", "m\xc3\xa4hne", "", "a.b_2",
                           "quote\"\n}//", "true", "no\xffutf"}) {
    machine.signals.push_back({name, "\n", "", message::SignalType::Number, slot, 0, slot});
    ++slot;
  }
  const FrameLayout odd(machine, 0, 1);
  const auto* fields = table(odd.schema())->fields();
  LONGS_EQUAL(6 + slot, fields->size());
  for (const char* name : {"a_b", "a_b_2", "cycle_2", "double_2", "s_9lives", "m__hne", "s_",
                           "a_b_2_2", "true_2", "no_utf"}) {
    CHECK_TEXT(fields->LookupByKey(name) != nullptr, name);
  }
}

TEST(RecorderFrameLayout, AMachineWithoutNumbersHasFramesToo) {
  Machine machine;
  machine.name = "x";
  machine.pages = 1;
  FrameLayout empty(machine, 0, 1);
  const auto bytes = encode(&empty, sample(5, kUtc));
  DOUBLES_EQUAL(5, number(empty, bytes, "sequence"), 0);
}

TEST(RecorderFrameLayout, TheNamesOfKindsAreThoseOfTheCore) {
  const auto same = [](const auto* ours, const auto* theirs) {
    for (; *ours != nullptr && *theirs != nullptr; ++ours, ++theirs) STRCMP_EQUAL(*theirs, *ours);
    CHECK(*ours == nullptr && *theirs == nullptr);
  };
  same(recorded::EnumNamesEventKind(), message::EnumNamesEventKind());
  same(recorded::EnumNamesSeverity(), message::EnumNamesSeverity());
  same(recorded::EnumNamesCommandKind(), message::EnumNamesCommandKind());
  same(recorded::EnumNamesOutcome(), message::EnumNamesOutcome());
  same(recorded::EnumNamesQuality(), message::EnumNamesQuality());
}
