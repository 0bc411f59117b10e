#include "drivers/focas/simulator/program/interpreter.hpp"

#include <cmath>
#include <cstdlib>
#include <string_view>

namespace rise::cncsim {

namespace {

constexpr ProgramFault kImproperCode{10, "IMPROPER G-CODE"};
constexpr ProgramFault kProgramMissing{78, "NUMBER NOT FOUND"};
constexpr ProgramFault kNoProgramNumber{76, "ADDRESS P NOT DEFINED"};
constexpr ProgramFault kTooDeep{77, "TOO MANY SUB,MACRO NESTING"};
constexpr ProgramFault kEndOfRecord{5010, "END OF RECORD"};

constexpr std::size_t kNestingNew = 10;
constexpr std::size_t kNestingLegacy = 4;
// Letters that may stand in any block; others must be axes.
constexpr std::string_view kFreeLetters = "NGFSTMOPLIJKRDHQ";

// The number after N at the start of a line; -1: none.
int sequence_of(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" /");
  if (begin == std::string_view::npos || (line[begin] | 0x20) != 'n') return -1;
  const std::string digits(line.substr(begin + 1, 8));
  char* end = nullptr;
  const long number = std::strtol(digits.c_str(), &end, 10);
  return end == digits.c_str() ? -1 : static_cast<int>(number);
}

std::size_t line_of_sequence(const Program& program, int number) {
  for (std::size_t i = 0; i < program.line_count(); ++i) {
    if (sequence_of(program.line(i)) == number) return i;
  }
  return program.line_count();
}

}  // namespace

Interpreter::Interpreter(const ControlSpec& control, const PathSpec& path,
                         const Parameters& parameters, const ProgramStore& store, bool is_new)
    : control_(control),
      path_(path),
      parameters_(parameters),
      store_(store),
      is_new_(is_new),
      modal_(initial_modal(control.machine)) {
  frames_.reserve(kNestingNew + 1);
}

void Interpreter::select(ProgramPtr program, bool manual_input) {
  main_ = std::move(program);
  manual_input_ = manual_input;
  rewind();
}

void Interpreter::rewind() {
  frames_.clear();
  if (main_) frames_.push_back({main_, 0, 0});
  sequence_ = 0;
}

void Interpreter::reset_modal() {
  const Modal old = modal_;
  modal_ = initial_modal(control_.machine);
  modal_.letter = old.letter;
  modal_.feed = old.feed;
  modal_.spindle = old.spindle;
  modal_.tool = old.tool;
  shift_ = {};
}

void Interpreter::fail(const ProgramFault& fault, Step* step) const {
  if (step->failed) return;  // the place of the fault has said it more exactly
  step->failed = true;
  step->alarm = {fault.number, kProgramAlarm, 0, fault.text};
}

void Interpreter::next(bool block_skip, Step* step) {
  *step = Step{};
  step->main = main_;
  modal_.commanded_groups = 0;
  modal_.commanded_letters = 0;
  modal_.one_shot = {};
  Block block;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    step->program = frame.program;
    step->line = frame.line;
    step->sequence = sequence_;
    if (frame.line >= frame.program->line_count()) {
      if (manual_input_) break;
      fail(kEndOfRecord, step);
      return;
    }
    const ProgramFault fault = parse_block(frame.program->line(frame.line), block_skip, &block);
    ++frame.line;
    if (fault) return fail(fault, step);
    // A program's name is no block of its own.
    const bool only_name = block.count == 1 && block.words[0].letter == 'O';
    if (block.skipped || block.count == 0 || only_name) continue;
    modal_.letter[static_cast<std::size_t>(letter_place('O'))] = step->program->number;
    if (const ProgramFault meaning = read_block(block, step)) fail(meaning, step);
    step->sequence = sequence_;
    step->modal = modal_;
    step->work_offset = work_offset();
    return;
  }
  step->modal = modal_;
  step->work_offset = work_offset();
  step->end = Step::End::Finish;
}

ProgramFault Interpreter::read_block(const Block& block, Step* step) {
  one_shot_ = -1;
  machine_coordinates_ = false;
  sequence_ = static_cast<int>(word(block, 'N').value_or(sequence_));
  if (const ProgramFault fault = read_g_codes(block, step)) return fault;
  for (std::size_t i = 0; i < block.count; ++i) {
    const char letter = block.words[i].letter;
    bool known = kFreeLetters.find(letter) != std::string_view::npos;
    known = known || (one_shot_ == 40 && (letter == 'X' || letter == 'U'));
    for (const AxisSpec& axis : path_.axes) known = known || axis.name[0] == letter;
    if (!known) return kImproperAddress;
  }
  if (const ProgramFault fault = read_values(block, step)) return fault;
  ProgramFault fault;
  if (one_shot_ == 40) {
    fault = read_dwell(block, step);
  } else if (one_shot_ == 280) {
    fault = read_return(block, step);
  } else if (one_shot_ == 920) {
    fault = set_origin(block);
  } else {
    fault = read_motion(block, step);
  }
  if (fault) return fault;
  return read_m_codes(block, step);
}

