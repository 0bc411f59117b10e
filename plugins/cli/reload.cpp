#include "plugins/cli/reload.hpp"

#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "plugins/cli/command.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::cli {

namespace {

constexpr int kNoCore = 3;
// Loading, an orderly good-bye of the old driver, and some patience with a busy machine.
constexpr auto kLimit = std::chrono::seconds(10);

std::set<std::uint16_t> users_of(const shm::Region& region, const std::string& name) {
  std::set<std::uint16_t> users;
  const auto machines = region.table<message::MachineEntry>(shm::SectionKind::Machines);
  for (std::size_t i = 0; i < machines.size(); ++i) {
    if (message::get_text(machines[i].driver()) == name ||
        message::get_text(machines[i].name()) == name) {
      users.insert(static_cast<std::uint16_t>(i));
    }
  }
  return users;
}

// The machine is on its way again with the driver that it was to get.
bool is_success(const message::MachineEvent& event) {
  return event.kind() == message::EventKind::DriverState &&
         event.code() == static_cast<std::int32_t>(message::DriverState::Running);
}

bool is_failure(const message::MachineEvent& event) {
  return (event.kind() == message::EventKind::Notice && event.code() < 0) ||
         (event.kind() == message::EventKind::DriverState &&
          event.code() == static_cast<std::int32_t>(message::DriverState::Benched));
}

}  // namespace

int reload(const std::string& region_name, const std::string& name) {
  auto region = shm::attach(region_name, shm::Access::ReadWrite);
  if (!region || !region->core_alive()) {
    std::fprintf(stderr, "rise: %s\n", region ? "the core is dead" : region.error().c_str());
    return kNoCore;
  }
  std::set<std::uint16_t> waiting = users_of(*region, name);
  if (waiting.empty()) {
    std::fprintf(stderr, "rise: no machine of this core uses a driver \"%s\", none is named so\n",
                 name.c_str());
    return 1;
  }
  auto reader = shm::Reader::open(*region, "", shm::Start::Newest);
  if (!reader) {
    std::fprintf(stderr, "rise: %s\n", reader.error().c_str());
    return kNoCore;
  }
  const auto machines = region->table<message::MachineEntry>(shm::SectionKind::Machines);
  shm::Commander commander(*region);
  for (const std::uint16_t machine : waiting) {
    shm::CommandRequest request;
    request.kind = message::CommandKind::Reload;
    request.machine = machine;
    request.ttl_ns = 1'000'000'000;
    request.approver = approver();
    if (commander.send(machines[machine].lane(), request) == 0) {
      std::fprintf(stderr, "rise: the command ring is full\n");
      return 1;
    }
  }
  bool good = true;
  const auto tell = [&](std::uint16_t machine, bool success, const std::string& text) {
    std::printf("%s: %s\n", std::string(message::get_text(machines[machine].name())).c_str(),
                text.c_str());
    good = good && success;
    waiting.erase(machine);
  };
  const auto until = std::chrono::steady_clock::now() + kLimit;
  while (!waiting.empty() && std::chrono::steady_clock::now() < until) {
    message::MachineEvent event;
    message::CommandResult result;
    if (reader->next(&event)) {
      if (!waiting.contains(event.machine())) continue;
      if (is_success(event)) tell(event.machine(), true, "reloaded");
      if (is_failure(event)) tell(event.machine(), false, message::event_text(event));
    } else if (reader->next(&result)) {
      if (result.kind() == message::CommandKind::Reload && waiting.contains(result.machine()) &&
          result.outcome() != message::Outcome::Accepted) {
        tell(result.machine(), false, "not reloaded: " + message::result_text(result));
      }
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  for (const std::uint16_t machine : std::set<std::uint16_t>(waiting)) {
    tell(machine, false, "not reloaded: no answer in time");
  }
  return good ? 0 : 1;
}

}  // namespace rise::cli
