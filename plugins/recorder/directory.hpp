// Who and what can be recorded: the machines of a core, and their signals. A copy, so that it
// outlives the region it was read from, and can be made without one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rise_generated.h"
#include "rt_core/shm/region.hpp"

namespace rise::recorder {

struct Signal {
  std::string name;
  std::string unit;
  std::string choices;  // "0=mdi|1=memory"
  message::SignalType type = message::SignalType::Number;
  std::uint16_t number = 0;  // within the machine
  std::uint16_t page = 0;    // of the frames that carry it (not texts)
  std::uint16_t slot = 0;    // within the page
  bool operator==(const Signal&) const = default;
};

struct Machine {
  std::string name;  // "" = not known: nothing of it is recorded
  std::uint16_t pages = 0;
  std::vector<Signal> signals;
  std::vector<std::string> outputs;
  bool operator==(const Machine&) const = default;
};

struct Directory {
  std::vector<std::string> lanes;
  std::vector<Machine> machines;
  bool operator==(const Directory&) const = default;
};

Directory read_directory(const shm::Region& region);

// "number", "integer", "flag", "choice", "text".
std::string type_text(message::SignalType type);

}  // namespace rise::recorder
