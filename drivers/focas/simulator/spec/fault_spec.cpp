#include "drivers/focas/simulator/spec/fault_spec.hpp"

#include <cstddef>

namespace rise::cncsim {

namespace {

constexpr const char* kKindNames[] = {"delay",         "stall",        "reset",    "refuse_listen",
                                      "refuse_open",   "half_open",    "torn",     "garbage",
                                      "header_length", "block_length", "error",    "truncate",
                                      "repeat",        "alarm",        "emergency"};
constexpr const char* kScopeNames[] = {"data", "open", "transfer", "all"};

// -1: not among them.
template <std::size_t N>
int place_of(std::string_view name, const char* const (&names)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

bool find_fault_kind(std::string_view name, FaultKind* kind) {
  const int place = place_of(name, kKindNames);
  if (place < 0) return false;
  *kind = static_cast<FaultKind>(place);
  return true;
}

const char* fault_kind_name(FaultKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

bool find_fault_scope(std::string_view name, FaultScope* scope) {
  const int place = place_of(name, kScopeNames);
  if (place < 0) return false;
  *scope = static_cast<FaultScope>(place);
  return true;
}

const char* fault_scope_name(FaultScope scope) {
  return kScopeNames[static_cast<std::size_t>(scope)];
}

}  // namespace rise::cncsim
