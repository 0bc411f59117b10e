// The macro variables that a path stores. System variables and the live values of the machine are
// made up when they are read: variables.hpp.
#pragma once

#include <array>
#include <cstddef>

namespace rise::cncsim {

class Macros {
 public:
  static constexpr int kLocals = 33;          // #1 .. #33
  static constexpr int kFirstVolatile = 100;  // #100 .. #199: empty at power on
  static constexpr int kFirstKept = 500;      // #500 .. #999

  Macros();
  [[nodiscard]] static bool exists(int number);
  // NaN: empty ("null"). The variable must exist.
  [[nodiscard]] double get(int number) const { return values_[place_of(number)]; }
  void set(int number, double value) { values_[place_of(number)] = value; }

 private:
  static constexpr std::size_t kCount = 33 + 100 + 500;
  static std::size_t place_of(int number);
  std::array<double, kCount> values_;
};

}  // namespace rise::cncsim
