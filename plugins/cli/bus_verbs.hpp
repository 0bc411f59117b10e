// The words of `rise bus` and `rise dlq` on the command line: what a running sidecar's bus carries,
// and what it could not deliver.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace rise::cli {

class BusVerbs {
 public:
  // Adds both; *code becomes the exit code of the one that is called. Outlives the parsing.
  BusVerbs(CLI::App* app, int* code);
  ~BusVerbs();

 private:
  struct Options;
  std::unique_ptr<Options> options_;
};

}  // namespace rise::cli
