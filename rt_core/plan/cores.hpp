// Which core each lane gets. Two lanes on one core would each be late by the other's cycle.
#pragma once

#include <string>
#include <vector>

namespace rise::plan {

inline constexpr int kAnyCore = -1;  // a wish: the planner chooses
inline constexpr int kNoCore = -2;   // a wish: not pinned

struct CoreChoice {
  int cpu = -1;       // -1: not pinned
  std::string fault;  // the wish cannot be granted, and why
};

// wishes: of each lane, a core's number or one of the above. allowed: the cores of this process,
// rising. Lanes without a wish get the last ones that nobody has named, and never the first: that
// one is for everybody else.
std::vector<CoreChoice> choose_cores(const std::vector<int>& wishes,
                                     const std::vector<int>& allowed);

}  // namespace rise::plan
