// Program memory: texts, folders, directory commands, deletion, transfers.
#include <CppUTest/TestHarness.h>

#include <algorithm>

#include "drivers/focas/simulator/protocol/program_guard.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::FrameType;
using rise::focas::wire::Status;
using rise::test::Answered;
using rise::test::Bench;
using rise::test::frame_of;
using rise::test::legacy_spec;
using rise::test::mill_spec;
using rise::test::take_frames;
using rise::test::type_of;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Frames = std::vector<Bytes>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// Payload of folder commands.
Bytes path_of(const std::string& path) {
  Bytes bytes = bytes_of(path);
  bytes.resize(256);
  return bytes;
}

Bytes start_body(const std::string& name, int data_type = 0) {
  Bytes body(516);
  body[1] = static_cast<std::uint8_t>(data_type);
  body[3] = 1;
  std::copy(name.begin(), name.end(), body.begin() + 4);
  return body;
}

// A transfer connection and what is said on it.
struct Line {
  explicit Line(Bench* b) : bench(b), connection(b->connect(1)) {}
  Frames send(FrameType type, const Bytes& body = {}) {
    Bytes reply = bench->send(connection, frame_of(type, body), &alive);
    Frames frames = take_frames(&reply);
    CHECK(reply.empty());
    return frames;
  }
  // The status of a negative frame.
  static int status_of(const Bytes& frame) {
    return rise::focas::wire::load_i16(frame.data() + 12);
  }
  FrameType download(const std::string& name, const std::string& text, std::size_t chunk = 1280) {
    Frames answer = send(FrameType::DownloadStart, start_body(name));
    if (type_of(answer[0]) != FrameType::DownloadAccepted) return type_of(answer[0]);
    for (std::size_t at = 0; at < text.size(); at += chunk) {
      CHECK(send(FrameType::DownloadData, bytes_of(text.substr(at, chunk))).empty());
    }
    last = send(FrameType::DownloadEnd)[0];
    return type_of(last);
  }
  std::string upload(const std::string& name) {
    Frames frames = send(FrameType::UploadStart, start_body(name));
    if (type_of(frames[0]) != FrameType::UploadAccepted) return "";
    std::string text;
    for (std::size_t i = 1; i + 1 < frames.size(); ++i) {
      CHECK(type_of(frames[i]) == FrameType::UploadData);
      CHECK(frames[i].size() <= 10 + 1280);
      text.append(frames[i].begin() + 10, frames[i].end());
    }
    CHECK(type_of(frames.back()) == FrameType::UploadFinished);
    CHECK(send(FrameType::UploadAcknowledge).empty());
    return text;
  }
  Bench* bench;
  std::uint32_t connection;
  bool alive = true;
  Bytes last;
};

std::string big_program(int blocks) {
  std::string text = "\nO4321(BIG)\n";
  for (int i = 1; i <= blocks; ++i) text += "N" + std::to_string(i) + " G1 X1. F100\n";
  return text + "M30\n%";
}

}  // namespace

TEST_GROUP(SimulatorPrograms){};

TEST(SimulatorPrograms, TextsAreTakenApart) {
  std::vector<ProgramPtr> programs;
  CHECK(
      split_programs("%\r\n\r\nO12(FIRST)\r\nG0 X1\r\n\r\nM30\r\n:0345\nM99\n<SHAFT_2>(X)\nM30\n%",
                     {}, &programs));
  LONGS_EQUAL(3, programs.size());
  STRCMP_EQUAL("O0012", programs[0]->name.c_str());
  STRCMP_EQUAL("(FIRST)", programs[0]->comment.c_str());
  STRCMP_EQUAL("O12(FIRST)\nG0 X1\n\nM30\n", programs[0]->text.c_str());
  LONGS_EQUAL(345, programs[1]->number);
  LONGS_EQUAL(0, programs[2]->number);
  STRCMP_EQUAL("SHAFT_2", programs[2]->name.c_str());
  LONGS_EQUAL(4, programs[0]->line_count());
  CHECK(programs[0]->line(3) == "M30");
  CHECK(programs[0]->line(4).empty());
  for (const char* bad : {"", "%\n%", "G0 X1\nO1\n", "O0\nM30\n", "OABC\n"}) {
    CHECK_TRUE_TEXT(!split_programs(bad, {}, &programs), bad);
  }
}

