// Memory: that it can be locked, and that nothing moves or takes it away.
#include <cstdlib>

#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

Finding memory_lock(const Patient& p) {
  const Subject s{"memlock", "memory locking", 3,
                  "an unlocked page may be swapped out, and fault inside a cycle", true};
  if (p.may_lock_memory) {
    return *p.may_lock_memory ? pass(s, "this user may lock memory")
                              : fail(s, "RLIMIT_MEMLOCK is too small",
                                     "grant CAP_IPC_LOCK to the core, or LimitMEMLOCK=infinity");
  }
  return unknown(s, "it was not tried", "run rise doctor on the machine itself");
}

Finding transparent(const Patient& p) {
  const Subject s{"thp", "transparent huge pages", 1,
                  "khugepaged may move the pages of a running program"};
  const auto line = line_of(p, "/sys/kernel/mm/transparent_hugepage/enabled");
  if (line) {
    const std::string mode = chosen(*line);
    if (mode != "always") return pass(s, mode);
    return warn(s, mode, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  }
  if (exists(p, "/sys/kernel/mm")) return pass(s, "not supported");
  return unknown(s, "/sys/kernel/mm cannot be read", "mount -t sysfs sysfs /sys");
}

Finding swap(const Patient& p) {
  const Subject s{"swap", "swap", 1,
                  "the core is locked in memory, but the tools around it are not"};
  const auto heading = line_of(p, "/proc/swaps");
  if (!heading) {
    if (exists(p, "/proc/sys/vm")) return pass(s, "not supported");
    return unknown(s, "/proc/swaps cannot be read", "mount -t proc proc /proc");
  }
  const std::size_t lines = lines_of(p, "/proc/swaps").size();
  if (lines <= 1) return pass(s, "none");
  const std::string swappiness = line_of(p, "/proc/sys/vm/swappiness").value_or("unknown");
  const std::string found = std::to_string(lines - 1) + " in use, vm.swappiness " + swappiness;
  if (swappiness == "0" || swappiness == "1") return pass(s, found);
  return warn(s, found, "swapoff -a, or sysctl vm.swappiness=1");
}

Finding huge_pages(const Patient& p) {
  const Subject s{"hugepages", "huge pages", 1,
                  "fewer misses in the page table's cache; DPDK does not work well without them"};
  const auto sizes = names_in(p, "/sys/kernel/mm/hugepages");
  if (!sizes) {
    return unknown(s, "/sys/kernel/mm/hugepages cannot be read",
                   "grep Huge /proc/meminfo; mount -t sysfs sysfs /sys");
  }
  std::string found;
  for (const std::string& size : *sizes) {
    const std::string folder = "/sys/kernel/mm/hugepages/" + size;
    const std::string count = line_of(p, folder + "/nr_hugepages").value_or("0");
    if (std::atoll(count.c_str()) <= 0) continue;
    const std::string unused = line_of(p, folder + "/free_hugepages").value_or("?");
    found += (found.empty() ? "" : ", ") + count + " of " + size.substr(size.find('-') + 1) + " (" +
             unused + " free)";
  }
  if (!found.empty()) return pass(s, found);
  return warn(s, "none", "sysctl vm.nr_hugepages=64");
}

Finding shared_memory(const Patient& p) {
  const Subject s{"shared_memory", "/dev/shm", 1, "core and sidecar meet in it"};
  if (exists(p, "/dev/shm")) return pass(s, "there");
  if (!exists(p, "/dev")) return unknown(s, "/dev cannot be read", "mount -t devtmpfs dev /dev");
  return fail(s, "missing", "mkdir /dev/shm; mount -t tmpfs tmpfs /dev/shm");
}

}  // namespace

Findings check_memory(const Patient& p) {
  return {memory_lock(p), transparent(p), swap(p), huge_pages(p), shared_memory(p)};
}

}  // namespace rise::cli
