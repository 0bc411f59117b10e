#include "plugins/recorder/export.hpp"

#include <CppUTest/TestHarness.h>

#include "tests/plugins/recorder_rig.hpp"

using namespace rise::recorder;
using namespace rise::test;

TEST_GROUP(RecorderExport) {
  TempDirectory directory;
  std::string file;
  std::string out;
  Selection selection;

  // Two machines, two pages of the first at the same time; an alarm.
  void setup() override {
    RecorderOptions options;
    options.folder = directory.path();
    options.min_free_bytes = 0;
    auto recorder = std::move(*Recorder::open(options));
    recorder->begin(two_machines());
    const Now now{1, kUtc};
    recorder->record(sample(1, kUtc), now);
    recorder->record(sample(1, kUtc, 0, 1), now);
    recorder->record(sample(1, kUtc + 5, 1), now);
    recorder->record(alarm(0, "x"), 0, now);
    recorder->record(sample(2, kUtc + 10), now);
    recorder->record(sample(3, kUtc + 10), now);
    recorder->end();
    file = contents(recorder->path());
  }
  std::vector<std::string> take(decltype(export_csv)* exporter) {
    out.clear();
    auto done = exporter(bytes_of_text(file), selection, [this](std::string_view text) {
      out += text;
      return true;
    });
    CHECK_OK(done);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t end = out.find('\n', at);
      lines.push_back(out.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }
};

TEST(RecorderExport, CsvHasARowPerTimeAndAColumnPerSignal) {
  const auto lines = take(export_csv);
  LONGS_EQUAL(5, lines.size());
  STRCMP_EQUAL(
      "time_utc,time_ns,mill-1/axis.x.position [mm],mill-1/spindle.0.load [%],mill-1/status.mode,"
      "mill-1/macro.500,mill-2/axis.x.position [mm],mill-2/spindle.0.load [%],mill-2/status.mode",
      lines[0].c_str());
  // Two pages of one time are one row; what is not valid is empty.
  STRCMP_EQUAL("2026-01-01T00:00:00.000000000Z,1767225600000000000,1.5,,1,1.5,,,",
               lines[1].c_str());
  STRCMP_EQUAL("2026-01-01T00:00:00.000000005Z,1767225600000000005,,,,,1.5,,1", lines[2].c_str());
  // Two samples of one time are two rows.
  STRCMP_EQUAL("2026-01-01T00:00:00.000000010Z,1767225600000000010,2.5,,1,,,,", lines[3].c_str());
  STRCMP_EQUAL("2026-01-01T00:00:00.000000010Z,1767225600000000010,3.5,,1,,,,", lines[4].c_str());
}

TEST(RecorderExport, CsvOfWhatWasAskedFor) {
  selection.topics = {"telemetry/mill-?"};
  selection.signals = {"axis.*", "status.*"};
  selection.from_ns = static_cast<std::uint64_t>(kUtc) + 5;
  selection.to_ns = static_cast<std::uint64_t>(kUtc) + 5;
  const auto lines = take(export_csv);
  LONGS_EQUAL(2, lines.size());
  STRCMP_EQUAL("2026-01-01T00:00:00.000000005Z,1767225600000000005,,,1.5,1", lines[1].c_str());
}

TEST(RecorderExport, EventsAreNoTable) {
  selection.topics = {"event/*"};
  const auto done =
      export_csv(bytes_of_text(file), selection, [](std::string_view) { return true; });
  CHECK_FALSE(static_cast<bool>(done));
  STRCMP_CONTAINS("--json", done.error().c_str());
}

TEST(RecorderExport, JsonHasALinePerMessage) {
  LONGS_EQUAL(6, take(export_json).size());
  selection.signals = {"macro.*"};
  const auto lines = take(export_json);
  LONGS_EQUAL(1, lines.size());
  STRCMP_CONTAINS("\"signals\":{\"macro.500\":1.5}", lines[0].c_str());
}

TEST(RecorderExport, McapWithJsonIsAFileAgain) {
  take(export_mcap);
  const Found found = read_exactly(out);
  CHECK(found.whole);
  LONGS_EQUAL(6, found.messages.size());
  STRCMP_EQUAL("{\"axis.x.position\":1.5,\"status.mode\":1}", found.messages[0].data.c_str());
}

TEST(RecorderExport, AnOutputThatTakesNoMoreEndsIt) {
  for (const auto& exporter : {export_csv, export_json}) {
    int calls = 0;
    auto done = exporter(bytes_of_text(file), selection, [&](std::string_view) {
      ++calls;
      return calls < 2;
    });
    CHECK_OK(done);
    LONGS_EQUAL(2, calls);
  }
}

TEST(RecorderExport, OfADamagedFileWhatCanBeRead) {
  file.resize(file.size() - 5);
  bool whole = true;
  auto done = export_json(bytes_of_text(file), selection, [](std::string_view) { return true; });
  CHECK_OK(done);
  whole = done->whole;
  CHECK_FALSE(whole);
  LONGS_EQUAL(6, done->written);
}

// Channels that say what is not so: of another kind, with signals that their messages do not have.
TEST(RecorderExport, ChannelsThatLieCostTheirMessagesOnly) {
  std::string made;
  McapWriter writer({}, [&](std::string_view bytes) {
    made += bytes;
    return true;
  });
  writer.begin();
  const std::string many = "[" + [] {
    std::string list = "{\"name\":\"s\"}";
    for (int i = 0; i < 300; ++i) list += ",{\"name\":\"s\"}";
    return list;
  }() + "]";
  const Metadata lies[] = {{{"kind", "telemetry"}, {"signals", many}},
                           {{"kind", "telemetry"}, {"signals", "[[[[["}},
                           {{"kind", "telemetry"}, {"signals", "{\"a\":1}"}},
                           {{"kind", "event"}},
                           {{"kind", "command"}},
                           {{"kind", "raw"}},
                           {{"kind", "nothing"}}};
  std::uint16_t id = 1;
  for (const Metadata& lie : lies) {
    writer.add(Channel{id, 0, "t", "flatbuffer", lie});
    for (const std::string& data : {std::string(), std::string("x"), std::string(200, '\xff'),
                                    std::string(200, '\0'), std::string("\x04\0\0\0\0\0\0\0", 8)}) {
      writer.message(id, 0, 1, 1, bytes_of_text(data));
    }
    ++id;
  }
  writer.finish();
  file = made;
  auto done = export_json(bytes_of_text(file), selection, [](std::string_view) { return true; });
  CHECK_OK(done);
  LONGS_EQUAL(5 * std::size(lies), done->written + done->unreadable);
  (void)export_csv(bytes_of_text(file), selection, [](std::string_view) { return true; });
}
