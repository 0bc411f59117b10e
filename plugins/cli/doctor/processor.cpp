// The processor: its speed, sleep, siblings, clock, cache, and what its firmware does behind us.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "plugins/cli/doctor/best_core.hpp"
#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

const char* const kMountSys = "mount -t sysfs sysfs /sys";

Finding governor(const Patient& p) {
  const Subject s{"governor", "frequency governor", 2,
                  "a core that has slowed down takes tens of microseconds to speed up again"};
  const std::vector<int> online = online_cpus(p);
  if (online.empty()) return unknown(s, "it cannot be read which cores are online", kMountSys);
  int scaled = 0;
  std::string slow;
  std::string name;
  for (const int cpu : online) {
    const auto chosen_one = line_of(p, cpu_folder(cpu) + "/cpufreq/scaling_governor");
    if (!chosen_one) continue;
    ++scaled;
    if (*chosen_one == "performance") continue;
    slow += (slow.empty() ? "" : ",") + std::to_string(cpu);
    name = *chosen_one;
  }
  if (scaled == 0) return pass(s, "no frequency scaling");
  if (slow.empty()) return pass(s, "performance");
  return warn(s, name + " on core " + slow, "cpupower frequency-set -g performance");
}

Finding idle_states(const Patient& p) {
  const Subject s{"idle_states", "idle states", 2,
                  "waking from a deep idle state takes up to hundreds of microseconds"};
  if (!exists(p, "/dev")) return unknown(s, "/dev cannot be read", "mount -t devtmpfs dev /dev");
  int deepest_us = 0;
  std::string deepest;
  const std::string folder = cpu_folder(lane_core(p).value_or(0)) + "/cpuidle";
  for (const std::string& state : names_in(p, folder).value_or(std::vector<std::string>{})) {
    const std::string path = folder + "/" + state;
    const int latency_us = std::atoi(line_of(p, path + "/latency").value_or("").c_str());
    if (latency_us < deepest_us || line_of(p, path + "/disable") == "1") continue;
    deepest_us = latency_us;
    deepest = line_of(p, path + "/name").value_or(state);
  }
  const bool device = exists(p, "/dev/cpu_dma_latency");
  Finding f = device ? pass(s, "/dev/cpu_dma_latency is there, the core holds it at 0")
                     : warn(s, "/dev/cpu_dma_latency is missing",
                            "boot with intel_idle.max_cstate=1 processor.max_cstate=1");
  if (!deepest.empty()) {
    f.effect = std::to_string(deepest_us) + " us to wake from " + deepest +
               (device ? " while no core runs" : "");
  }
  return f;
}

Finding siblings(const Patient& p) {
  const Subject s{"smt", "SMT siblings", 2,
                  "the other thread of the lane's core takes its caches and execution units"};
  const auto lane = lane_core(p);
  const auto others = lane ? siblings_of(p, *lane) : std::nullopt;
  if (!others) {
    const auto active = line_of(p, "/sys/devices/system/cpu/smt/active");
    if (active == "0") return pass(s, "no shared cores");
    return unknown(s, "the siblings of the lane's core cannot be read", "lscpu --extended");
  }
  if (others->empty()) return pass(s, "core " + std::to_string(*lane) + " is not shared");
  const std::string list = as_text(*others);
  const std::vector<int> isolated =
      cpu_list(line_of(p, "/sys/devices/system/cpu/isolated").value_or(""), 0);
  bool idle = true;
  for (const int other : *others) idle = idle && contains(isolated, other);
  if (idle)
    return pass(s, "shared with core " + list + ", which is isolated as well; leave it idle");
  return warn(s, "core " + std::to_string(*lane) + " is shared with core " + list,
              "echo 0 > " + cpu_folder(others->front()) + "/online, or boot with nosmt");
}

Finding clock_source(const Patient& p) {
  const Subject s{"clocksource", "clock source", 2,
                  "hpet and acpi_pm cost a microsecond or more for each look at the clock"};
  const auto name = line_of(p, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!name || name->empty()) return unknown(s, "it cannot be read", kMountSys);
  const bool quick = *name == "tsc" || *name == "arch_sys_counter" || *name == "kvm-clock" ||
                     *name == "hyperv_clocksource_tsc_page";
  Finding f = quick
                  ? pass(s, *name)
                  : fail(s, *name, "boot with tsc=reliable, if the hardware's counter is constant");
  if (p.clock_read_ns) {
    char text[64];
    std::snprintf(text, sizeof text, "%.0f ns for each look at the clock", *p.clock_read_ns);
    f.effect = text;
  }
  return f;
}

