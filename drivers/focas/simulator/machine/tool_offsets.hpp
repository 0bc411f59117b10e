// Tool offset memory: for each offset number one value per kind (radius and length, wear and
// geometry on a mill; X, Z, nose radius, tip, Y on a lathe).
#pragma once

#include <cstddef>
#include <vector>

#include "drivers/focas/simulator/spec/model.hpp"

namespace rise::cncsim {

class ToolOffsets {
 public:
  ToolOffsets(MachineType machine, int sets)
      : kinds_(machine == MachineType::Mill ? 4 : 10),
        sets_(sets),
        values_mm_(static_cast<std::size_t>(sets * kinds_)) {}

  [[nodiscard]] int sets() const { return sets_; }
  [[nodiscard]] bool exists(int number, int kind) const {
    return number >= 1 && number <= sets_ && kind >= 0 && kind < kinds_;
  }
  // The offset must exist.
  [[nodiscard]] double get(int number, int kind) const { return values_mm_[place(number, kind)]; }
  void set(int number, int kind, double mm) { values_mm_[place(number, kind)] = mm; }

 private:
  [[nodiscard]] std::size_t place(int number, int kind) const {
    return static_cast<std::size_t>((number - 1) * kinds_ + kind);
  }
  int kinds_;
  int sets_;
  std::vector<double> values_mm_;
};

}  // namespace rise::cncsim
