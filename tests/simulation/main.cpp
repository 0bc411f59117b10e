// Plays scenarios with many seeds. usage: simulation [--seeds N] [--first SEED] [--verbose]
// [SCENARIO] A failure names the seed: `simulation --seeds 1 --first SEED SCENARIO` plays it again.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/simulation/scenarios.hpp"

using namespace rise::simulation;

int main(int argc, char** argv) {
  int seeds = 0;
  std::uint64_t first = 1;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      seeds = std::atoi(argv[++i]);
    } else if (std::strcmp(argv[i], "--first") == 0 && i + 1 < argc) {
      first = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--verbose") == 0) {
      Plant::verbose = true;
    } else if (argv[i][0] != '-') {
      only = argv[i];
    } else {
      std::fprintf(stderr, "usage: simulation [--seeds N] [--first SEED] [--verbose] [SCENARIO]\n");
      return 64;
    }
  }
  char folder[] = "/tmp/rise-simulation-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 2;
  int passed = 0;
  int failed = 0;
  for (const Scenario* scenario = kScenarios; scenario->name != nullptr; ++scenario) {
    if (!only.empty() && only != scenario->name) continue;
    const int count = seeds > 0 ? seeds : scenario->seeds;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t seed = first + static_cast<std::uint64_t>(i);
      Faults faults;
      scenario->play(seed, folder, &faults);
      if (faults.list().empty()) {
        ++passed;
        continue;
      }
      ++failed;
      std::printf("%s, seed %llu:\n", scenario->name, static_cast<unsigned long long>(seed));
      for (const std::string& fault : faults.list()) std::printf("  %s\n", fault.c_str());
    }
    std::printf("%s: %d seeds\n", scenario->name, count);
    std::fflush(stdout);
  }
  ::rmdir(folder);
  std::printf("%d passed, %d failed, 0 skipped\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