Finding cache(const Patient& p) {
  const Subject s{"resctrl", "cache partition", 1,
                  "programs on other cores push the lane's data out of the cache they share"};
  std::string flags;
  for (const std::string& line : lines_of(p, "/proc/cpuinfo")) {
    if (line.starts_with("flags") || line.starts_with("Features")) flags = line;
    if (!flags.empty()) break;
  }
  if (flags.empty()) return unknown(s, "/proc/cpuinfo cannot be read", "mount -t proc proc /proc");
  const bool able = has_word(flags, "cat_l3") || has_word(flags, "cat_l2");
  if (!able) {
    return warn(s, "this processor cannot partition its cache",
                "keep programs with much memory traffic off this machine");
  }
  if (!exists(p, "/sys/fs/resctrl/schemata")) {
    return warn(s, "possible, not in use",
                "mount -t resctrl resctrl /sys/fs/resctrl; mkdir /sys/fs/resctrl/rise; put the "
                "lane's core in its cpus_list and ways of its own in its schemata");
  }
  for (const std::string& name :
       names_in(p, "/sys/fs/resctrl").value_or(std::vector<std::string>{})) {
    if (exists(p, "/sys/fs/resctrl/" + name + "/schemata")) return pass(s, "in use: " + name);
  }
  return warn(
      s, "mounted, but there is one group only",
      "mkdir /sys/fs/resctrl/rise; put the lane's core in its cpus_list and ways of its own "
      "in its schemata");
}

// MSR_SMI_COUNT of Intel's processors (Software Developer's Manual, volume 4): since reset.
constexpr off_t kSmiCount = 0x34;

Finding firmware(const Patient& p) {
  const Subject s{"smi", "firmware interrupts", 2,
                  "an SMI stops all cores for as long as the firmware likes, unseen by the kernel"};
  const char* const other_ways =
      "modprobe msr and run as root (Intel); elsewhere measure: rtla hwnoise, or hwlatdetect";
  const std::string path = p.root + "/dev/cpu/" + std::to_string(lane_core(p).value_or(0)) + "/msr";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unknown(s, "their count cannot be read", other_ways);
  std::uint64_t count = 0;
  const bool got = ::pread(fd, &count, sizeof count, kSmiCount) == sizeof count;
  ::close(fd);
  if (!got) return unknown(s, "this processor does not count them", other_ways);
  if (count == 0) return pass(s, "none since the reset");
  Finding f =
      warn(s, std::to_string(count & 0xffffffffu) + " since the reset",
           "in the firmware's set-up: legacy USB, power capping and fan control by SMI off");
  const double up_s = std::atof(line_of(p, "/proc/uptime").value_or("").c_str());
  if (up_s > 0) {
    char text[64];
    std::snprintf(text, sizeof text, "%.2f an hour",
                  static_cast<double>(count & 0xffffffffu) * 3600 / up_s);
    f.effect = text;
  }
  return f;
}

Finding wake_up(const Patient& p) {
  const Subject s{
      "wake_up", "lateness", 3,
      "it is what all of the above is for; published bars: LinuxCNC 20 us for software "
      "stepping and 50 us as usable, RHEL for Real Time 40 us over 12 hours, by OSADL's "
      "method: hours, under load, the worst counts"};
  const char* const how =
      "rise doctor --measure 60 while no lane runs; to claim a bar: cyclictest for hours under "
      "load";
  if (!p.wake_up) return unknown(s, "it was not measured", how);
  const WakeUp& w = *p.wake_up;
  char text[128];
  std::snprintf(text, sizeof text, "average %.1f, worst %.1f us in %d s%s", w.average_us,
                w.worst_us, w.seconds, w.fifo ? "" : ", without SCHED_FIFO");
  const char* const remedy = "mend what is listed above, first what has failed; then again";
  Finding f = w.worst_us <= kBarRedHat_us   ? pass(s, text)
              : w.worst_us <= kBarUsable_us ? warn(s, text, remedy)
                                            : fail(s, text, remedy);
  f.effect = std::to_string(w.interrupts) + " interrupts on the core meanwhile";
  return f;
}

}  // namespace

Findings check_processor(const Patient& p) {
  return {governor(p), idle_states(p), siblings(p), clock_source(p),
          cache(p),    firmware(p),    wake_up(p)};
}

}  // namespace rise::cli