TEST(SimulatorPrograms, TheStoreHasALimitAndKeepsCount) {
  ProgramStore store(100);
  CHECK(store.make_folder(path_folder(0)));
  CHECK(store.has_folder("//CNC_MEM/USER/"));
  CHECK(!store.make_folder("/tmp/"));
  const auto add = [&](const std::string& text, bool replace) {
    return store.add(path_folder(0), text, {}, replace, nullptr);
  };
  CHECK(add("O1\nM30\n", false) == ProgramStore::Result::Done);
  LONGS_EQUAL(7, store.used_bytes());
  CHECK(add("O1\nM99\n", false) == ProgramStore::Result::Exists);
  CHECK(add("O1\n" + std::string(90, '\n'), true) == ProgramStore::Result::Done);
  LONGS_EQUAL(93, store.used_bytes());
  CHECK(add("O2\nM30 M30 M30\n", true) == ProgramStore::Result::Full);
  CHECK(add("O1\nM30\nO2\nM30\n", true) == ProgramStore::Result::Done);
  LONGS_EQUAL(14, store.used_bytes());
  CHECK(store.remove(path_folder(0), "O0001") == ProgramStore::Result::Done);
  CHECK(store.remove(path_folder(0), "O0001") == ProgramStore::Result::NotFound);
  LONGS_EQUAL(7, store.used_bytes());
  CHECK(store.add("//CNC_MEM/NONE/", "O1\n", {}, true, nullptr) == ProgramStore::Result::NoFolder);
}

TEST(SimulatorPrograms, NamesAreResolved) {
  const std::string here = path_folder(0);
  CHECK(resolve("O1", here).folder == here && resolve("O1", here).name == "O1");
  CHECK(resolve("SUB/O1", here).folder == here + "SUB/");
  CHECK(resolve("//CNC_MEM/USER/LIB/O1", here).folder == "//CNC_MEM/USER/LIB/");
  CHECK(resolve("/USER/LIB/", here).folder == "//CNC_MEM/USER/LIB/");
  CHECK(resolve(here, here).name.empty());
  CHECK(resolve(std::string("O1\0junk", 7), here).name == "O1");
}

TEST(SimulatorPrograms, DirectoryInParts) {
  ControlSpec spec = mill_spec();
  std::string text;
  for (int i = 1; i <= 45; ++i)
    text += "O" + std::to_string(i * 10) + "(P" + std::to_string(i) + ")\nM30\n";
  spec.programs.push_back({path_folder(0), text});
  Bench bench(spec);
  int first = 1;
  int count = 0;
  while (true) {
    const Answered part = bench.ask(0x06, {first, 19, 2});
    CHECK(part.status == Status::Ok);
    LONGS_EQUAL(0, part.data.size() % 72);
    if (part.data.empty()) break;
    CHECK(part.data.size() <= 19 * 72);
    for (std::size_t at = 0; at < part.data.size(); at += 72) {
      LONGS_EQUAL(10 * ++count, part.i32(at));
      LONGS_EQUAL(2024, part.i16(at + 60));
      first = part.i32(at) + 1;
    }
  }
  LONGS_EQUAL(45, count);
  const Answered info = bench.ask(0x07);
  LONGS_EQUAL(45, info.i32(0));
  LONGS_EQUAL(bench.control.store().used_bytes(), info.i32(8));
}

TEST(SimulatorPrograms, Folders) {
  ControlSpec spec = mill_spec();
  spec.programs.push_back({path_folder(0), "O1(A)\nM30\nO2\nM30\n"});
  spec.programs.push_back({path_folder(0) + "SUB/", "O3\nM30\n"});
  spec.programs.push_back({path_folder(0) + "SUB/DEEP/", "O4\nM30\n"});
  Bench bench(spec);
  const Answered counts = bench.ask(0xb4, {}, path_of(path_folder(0)));
  LONGS_EQUAL(1, counts.i32(0));
  LONGS_EQUAL(2, counts.i32(4));
  const Answered all = bench.ask(0xb3, {0, 10, 1, 1}, path_of(path_folder(0)));
  LONGS_EQUAL(3 * 128, all.data.size());
  LONGS_EQUAL(0, all.i16(0));
  STRCMP_EQUAL("SUB", reinterpret_cast<const char*>(all.data.data() + 28));
  LONGS_EQUAL(1, all.i16(128));
  STRCMP_EQUAL("O0001", reinterpret_cast<const char*>(all.data.data() + 128 + 28));
  STRCMP_EQUAL("(A)", reinterpret_cast<const char*>(all.data.data() + 128 + 64));
  LONGS_EQUAL(128, bench.ask(0xb3, {2, 10, 1, 1}, path_of(path_folder(0))).data.size());
  LONGS_EQUAL(40, bench.ask(0xb2, {0, 10}, path_of(path_folder(0))).data.size());
  CHECK(bench.ask(0xb4, {}, path_of("//CNC_MEM/NONE/")).status == Status::Data);
  CHECK(bench.ask(0xb4, {}, path_of("SUB")).status == Status::Ok);
  CHECK(bench.ask(0xb0, {3}).status == Status::Attribute);
  CHECK(bench.ask(0xba, {}, path_of(path_folder(0) + "SUB/O0003")).status == Status::Ok);
  STRCMP_EQUAL("//CNC_MEM/USER/PATH1/SUB/O0003",
               reinterpret_cast<const char*>(bench.ask(0xb9).data.data()));
  CHECK(bench.ask(0xb6, {}, path_of("O0003")).status == Status::Ok);
  CHECK(bench.path().main_program() == nullptr);
  CHECK(bench.ask(0xb6, {}, path_of("O0003")).status == Status::Data);
}

