#include "drivers/focas/simulator/machine/path.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rise::cncsim {

Path::Path(const ControlSpec& control, std::size_t index, bool is_new, const ProgramStore& store)
    : control_(control),
      spec_(control.paths[index]),
      index_(index),
      parameters_(control, spec_, is_new),
      alarms_(is_new),
      offsets_(control.machine, control.offset_sets),
      folder_(path_folder(index)),
      interpreter_(control, spec_, parameters_, store, is_new),
      cutting_(control.cutting, spec_, control.machine, control.seed * 31 + index + 1),
      idle_modal_(initial_modal(control.machine)),
      optional_stop_(control.optional_stop) {
  interpreter_.set_folder(folder_);
  AxisValues start{};
  for (std::size_t i = 0; i < spec_.axes.size(); ++i) start[i] = spec_.axes[i].start_mm;
  mover_.place(start);
  interpreter_.set_position(start);
  for (const SpindleSpec& spindle : spec_.spindles) spindles_.emplace_back(spindle);
}

void Path::set_folder(const std::string& folder) {
  folder_ = folder;
  interpreter_.set_folder(folder);
}

bool Path::is_automatic() const {
  return switches_.mode == Mode::Memory || switches_.mode == Mode::Mdi ||
         switches_.mode == Mode::Remote;
}

void Path::set_switches(const Switches& switches) {
  const Switches old = switches_;
  switches_ = switches;
  if (switches.hold && run_ == Run::Start) run_ = Run::Hold;
  if (switches.reset_pressed && !old.reset_pressed) reset();
  // ST acts when the button is let go.
  if (old.start_pressed && !switches.start_pressed) (void)start();
}

Refusal Path::start() {
  if (switches_.emergency) return Refusal::Emergency;
  if (alarms_.any()) return Refusal::Alarm;
  if (!is_automatic()) return Refusal::Mode;
  if (run_ == Run::Start) return Refusal::None;
  if (switches_.hold || stopping_) return Refusal::Mode;
  if (run_ == Run::Reset || failed_) {
    const bool manual = switches_.mode == Mode::Mdi;
    const ProgramPtr& wanted = manual ? mdi_program_ : memory_program_;
    if (!wanted) return Refusal::NoProgram;
    if (interpreter_.main() != wanted) interpreter_.select(wanted, manual);
    interpreter_.set_position(mover_.position());
    timers_.set(Timer::Cycle, 0);
    block_count_ = 0;
    failed_ = false;
  }
  restart_left_s_ = -1;
  run_ = Run::Start;
  return Refusal::None;
}

void Path::reset() {
  alarms_.clear_by_reset();
  restart_left_s_ = control_.restart_s > 0 ? control_.restart_s : -1;
  if (mover_.active() && mover_.speed_mm_s() > 0) {
    stopping_ = true;
  } else {
    stop_program();
  }
}

Refusal Path::select(ProgramPtr program) {
  if (run_ == Run::Start || run_ == Run::Hold) return Refusal::Running;
  stop_program();
  memory_program_ = std::move(program);
  interpreter_.select(memory_program_);
  current_ = Step{};
  current_.modal = idle_modal_;
  return Refusal::None;
}

Refusal Path::rewind() {
  if (run_ == Run::Start || run_ == Run::Hold) return Refusal::Running;
  stop_program();
  return Refusal::None;
}

Refusal Path::load_mdi(std::string_view text) {
  if (switches_.mode != Mode::Mdi) return Refusal::Mode;
  if (run_ == Run::Start || run_ == Run::Hold) return Refusal::Running;
  std::vector<ProgramPtr> programs;
  text = text.substr(0, text.find('\0'));
  if (!split_programs("<MDI>\n" + std::string(text), {}, &programs) || programs.size() != 1) {
    return Refusal::BadText;
  }
  auto program = std::make_shared<Program>(*programs[0]);
  program->line_start.erase(program->line_start.begin());  // the line with the invented name
  stop_program();
  mdi_program_ = program;
  return Refusal::None;
}

// The axes stand; forgets where the program was.
void Path::leave_program() {
  mover_.abandon();
  stopping_ = false;
  active_ = false;
  ahead_valid_ = false;
  failed_ = false;
  run_ = Run::Reset;
  interpreter_.rewind();
  interpreter_.set_position(mover_.position());
}

void Path::stop_program() {
  leave_program();
  interpreter_.reset_modal();
  idle_modal_ = interpreter_.modal();
  for (Spindle& spindle : spindles_) spindle.turn(0);
}

