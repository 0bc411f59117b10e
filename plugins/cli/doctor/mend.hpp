// Mending by scripts/rt-tune.
#pragma once

#include <string>
#include <vector>

namespace rise::cli {

// Where rt-tune is: beside this program, in its lib/rise, or in the source tree; or empty.
std::string find_rt_tune();
// Runs it and waits. Its output is ours, or goes to stderr. -> its exit code; -1: it did not start.
int run_rt_tune(const std::string& program, const std::vector<std::string>& arguments,
                bool to_stderr);

}  // namespace rise::cli
