#include "rt_core/plan/cores.hpp"

#include <algorithm>

namespace rise::plan {

namespace {

std::string not_allowed(int cpu, const std::vector<int>& allowed) {
  std::string list;
  for (const int one : allowed) list += (list.empty() ? "" : ", ") + std::to_string(one);
  return "core " + std::to_string(cpu) + " is not available to this process; allowed: " + list;
}

}  // namespace

std::vector<CoreChoice> choose_cores(const std::vector<int>& wishes,
                                     const std::vector<int>& allowed) {
  std::vector<CoreChoice> choices(wishes.size());
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    if (wishes[i] < 0) continue;
    choices[i].cpu = wishes[i];
    const auto first = std::find(wishes.begin(), wishes.end(), wishes[i]) - wishes.begin();
    if (std::find(allowed.begin(), allowed.end(), wishes[i]) == allowed.end()) {
      choices[i].fault = not_allowed(wishes[i], allowed);
    } else if (static_cast<std::size_t>(first) != i) {
      choices[i].fault = "core " + std::to_string(wishes[i]) + " is taken by lane." +
                         std::to_string(first) + " already; give each lane its own, or -2 for none";
    }
  }
  std::size_t end = allowed.size();
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    if (wishes[i] != kAnyCore) continue;
    while (end > 1 && std::find(wishes.begin(), wishes.end(), allowed[end - 1]) != wishes.end()) {
      --end;
    }
    if (end > 1) choices[i].cpu = allowed[--end];
  }
  return choices;
}

}  // namespace rise::plan
