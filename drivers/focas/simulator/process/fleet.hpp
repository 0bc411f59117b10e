// All controls of one cncsim process, each with its sessions and the place where it listens.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/simulator/protocol/sessions.hpp"
#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

struct Machine {
  explicit Machine(const MachineSpec& machine)
      : spec(machine), control(machine.control), sessions(control, machine.session) {}

  MachineSpec spec;
  Control control;
  Sessions sessions;
};

using Fleet = std::vector<std::unique_ptr<Machine>>;

inline Fleet make_fleet(const std::vector<MachineSpec>& specs) {
  Fleet fleet;
  for (const MachineSpec& spec : specs) fleet.push_back(std::make_unique<Machine>(spec));
  return fleet;
}

// nullptr: no control of this name.
inline Machine* find_machine(const Fleet& fleet, std::string_view name) {
  for (const auto& machine : fleet) {
    if (machine->spec.control.name == name) return machine.get();
  }
  return nullptr;
}

}  // namespace rise::cncsim
