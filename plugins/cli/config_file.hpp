// The config as the command line needs it: which processes to start, and under which name the core
// is found.
#pragma once

#include <string>
#include <vector>

#include "config/schema/schema.hpp"
#include "rt_core/result.hpp"

namespace rise::cli {

struct ProcessPlan {
  std::string region;
  bool simulator = false;
  std::string simulator_config;  // absolute or as given; empty: built in
  bool sidecar = true;
  std::int64_t stop_grace_ms = 1000;  // so long the core may take to end
};

// `path` empty: the built-in config. Fails only if the file cannot be read; faults within are found
// by check_config.
Result<ProcessPlan> read_process_plan(const std::string& path);

// Lets core and simulator check what is theirs, and prints all faults. -> exit code, 0 or 2.
int check_config(const std::string& path, bool json);

}  // namespace rise::cli
