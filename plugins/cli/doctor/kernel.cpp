// The kernel: its preemption, and what it lets the core do.
#include <cstdio>
#include <cstdlib>

#include "plugins/cli/doctor/best_core.hpp"
#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

struct Version {
  int major = 0;
  int minor = 0;
  [[nodiscard]] bool at_least(int a, int b) const {
    return major > a || (major == a && minor >= b);
  }
};

std::optional<Version> version_of(const Patient& p) {
  const std::string release = line_of(p, "/proc/sys/kernel/osrelease").value_or("");
  Version version;
  if (std::sscanf(release.c_str(), "%d.%d", &version.major, &version.minor) != 2)
    return std::nullopt;
  return version;
}

Finding preemption(const Patient& p) {
  const Subject s{"preempt_rt", "PREEMPT_RT", 5,
                  "without it a system call of any program can hold up the lane for milliseconds",
                  true};
  // Kernels with the RT patches have the file; mainline, which has PREEMPT_RT since 6.12, does not:
  // there the version string says it.
  const auto patched = line_of(p, "/sys/kernel/realtime");
  const auto version = line_of(p, "/proc/version");
  if (patched == "1") return pass(s, "this kernel is PREEMPT_RT (by the RT patches)");
  if (has_word(version.value_or(""), "PREEMPT_RT")) {
    const auto number = version_of(p);
    const bool mainline = number && number->at_least(6, 12);
    return pass(s, mainline ? "this kernel is PREEMPT_RT (mainline)" : "this kernel is PREEMPT_RT");
  }
  if (!version) return unknown(s, "/proc/version cannot be read", "mount -t proc proc /proc");
  return fail(s, "this kernel is not PREEMPT_RT",
              "apt install linux-image-rt-amd64, boot it (mainline has PREEMPT_RT since 6.12)");
}

Finding kernel_version(const Patient& p) {
  const Subject s{"kernel_version", "kernel version", 1,
                  "io_uring with deferred completions needs 6.1; older kernels get plain calls, "
                  "more per cycle"};
  const auto version = version_of(p);
  const std::string release = line_of(p, "/proc/sys/kernel/osrelease").value_or("");
  if (!version) return unknown(s, "no version in \"" + release + "\"", "uname -r");
  if (!version->at_least(6, 1)) return warn(s, "Linux " + release, "use Debian 12 (6.1) or newer");
  return pass(s, "Linux " + release +
                     (version->at_least(6, 12) ? ", which can be built with PREEMPT_RT" : ""));
}

Finding ring(const Patient& p) {
  const Subject s{"io_uring", "io_uring", 2,
                  "one system call per cycle for all machines, instead of two per machine"};
  const auto forbidden = line_of(p, "/proc/sys/kernel/io_uring_disabled");
  std::string seccomp;
  for (const std::string& line : lines_of(p, "/proc/self/status")) {
    if (line.starts_with("Seccomp:")) seccomp = words_of(line).back();
  }
  const bool by_sysctl = forbidden == "1" || forbidden == "2";
  const char* const allow = by_sysctl ? "sysctl kernel.io_uring_disabled=0"
                                      : "allow io_uring_* in the container's seccomp profile, or "
                                        "use a kernel >= 6.1";
  if (p.io_uring && !p.io_uring->empty()) {
    const char* const cause = by_sysctl        ? " (kernel.io_uring_disabled)"
                              : seccomp == "2" ? " (a seccomp filter is in force)"
                                               : "";
    return warn(s, *p.io_uring + cause, allow);
  }
  if (p.io_uring) {
    const std::string more = p.io_uring_features.empty() ? "" : "; " + p.io_uring_features;
    return pass(s, "usable with deferred completions and restrictions" + more);
  }
  if (by_sysctl) return warn(s, "kernel.io_uring_disabled = " + *forbidden, allow);
  if (forbidden == "0" && seccomp == "0") return pass(s, "not forbidden; it was not tried");
  return unknown(s, "it was not tried", "run rise doctor on the machine itself");
}

