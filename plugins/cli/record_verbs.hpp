// The words of `rise record` and `rise export` on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace rise::cli {

class RecordVerbs {
 public:
  // Adds both; *code becomes the exit code of the one that is called. Outlives the parsing.
  RecordVerbs(CLI::App* app, int* code);
  ~RecordVerbs();

 private:
  struct Options;
  std::unique_ptr<Options> options_;
};

}  // namespace rise::cli
