// Runs checks, each in a process of its own, so that whatever the driver does is a finding and not
// the end of the kit. Nothing of the driver is ever loaded into the process that calls this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rt_core/kit/trial.hpp"

namespace rise::kit {

struct Outcome {
  std::string check;
  std::string text;
  Verdict verdict = Verdict::None;
  std::vector<std::string> findings;
  std::vector<std::string> notes;
  double seconds = 0;
  bool died = false;  // crashed, or did not return
};

struct Identity {
  std::string name;
  std::string version;
  std::string abi;
  std::string fault;  // not empty: it cannot be loaded, in one line
};

// Loads it in a process of its own.
Identity identify(const std::string& path);

struct RunnerSpec {
  std::uint64_t seed = 1;
  // For checks that need the guard library: this program again, with these arguments.
  std::vector<std::string> arguments;
};
Outcome run_check(const Check& check, const Subject& subject, const RunnerSpec& spec);

// In the process that run_check has started with --scene: the check itself. -> exit code.
int run_within(const Check& check, const Subject& subject, std::uint64_t seed, int scene_fd);

}  // namespace rise::kit
