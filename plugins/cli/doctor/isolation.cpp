// Whether a core is left to the lane: by the scheduler, the tick, and the kernel's clean-up.
#include "plugins/cli/doctor/best_core.hpp"
#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

// "3", or the "N" of manuals.
std::string name_of(const std::optional<int>& cpu) { return cpu ? std::to_string(*cpu) : "N"; }

bool covers(const std::string& list, const std::optional<int>& cpu) {
  return cpu && contains(cpu_list(list, *cpu), *cpu);
}

Finding cores(const Patient& p) {
  const Subject s{"cores", "cores", 3,
                  "each lane wants a core of its own, and the rest of the system at least one",
                  true};
  const int online = static_cast<int>(online_cpus(p).size());
  // Isolated cores are in nobody's default affinity, but a lane may ask for one.
  const int count = std::max(p.cpus.value_or(0), online);
  if (count == 0) return unknown(s, "it cannot be read which are online", "nproc --all");
  const std::string found = std::to_string(count) + (count == 1 ? " core" : " cores");
  if (count < 2) return fail(s, found, "use a machine with two or more cores");
  const auto best = lane_core(p);
  return pass(s, found + (best ? "; best for a lane: core " + std::to_string(*best) : ""));
}

Finding isolated(const Patient& p) {
  const Subject s{"isolcpus", "isolated cores", 3,
                  "the scheduler keeps everybody else's work off an isolated core"};
  const auto list = line_of(p, "/sys/devices/system/cpu/isolated");
  const auto lane = lane_core(p);
  const std::string remedy =
      "boot with isolcpus=managed_irq,domain," + name_of(lane) + " (rt-tune --persist)";
  if (!list) {
    return unknown(s, "/sys/devices/system/cpu/isolated cannot be read",
                   "mount -t sysfs sysfs "
                   "/sys");
  }
  if (list->empty()) return warn(s, "no core is isolated", remedy);
  if (covers(*list, lane)) return pass(s, "isolated: " + *list);
  return warn(s, "isolated: " + *list + ", not core " + name_of(lane), remedy);
}

Finding tick(const Patient& p) {
  const Subject s{"nohz_full", "timer tick", 1,
                  "the tick interrupts the lane up to 1000 times a second, for a few microseconds "
                  "each"};
  const auto full = tickless_cores(p);
  const auto lane = lane_core(p);
  const std::string remedy = "boot with nohz_full=" + name_of(lane) + " (rt-tune --persist)";
  if (!full) return unknown(s, "/proc/cmdline cannot be read", "mount -t proc proc /proc");
  if (covers(*full, lane)) return pass(s, "tickless: " + *full);
  return warn(s,
              full->empty() ? "every core has the periodic tick"
                            : "tickless: " + *full + ", not core " + name_of(lane),
              remedy);
}

Finding callbacks(const Patient& p) {
  const Subject s{"rcu_nocbs", "RCU callbacks", 1,
                  "deferred clean-up of the kernel otherwise runs on the lane's core"};
  const auto lane = lane_core(p);
  if (!line_of(p, "/proc/cmdline")) {
    return unknown(s, "/proc/cmdline cannot be read", "mount -t proc proc /proc");
  }
  // nohz_full implies it.
  if (covers(boot_option(p, "rcu_nocbs").value_or(""), lane) ||
      covers(tickless_cores(p).value_or(""), lane)) {
    return pass(s, "moved off core " + name_of(lane));
  }
  return warn(s, "may run on core " + name_of(lane),
              "boot with rcu_nocbs=" + name_of(lane) + " (rt-tune --persist)");
}

Finding watchdog(const Patient& p) {
  const Subject s{"nmi_watchdog", "NMI watchdog", 1,
                  "it interrupts every core, whatever runs there, and nothing can hold it off"};
  const auto on = line_of(p, "/proc/sys/kernel/nmi_watchdog");
  if (on == "0") return pass(s, "off");
  if (on) return warn(s, "on", "sysctl kernel.nmi_watchdog=0");
  if (exists(p, "/proc/sys/kernel")) return pass(s, "not in this kernel");
  return unknown(s, "/proc/sys/kernel cannot be read", "mount -t proc proc /proc");
}

}  // namespace

Findings check_isolation(const Patient& p) {
  return {cores(p), isolated(p), tick(p), callbacks(p), watchdog(p)};
}

}  // namespace rise::cli
