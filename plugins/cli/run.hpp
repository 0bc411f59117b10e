// `rise run`: starts the simulated controls (if the config says so), the core and the sidecar,
// shows how they do, and ends them in the right order.
#pragma once

#include <string>

namespace rise::cli {

struct RunOptions {
  std::string config;      // empty: built in
  double duration_s = 0;   // 0: until Ctrl-C
  int interval_ms = 1000;  // between plain reports
};
// -> exit code: 0 fine, 1 a process ended by itself, 2 bad config, 3 could not start.
int run(const RunOptions& options);

}  // namespace rise::cli
