// Seeds of fuzz_mcap: a small recording as a whole, and the records of its chunk.
//   make_recordings FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "plugins/recorder/frame_layout.hpp"
#include "plugins/recorder/mcap_writer.hpp"
#include "plugins/recorder/records.hpp"

using namespace rise;
using namespace rise::recorder;

namespace {

Machine machine() {
  Machine made;
  made.name = "a";
  made.pages = 1;
  made.signals = {{"axis.x.position", "mm", "", message::SignalType::Number, 0, 0, 0},
                  {"spindle.load", "%", "", message::SignalType::Number, 1, 0, 1}};
  return made;
}

void save(const std::filesystem::path& file, char option, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << option << bytes;
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "fuzz_mcap";
  std::filesystem::create_directories(folder);
  const Machine known = machine();
  FrameLayout layout(known, 0, 1);
  RecordEncoder encoder;
  message::TelemetryFrame frame;
  frame.mutate_valid(1);
  message::MachineEvent event;
  event.mutate_kind(message::EventKind::AlarmOn);
  const RawBytes raw{0, recorded::Direction::Sent, 1, 2, 3, Bytes(kMagic)};
  const Schema schemas[] = {{1, layout.schema_name(), "flatbuffer", "s"},
                            {2, "rise.recorded.Event", "flatbuffer", "s"},
                            {3, "rise.recorded.Raw", "flatbuffer", "s"}};
  const Channel channels[] = {
      {1,
       1,
       "telemetry/a",
       "flatbuffer",
       {{"kind", "telemetry"}, {"machine", "a"}, {"signals", layout.signals_json()}}},
      {2, 2, "event/a", "flatbuffer", {{"kind", "event"}}},
      {3, 3, "raw/a", "flatbuffer", {{"kind", "raw"}}}};
  const std::string messages[] = {text_of(layout.encode(frame)),
                                  text_of(encoder.encode(event, &known)),
                                  text_of(encoder.encode(raw))};
  std::string file;
  McapWriter writer({}, [&](std::string_view bytes) {
    file += bytes;
    return true;
  });
  writer.begin();
  std::string records;
  for (const Schema& schema : schemas) {
    writer.add(schema);
    append(&records, schema);
  }
  for (const Channel& channel : channels) {
    writer.add(channel);
    append(&records, channel);
  }
  for (std::uint16_t i = 0; i < 3; ++i) {
    const std::string& data = messages[i];
    writer.message(static_cast<std::uint16_t>(i + 1), i, 10, 11,
                   {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
    writer.end_chunk();
    Encoder(&records, Op::Message)
        .u16(static_cast<std::uint16_t>(i + 1))
        .u32(i)
        .u64(10)
        .u64(11)
        .bytes(data);
  }
  writer.finish();
  save(folder / "file", 1, file);
  save(folder / "cut", 1, file.substr(0, file.size() / 2));
  save(folder / "records", 0, records);
  save(folder / "compressed", 2, records);
  return 0;
}
