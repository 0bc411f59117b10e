// The checks of `rise doctor`, one function each.

#include <dirent.h>
#include <liburing.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "plugins/cli/doctor.hpp"

namespace rise::cli {

namespace {

// First line of a file of the patient; empty if there is none.
std::string line_of(const Patient& patient, const std::string& path) {
  std::ifstream file(patient.root + path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool exists(const Patient& patient, const std::string& path) {
  return ::access((patient.root + path).c_str(), F_OK) == 0;
}

// The value of a word on the kernel's command line ("isolcpus" of "isolcpus=2,3"), or empty.
std::string boot_option(const Patient& patient, const std::string& name) {
  std::istringstream words(line_of(patient, "/proc/cmdline"));
  std::string word;
  while (words >> word) {
    if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
  }
  return {};
}

bool has_word(const std::string& line, const std::string& wanted) {
  std::istringstream words(line);
  std::string word;
  while (words >> word) {
    if (word == wanted) return true;
  }
  return false;
}

// Of "always [madvise] never" the word in brackets.
std::string chosen(const std::string& line) {
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']');
  return open == std::string::npos || close == std::string::npos
             ? line
             : line.substr(open + 1, close - open - 1);
}

Finding kernel_preemption(const Patient& p) {
  Finding f{"preempt_rt", "PREEMPT_RT", Verdict::Fail, "", "", "", 5};
  // Kernels with the RT patches have the file; mainline, which has PREEMPT_RT since 6.12, does not:
  // there the version string says it.
  const bool realtime = line_of(p, "/sys/kernel/realtime") == "1" ||
                        has_word(line_of(p, "/proc/version"), "PREEMPT_RT");
  f.found = realtime ? "this kernel is PREEMPT_RT" : "this kernel is not PREEMPT_RT";
  f.verdict = realtime ? Verdict::Pass : Verdict::Fail;
  f.why = "without it a system call of any program can hold up the lane for milliseconds";
  f.remedy = realtime
                 ? ""
                 : "apt install linux-image-rt-amd64, boot it (mainline has PREEMPT_RT since 6.12)";
  return f;
}

Finding kernel_version(const Patient& p) {
  Finding f{"kernel_version", "kernel version", Verdict::Pass, "", "", "", 1};
  const std::string release = line_of(p, "/proc/sys/kernel/osrelease");
  int major = 0;
  int minor = 0;
  std::sscanf(release.c_str(), "%d.%d", &major, &minor);
  const bool deferred = major > 6 || (major == 6 && minor >= 1);
  f.found = "Linux " + release;
  f.verdict = deferred ? Verdict::Pass : Verdict::Warn;
  f.why =
      "io_uring with deferred completions needs 6.1; older kernels get plain calls, more per cycle";
  f.remedy = deferred ? "" : "use Debian 12 (6.1) or newer";
  return f;
}

Finding ring(const Patient& p) {
  Finding f{"io_uring",
            "io_uring",
            Verdict::Pass,
            "usable with deferred completions and restrictions",
            "",
            "",
            2};
  f.why = "one system call per cycle for all machines, instead of two per machine";
  if (p.io_uring.empty()) return f;
  f.verdict = Verdict::Warn;
  f.found = p.io_uring;
  f.remedy =
      "sysctl kernel.io_uring_disabled=0; allow io_uring_* in the container's seccomp profile";
  return f;
}

Finding fifo(const Patient& p) {
  Finding f{"sched_fifo", "SCHED_FIFO", Verdict::Pass, "this user may use SCHED_FIFO", "", "", 5};
  f.why = "under ordinary scheduling every program competes with the lane";
  if (p.may_use_fifo) return f;
  f.verdict = Verdict::Fail;
  f.found = "this user may not use SCHED_FIFO";
  f.remedy = "grant CAP_SYS_NICE to the core, or an rtprio of 95 in /etc/security/limits.d";
  return f;
}

Finding memory_lock(const Patient& p) {
  Finding f{"memlock", "memory locking", Verdict::Pass, "this user may lock memory", "", "", 3};
  f.why = "an unlocked page may be swapped out, and fault inside a cycle";
  if (p.may_lock_memory) return f;
  f.verdict = Verdict::Fail;
  f.found = "RLIMIT_MEMLOCK is too small";
  f.remedy = "grant CAP_IPC_LOCK to the core, or LimitMEMLOCK=infinity";
  return f;
}

Finding cores(const Patient& p) {
  Finding f{"cores", "cores", Verdict::Pass, std::to_string(p.cpus) + " usable cores", "", "", 3};
  f.why = "each lane wants a core of its own, and the rest of the system at least one";
  if (p.cpus >= 2) return f;
  f.verdict = Verdict::Fail;
  f.remedy = "use a machine with two or more cores";
  return f;
}

Finding isolation(const Patient& p) {
  Finding f{"isolcpus", "isolated cores", Verdict::Pass, "", "", "", 3};
  const std::string isolated = line_of(p, "/sys/devices/system/cpu/isolated");
  f.found = isolated.empty() ? "no core is isolated" : "isolated: " + isolated;
  f.verdict = isolated.empty() ? Verdict::Warn : Verdict::Pass;
  f.why = "the scheduler keeps everybody else's work off an isolated core";
  f.remedy =
      isolated.empty() ? "boot with isolcpus=managed_irq,domain,N for the lane's core N" : "";
  return f;
}

Finding tick(const Patient& p) {
  Finding f{"nohz_full", "timer tick", Verdict::Pass, "", "", "", 1};
  const std::string full = boot_option(p, "nohz_full");
  f.found = full.empty() ? "every core has the periodic tick" : "tickless: " + full;
  f.verdict = full.empty() ? Verdict::Warn : Verdict::Pass;
  f.why = "the tick interrupts the lane up to 1000 times a second, for a few microseconds each";
  f.remedy = full.empty() ? "boot with nohz_full=N" : "";
  return f;
}

Finding callbacks(const Patient& p) {
  Finding f{"rcu_nocbs", "RCU callbacks", Verdict::Pass, "", "", "", 1};
  const bool moved = !boot_option(p, "rcu_nocbs").empty() || !boot_option(p, "nohz_full").empty();
  f.found = moved ? "moved off the lane's core" : "run on every core";
  f.verdict = moved ? Verdict::Pass : Verdict::Warn;
  f.why = "deferred clean-up of the kernel otherwise runs on the lane's core";
  f.remedy = moved ? "" : "boot with rcu_nocbs=N";
  return f;
}

Finding interrupts(const Patient& p) {
  Finding f{"irqaffinity", "interrupts", Verdict::Pass, "", "", "", 2};
  const std::string option = boot_option(p, "irqaffinity");
  f.found = option.empty() ? "interrupts may go to any core" : "interrupts go to core " + option;
  f.verdict = option.empty() ? Verdict::Warn : Verdict::Pass;
  f.why = "a device's interrupt on the lane's core delays the lane";
  f.remedy = option.empty() ? "boot with irqaffinity=0, and stop irqbalance" : "";
  return f;
}

Finding throttling(const Patient& p) {
  Finding f{"rt_throttling", "RT throttling", Verdict::Pass, "", "", "", 1};
  const std::string runtime = line_of(p, "/proc/sys/kernel/sched_rt_runtime_us");
  const bool off = runtime == "-1";
  f.found = "sched_rt_runtime_us = " + (runtime.empty() ? "unknown" : runtime);
  f.verdict = off ? Verdict::Pass : Verdict::Warn;
  f.why =
      "a lane that never sleeps is stopped for 50 ms of each second; one that sleeps is not "
      "touched";
  f.remedy = off ? "" : "sysctl kernel.sched_rt_runtime_us=-1, if a lane is to poll";
  return f;
}

Finding governor(const Patient& p) {
  Finding f{"governor", "frequency governor", Verdict::Pass, "", "", "", 2};
  const std::string name = line_of(p, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  f.found = name.empty() ? "no frequency scaling" : name;
  f.verdict = name.empty() || name == "performance" ? Verdict::Pass : Verdict::Warn;
  f.why = "a core that has slowed down takes tens of microseconds to speed up again";
  f.remedy = f.verdict == Verdict::Pass ? "" : "cpupower frequency-set -g performance";
  return f;
}

Finding idle_states(const Patient& p) {
  Finding f{"idle_states", "idle states", Verdict::Pass, "", "", "", 2};
  const bool device = exists(p, "/dev/cpu_dma_latency");
  f.found = device ? "/dev/cpu_dma_latency is there, the core holds it at 0"
                   : "/dev/cpu_dma_latency is missing";
  f.verdict = device ? Verdict::Pass : Verdict::Warn;
  f.why = "waking from a deep idle state takes up to hundreds of microseconds";
  f.remedy = device ? "" : "boot with intel_idle.max_cstate=1 processor.max_cstate=1";
  return f;
}

Finding siblings(const Patient& p) {
  Finding f{"smt", "SMT siblings", Verdict::Pass, "", "", "", 2};
  const std::string active = line_of(p, "/sys/devices/system/cpu/smt/active");
  const bool on = active == "1";
  f.found = on ? "two threads share each core" : "no shared cores";
  f.verdict = on ? Verdict::Warn : Verdict::Pass;
  f.why = "the other thread of the lane's core takes its caches and execution units";
  f.remedy = on ? "echo off > /sys/devices/system/cpu/smt/control, or leave the sibling idle" : "";
  return f;
}

Finding huge_pages(const Patient& p) {
  Finding f{"thp", "transparent huge pages", Verdict::Pass, "", "", "", 1};
  const std::string mode = chosen(line_of(p, "/sys/kernel/mm/transparent_hugepage/enabled"));
  f.found = mode.empty() ? "not supported" : mode;
  f.verdict = mode == "always" ? Verdict::Warn : Verdict::Pass;
  f.why = "khugepaged may move the pages of a running program";
  f.remedy = mode == "always" ? "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled" : "";
  return f;
}

Finding swap(const Patient& p) {
  Finding f{"swap", "swap", Verdict::Pass, "", "", "", 1};
  std::ifstream file(p.root + "/proc/swaps");
  std::string line;
  int devices = -1;  // the first line is a heading
  while (std::getline(file, line)) ++devices;
  f.found = devices > 0 ? std::to_string(devices) + " in use" : "none";
  f.verdict = devices > 0 ? Verdict::Warn : Verdict::Pass;
  f.why = "the core is locked in memory, but the tools around it are not";
  f.remedy = devices > 0 ? "swapoff -a, or vm.swappiness=1" : "";
  return f;
}

Finding clock_source(const Patient& p) {
  Finding f{"clocksource", "clock source", Verdict::Pass, "", "", "", 2};
  const std::string name =
      line_of(p, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  f.found = name.empty() ? "unknown" : name;
  const bool quick = name == "tsc" || name == "arch_sys_counter" || name == "kvm-clock";
  f.verdict = quick ? Verdict::Pass : Verdict::Fail;
  f.why = "hpet and acpi_pm cost a microsecond or more for each look at the clock";
  f.remedy = quick ? "" : "boot with tsc=reliable, if the hardware's counter is constant";
  return f;
}

Finding shared_memory(const Patient& p) {
  Finding f{"shared_memory", "/dev/shm", Verdict::Pass, "", "", "", 1};
  const bool there = exists(p, "/dev/shm");
  f.found = there ? "there" : "missing";
  f.verdict = there ? Verdict::Pass : Verdict::Fail;
  f.why = "core and sidecar meet in it";
  f.remedy = there ? "" : "mount -t tmpfs tmpfs /dev/shm";
  return f;
}

std::string probe_io_uring() {
  struct io_uring ring {};
  io_uring_params params{};
  params.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  const int rc = ::io_uring_queue_init_params(8, &ring, &params);
  if (rc < 0) return std::string("not usable: ") + std::strerror(-rc);
  ::io_uring_queue_exit(&ring);
  return {};
}

}  // namespace

Patient this_machine() {
  Patient patient;
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  patient.cpus = CPU_COUNT(&set);
  // Tried, not derived from rights: security modules and control groups have a say, too.
  sched_param param{};
  param.sched_priority = 1;
  patient.may_use_fifo = ::sched_setscheduler(0, SCHED_FIFO, &param) == 0;
  param.sched_priority = 0;
  ::sched_setscheduler(0, SCHED_OTHER, &param);
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  patient.may_lock_memory = ::geteuid() == 0 || limit.rlim_cur >= (256u << 20);
  patient.io_uring = probe_io_uring();
  return patient;
}

std::vector<Finding> examine(const Patient& p) {
  return {kernel_preemption(p), kernel_version(p), ring(p),       fifo(p),
          memory_lock(p),       cores(p),          isolation(p),  tick(p),
          callbacks(p),         interrupts(p),     throttling(p), governor(p),
          idle_states(p),       siblings(p),       huge_pages(p), swap(p),
          clock_source(p),      shared_memory(p)};
}

bool fatal(const Finding& finding) {
  return finding.verdict == Verdict::Fail && finding.weight >= 3;
}

char grade(const std::vector<Finding>& findings) {
  int total = 0;
  int lost = 0;
  for (const Finding& finding : findings) {
    total += finding.weight * 2;
    if (finding.verdict == Verdict::Warn) lost += finding.weight;
    if (finding.verdict == Verdict::Fail) lost += finding.weight * 2;
  }
  if (total == 0 || std::any_of(findings.begin(), findings.end(), fatal)) return 'F';
  const int percent = 100 - 100 * lost / total;
  return percent >= 90 ? 'A' : percent >= 80 ? 'B' : percent >= 70 ? 'C' : 'D';
}

int exit_code(const std::vector<Finding>& findings) { return grade(findings) == 'F' ? 1 : 0; }

}  // namespace rise::cli
