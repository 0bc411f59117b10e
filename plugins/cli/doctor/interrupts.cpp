// Interrupts: where they go, who moves them, and which threads serve them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "plugins/cli/doctor/best_core.hpp"
#include "plugins/cli/doctor/checks.hpp"
#include "plugins/cli/doctor/look.hpp"

namespace rise::cli {

namespace {

const char* const kMountProc = "mount -t proc proc /proc";
// A lane's priority by default ([[lane]] priority).
constexpr int kLanePriority = 80;

Finding affinity(const Patient& p) {
  const Subject s{"irqaffinity", "new interrupts", 2,
                  "a device's interrupt on the lane's core delays the lane"};
  const auto lane = lane_core(p);
  const auto mask = line_of(p, "/proc/irq/default_smp_affinity");
  const auto option = boot_option(p, "irqaffinity");
  if (!lane || (!mask && !option)) {
    return unknown(s, "/proc/irq/default_smp_affinity cannot be read", kMountProc);
  }
  const bool kept_off = mask ? !mask_has(*mask, *lane) : !contains(cpu_list(*option, *lane), *lane);
  if (kept_off) return pass(s, "stay off core " + std::to_string(*lane));
  return warn(s, "may go to core " + std::to_string(*lane),
              "boot with irqaffinity=0 (rt-tune --persist), and stop irqbalance");
}

// One line of /proc/interrupts: "41:  10777  0  PCI-MSIX-0000:00:04.0  1-edge  virtio3-rx".
struct Interrupt {
  std::string number;
  std::string name;
  std::uint64_t on_core = 0;
};

std::vector<Interrupt> interrupts_of(const Patient& p, int cpu) {
  const std::vector<std::string> lines = lines_of(p, "/proc/interrupts");
  if (lines.empty()) return {};
  const std::vector<std::string> heading = words_of(lines[0]);
  const auto at = std::find(heading.begin(), heading.end(), "CPU" + std::to_string(cpu));
  if (at == heading.end()) return {};
  const std::size_t column = static_cast<std::size_t>(at - heading.begin()) + 1;
  std::vector<Interrupt> found;
  for (const std::string& line : lines) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() <= heading.size() || !words[0].ends_with(":")) continue;
    const std::string number = words[0].substr(0, words[0].size() - 1);
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    found.push_back({number, words.back(), std::strtoull(words[column].c_str(), nullptr, 10)});
  }
  return found;
}

Finding placement(const Patient& p) {
  const Subject s{"irq_placement", "interrupts", 2,
                  "each interrupt that is served on the lane's core costs it several microseconds"};
  const auto lane = lane_core(p);
  const auto folders = names_in(p, "/proc/irq");
  if (!lane || !folders || lines_of(p, "/proc/interrupts").empty()) {
    return unknown(s, "/proc/irq and /proc/interrupts cannot be read", kMountProc);
  }
  std::string names;
  int here = 0;
  std::uint64_t served = 0;
  for (const Interrupt& irq : interrupts_of(p, *lane)) {
    const std::string folder = "/proc/irq/" + irq.number;
    // Where it may go, and where it goes of that. One that was moved keeps the old place in the
    // second until it comes the next time; it will not come there.
    const auto allowed = line_of(p, folder + "/smp_affinity_list");
    const auto effective = line_of(p, folder + "/effective_affinity_list");
    if (!allowed && !effective) continue;
    if (allowed && !contains(cpu_list(*allowed, *lane), *lane)) continue;
    if (effective && !effective->empty() && !contains(cpu_list(*effective, *lane), *lane)) continue;
    served += irq.on_core;
    if (++here <= 4) names += (names.empty() ? "" : ", ") + irq.number + " " + irq.name;
  }
  if (here == 0) return pass(s, "none goes to core " + std::to_string(*lane));
  Finding f = warn(s,
                   std::to_string(here) + " may go to core " + std::to_string(*lane) + ": " +
                       names + (here > 4 ? ", ..." : ""),
                   "rt-tune --apply, or echo 0 > /proc/irq/NUMBER/smp_affinity_list for each");
  f.effect = std::to_string(served) + " of them served there since the start";
  return f;
}

