#include "rt_core/guard/system_calls.hpp"

#include <cstddef>

namespace rise::guard {

namespace {

struct Row {
  int number;
  const char* name;
};
constexpr Row kRows[] = {
#include "system_calls.inc"
};

}  // namespace

const char* system_call_name(int number) {
  for (const Row& row : kRows) {
    if (row.number == number) return row.name;
  }
  return "?";
}

}  // namespace rise::guard
