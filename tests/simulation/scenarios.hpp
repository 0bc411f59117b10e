// What is played, and what must hold. Each scenario takes a seed and says what went wrong.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/plant.hpp"

namespace rise::simulation {

struct Scenario {
  const char* name;
  int seeds;  // in a test run
  void (*play)(std::uint64_t seed, const std::string& folder, Faults* faults);
};

// All scenarios, ended by one without a name.
extern const Scenario kScenarios[];

}  // namespace rise::simulation
