#include "rt_core/io/dpdk/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <thread>

#include "rt_core/io/dpdk/dpdk_entry.hpp"

namespace rise::io::dpdk {

namespace {

struct State {
  std::mutex mutex;
  bool tried = false;
  bool hugepages = false;
  std::vector<int> lane_cpus;
  std::string fault;
};

State& state() {
  static State* one = new State;  // outlives whoever asks while the process ends
  return *one;
}

// Free huge pages in MiB, of the size that DPDK finds first.
std::uint64_t free_huge_mib() {
  std::uint64_t best = 0;
  for (const std::uint64_t kib : {2048ull, 1048576ull}) {
    std::ifstream file("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(kib) +
                       "kB/free_hugepages");
    std::uint64_t pages = 0;
    if (file >> pages) best = std::max(best, pages * kib / 1024);
  }
  return best;
}

// Keeps the calling thread off the lanes' cores. -> the first core that it may use.
int leave_lane_cpus(const std::vector<int>& lane_cpus) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  cpu_set_t ours = allowed;
  for (const int cpu : lane_cpus) {
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(static_cast<std::size_t>(cpu), &ours);
  }
  if (CPU_COUNT(&ours) == 0)
    ours = allowed;  // a machine of lanes only: DPDK's threads mostly sleep
  ::sched_setaffinity(0, sizeof ours, &ours);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &ours)) return cpu;
  }
  return 0;
}

std::string initialise(const EalSettings& settings, bool huge) {
  std::vector<std::string> words = {"rise",
                                    "-l",
                                    std::to_string(leave_lane_cpus(settings.lane_cpus)),
                                    "--no-telemetry",
                                    "--log-level=warning",
                                    "-m",
                                    std::to_string(settings.memory_mib)};
  // In memory: no file stays behind in hugetlbfs, and several cores do not meet. DPDK refuses it
  // together with --no-huge, which has no files anyway but for the shared configuration.
  if (huge) {
    words.emplace_back("--in-memory");
  } else {
    words.insert(words.end(), {"--no-huge", "--no-shconf"});
  }
  if (settings.pci_devices.empty()) words.emplace_back("--no-pci");
  for (const std::string& device : settings.pci_devices) {
    words.insert(words.end(), {"-a", device});
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (::rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0) {
    // A folder for files that it then does not make; it goes unless another program uses it.
    ::rmdir(::rte_eal_get_runtime_dir());
    return {};
  }
  return std::string("DPDK could not be started (") + ::rte_strerror(rte_errno) +
         "): see what it printed; it needs " + std::to_string(settings.memory_mib) +
         " MiB, and for PCI devices root or vfio";
}

}  // namespace

std::string make_eal(const EalSettings& settings) {
  State& eal = state();
  const std::lock_guard<std::mutex> lock(eal.mutex);
  if (eal.tried) return eal.fault;
  const bool enough = free_huge_mib() >= settings.memory_mib;
  if (settings.hugepages == RISE_DPDK_HUGEPAGES_REQUIRED && !enough) {
    return "DPDK is to use huge pages, but fewer than " + std::to_string(settings.memory_mib) +
           " MiB of them are free; write a greater number to /proc/sys/vm/nr_hugepages";
  }
  eal.tried = true;
  eal.lane_cpus = settings.lane_cpus;
  eal.hugepages = enough && settings.hugepages != RISE_DPDK_HUGEPAGES_NEVER;
  std::thread([&] { eal.fault = initialise(settings, eal.hugepages); }).join();
  return eal.fault;
}

void keep_off_lanes() { leave_lane_cpus(state().lane_cpus); }

const char* eal_memory_text() { return state().hugepages ? "huge pages" : "ordinary pages"; }

bool is_pci_address(const std::string& device) {
  const std::string name = device.substr(0, device.find(','));
  return name.find(':') != std::string::npos && name.find('.') != std::string::npos &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0 || c == ':' || c == '.'; });
}

}  // namespace rise::io::dpdk