Finding fifo(const Patient& p) {
  const Subject s{"sched_fifo", "SCHED_FIFO", 5,
                  "under ordinary scheduling every program competes with the lane", true};
  const char* const grant =
      "grant CAP_SYS_NICE to the core, or an rtprio of 95 in /etc/security/limits.d";
  if (p.may_use_fifo) {
    return *p.may_use_fifo ? pass(s, "this user may use SCHED_FIFO")
                           : fail(s, "this user may not use SCHED_FIFO", grant);
  }
  return unknown(s, "it was not tried", "run rise doctor on the machine itself");
}

// The folder of this process in the cpu controller of cgroup v1, with the controller's mount.
std::string cpu_group(const Patient& p) {
  for (const std::string& line : lines_of(p, "/proc/self/cgroup")) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers != "cpu" && !controllers.starts_with("cpu,") && !controllers.ends_with(",cpu"))
      continue;
    for (const std::string& mount : {std::string("cpu"), controllers}) {
      std::string group = "/sys/fs/cgroup/" + mount + line.substr(second + 1);
      if (exists(p, group)) return group;
    }
  }
  return {};
}

Finding group_scheduling(const Patient& p) {
  const Subject s{"rt_group_sched", "RT_GROUP_SCHED", 2,
                  "with it a control group without real-time budget refuses SCHED_FIFO, and one "
                  "with a budget is stopped when it is used up"};
  if (boot_option(p, "rt_group_sched") == "0") return pass(s, "switched off at boot");
  const std::string group = cpu_group(p);
  if (!group.empty()) {
    const auto budget = line_of(p, group + "/cpu.rt_runtime_us");
    if (!budget) return pass(s, "not in this kernel");
    if (*budget == "0") {
      return fail(s, "this control group has no real-time budget",
                  "echo 950000 > " + group +
                      "/cpu.rt_runtime_us, or start the core in the root "
                      "group");
    }
    return pass(s, "this control group has " + *budget + " us of each period");
  }
  const std::string release = line_of(p, "/proc/sys/kernel/osrelease").value_or("");
  const std::vector<std::string> config = lines_of(p, "/boot/config-" + release);
  for (const std::string& line : config) {
    if (line == "CONFIG_RT_GROUP_SCHED=y") {
      return warn(s, "in this kernel: SCHED_FIFO works in the root control group only",
                  "boot with rt_group_sched=0 (6.15), or with a kernel without RT_GROUP_SCHED");
    }
  }
  if (!config.empty()) return pass(s, "not in this kernel");
  return unknown(s, "neither /boot/config-" + release + " nor a cpu control group can be read",
                 "zgrep RT_GROUP_SCHED /proc/config.gz");
}

Finding throttling(const Patient& p) {
  const Subject s{
      "rt_throttling", "RT throttling", 1,
      "a lane that never sleeps is stopped for 50 ms of each second; one that sleeps is "
      "not touched"};
  const auto runtime = line_of(p, "/proc/sys/kernel/sched_rt_runtime_us");
  if (!runtime) return unknown(s, "sched_rt_runtime_us cannot be read", "mount -t proc proc /proc");
  const std::string found = "sched_rt_runtime_us = " + *runtime;
  if (*runtime == "-1") return pass(s, found);
  return warn(s, found, "sysctl kernel.sched_rt_runtime_us=-1, if a lane is to poll");
}

Finding fair_server(const Patient& p) {
  const Subject s{
      "fair_server", "fair server", 1,
      "since 6.12 an ordinary thread that starves on the lane's core gets 50 ms of each "
      "second before the lane; the setting above does not end that"};
  const auto version = version_of(p);
  if (!version) return unknown(s, "the kernel's version cannot be read", "uname -r");
  if (!version->at_least(6, 12)) return pass(s, "not in this kernel");
  const std::string core = std::to_string(lane_core(p).value_or(0));
  const std::string path = "/sys/kernel/debug/sched/fair_server/cpu" + core + "/runtime";
  const auto runtime = line_of(p, path);
  if (runtime == "0") return pass(s, "off for core " + core);
  if (runtime) return warn(s, *runtime + " ns in each period", "echo 0 >" + path);
  return unknown(s, path + " cannot be read",
                 "mount -t debugfs debugfs /sys/kernel/debug, as root");
}

}  // namespace

Findings check_kernel(const Patient& p) {
  return {preemption(p),       kernel_version(p), ring(p),       fifo(p),
          group_scheduling(p), throttling(p),     fair_server(p)};
}

}  // namespace rise::cli
