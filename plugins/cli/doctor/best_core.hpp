// Which core a lane should have.
#pragma once

#include <optional>
#include <string>

#include "plugins/cli/doctor/examine.hpp"

namespace rise::cli {

// The best core, by these in turn (scripts/rt-tune chooses by the same):
//   1. not core 0, unless there is no other: the kernel leaves its own work there
//   2. how isolated it is: isolcpus counts 4, nohz_full 2, rcu_nocbs 1
//   3. no SMT sibling in use (one that is offline or isolated as well is not)
//   4. the last of those, which is also what a lane takes by default
// Absent if it cannot be read which cores are online.
std::optional<int> best_core(const Patient& patient);
// The core that the findings are about: the given one, or the best one.
std::optional<int> lane_core(const Patient& patient);

// Cores without the periodic tick; absent if that cannot be read.
std::optional<std::string> tickless_cores(const Patient& patient);
// SMT siblings of a core that are online; absent if that cannot be read.
std::optional<std::vector<int>> siblings_of(const Patient& patient, int cpu);

}  // namespace rise::cli
