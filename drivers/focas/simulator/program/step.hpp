// One block of a program, read and understood, ready to be executed.
#pragma once

#include <array>
#include <cstddef>

#include "drivers/focas/simulator/program/modal.hpp"
#include "drivers/focas/simulator/program/program.hpp"
#include "drivers/focas/simulator/program/segment.hpp"
#include "drivers/focas/simulator/spec/alarm.hpp"

namespace rise::cncsim {

struct Step {
  enum class End { Continue, Stop, OptionalStop, Finish };

  // Where it stands, and the state of the program after it.
  ProgramPtr program;
  ProgramPtr main;
  std::size_t line = 0;
  int sequence = 0;  // the last N
  Modal modal;
  AxisValues work_offset{};  // machine = work coordinate + offset

  // What it does, in this order: codes, motion, dwell, end.
  std::array<int, 5> m_codes{};
  std::size_t m_count = 0;
  bool speed_changed = false;  // S
  bool tool_called = false;    // T
  bool tool_changed = false;   // M6
  std::array<Segment, 2> segments;
  std::size_t segment_count = 0;
  double dwell_s = 0;
  End end = End::Continue;

  bool failed = false;  // instead of all that: this alarm
  Alarm alarm;

  [[nodiscard]] bool has_codes() const { return m_count != 0 || speed_changed || tool_called; }
  // Motion in feed and nothing else: such blocks can be run through without a stop.
  [[nodiscard]] bool is_pure_feed() const {
    return !failed && !has_codes() && segment_count == 1 && !segments[0].rapid && dwell_s == 0 &&
           end == End::Continue;
  }
};

}  // namespace rise::cncsim
