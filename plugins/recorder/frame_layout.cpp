#include "plugins/recorder/frame_layout.hpp"

#include <flatbuffers/idl.h>

#include <boost/json.hpp>
#include <cstring>
#include <limits>
#include <set>
#include <stdexcept>

#include "frame_generated.h"
#include "plugins/recorder/text.hpp"
#include "record_schema.hpp"

namespace rise::recorder {

namespace {

using recorded::Frame;

constexpr double kNotValid = std::numeric_limits<double>::quiet_NaN();
constexpr unsigned kBelowFields = 4;  // bytes of a vtable before the first field

std::vector<const Signal*> signals_of(const Machine& machine, std::uint16_t page) {
  std::vector<const Signal*> found;
  for (const Signal& signal : machine.signals) {
    if (signal.page == page && signal.type != message::SignalType::Text && signal.slot < 64) {
      found.push_back(&signal);
    }
  }
  return found;
}

// On one line, so that nothing in a name can end the comment that it stands in.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

void replace(std::string* text, const std::string& from, const std::string& to) {
  const std::size_t at = text->find(from);
  if (at == std::string::npos) throw std::logic_error("frame.fbs has no \"" + from + "\"");
  text->replace(at, from.size(), to);
}

std::string binary_schema(const std::string& text) {
  flatbuffers::IDLOptions options;
  options.binary_schema_comments = true;
  options.binary_schema_builtins = true;
  flatbuffers::Parser parser(options);
  if (!parser.Parse(text.c_str())) throw std::logic_error("schema of frames: " + parser.error_);
  parser.Serialize();
  const auto* bytes = reinterpret_cast<const char*>(parser.builder_.GetBufferPointer());
  return {bytes, parser.builder_.GetSize()};
}

// Names that the table has already, or that mean something else in a schema.
std::set<std::string> taken_names() {
  std::set<std::string> names = {"sequence",
                                 "cycle",
                                 "sample_utc_ns",
                                 "sample_mono_ns",
                                 "publish_mono_ns",
                                 "quality",
                                 "bool",
                                 "byte",
                                 "ubyte",
                                 "short",
                                 "ushort",
                                 "int",
                                 "uint",
                                 "long",
                                 "ulong",
                                 "float",
                                 "double",
                                 "string",
                                 "int8",
                                 "uint8",
                                 "int16",
                                 "uint16",
                                 "int32",
                                 "uint32",
                                 "int64",
                                 "uint64",
                                 "float32",
                                 "float64",
                                 "table",
                                 "struct",
                                 "enum",
                                 "union",
                                 "namespace",
                                 "root_type",
                                 "include",
                                 "attribute",
                                 "true",
                                 "false",
                                 "nan",
                                 "inf",
                                 "infinity",
                                 "rpc_service",
                                 "null",
                                 "file_identifier",
                                 "file_extension"};
  return names;
}

template <class T>
void put(std::string* bytes, std::size_t at, T value) {
  std::memcpy(bytes->data() + at, &value, sizeof value);
}

}  // namespace

const unsigned FrameLayout::kFirstSignal = (Frame::VT_QUALITY - kBelowFields) / 2 + 1;

std::string field_name(const std::string& signal) {
  std::string name;
  for (const char c : signal) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "s_");
  return name;
}

std::string FrameLayout::signature(const Machine& machine, std::uint16_t page) {
  std::string text;
  for (const Signal* signal : signals_of(machine, page)) {
    text += signal->name + '\0' + signal->unit + '\0' + signal->choices + '\0' +
            type_text(signal->type) + '\0' + std::to_string(signal->slot) + '\0';
  }
  return text;
}

