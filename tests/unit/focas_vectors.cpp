#include "tests/unit/focas_vectors.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace rise::test {

namespace {

[[noreturn]] void fail(const std::string& file, std::size_t line, const std::string& what) {
  throw std::runtime_error(file + ".hex:" + std::to_string(line) + ": " + what);
}

// "# API call: cnc_actf(h, buf)" -> "cnc_actf".
std::string api_of(const std::string& comment) {
  const std::string prefix = "API call: ";
  if (!comment.starts_with(prefix)) return "";
  const std::size_t end = comment.find('(', prefix.size());
  return comment.substr(prefix.size(), end - prefix.size());
}

}  // namespace

FocasVector parse_focas_vector(const std::string& name, const std::string& text) {
  FocasVector vector;
  vector.file = name;
  std::istringstream lines(text);
  std::string line;
  std::string previous;  // prefix of the line before; a comment ends a frame
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    if (line[0] == '#') {
      std::string comment = line.substr(1);
      comment.erase(0, comment.find_first_not_of(' '));
      if (vector.api.empty()) vector.api = api_of(comment);
      vector.comments.push_back(std::move(comment));
      previous.clear();
      continue;
    }
    const bool prefixed = line.size() > 3 && (line[0] == 'C' || line[0] == 'S') &&
                          (line[1] == '1' || line[1] == '2') && line[2] == '>';
    if (!prefixed) fail(name, number, "expected '#', 'C1>', 'C2>', 'S1>' or 'S2>'");
    const std::string prefix = line.substr(0, 3);
    if (prefix != previous) vector.frames.push_back({line[0] == 'C', line[1] - '0', {}});
    previous = prefix;
    std::istringstream digits(line.substr(3));
    for (std::string byte; digits >> byte;) {
      char* end = nullptr;
      const long value = std::strtol(byte.c_str(), &end, 16);
      if (byte.size() != 2 || *end != '\0') fail(name, number, "'" + byte + "' is no byte");
      vector.frames.back().bytes.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return vector;
}

std::vector<FocasVector> read_focas_vectors(const std::string& folder) {
  namespace fs = std::filesystem;
  std::string place = folder;
  if (const char* given = std::getenv("RISE_VECTORS"); place.empty() && given != nullptr) {
    place = given;
  }
  if (place.empty()) place = "tests/vectors";
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(place)) {
    if (entry.path().extension() == ".hex") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<FocasVector> vectors;
  for (const fs::path& path : paths) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    vectors.push_back(parse_focas_vector(path.stem(), text.str()));
  }
  return vectors;
}

}  // namespace rise::test
