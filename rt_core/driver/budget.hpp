// Whether a driver keeps its time budget. A single late step may be the machine's fault (an
// interrupt, a hypervisor); many among the last thousand are the driver's. Pure.
#pragma once

#include <cstdint>

namespace rise::driver {

struct BudgetSpec {
  std::int64_t budget_ns = 200'000;  // for all calls into the driver within one cycle
  std::uint32_t bench_after = 20;    // late cycles within the window; 0 = never
};

class Budget {
 public:
  static constexpr std::uint32_t kWindowCycles = 1000;

  explicit Budget(const BudgetSpec& spec) : spec_(spec) {}

  enum class Verdict { InTime, Late, Bench };
  // Once per cycle.
  Verdict observe(std::int64_t spent_ns) {
    if (++cycles_ >= kWindowCycles) {
      cycles_ = 0;
      late_ = 0;
    }
    if (spent_ns <= spec_.budget_ns) return Verdict::InTime;
    ++late_;
    return spec_.bench_after != 0 && late_ >= spec_.bench_after ? Verdict::Bench : Verdict::Late;
  }
  [[nodiscard]] std::int64_t budget_ns() const { return spec_.budget_ns; }

 private:
  BudgetSpec spec_;
  std::uint32_t cycles_ = 0;
  std::uint32_t late_ = 0;
};

}  // namespace rise::driver
