// The part of Path that executes the blocks of a program.
#include <algorithm>
#include <cmath>

#include "drivers/focas/simulator/machine/path.hpp"

namespace rise::cncsim {

namespace {

// Blocks that take no time, in one step of time: an empty endless loop must not hang the control.
constexpr int kMaxBlocksPerStep = 16;

// Directions nearer than this (as a difference of unit vectors) are run through without a stop.
constexpr double kTangent = 2e-3;

bool is_tangent(const AxisValues& a, const AxisValues& b, std::size_t axes) {
  for (std::size_t i = 0; i < axes; ++i) {
    if (std::fabs(a[i] - b[i]) > kTangent) return false;
  }
  return true;
}

}  // namespace

void Path::execute(double dt_s) {
  double left = dt_s;
  int blocks = 0;
  while (true) {
    // Between two blocks that are run through the axes have speed, but no way yet: go on.
    const bool rolling = !mover_.active() && mover_.speed_mm_s() > 0;
    if (left <= 0 && !rolling) return;
    if (!active_) {
      if (!rolling && (run_ != Run::Start || ++blocks > kMaxBlocksPerStep)) return;
      if (!take_step()) return;
    }
    left = run_phase(left);
  }
}

bool Path::take_step() {
  if (ahead_valid_) {
    std::swap(current_, ahead_);
    ahead_valid_ = false;
  } else {
    interpreter_.next(switches_.block_skip, &current_);
  }
  if (current_.failed) {
    alarms_.raise(current_.alarm);
    stop_program();  // current_ stays, and with it the text and sequence number on display
    run_ = Run::Stop;
    failed_ = true;
    return false;
  }
  ++block_count_;
  active_ = true;
  phase_ = Phase::Codes;
  segment_index_ = 0;
  dwell_left_s_ = current_.dwell_s;
  codes_left_s_ = 0;
  if (current_.has_codes()) apply_codes();
  blend_mm_s_ = 0;
  if (current_.is_pure_feed() && current_.modal.active(ModalGroup::Exact) == 640) look_ahead();
  return true;
}

void Path::look_ahead() {
  interpreter_.next(switches_.block_skip, &ahead_);
  ahead_valid_ = true;
  if (!ahead_.is_pure_feed()) return;
  const Segment& here = current_.segments[0];
  const Segment& then = ahead_.segments[0];
  if (!is_tangent(here.direction_at(here.length_mm), then.direction_at(0), here.axes)) return;
  // Whatever comes after the next block, it must be possible to stop at its end.
  const MotionLimits next = limits_for(then);
  blend_mm_s_ = std::min({limits_for(here).speed_mm_s, next.speed_mm_s,
                          std::sqrt(2 * next.acceleration_mm_s2 * then.length_mm)});
}

void Path::apply_codes() {
  codes_left_s_ = current_.tool_changed ? control_.tool_change_s : control_.m_time_s;
  if (!spindles_.empty()) {
    Spindle& spindle = spindles_[0];
    if (current_.speed_changed && current_.modal.active(ModalGroup::Speed) == 970) {
      spindle.set_speed(current_.modal.spindle);
    }
    for (std::size_t i = 0; i < current_.m_count; ++i) {
      if (current_.m_codes[i] == 3) spindle.turn(1);
      if (current_.m_codes[i] == 4) spindle.turn(-1);
      if (current_.m_codes[i] == 5) spindle.turn(0);
    }
  }
  const bool turret = control_.machine == MachineType::Lathe && current_.tool_called;
  if (!current_.tool_changed && !turret) return;
  tool_ = current_.modal.tool;
  cutting_.change_tool(tool_);
}

// Spends time on the phase; -> what is left of it. 0 also if the path has to wait.
double Path::run_phase(double left_s) {
  switch (phase_) {
    case Phase::Codes: {
      const double used = std::min(left_s, codes_left_s_);
      codes_left_s_ -= used;
      if (codes_left_s_ > 0) return 0;
      phase_ = Phase::Spindle;
      return left_s - used;
    }
    case Phase::Spindle: {
      const bool feeds = current_.segment_count != 0 && !current_.segments[0].rapid;
      const bool turning = !spindles_.empty() && spindles_[0].direction() != 0;
      const bool rolling = mover_.speed_mm_s() > 0;
      if (feeds && turning && !rolling && !spindles_[0].at_speed()) return 0;
      phase_ = Phase::Motion;
      return left_s;
    }
    case Phase::Motion: return run_motion(left_s);
    case Phase::Dwell: {
      if (run_ == Run::Hold) return 0;
      const double used = std::min(left_s, dwell_left_s_);
      dwell_left_s_ -= used;
      if (dwell_left_s_ > 0) return 0;
      phase_ = Phase::End;
      return left_s - used;
    }
    case Phase::End: break;
  }
  finish_step();
  return left_s;
}

double Path::run_motion(double left_s) {
  if (segment_index_ == current_.segment_count) {
    phase_ = Phase::Dwell;
    return left_s;
  }
  if (!mover_.active()) {
    const Segment& segment = current_.segments[segment_index_];
    mover_.begin(segment, limits_for(segment));
  }
  const double left = mover_.run(left_s, target_speed(), end_speed());
  if (!mover_.active()) ++segment_index_;
  return left;
}

MotionLimits Path::limits_for(const Segment& segment) const {
  AxisValues speed{};
  const int number = segment.rapid ? parameter::kRapid : parameter::kMaxFeed;
  const Parameter& rates = *parameters_.find(number);
  for (std::size_t i = 0; i < segment.axes; ++i) speed[i] = rates.values[i].real() / 60;
  return limits_of(spec_, segment, speed);
}

double Path::target_speed() const {
  if (run_ == Run::Hold) return 0;
  const double most = mover_.limits().speed_mm_s;
  if (mover_.segment().rapid) {
    if (switches_.rapid_override > 0) return most * switches_.rapid_override;
    return std::min(most, parameters_.real(parameter::kRapidLowest) / 60);
  }
  double feed = current_.modal.feed / 60;
  if (current_.modal.active(ModalGroup::Feed) == 950) {  // per revolution
    feed *= spindles_.empty() ? 0 : std::fabs(spindles_[0].rpm());
  }
  if (switches_.dry_run) feed = parameters_.real(parameter::kDryRunFeed) / 60;
  return std::min(most, feed * switches_.feed_override);
}

double Path::end_speed() const {
  if (blend_mm_s_ <= 0) return 0;
  if (!switches_.single_block) return blend_mm_s_;
  // Single block was switched on within a run of blocks: stop here if there is room for it.
  const double v = mover_.speed_mm_s();
  const double way = v * v / (2 * mover_.limits().acceleration_mm_s2);
  constexpr double kRounding_mm = 1e-6;
  return way <= mover_.remaining_mm() + kRounding_mm ? 0 : blend_mm_s_;
}

void Path::finish_step() {
  active_ = false;
  idle_modal_ = current_.modal;
  if (current_.end == Step::End::Finish) return finish_program();
  const bool stop = current_.end == Step::End::Stop ||
                    (current_.end == Step::End::OptionalStop && optional_stop_);
  // With speed left over (see end_speed) the stop comes at the end of the next block.
  const bool rolling = mover_.speed_mm_s() > 0;
  if (stop || ((switches_.single_block || !is_automatic()) && !rolling)) {
    if (run_ == Run::Start) run_ = Run::Stop;
  }
}

void Path::finish_program() {
  if (interpreter_.main() == mdi_program_) return leave_program();
  for (const int number : {parameter::kPartsMade, parameter::kPartsTotal}) {
    parameters_.set_integer(number, (parameters_.integer(number) + 1) % 1'000'000'000);
  }
  stop_program();
  restart_left_s_ = control_.loop ? control_.loop_pause_s : -1;
}

}  // namespace rise::cncsim