void Path::step(std::int64_t dt_ns) {
  const double dt_s = static_cast<double>(dt_ns) * 1e-9;
  step_spindles(dt_s);
  if (switches_.emergency) {
    for (Spindle& spindle : spindles_) spindle.turn(0);
    if (mover_.brake(dt_s) && run_ != Run::Reset) {
      stop_program();
      restart_left_s_ = control_.restart_s > 0 ? control_.restart_s : -1;
    }
  } else if (stopping_ || (alarms_.any() && run_ == Run::Start)) {
    stopping_ = true;
    mover_.run(dt_s, 0, 0);
    if (mover_.speed_mm_s() <= 0) {
      stop_program();
      if (alarms_.any()) {
        run_ = Run::Stop;
        failed_ = true;
      }
    }
  } else if (run_ == Run::Start || run_ == Run::Hold) {
    execute(dt_s);
  } else {
    idle(dt_s);
  }
  step_timers(dt_ns);
  step_model(dt_ns);
}

void Path::idle(double dt_s) {
  if (failed_ && !alarms_.any()) {
    failed_ = false;
    run_ = Run::Reset;
    restart_left_s_ = control_.restart_s > 0 ? control_.restart_s : -1;
  }
  if (run_ != Run::Reset || restart_left_s_ < 0 || alarms_.any()) return;
  restart_left_s_ -= dt_s;
  if (restart_left_s_ > 0) return;
  restart_left_s_ = 0;
  // Not possible now (another mode, no program): tries again when it may be.
  if (switches_.mode == Mode::Memory) (void)start();
}

void Path::step_spindles(double dt_s) {
  const Modal& modal = this->modal();
  for (std::size_t i = 0; i < spindles_.size(); ++i) {
    Spindle& spindle = spindles_[i];
    if (i == 0 && modal.active(ModalGroup::Speed) == 960 && spindle.direction() != 0) {
      // Constant surface speed: S is m/min at the radius of X.
      double radius_mm = 1;
      for (std::size_t k = 0; k < spec_.axes.size(); ++k) {
        if (spec_.axes[k].name[0] == 'X') radius_mm = std::max(1.0, std::fabs(absolute_mm(k)));
      }
      double rpm = modal.spindle * 1000 / (2 * std::numbers::pi * radius_mm);
      if (modal.speed_limit_rpm > 0) rpm = std::min(rpm, modal.speed_limit_rpm);
      spindle.set_speed(rpm);
    }
    spindle.step(dt_s, switches_.spindle_override);
  }
}

void Path::step_timers(std::int64_t dt_ns) {
  timers_.add(Timer::PowerOn, dt_ns);
  if (switches_.free_timer) timers_.add(Timer::Free, dt_ns);
  if (run_ == Run::Start || run_ == Run::Hold) timers_.add(Timer::Cycle, dt_ns);
  if (run_ != Run::Start) return;
  timers_.add(Timer::Operating, dt_ns);
  if (in_feed()) timers_.add(Timer::Cutting, dt_ns);
}

void Path::step_model(std::int64_t dt_ns) {
  // The slow quantities need no finer steps than this.
  constexpr std::int64_t kModelStep_ns = 10'000'000;
  model_left_ns_ += dt_ns;
  if (model_left_ns_ < kModelStep_ns) return;
  CuttingInput input;
  if (moving()) {
    input.speed_mm_s = mover_.speed_mm_s();
    input.acceleration_mm_s2 = mover_.acceleration_mm_s2();
    input.direction = mover_.direction();
  }
  if (!spindles_.empty()) {
    input.rpm = spindles_[0].rpm();
    input.acceleration_rpm_s = spindles_[0].acceleration_rpm_s();
  }
  input.tool = tool_;
  input.cutting = in_feed() && input.rpm != 0 && engaged();
  cutting_.step(input, static_cast<double>(model_left_ns_) * 1e-9);
  model_left_ns_ = 0;
}

// On a mill the material begins below Z0 of the workpiece.
bool Path::engaged() const {
  if (control_.machine == MachineType::Lathe) return true;
  for (std::size_t i = 0; i < spec_.axes.size(); ++i) {
    if (spec_.axes[i].name[0] == 'Z') return absolute_mm(i) < 0;
  }
  return true;
}

double Path::absolute_mm(std::size_t axis) const {
  const double offset = active_ ? current_.work_offset[axis] : interpreter_.work_offset()[axis];
  return mover_.position()[axis] - offset;
}

double Path::relative_mm(std::size_t axis) const {
  return mover_.position()[axis] - relative_origin_[axis];
}

double Path::distance_mm(std::size_t axis) const {
  return mover_.active() ? mover_.segment().end[axis] - mover_.position()[axis] : 0;
}

ProgramPtr Path::running_program() const {
  if (current_.program && (active_ || run_ != Run::Reset)) return current_.program;
  return switches_.mode == Mode::Mdi && mdi_program_ ? mdi_program_ : memory_program_;
}

std::string_view Path::executing_text() const {
  const ProgramPtr program = running_program();
  if (!program) return {};
  const bool here = program == current_.program && (active_ || run_ != Run::Reset);
  const std::size_t line = here ? current_.line : 0;
  if (line >= program->line_count()) return {};
  // Both the path and the caller keep the program alive for the time of the call.
  return std::string_view(program->text).substr(program->line_start[line]);
}

}  // namespace rise::cncsim
