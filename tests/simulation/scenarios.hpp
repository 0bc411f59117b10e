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

// A new control, an old one, one with two paths; the same main program moves all. And the core for
// them; lane: more lines of its [[lane]].
std::string controls(int service_us);
std::string core_config(const std::string& lane = {});
io::NetworkFaults bad_weather(std::uint64_t* random, bool corrupting);

// replayed.cpp: what was recorded comes out the same when it is played back, byte by byte.
void replayed(std::uint64_t seed, const std::string& folder, Faults* faults);

// sensors.cpp: what bad weather does to datagrams is accounted for, to the last one.
void sensors(std::uint64_t seed, const std::string& folder, Faults* faults);

// All scenarios, ended by one without a name.
extern const Scenario kScenarios[];

}  // namespace rise::simulation
