// What happens when a cycle is not done in time: when the next one is released, and the ladder of
// consequences: count -> report -> bench the late driver -> degrade -> trip. Pure.
#pragma once

#include <cstdint>

namespace rise::cycle {

enum class OverrunPolicy {
  Skip,     // leave out the releases that have passed, keep the phase
  CatchUp,  // run them one after the other, at most kMaxCatchUp, then skip
  RePhase   // a full period from now on
};

struct Release {
  std::int64_t deadline_ns = 0;
  std::uint64_t skipped = 0;  // cycles that will never run
};

// When the next cycle is due, after the one released at deadline_ns that ended at now_ns.
Release next_release(OverrunPolicy policy, std::int64_t deadline_ns, std::int64_t now_ns,
                     std::int64_t period_ns, std::uint32_t* catching_up);

struct LadderSpec {
  std::uint32_t degrade_after = 10;  // overruns in a row; 0 = never
  std::uint32_t trip_after = 100;    // overruns in a row; 0 = never
  std::uint32_t recover_after =
      1000;  // good cycles in a row until the lane leaves the degraded state
};

// The lane's part of the ladder. (The driver's part is driver::Budget.)
class Ladder {
 public:
  explicit Ladder(const LadderSpec& spec) : spec_(spec) {}

  enum class Step { None, Degrade, Recover, Trip };
  // Once per cycle; late = the cycle ended after the next one was due.
  Step observe(bool late);
  [[nodiscard]] bool degraded() const { return degraded_; }
  [[nodiscard]] bool tripping() const {
    return spec_.trip_after != 0 && late_row_ >= spec_.trip_after;
  }

 private:
  LadderSpec spec_;
  std::uint32_t late_row_ = 0;
  std::uint32_t good_row_ = 0;
  bool degraded_ = false;
};

}  // namespace rise::cycle