FrameLayout::FrameLayout(const Machine& machine, std::uint16_t page, unsigned number)
    : schema_name_("rise.recorded.Frame" + std::to_string(number)) {
  std::string fields;
  std::set<std::string> taken = taken_names();
  boost::json::array listed;
  for (const Signal* signal : signals_of(machine, page)) {
    const std::string plain = field_name(signal->name);
    std::string field = plain;
    for (int i = 2; !taken.insert(field).second; ++i) field = plain + "_" + std::to_string(i);
    std::string told = signal->name;
    if (!signal->unit.empty()) told += ", " + signal->unit;
    if (!signal->choices.empty()) told += ": " + signal->choices;
    fields += "/// " + one_line(clean_text(told)) + "\n" + field + ":double = nan;\n";
    boost::json::object entry{{"field", field},
                              {"name", clean_text(signal->name)},
                              {"unit", clean_text(signal->unit)},
                              {"type", type_text(signal->type)}};
    if (!signal->choices.empty()) entry["choices"] = clean_text(signal->choices);
    listed.push_back(std::move(entry));
    slots_.push_back(signal->slot);
  }
  std::string text = kFrameSchemaText;
  const std::string table = schema_name_.substr(schema_name_.rfind('.') + 1);
  replace(&text, "table Frame {", "table " + table + " {");
  replace(&text, "//signals", fields);
  text += "root_type " + table + ";\n";
  schema_ = binary_schema(text);
  signals_json_ = boost::json::serialize(listed);
  lay_out(slots_.size());
}

// One frame with all fields in it, whatever their value, so that each has a place.
void FrameLayout::lay_out(std::size_t signals) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  const auto start = builder.StartTable();
  for (std::size_t i = 0; i < signals; ++i) {
    const auto field = static_cast<flatbuffers::voffset_t>(kBelowFields + 2 * (kFirstSignal + i));
    builder.AddElement<double>(field, kNotValid, kNotValid);
  }
  builder.AddElement<std::int64_t>(Frame::VT_PUBLISH_MONO_NS, 0, 0);
  builder.AddElement<std::int64_t>(Frame::VT_SAMPLE_MONO_NS, 0, 0);
  builder.AddElement<std::int64_t>(Frame::VT_SAMPLE_UTC_NS, 0, 0);
  builder.AddElement<std::uint64_t>(Frame::VT_CYCLE, 0, 0);
  builder.AddElement<std::uint64_t>(Frame::VT_SEQUENCE, 0, 0);
  builder.AddElement<std::uint8_t>(Frame::VT_QUALITY, 0, 0);
  builder.Finish(flatbuffers::Offset<Frame>(builder.EndTable(start)));
  const std::uint8_t* begin = builder.GetBufferPointer();
  bytes_.assign(reinterpret_cast<const char*>(begin), builder.GetSize());
  const auto* table = flatbuffers::GetRoot<flatbuffers::Table>(begin);
  const auto place = [&](unsigned field) {
    const std::uint8_t* at = table->GetAddressOf(static_cast<flatbuffers::voffset_t>(field));
    return static_cast<std::size_t>(at - begin);
  };
  sequence_at_ = place(Frame::VT_SEQUENCE);
  cycle_at_ = place(Frame::VT_CYCLE);
  sample_utc_at_ = place(Frame::VT_SAMPLE_UTC_NS);
  sample_mono_at_ = place(Frame::VT_SAMPLE_MONO_NS);
  publish_mono_at_ = place(Frame::VT_PUBLISH_MONO_NS);
  quality_at_ = place(Frame::VT_QUALITY);
  for (unsigned i = 0; i < signals; ++i) {
    values_at_.push_back(place(kBelowFields + 2 * (kFirstSignal + i)));
  }
}

Bytes FrameLayout::encode(const message::TelemetryFrame& frame) {
  put(&bytes_, sequence_at_, frame.sequence());
  put(&bytes_, cycle_at_, frame.cycle());
  put(&bytes_, sample_utc_at_, frame.sample_utc_ns());
  put(&bytes_, sample_mono_at_, frame.sample_mono_ns());
  put(&bytes_, publish_mono_at_, frame.publish_mono_ns());
  put(&bytes_, quality_at_, static_cast<std::uint8_t>(frame.quality()));
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const bool valid = (frame.valid() >> slots_[i] & 1) != 0;
    put(&bytes_, values_at_[i], valid ? frame.values()->Get(slots_[i]) : kNotValid);
  }
  return {reinterpret_cast<const std::uint8_t*>(bytes_.data()), bytes_.size()};
}

}  // namespace rise::recorder
