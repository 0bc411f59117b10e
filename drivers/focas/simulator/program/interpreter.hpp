// Reads a part program block by block and turns it into steps. It knows the way through programs
// and subprograms and the modal state, and nothing of time: it may run ahead of the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drivers/focas/simulator/program/block.hpp"
#include "drivers/focas/simulator/program/program_store.hpp"
#include "drivers/focas/simulator/program/step.hpp"
#include "drivers/focas/simulator/spec/parameters.hpp"

namespace rise::cncsim {

class Interpreter {
 public:
  Interpreter(const ControlSpec& control, const PathSpec& path, const Parameters& parameters,
              const ProgramStore& store, bool is_new);

  // Selects a main program and goes to its start. nullptr: none. Programs end with M30, M2 or M99,
  // manual input (MDI) ends with its last block.
  void select(ProgramPtr program, bool manual_input = false);
  void rewind();
  // Modal state as after power on; feed, speed and tool stay.
  void reset_modal();
  // Where the machine really stands: the start of the next motion.
  void set_position(const AxisValues& machine) { position_ = machine; }
  void set_folder(std::string folder) { folder_ = std::move(folder); }

  // The next block. Finish: the main program is over (or there is none).
  void next(bool block_skip, Step* step);

  [[nodiscard]] const ProgramPtr& main() const { return main_; }
  [[nodiscard]] const Modal& modal() const { return modal_; }
  [[nodiscard]] AxisValues work_offset() const;

 private:
  struct Frame {
    ProgramPtr program;
    std::size_t line = 0;
    int repeats = 0;  // further runs after this one
  };

  // One block, in parts. A fault ends the reading of the block.
  ProgramFault read_block(const Block& block, Step* step);
  ProgramFault read_g_codes(const Block& block, Step* step);
  ProgramFault read_values(const Block& block, Step* step);
  ProgramFault read_m_codes(const Block& block, Step* step);
  ProgramFault read_motion(const Block& block, Step* step);
  ProgramFault read_dwell(const Block& block, Step* step);
  ProgramFault read_arc(const Block& block, const AxisValues& end, Step* step);
  ProgramFault read_return(const Block& block, Step* step);
  ProgramFault set_origin(const Block& block);
  ProgramFault call(const Block& block);
  ProgramFault return_from(const Block& block, Step* step);

  [[nodiscard]] std::optional<double> word(const Block& block, char letter) const;
  [[nodiscard]] double length_of(const Word& word, bool rotary) const;
  ProgramFault end_point(const Block& block, bool machine, AxisValues* end, bool* moves) const;
  ProgramFault add_line(const AxisValues& end, bool rapid, Step* step);
  ProgramFault check_stroke(const Segment& segment, Step* step) const;
  void fail(const ProgramFault& fault, Step* step) const;

  const ControlSpec& control_;
  const PathSpec& path_;
  const Parameters& parameters_;
  const ProgramStore& store_;
  bool is_new_;
  std::string folder_;
  ProgramPtr main_;
  bool manual_input_ = false;
  std::vector<Frame> frames_;
  Modal modal_;
  AxisValues position_{};
  AxisValues shift_{};  // by G92
  int sequence_ = 0;
  bool machine_coordinates_ = false;  // G53 in this block
  int one_shot_ = -1;                 // G code of this block that acts alone, times ten
};

}  // namespace rise::cncsim