Finding balancer(const Patient& p) {
  const Subject s{"irqbalance", "irqbalance", 1,
                  "it moves interrupts about, back to the lane's core, too"};
  const auto all = processes(p);
  if (!all) return unknown(s, "/proc cannot be read", kMountProc);
  for (const Process& process : *all) {
    if (process.name == "irqbalance") return warn(s, "runs", "systemctl disable --now irqbalance");
  }
  return pass(s, "does not run");
}

Finding irq_threads(const Patient& p) {
  const Subject s{
      "irq_threads", "interrupt threads", 2,
      "an interrupt that is no thread, or one above the lane, cannot be held off by it"};
  const auto all = processes(p);
  if (!all) return unknown(s, "/proc cannot be read", kMountProc);
  int count = 0;
  int highest = 0;
  const Process* above = nullptr;
  for (const Process& process : *all) {
    if (!process.name.starts_with("irq/")) continue;
    ++count;
    highest = std::max(highest, process.priority);
    if (process.priority >= kLanePriority) above = &process;
  }
  if (count == 0) {
    return warn(s, "interrupts are not served by threads",
                "boot a PREEMPT_RT kernel, or with threadirqs");
  }
  // Without PREEMPT_RT a few drivers have threads of their own, and the others none.
  const auto lane = lane_core(p);
  const int devices = lane ? static_cast<int>(interrupts_of(p, *lane).size()) : 0;
  if (count * 2 < devices) {
    return warn(s, std::to_string(count) + " for " + std::to_string(devices) + " interrupts",
                "boot a PREEMPT_RT kernel, or with threadirqs");
  }
  if (above != nullptr) {
    return warn(
        s, above->name + " has priority " + std::to_string(above->priority),
        "chrt -f -p 50 " + std::to_string(above->pid) + ", or a lane with a higher priority");
  }
  return pass(s, std::to_string(count) + ", highest priority " + std::to_string(highest));
}

// Measured in a PREEMPT_RT guest (6.1 and 6.12) with a FIFO-10 thread busy 3 ms of every 5: a timer
// whose sleeper is not a real-time thread in clock_nanosleep expired 3.1 ms late, a lane's 17 us;
// with ktimers at FIFO 90 all of them within 44 us.
Finding timers(const Patient& p) {
  const Subject s{"ktimers", "ktimers", 1,
                  "all timers but a lane's own sleep expire in this thread (network, io_uring): at "
                  "priority 1 they wait for every real-time thread of the core"};
  const auto all = processes(p);
  if (!all) return unknown(s, "/proc cannot be read", kMountProc);
  const auto lane = lane_core(p);
  const Process* found = nullptr;
  for (const Process& process : *all) {
    if (!process.name.starts_with("ktimers/")) continue;
    if (found == nullptr || (lane && process.name == "ktimers/" + std::to_string(*lane)))
      found = &process;
  }
  if (found == nullptr) return pass(s, "there are none; timers expire in interrupts");
  const std::string text = found->name + " has priority " + std::to_string(found->priority);
  const std::string remedy = "chrt -f -p 70 " + std::to_string(found->pid);
  if (found->priority >= kLanePriority) return warn(s, text + ", not below the lane", remedy);
  if (found->priority > 1) return pass(s, text);
  Finding f = warn(s, text, remedy);
  f.effect = "a timer 3 ms late behind a FIFO thread busy for 3 ms (measured in a guest)";
  return f;
}

}  // namespace

std::uint64_t interrupts_served(const Patient& p, int cpu) {
  std::uint64_t sum = 0;
  for (const Interrupt& irq : interrupts_of(p, cpu)) sum += irq.on_core;
  return sum;
}

Findings check_interrupts(const Patient& p) {
  return {affinity(p), placement(p), balancer(p), irq_threads(p), timers(p)};
}

}  // namespace rise::cli
