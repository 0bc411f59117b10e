#include "rt_core/cycle/overrun.hpp"

namespace rise::cycle {

namespace {
constexpr std::uint32_t kMaxCatchUp = 8;
}

Release next_release(OverrunPolicy policy, std::int64_t deadline_ns, std::int64_t now_ns,
                     std::int64_t period_ns, std::uint32_t* catching_up) {
  const std::int64_t next = deadline_ns + period_ns;
  if (now_ns <= next) {
    *catching_up = 0;
    return {next, 0};
  }
  if (policy == OverrunPolicy::CatchUp && *catching_up < kMaxCatchUp) {
    ++*catching_up;
    return {next, 0};
  }
  *catching_up = 0;
  const auto missed = static_cast<std::uint64_t>((now_ns - next) / period_ns) + 1;
  if (policy == OverrunPolicy::RePhase) return {now_ns + period_ns, missed};
  return {next + static_cast<std::int64_t>(missed) * period_ns, missed};
}

Ladder::Step Ladder::observe(bool late) {
  if (!late) {
    late_row_ = 0;
    if (!degraded_) return Step::None;
    if (++good_row_ < spec_.recover_after) return Step::None;
    degraded_ = false;
    return Step::Recover;
  }
  good_row_ = 0;
  ++late_row_;
  if (spec_.trip_after != 0 && late_row_ == spec_.trip_after) return Step::Trip;
  if (spec_.degrade_after != 0 && late_row_ >= spec_.degrade_after && !degraded_) {
    degraded_ = true;
    return Step::Degrade;
  }
  return Step::None;
}

}  // namespace rise::cycle