TEST(SimulatorPrograms, DeletionAndProtection) {
  ControlSpec spec = mill_spec();
  spec.programs.push_back({path_folder(0), "O5\nM30\nO8005\nM30\nO9005\nM30\n"});
  Bench bench(spec);
  const Answered missing = bench.ask(0x05, {4711});
  CHECK(missing.status == Status::Data);
  LONGS_EQUAL(2, missing.detail);
  bench.path().parameters().set_integer(3202, 1 | 1 << 4);
  CHECK(bench.ask(0x05, {8005}).status == Status::Protected);
  CHECK(bench.ask(0x05, {9005}).status == Status::Protected);
  bench.control.pmc().set_bit(PmcArea::G, signal::kG46, signal::kKeyBit, false);
  bench.control.signals_changed();
  CHECK(bench.ask(0x05, {5}).status == Status::Protected);
  bench.control.pmc().set_bit(PmcArea::G, signal::kG46, signal::kKeyBit, true);
  bench.control.signals_changed();
  bench.start("O6\nG1 X100. F60.\nM30\n");
  CHECK(bench.ask(0x05, {6}).status == Status::Reject);
  CHECK(bench.ask(0x05, {5}).status == Status::Ok);
  CHECK(bench.ask(0x03, {8005}).status == Status::Reject);
  bench.path().reset();
  bench.run(1);
  CHECK(bench.ask(0x03, {5}).status == Status::Data);
  CHECK(bench.ask(0x03, {8005}).status == Status::Ok);
  LONGS_EQUAL(8005, bench.ask(0x1c).i32(4));
}

TEST_GROUP(SimulatorTransfer){};

TEST(SimulatorTransfer, WhatGoesDownComesUpByteForByte) {
  for (const ControlSpec& spec : {mill_spec(), legacy_spec()}) {
    for (const std::size_t chunk : {1280u, 7u}) {
      Bench bench(spec);
      Line line(&bench);
      const std::string text = big_program(300);
      CHECK(line.download("N://CNC_MEM/USER/PATH1/", text, chunk) == FrameType::DownloadDone);
      CHECK(line.upload("N://CNC_MEM/USER/PATH1/O4321") == text);
      CHECK(line.upload("N:O4321") == text);
      CHECK(line.upload("O4321-O4321") == text);
      CHECK(line.alive);
      LONGS_EQUAL(0, bench.sessions.counters().malformed);
    }
  }
}

TEST(SimulatorTransfer, RangesAndEmptyNames) {
  Bench bench(mill_spec());
  Line line(&bench);
  CHECK(line.download("", "\nO1\nM30\nO2\nM99\nO7\nM30\n%") == FrameType::DownloadDone);
  CHECK(line.upload("O0001-O0002") == "\nO1\nM30\nO2\nM99\n%");
  CHECK(line.upload("O2") == "\nO2\nM99\n%");
}

TEST(SimulatorTransfer, MissingPrograms) {
  Bench bench(mill_spec());
  Line line(&bench);
  for (const char* name : {"N:O7777", "O7777-O7777", "N://CNC_MEM/NONE/O1", "", "nonsense"}) {
    const Frames frames = line.send(FrameType::UploadStart, start_body(name));
    LONGS_EQUAL(1, frames.size());
    CHECK(type_of(frames[0]) == FrameType::UploadRefused);
    LONGS_EQUAL(5, Line::status_of(frames[0]));
  }
  CHECK(line.alive);
}

