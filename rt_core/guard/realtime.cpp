#include "rt_core/guard/realtime.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "rt_core/cpu_list.hpp"
#include "rt_core/proc_stat.hpp"

namespace rise::guard {

namespace {

std::string reason() { return std::strerror(errno); }

// Tried: control groups have a say, too. The calling thread is put back where it was.
bool may_run_on(int cpu) {
  cpu_set_t before;
  cpu_set_t set;
  CPU_ZERO(&before);
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_getaffinity(0, sizeof before, &before) != 0) return false;
  const bool may = ::sched_setaffinity(0, sizeof set, &set) == 0;
  ::sched_setaffinity(0, sizeof before, &before);
  return may;
}

}  // namespace

std::string lock_memory() {
  // Freed memory stays with the process, and large blocks come from the heap: no mmap, no page
  // fault later.
  ::mallopt(M_TRIM_THRESHOLD, -1);
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_ARENA_MAX, 1);
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return {};
  return "memory is not locked (" + reason() +
         "): a page may be swapped out or fault inside a cycle; grant CAP_IPC_LOCK or raise "
         "LimitMEMLOCK";
}

std::string hold_dma_latency(int* fd) {
  *fd = ::open("/dev/cpu_dma_latency", O_RDWR | O_CLOEXEC);
  const std::int32_t latency_us = 0;
  if (*fd >= 0 && ::write(*fd, &latency_us, sizeof latency_us) == sizeof latency_us) return {};
  const std::string why = reason();
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
  return "/dev/cpu_dma_latency is not held (" + why +
         "): the core may sleep deeply and wake late; make the device writable for this user";
}

std::string pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return "not pinned to cpu " + std::to_string(cpu) + " (" + reason() +
         "): the scheduler may move the lane; name a core that exists and is allowed in [[lane]] "
         "cpu";
}

std::string make_fifo(int priority) {
  sched_param param{};
  param.sched_priority = priority;
  if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) == 0) return {};
  return "ORDINARY SCHEDULING instead of SCHED_FIFO " + std::to_string(priority) + " (" + reason() +
         "): any load on this machine delays the lane; grant CAP_SYS_NICE or LimitRTPRIO";
}

[[gnu::noinline]] void prefault_stack() {
  constexpr std::size_t kBytes = 128 * 1024;
  char stack[kBytes];
  std::memset(stack, 0, sizeof stack);
  asm volatile("" : : "r"(stack) : "memory");  // the compiler must believe that it is used
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> lane_cpus() {
  std::vector<int> cpus = allowed_cpus();
  for (const int cpu : isolated_cpus()) {
    if (cpu >= CPU_SETSIZE || !may_run_on(cpu)) continue;
    std::erase(cpus, cpu);
    cpus.push_back(cpu);
  }
  return cpus;
}

void avoid_cpus(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : allowed_cpus()) {
    if (std::find(cpus.begin(), cpus.end(), cpu) == cpus.end())
      CPU_SET(static_cast<std::size_t>(cpu), &set);
  }
  if (CPU_COUNT(&set) > 0) ::sched_setaffinity(0, sizeof set, &set);
}

bool kernel_is_realtime() {
  std::ifstream file("/sys/kernel/realtime");
  int value = 0;
  return file >> value && value == 1;
}

bool read_thread_counts(int thread_id, ThreadCounts* counts) {
  const std::string base = "/proc/self/task/" + std::to_string(thread_id);
  ProcStat stat;
  if (!read_proc_stat(base + "/stat", &stat)) return false;
  counts->page_faults = stat.minor_faults + stat.major_faults;
  std::ifstream status(base + "/status");
  for (std::string line; std::getline(status, line);) {
    unsigned long long value = 0;
    if (std::sscanf(line.c_str(), "voluntary_ctxt_switches: %llu", &value) == 1) {
      counts->voluntary_switches = value;
    }
    if (std::sscanf(line.c_str(), "nonvoluntary_ctxt_switches: %llu", &value) == 1) {
      counts->involuntary_switches = value;
    }
  }
  return true;
}

}  // namespace rise::guard
