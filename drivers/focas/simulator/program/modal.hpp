// Modal state of a program: one G code per group, and the last value of each address letter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "drivers/focas/simulator/spec/model.hpp"

namespace rise::cncsim {

// Groups by index, as command 0x21 counts them. The codes are those of a machining centre and of
// a lathe in G code system B, times ten (401 = G40.1).
inline constexpr std::size_t kModalGroups = 22;

// Groups of the mill that the interpreter asks for. The lathe has them at other places:
// group_of() translates.
enum class ModalGroup : std::uint8_t { Motion, Plane, Distance, Feed, Unit, Speed, Work, Exact };

std::size_t group_of(MachineType machine, ModalGroup group);

// Letters by index, as command 0x22 counts them: A B C D E F H I J K L M (M2 .. M5) N O P Q ...
inline constexpr std::size_t kModalLetters = 28;
// -1: the letter has no place.
int letter_place(char letter);

struct Modal {
  std::array<std::int16_t, kModalGroups> code{};  // times ten
  std::uint32_t commanded_groups = 0;             // in this block, by bit
  std::array<std::int32_t, kModalLetters> letter{};
  std::uint32_t commanded_letters = 0;
  std::array<std::int16_t, 4> one_shot{};  // G codes of this block that do not stay, times ten

  MachineType machine = MachineType::Mill;
  double feed = 0;             // mm/min or mm/rev
  double spindle = 0;          // S as programmed: rpm, or m/min with constant surface speed
  double speed_limit_rpm = 0;  // G92 S; 0: none
  int tool = 0;
  bool coolant = false;

  [[nodiscard]] int active(ModalGroup group) const { return code[group_of(machine, group)]; }
  void set_letter(char name, double value);
};

// The state after power on and after a reset.
Modal initial_modal(MachineType machine);

enum class CodeKind : std::uint8_t { Unknown, Modal, OneShot };

// What a G code (times ten) is on this machine, and its group. Unknown: PS 10.
CodeKind classify(MachineType machine, int code, std::size_t* group);

}  // namespace rise::cncsim