TEST(SimulatorTransfer, RefusedDownloads) {
  ControlSpec spec = mill_spec();
  spec.memory_kb = 16;
  Bench bench(spec);
  Line line(&bench);
  CHECK(line.download("N://CNC_MEM/NONE/", "\nO1\n%") == FrameType::DownloadRefused);
  CHECK(type_of(line.send(FrameType::DownloadStart, start_body("", 2))[0]) ==
        FrameType::DownloadRefused);
  CHECK(line.download("", "\nG0 X1\n%") == FrameType::DownloadFailed);
  LONGS_EQUAL(5, Line::status_of(line.last));
  // Programs that exist are replaced, unless parameter 3201 forbids it.
  CHECK(line.download("", "\nO1\nM30\n%") == FrameType::DownloadDone);
  CHECK(line.download("", "\nO1\nM99\n%") == FrameType::DownloadDone);
  bench.path().parameters().set_integer(3201, 0);
  CHECK(line.download("", "\nO1\nM30\n%") == FrameType::DownloadFailed);
  CHECK(line.upload("O1") == "\nO1\nM99\n%");
  bench.start("O2\nG1 X100. F60.\nM30\n");
  bench.path().parameters().set_integer(3201, 4);
  CHECK(line.download("", "\nO2\nM30\n%") == FrameType::DownloadFailed);
  LONGS_EQUAL(13, Line::status_of(line.last));
  CHECK(line.alive);
}

TEST(SimulatorTransfer, AFullMemoryIsToldAtOnce) {
  ControlSpec spec = mill_spec();
  spec.memory_kb = 16;
  Bench bench(spec);
  Line line(&bench);
  (void)line.send(FrameType::DownloadStart, start_body(""));
  Frames told;
  for (int i = 0; i < 20; ++i) {
    for (const Bytes& frame : line.send(FrameType::DownloadData, Bytes(1280, '\n'))) {
      told.push_back(frame);
    }
  }
  LONGS_EQUAL(1, told.size());
  CHECK(type_of(told[0]) == FrameType::DownloadError);
  LONGS_EQUAL(8, Line::status_of(told[0]));
  CHECK(type_of(line.send(FrameType::DownloadEnd)[0]) == FrameType::DownloadFailed);
  CHECK(line.download("", "\nO1\nM30\n%") == FrameType::DownloadDone);
}

TEST(SimulatorTransfer, ASelectedProgramIsSelectedAnew) {
  Bench bench(mill_spec());
  bench.load("O1\nG1 X10. F600.\nM30\n");
  Line line(&bench);
  CHECK(line.download("", "\nO1\nG1 X20. F600.\nM30\n%") == FrameType::DownloadDone);
  CHECK(bench.path().start() == Refusal::None);
  CHECK(bench.run_until(9, [&] { return bench.path().run() == Run::Reset; }));
  DOUBLES_EQUAL(20, bench.path().machine_position()[0], 1e-12);
}

TEST(SimulatorTransfer, AnAbortedUploadStopsTheData) {
  SessionSpec session;
  session.upload_gap_us = 1000;
  Bench bench(mill_spec(), session);
  Line line(&bench);
  CHECK(line.download("", big_program(300)) == FrameType::DownloadDone);
  const Frames first = line.send(FrameType::UploadStart, start_body("O4321"));
  LONGS_EQUAL(1, first.size());  // the data come after the gap
  CHECK(line.send(FrameType::UploadAbort, Bytes(8, 0)).empty());
  bench.run(1);
  Bytes late;
  CHECK(bench.sessions.poll(line.connection, bench.now_ns, &late));
  CHECK(late.empty());
  CHECK(line.alive);
}

TEST(SimulatorTransfer, TheGapSeparatesAcceptanceAndData) {
  SessionSpec session;
  session.upload_gap_us = 1000;
  Bench bench(mill_spec(), session);
  Line line(&bench);
  CHECK(line.download("", "\nO1\nM30\n%") == FrameType::DownloadDone);
  CHECK(type_of(line.send(FrameType::UploadStart, start_body("O1"))[0]) ==
        FrameType::UploadAccepted);
  LONGS_EQUAL(bench.now_ns + 1'000'000, bench.sessions.next_due_ns(line.connection));
  bench.run(0.001);
  Bytes late;
  CHECK(bench.sessions.poll(line.connection, bench.now_ns, &late));
  LONGS_EQUAL(2, take_frames(&late).size());
}

TEST(SimulatorTransfer, FramesOutOfPlaceEndTheConnection) {
  const FrameType alone[] = {FrameType::DownloadData, FrameType::DownloadEnd};
  for (const FrameType type : alone) {
    Bench bench(mill_spec());
    Line line(&bench);
    (void)line.send(type);
    CHECK(!line.alive);
    LONGS_EQUAL(1, bench.sessions.counters().malformed);
  }
  Bench bench(mill_spec());
  Line line(&bench);
  (void)line.send(FrameType::DownloadStart, Bytes(515, 0));
  CHECK(!line.alive);
}
