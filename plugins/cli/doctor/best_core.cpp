#include "plugins/cli/doctor/best_core.hpp"

#include <tuple>

#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

std::optional<std::string> tickless_cores(const Patient& patient) {
  // The file is there only if the kernel is built for it, and says "(null)" for none.
  const auto file = line_of(patient, "/sys/devices/system/cpu/nohz_full");
  if (file) return *file == "(null)" ? "" : *file;
  if (!line_of(patient, "/proc/cmdline")) return std::nullopt;
  return boot_option(patient, "nohz_full").value_or("");
}

std::optional<std::vector<int>> siblings_of(const Patient& patient, int cpu) {
  const auto line = line_of(patient, cpu_folder(cpu) + "/topology/thread_siblings_list");
  if (!line) return std::nullopt;
  const std::vector<int> online = online_cpus(patient);
  std::vector<int> siblings;
  for (const int other : cpu_list(*line, 0)) {
    if (other != cpu && contains(online, other)) siblings.push_back(other);
  }
  return siblings;
}

std::optional<int> best_core(const Patient& patient) {
  const std::vector<int> online = online_cpus(patient);
  if (online.empty()) return std::nullopt;
  const int last = online.back();
  const auto list = [&](const std::optional<std::string>& text) {
    return cpu_list(text.value_or(""), last);
  };
  const std::vector<int> isolated = list(line_of(patient, "/sys/devices/system/cpu/isolated"));
  const std::vector<int> tickless = list(tickless_cores(patient));
  const std::vector<int> quiet = list(boot_option(patient, "rcu_nocbs"));
  std::tuple<bool, int, bool, int> best{false, -1, false, -1};
  for (const int cpu : online) {
    const int isolation = (contains(isolated, cpu) ? 4 : 0) + (contains(tickless, cpu) ? 2 : 0) +
                          (contains(quiet, cpu) ? 1 : 0);
    bool alone = true;
    for (const int other : siblings_of(patient, cpu).value_or(std::vector<int>{})) {
      alone = alone && contains(isolated, other);
    }
    best = std::max(best, {cpu != 0, isolation, alone, cpu});
  }
  return std::get<3>(best);
}

std::optional<int> lane_core(const Patient& patient) {
  return patient.lane_cpu >= 0 ? std::optional<int>(patient.lane_cpu) : best_core(patient);
}

}  // namespace rise::cli