ProgramFault Interpreter::read_g_codes(const Block& block, Step* step) {
  std::size_t one_shots = 0;
  for (std::size_t i = 0; i < block.count; ++i) {
    const Word& word = block.words[i];
    if (word.letter != 'G') continue;
    const int code = static_cast<int>(std::lround(word.value * 10));
    std::size_t group = 0;
    const CodeKind kind = classify(control_.machine, code, &group);
    if (kind == CodeKind::Unknown) return kImproperCode;
    if (kind == CodeKind::Modal) {
      modal_.code[group] = static_cast<std::int16_t>(code);
      modal_.commanded_groups |= 1u << group;
      continue;
    }
    if (code == 530) {
      machine_coordinates_ = true;
    } else if (code != 90) {  // G9, exact stop: every block that is not run through stops anyway
      one_shot_ = code;
    }
    if (one_shots < modal_.one_shot.size()) {
      modal_.one_shot[one_shots++] = static_cast<std::int16_t>(code);
    }
  }
  step->modal = modal_;
  return {};
}

ProgramFault Interpreter::read_values(const Block& block, Step* step) {
  const bool inch = modal_.active(ModalGroup::Unit) == 200;
  for (std::size_t i = 0; i < block.count; ++i) {
    const Word& word = block.words[i];
    switch (word.letter) {
      case 'F': modal_.feed = word.value * (inch ? 25.4 : 1); break;
      case 'S':
        if (one_shot_ == 920) {
          modal_.speed_limit_rpm = word.value;
          continue;
        }
        modal_.spindle = word.value;
        step->speed_changed = true;
        break;
      case 'T':
        // On a lathe T0203 means tool 2 with offset 3.
        modal_.tool = static_cast<int>(word.value);
        if (control_.machine == MachineType::Lathe && modal_.tool >= 100) modal_.tool /= 100;
        step->tool_called = true;
        break;
      default: break;
    }
    if (word.letter != 'G' && word.letter != 'M') modal_.set_letter(word.letter, word.value);
  }
  return {};
}

ProgramFault Interpreter::read_m_codes(const Block& block, Step* step) {
  constexpr std::size_t kPlaceOfSecondM = 12;
  for (std::size_t i = 0; i < block.count; ++i) {
    if (block.words[i].letter != 'M') continue;
    const int code = static_cast<int>(block.words[i].value);
    if (code == 98) {
      if (const ProgramFault fault = call(block)) return fault;
      continue;
    }
    if (code == 99) {
      if (const ProgramFault fault = return_from(block, step)) return fault;
      continue;
    }
    if (step->m_count == step->m_codes.size()) continue;
    if (step->m_count == 0) {
      modal_.set_letter('M', code);
    } else {
      modal_.letter[kPlaceOfSecondM + step->m_count - 1] = code;
    }
    step->m_codes[step->m_count++] = code;
    if (code == 0) step->end = Step::End::Stop;
    if (code == 1) step->end = Step::End::OptionalStop;
    if (code == 2 || code == 30) step->end = Step::End::Finish;
    if (code == 6) step->tool_changed = true;
    if (code == 8) modal_.coolant = true;
    if (code == 9) modal_.coolant = false;
  }
  return {};
}

ProgramFault Interpreter::call(const Block& block) {
  const std::optional<double> target = word(block, 'P');
  if (!target) return kNoProgramNumber;
  int number = static_cast<int>(*target);
  int repeats = static_cast<int>(word(block, 'L').value_or(1));
  if (number > 9999 && !word(block, 'L') && !is_new_) {  // P00051234: five times O1234
    repeats = number / 10000;
    number %= 10000;
  }
  if (repeats < 1) return {};
  if (frames_.size() > (is_new_ ? kNestingNew : kNestingLegacy)) return kTooDeep;
  ProgramPtr program = store_.find(folder_, number);
  if (!program) return kProgramMissing;
  frames_.push_back({std::move(program), 0, repeats - 1});
  return {};
}

ProgramFault Interpreter::return_from(const Block& block, Step* step) {
  if (manual_input_ && frames_.size() == 1) return {};
  if (frames_.size() > 1) {
    Frame& frame = frames_.back();
    if (frame.repeats > 0) {
      --frame.repeats;
      frame.line = 0;
      return {};
    }
    frames_.pop_back();
    if (!word(block, 'P')) return {};
  } else {
    frames_.back().line = 0;  // M99 in a main program: endless
    if (!word(block, 'P')) return {};
  }
  Frame& frame = frames_.back();
  frame.line = line_of_sequence(*frame.program, static_cast<int>(*word(block, 'P')));
  if (frame.line < frame.program->line_count()) return {};
  fail(kProgramMissing, step);
  return kProgramMissing;
}

std::optional<double> Interpreter::word(const Block& block, char letter) const {
  for (std::size_t i = block.count; i > 0; --i) {
    if (block.words[i - 1].letter == letter) return block.words[i - 1].value;
  }
  return std::nullopt;
}

}  // namespace rise::cncsim
