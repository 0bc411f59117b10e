// Lists of cores as the kernel writes them: "1-3,5".
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace rise {

// What is no list has no cores.
inline std::vector<int> parse_cpu_list(const std::string& text) {
  constexpr long kMaxCpus = 8192;
  std::vector<int> cpus;
  const char* at = text.c_str();
  for (;;) {
    char* end = nullptr;
    const long first = std::strtol(at, &end, 10);
    if (end == at || first < 0) return cpus;
    long last = first;
    if (*end == '-') last = std::strtol(end + 1, &end, 10);
    for (long cpu = first; cpu <= last && cpu < kMaxCpus; ++cpu) {
      cpus.push_back(static_cast<int>(cpu));
    }
    if (*end != ',') return cpus;
    at = end + 1;
  }
}

// Cores that isolcpus has taken out of scheduling. No process has them in its affinity until it
// asks for one by name, so they are missing in what sched_getaffinity says.
inline std::vector<int> isolated_cpus(const std::string& root = "") {
  std::ifstream file(root + "/sys/devices/system/cpu/isolated");
  std::string line;
  std::getline(file, line);
  return parse_cpu_list(line);
}

}  // namespace rise
