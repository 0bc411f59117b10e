// DPDK's environment (EAL): one per process, made once, never taken down (DPDK cannot make it a
// second time). Set-up thread.
//
// rte_eal_init() pins the thread that calls it, and its control threads go wherever that thread may
// run, except for the cores in its own list. So it is called in a helper thread that is kept off
// the lanes' cores first, and the list names one core of those that are left.
#pragma once

#include <string>
#include <vector>

namespace rise::io::dpdk {

struct EalSettings {
  std::vector<int> lane_cpus;
  std::vector<std::string> pci_devices;  // may be used later; empty: the PCI bus is left alone
  unsigned memory_mib = 24;
  unsigned hugepages = 0;  // RISE_DPDK_HUGEPAGES_*
};

// Empty: it runs, with the settings of the first call. Else what is wrong.
std::string make_eal(const EalSettings& settings);

// Keeps the calling thread off the lanes' cores that make_eal() was told; a machine of lanes only:
// nothing is changed.
void keep_off_lanes();

// "huge pages" or "ordinary pages"; after make_eal.
const char* eal_memory_text();

// "0000:03:00.0" or "03:00.0", whatever follows: else it is a virtual device.
bool is_pci_address(const std::string& device);

}  // namespace rise::io::dpdk
