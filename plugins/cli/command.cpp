#include "plugins/cli/command.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/read_cell.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

namespace {

using message::CommandKind;
using message::Outcome;

constexpr int kNoCore = 3;

// The number of the machine, or of all; -1: there is none of that name.
int find_machine(const shm::Region& region, const std::string& name) {
  if (name.empty() || name == "all") return shm::kWholeLane;
  const auto machines = region.table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    if (message::get_text(machines[i].name()) == name) return static_cast<int>(i);
  }
  std::fprintf(stderr, "rise: there is no machine \"%s\"; there are:", name.c_str());
  for (const message::MachineEntry& machine : machines) {
    std::fprintf(stderr, " %s", std::string(message::get_text(machine.name())).c_str());
  }
  std::fprintf(stderr, "\n");
  return -1;
}

int find_output(const shm::Region& region, int machine, const std::string& name) {
  for (const message::OutputEntry& output :
       region.table<message::OutputEntry>(shm::SectionKind::Outputs)) {
    if (output.machine() == machine && message::get_text(output.name()) == name)
      return output.number();
  }
  std::fprintf(stderr,
               "rise: the machine has no output \"%s\" in the config; it has:", name.c_str());
  for (const message::OutputEntry& output :
       region.table<message::OutputEntry>(shm::SectionKind::Outputs)) {
    if (output.machine() != machine) continue;
    std::fprintf(stderr, " %s", std::string(message::get_text(output.name())).c_str());
  }
  std::fprintf(stderr, "\n");
  return -1;
}

// More is to come for this command of this machine.
bool pending(CommandKind kind, Outcome outcome) {
  return outcome == Outcome::Accepted &&
         (kind == CommandKind::SetOutput || kind == CommandKind::FeedHold);
}

constexpr auto kSafeLimit = std::chrono::milliseconds(1000);

message::MachineState state_of(const shm::Region& region, std::size_t machine) {
  message::MachineState state;
  shm::read_cell(region, shm::SectionKind::States, machine, &state);
  return state;
}

// The core has made it safe, and the control has confirmed it.
bool is_safe(const message::MachineState& state) {
  return state.safety() == message::SafetyState::Tripped && state.safe_confirmed() == 1;
}

// The next core of the name begins with the stop word that this one has left.
int core_is_dead(bool clear) {
  std::fprintf(stderr,
               clear
                   ? "rise: the core is dead; its next start does not find the stop word any more\n"
                   : "rise: the core is dead, nothing was stopped; use the hardware stop\n"
                     "rise: the stop word is set: the next start of this core trips at once, "
                     "until `rise stop --clear`\n");
  return kNoCore;
}

void tell_states(const shm::Region& region) {
  const auto machines = region.table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const message::MachineState state = state_of(region, i);
    const std::string name(message::get_text(machines[i].name()));
    const char* said = "";
    if (state.safety() != message::SafetyState::Tripped) {
      said = ", NOT tripped";
    } else if (state.safe_confirmed() == 1) {
      said = ", safe outputs confirmed";
    } else {
      said = state.safe_confirmed() == 0 ? ", safe outputs NOT confirmed yet"
                                         : ", safe outputs NOT confirmed: the control did not "
                                           "take them";
    }
    std::printf("%-12s %s%s\n", name.c_str(), message::EnumNameSafetyState(state.safety()), said);
  }
}

}  // namespace

std::string approver() {
  const char* user = std::getenv("USER");
  return std::string("cli:") + (user != nullptr ? user : std::to_string(::getuid()));
}

