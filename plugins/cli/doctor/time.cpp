// The time of day that samples are stamped with. Cycles run on the monotonic clock, which nobody
// sets.
#include <algorithm>

#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

Finding synchronisation(const Patient& p) {
  const Subject s{"time_sync", "time synchronisation", 1,
                  "samples of several machines can be compared only if their clocks agree"};
  const auto all = processes(p);
  if (!all) return unknown(s, "/proc cannot be read", "mount -t proc proc /proc");
  const auto runs = [&](const char* name) {
    return std::any_of(all->begin(), all->end(),
                       [&](const Process& process) { return process.name == name; });
  };
  std::string who;
  for (const char* name : {"ptp4l", "phc2sys", "chronyd", "ntpd"}) {
    if (runs(name)) who += (who.empty() ? "" : ", ") + std::string(name);
  }
  const bool card_clock = exists(p, "/dev/ptp0");
  const std::string install =
      card_clock ? "apt install chrony, or linuxptp: there is a PTP clock, /dev/ptp0"
                 : "apt install chrony";
  if (who.empty()) {
    if (runs("systemd-timesyn")) {  // names are cut after 15 letters
      return warn(s, "systemd-timesyncd, which sets the clock in steps", install);
    }
    return warn(s, "nobody keeps the clock", install);
  }
  // The daemon runs; whether it has found a source the kernel knows.
  if (p.clock_disciplined == false) {
    return warn(s, who + " runs, but has not synchronised the clock",
                "chronyc sources; pmc -u -b 0 "
                "'GET CURRENT_DATA_SET'");
  }
  return pass(s, who);
}

}  // namespace

Findings check_time(const Patient& p) { return {synchronisation(p)}; }

}  // namespace rise::cli
