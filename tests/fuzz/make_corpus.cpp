// Makes the seeds of the fuzzers from the test vectors and the example configs.
//
//     make_corpus FOLDER     -> FOLDER/fuzz_focas_frame, FOLDER/fuzz_focas_session,
//     FOLDER/fuzz_config
//
// Run from the top of the tree.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/focas_vectors.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::size_t written = 0;

void write(const fs::path& path, const Bytes& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (file) ++written;
}

void append(Bytes* to, const Bytes& bytes) { to->insert(to->end(), bytes.begin(), bytes.end()); }

// The operations of fuzz_focas_session.
void raw(Bytes* to, const Bytes& frame) {
  append(to, {0, 0, static_cast<std::uint8_t>(frame.size() >> 8),
              static_cast<std::uint8_t>(frame.size())});
  append(to, frame);
}
void proper(Bytes* to, int times, int stream = 0) {
  for (int i = 0; i < times; ++i) append(to, {1, static_cast<std::uint8_t>(stream), 4, 2});
}

// Both sides of each vector as a stream, in pieces and at once.
void frames(const fs::path& folder, const rise::test::FocasVector& vector) {
  Bytes stream = {0};
  for (const auto& frame : vector.frames) append(&stream, frame.bytes);
  write(folder / vector.file, stream);
  Bytes pieces = {3, 0, 9, 1};
  append(&pieces, {stream.begin() + 1, stream.end()});
  write(folder / (vector.file + "_torn"), pieces);
}

// A session that is opened properly and then hears what the server of the vector said.
void session(const fs::path& folder, const rise::test::FocasVector& vector) {
  for (std::uint8_t config = 0; config < 3; ++config) {
    Bytes input = {config, 5, 0};
    proper(&input, 4);
    for (const auto& frame : vector.frames) {
      if (frame.from_client) continue;
      raw(&input, frame.bytes);
      append(&input, {4, 5});
    }
    write(folder / (vector.file + "_" + std::to_string(config)), input);
  }
}

// What no vector has: the life of a machine.
void lives(const fs::path& folder) {
  for (std::uint8_t config = 0; config < 3; ++config) {
    const std::string suffix = "_" + std::to_string(config);
    Bytes input = {config, 5, 0};
    proper(&input, 12);
    append(&input, {4, 3, 5, 1});
    proper(&input, 3, 1);
    Bytes commands = input;
    for (std::uint8_t output = 0; output < 8; ++output) {
      append(&commands, {7, output, 1});
      proper(&commands, 3, 1);
      proper(&commands, 3);
    }
    write(folder / ("commands" + suffix), commands);
    Bytes safe = input;
    append(&safe, {7, 3, 5, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0});
    write(folder / ("safe" + suffix), safe);
    Bytes alarm = input;
    append(&alarm, {10, 0, 100, 3, 0, 4, 10});
    proper(&alarm, 6);
    append(&alarm, {10, 0, 100, 0, 0, 4, 10});
    proper(&alarm, 6);
    write(folder / ("alarm" + suffix), alarm);
    Bytes refused = input;
    append(&refused, {10, 0, 100, 0, 6, 0x24, 4, 10});
    proper(&refused, 6);
    write(folder / ("refused" + suffix), refused);
    Bytes lost = input;
    append(&lost, {6, 0, 4, 11, 1, 5, 0});
    proper(&lost, 6);
    append(&lost, {11, 0, 2, 0, 0, 20, 255, 11, 0, 3, 0, 30, 4, 60, 9});
    write(folder / ("lost" + suffix), lost);
    Bytes backup = {config, 6, 0, 2, 11, 0, 5, 0, 6, 0, 2, 11, 1, 5, 0};
    proper(&backup, 8);
    append(&backup, {11, 5, 5, 1, 1, 1, 1, 1, 5, 2, 1, 2, 1, 2, 1, 2});
    proper(&backup, 4, 2);
    write(folder / ("backup" + suffix), backup);
  }
}

Bytes file_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void configs(const fs::path& folder) {
  const Bytes whole = file_bytes("config/rise.toml");
  write(folder / "rise.toml", whole);
  const std::string text(whole.begin(), whole.end());
  // Each table alone: small seeds are changed to better effect.
  for (std::size_t at = 0; at != std::string::npos;) {
    const std::size_t next = text.find("\n[", at + 1);
    const std::string part = text.substr(at, next == std::string::npos ? next : next - at);
    write(folder / ("table_" + std::to_string(at)), {part.begin(), part.end()});
    at = next;
  }
  const std::string driver =
      "endpoint = 'h:1'\nsafe = ['pmc.R1=1']\nfeed_hold = 'pmc.G8.5=0'\n"
      "[[path]]\naxes = ['X', 'Y']\nspindles = 2\n[[group]]\nname = 'g'\nperiod_ms = 5\nitems = [";
  for (const char* item :
       {"'status', 'alarms'", "'position.absolute', 'path.1.feed'", "'macro.500-510'",
        "'pmc.d100-107:long', 'pmc.g8.5'", "'parameter.1320.*', 'diagnosis.301.x'",
        "'offset.1-3', 'modal.g0', 'modal.f'", "'timer.cycle', 'parts.count', 'override.feed'"}) {
    const std::string own = driver + item + "]\n";
    write(folder / ("driver_" + std::to_string(written)), {own.begin(), own.end()});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_corpus FOLDER\n");
    return 2;
  }
  const fs::path folder = argv[1];
  for (const auto& vector : rise::test::read_focas_vectors()) {
    frames(folder / "fuzz_focas_frame", vector);
    session(folder / "fuzz_focas_session", vector);
  }
  lives(folder / "fuzz_focas_session");
  configs(folder / "fuzz_config");
  std::printf("%zu seeds in %s\n", written, argv[1]);
  return written != 0 ? 0 : 1;
}
