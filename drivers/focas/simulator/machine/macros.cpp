#include "drivers/focas/simulator/machine/macros.hpp"

#include <limits>

namespace rise::cncsim {

Macros::Macros() {
  values_.fill(std::numeric_limits<double>::quiet_NaN());
  for (int number = kFirstKept; number < kFirstKept + 500; ++number) set(number, 0);
}

bool Macros::exists(int number) {
  return (number >= 1 && number <= kLocals) ||
         (number >= kFirstVolatile && number < kFirstVolatile + 100) ||
         (number >= kFirstKept && number < kFirstKept + 500);
}

std::size_t Macros::place_of(int number) {
  if (number < kFirstVolatile) return static_cast<std::size_t>(number - 1);
  if (number < kFirstKept) return static_cast<std::size_t>(kLocals + number - kFirstVolatile);
  return static_cast<std::size_t>(kLocals + 100 + number - kFirstKept);
}

}  // namespace rise::cncsim