int command(const CommandOptions& options) {
  auto region = shm::attach(options.region, shm::Access::ReadWrite);
  if (!region || !region->core_alive()) {
    std::fprintf(stderr, "rise: %s\n", region ? "the core is dead" : region.error().c_str());
    return kNoCore;
  }
  const int machine = find_machine(*region, options.machine);
  if (machine < 0) return 1;
  shm::CommandRequest request;
  request.kind = options.kind;
  request.machine = static_cast<std::uint16_t>(machine);
  request.value = options.value;
  request.approval =
      options.provisional ? message::Approval::Provisional : message::Approval::Approved;
  request.ttl_ns = static_cast<std::uint64_t>(options.ttl_ms) * 1'000'000u;
  request.approver = approver();
  if (options.kind == CommandKind::SetOutput) {
    const int output = find_output(*region, machine, options.output);
    if (output < 0) return 1;
    request.output = static_cast<std::uint16_t>(output);
  }
  auto reader = shm::Reader::open(*region, "", shm::Start::Newest);
  if (!reader) {
    std::fprintf(stderr, "rise: %s\n", reader.error().c_str());
    return kNoCore;
  }
  const auto machines = region->table<message::MachineEntry>(shm::SectionKind::Machines);
  shm::Commander commander(*region);
  std::map<std::uint64_t, int> expected;  // sequence -> answers to come
  for (std::uint32_t lane = 0; lane < region->lane_count(); ++lane) {
    int answers = 0;
    for (std::size_t i = 0; i < machines.size(); ++i) {
      const bool meant = machine == shm::kWholeLane || static_cast<int>(i) == machine;
      if (machines[i].lane() == lane && meant) ++answers;
    }
    if (answers == 0) continue;
    const std::uint64_t sequence = commander.send(lane, request);
    if (sequence == 0) {
      std::fprintf(stderr, "rise: the command ring of lane %u is full\n", lane);
      return 1;
    }
    expected[sequence] = answers;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.wait_ms);
  bool good = true;
  while (!expected.empty() && std::chrono::steady_clock::now() < until) {
    message::CommandResult result;
    if (!reader->next(&result)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    const auto found = expected.find(result.sequence());
    if (found == expected.end()) continue;
    const std::string who = result.machine() < machines.size()
                                ? std::string(message::get_text(machines[result.machine()].name()))
                                : "all";
    std::printf("%-12s %s\n", who.c_str(), message::result_text(result).c_str());
    if (pending(result.kind(), result.outcome())) continue;
    good = good && (result.outcome() == Outcome::Accepted || result.outcome() == Outcome::Applied);
    if (--found->second == 0) expected.erase(found);
  }
  if (!expected.empty()) std::fprintf(stderr, "rise: no answer within %d ms\n", options.wait_ms);
  return good && expected.empty() ? 0 : 1;
}

int stop(const std::string& name, bool clear) {
  auto region = shm::attach(name, shm::Access::ReadWrite);
  if (!region) {
    std::fprintf(stderr, "rise: %s\n", region.error().c_str());
    if (!clear) std::fprintf(stderr, "rise: nothing was stopped; use the hardware stop\n");
    return kNoCore;
  }
  // The word first, the questions after: no time is to be lost. What it says to a dead core, the
  // next one of its name takes over.
  shm::Commander(*region).set_stop_word(clear ? 0 : 1);
  if (!region->core_alive()) return core_is_dead(clear);
  if (clear) {
    std::printf("stop word taken back; tripped machines wait for `rise reset`\n");
    return 0;
  }
  std::printf("stop word set: every machine trips in the next cycle\n");
  std::fflush(stdout);
  const std::size_t machines =
      region->table<message::MachineEntry>(shm::SectionKind::Machines).size();
  const auto until = std::chrono::steady_clock::now() + kSafeLimit;
  std::size_t safe = 0;
  while (true) {
    safe = 0;
    for (std::size_t i = 0; i < machines; ++i) safe += is_safe(state_of(*region, i)) ? 1u : 0u;
    if (safe == machines || std::chrono::steady_clock::now() > until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  // Before the states are told: of a core that has died meanwhile they are the last, not the
  // latest.
  if (!region->core_alive()) return core_is_dead(clear);
  tell_states(*region);
  if (safe == machines) return 0;
  std::fprintf(stderr, "rise: %zu of %zu machines not confirmed safe; use the hardware stop\n",
               machines - safe, machines);
  return 1;
}

}  // namespace rise::cli
