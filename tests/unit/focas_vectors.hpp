// Reads the test vectors of tests/vectors (format: README.txt there).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::test {

struct VectorFrame {
  bool from_client = false;
  int connection = 0;  // 1: opened with payload 0001, 2: with 0002
  std::vector<std::uint8_t> bytes;
};

struct FocasVector {
  std::string file;                   // without folder and ".hex"
  std::string api;                    // "cnc_actf"; empty for published captures
  std::vector<std::string> comments;  // lines after '#', without leading blanks
  std::vector<VectorFrame> frames;

  [[nodiscard]] bool starts_with(const std::string& prefix) const {
    return file.starts_with(prefix);
  }
};

// All vectors of the folder, in the order of their names. Throws std::runtime_error with file and
// line if one cannot be read. folder empty: tests/vectors below the working directory, or
// RISE_VECTORS from the environment.
std::vector<FocasVector> read_focas_vectors(const std::string& folder = "");

// One vector from its text.
FocasVector parse_focas_vector(const std::string& name, const std::string& text);

}  // namespace rise::test
