// One path of a control: runs its program on its axes and spindles, step by step of time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drivers/focas/simulator/machine/cutting.hpp"
#include "drivers/focas/simulator/machine/macros.hpp"
#include "drivers/focas/simulator/machine/mover.hpp"
#include "drivers/focas/simulator/machine/signals.hpp"
#include "drivers/focas/simulator/machine/spindle.hpp"
#include "drivers/focas/simulator/machine/timers.hpp"
#include "drivers/focas/simulator/machine/tool_offsets.hpp"
#include "drivers/focas/simulator/program/interpreter.hpp"

namespace rise::cncsim {

// As cnc_statinfo counts them.
enum class Run : std::uint8_t { Reset = 0, Stop = 1, Hold = 2, Start = 3 };

// Why an order to the path had no effect.
enum class Refusal : std::uint8_t { None, Emergency, Alarm, Mode, Running, NoProgram, BadText };

class Path {
 public:
  // `control` and `store` must outlive the path. index: from 0.
  Path(const ControlSpec& control, std::size_t index, bool is_new, const ProgramStore& store);

  // ---- orders
  void set_switches(const Switches& switches);
  Refusal start();  // cycle start, also after hold, M0 and single block
  void reset();
  Refusal select(ProgramPtr program);  // as the main program, at its start
  Refusal rewind();
  Refusal load_mdi(std::string_view text);
  // Cycle start by itself, as soon as it is possible.
  void arm_start() { restart_left_s_ = 0; }
  void set_optional_stop(bool on) { optional_stop_ = on; }

  // One step of time.
  void step(std::int64_t dt_ns);

  // ---- state
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] const PathSpec& spec() const { return spec_; }
  [[nodiscard]] const Switches& switches() const { return switches_; }
  [[nodiscard]] Run run() const { return run_; }
  [[nodiscard]] bool in_rapid() const { return moving() && mover_.segment().rapid; }
  [[nodiscard]] bool in_feed() const { return moving() && !mover_.segment().rapid; }
  [[nodiscard]] bool in_dwell() const { return active_ && phase_ == Phase::Dwell; }
  [[nodiscard]] bool moving() const { return mover_.active() && mover_.speed_mm_s() > 0; }
  [[nodiscard]] bool waiting_for_codes() const { return active_ && phase_ == Phase::Codes; }
  [[nodiscard]] double speed_mm_s() const { return mover_.speed_mm_s(); }
  [[nodiscard]] AxisValues direction() const { return mover_.direction(); }
  [[nodiscard]] const AxisValues& machine_position() const { return mover_.position(); }
  [[nodiscard]] double absolute_mm(std::size_t axis) const;
  [[nodiscard]] double relative_mm(std::size_t axis) const;
  [[nodiscard]] double distance_mm(std::size_t axis) const;
  [[nodiscard]] const Modal& modal() const { return active_ ? current_.modal : idle_modal_; }
  [[nodiscard]] const Step* next_step() const { return ahead_valid_ ? &ahead_ : nullptr; }
  [[nodiscard]] const std::vector<Spindle>& spindles() const { return spindles_; }
  [[nodiscard]] const CuttingModel& cutting() const { return cutting_; }
  [[nodiscard]] const Timers& timers() const { return timers_; }
  [[nodiscard]] int sequence() const { return current_.sequence; }
  [[nodiscard]] int tool() const { return tool_; }
  [[nodiscard]] int block_count() const { return block_count_; }
  // The program that is executed now (a subprogram), and the main program. May be null.
  [[nodiscard]] ProgramPtr running_program() const;
  [[nodiscard]] ProgramPtr main_program() const { return memory_program_; }
  // The program from the executed block on.
  [[nodiscard]] std::string_view executing_text() const;

  CuttingModel& cutting() { return cutting_; }
  Timers& timers() { return timers_; }
  Alarms& alarms() { return alarms_; }
  [[nodiscard]] const Alarms& alarms() const { return alarms_; }
  Parameters& parameters() { return parameters_; }
  [[nodiscard]] const Parameters& parameters() const { return parameters_; }
  Macros& macros() { return macros_; }
  [[nodiscard]] const Macros& macros() const { return macros_; }
  ToolOffsets& offsets() { return offsets_; }
  [[nodiscard]] const ToolOffsets& offsets() const { return offsets_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  void set_folder(const std::string& folder);

 private:
  enum class Phase : std::uint8_t { Codes, Spindle, Motion, Dwell, End };

  void execute(double dt_s);
  bool take_step();
  void look_ahead();
  void apply_codes();
  double run_phase(double left_s);
  double run_motion(double left_s);
  [[nodiscard]] MotionLimits limits_for(const Segment& segment) const;
  [[nodiscard]] double target_speed() const;
  [[nodiscard]] double end_speed() const;
  void finish_step();
  void finish_program();
  void leave_program();
  void stop_program();  // leaves it, and resets modal codes and spindles
  void idle(double dt_s);
  void step_spindles(double dt_s);
  void step_timers(std::int64_t dt_ns);
  void step_model(std::int64_t dt_ns);
  [[nodiscard]] bool engaged() const;
  [[nodiscard]] bool is_automatic() const;

  const ControlSpec& control_;
  const PathSpec& spec_;
  std::size_t index_;
  Parameters parameters_;
  Alarms alarms_;
  Macros macros_;
  ToolOffsets offsets_;
  Timers timers_;
  std::string folder_;
  Interpreter interpreter_;
  Mover mover_;
  std::vector<Spindle> spindles_;
  CuttingModel cutting_;
  Switches switches_;
  ProgramPtr memory_program_;
  ProgramPtr mdi_program_;
  AxisValues relative_origin_{};

  Run run_ = Run::Reset;
  Phase phase_ = Phase::Codes;
  Step current_;
  Step ahead_;  // the next block, read early so that the axes need not stop between the two
  Modal idle_modal_;
  bool active_ = false;  // current_ is being executed
  bool ahead_valid_ = false;
  bool stopping_ = false;  // brakes because of a reset or an alarm
  bool failed_ = false;    // the program ended in an alarm
  bool optional_stop_ = false;
  std::size_t segment_index_ = 0;
  double codes_left_s_ = 0;
  double dwell_left_s_ = 0;
  double blend_mm_s_ = 0;       // speed at which the next block may be entered
  double restart_left_s_ = -1;  // < 0: no start by itself
  int block_count_ = 0;
  int tool_ = 0;  // in the spindle, or turned in by the turret
  std::int64_t model_left_ns_ = 0;
};

}  // namespace rise::cncsim
