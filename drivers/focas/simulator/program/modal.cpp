#include "drivers/focas/simulator/program/modal.hpp"

#include <algorithm>
#include <iterator>

namespace rise::cncsim {

namespace {

struct Entry {
  std::int16_t code;  // times ten
  std::uint8_t group;
};

// The first entry of each group is its state at power on.
constexpr Entry kMillCodes[] = {{0, 0},    {10, 0},   {20, 0},   {30, 0},   {170, 1},  {180, 1},
                                {190, 1},  {900, 2},  {910, 2},  {230, 3},  {220, 3},  {940, 4},
                                {950, 4},  {210, 5},  {200, 5},  {400, 6},  {490, 7},  {430, 7},
                                {440, 7},  {800, 8},  {980, 9},  {990, 9},  {500, 10}, {670, 11},
                                {970, 12}, {960, 12}, {540, 13}, {550, 13}, {560, 13}, {570, 13},
                                {580, 13}, {590, 13}, {640, 14}, {610, 14}, {690, 15}, {150, 16},
                                {401, 17}, {250, 18}, {260, 18}, {131, 19}, {501, 20}, {542, 21}};

// Lathe, G code system B. Its group 13 (index 12) has no code.
constexpr Entry kLatheCodes[] = {
    {0, 0},    {10, 0},   {20, 0},   {30, 0},   {970, 1},  {960, 1},  {900, 2},  {910, 2},
    {690, 3},  {940, 4},  {950, 4},  {210, 5},  {200, 5},  {400, 6},  {250, 7},  {260, 7},
    {220, 8},  {230, 8},  {800, 9},  {980, 10}, {990, 10}, {670, 11}, {540, 13}, {550, 13},
    {560, 13}, {570, 13}, {580, 13}, {590, 13}, {640, 14}, {610, 14}, {180, 15}, {170, 15},
    {190, 15}, {691, 16}, {500, 17}, {401, 18}, {502, 19}, {131, 20}, {501, 21}};

constexpr std::int16_t kOneShots[] = {40, 90, 280, 530, 920};

constexpr char kLetters[] = "ABCDEFHIJKLM    NOPQRSTUVWXY";
static_assert(sizeof kLetters == kModalLetters + 1);

// By ModalGroup: the group's index on the mill and on the lathe.
constexpr std::uint8_t kPlaces[][2] = {{0, 0}, {1, 15}, {2, 2},   {4, 4},
                                       {5, 5}, {12, 1}, {13, 13}, {14, 14}};

template <class Function>
void for_codes(MachineType machine, Function function) {
  if (machine == MachineType::Mill) {
    for (const Entry& entry : kMillCodes) function(entry);
  } else {
    for (const Entry& entry : kLatheCodes) function(entry);
  }
}

}  // namespace

std::size_t group_of(MachineType machine, ModalGroup group) {
  return kPlaces[static_cast<std::size_t>(group)][machine == MachineType::Mill ? 0 : 1];
}

int letter_place(char letter) {
  if (letter == ' ') return -1;
  for (std::size_t i = 0; i < kModalLetters; ++i) {
    if (kLetters[i] == letter) return static_cast<int>(i);
  }
  return -1;
}

void Modal::set_letter(char name, double value) {
  const int place = letter_place(name);
  if (place < 0) return;
  letter[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(value);
  commanded_letters |= 1u << place;
}

Modal initial_modal(MachineType machine) {
  Modal modal;
  modal.machine = machine;
  std::uint32_t seen = 0;
  for_codes(machine, [&](const Entry& entry) {
    if ((seen >> entry.group & 1) == 0) modal.code[entry.group] = entry.code;
    seen |= 1u << entry.group;
  });
  return modal;
}

CodeKind classify(MachineType machine, int code, std::size_t* group) {
  CodeKind kind = CodeKind::Unknown;
  for_codes(machine, [&](const Entry& entry) {
    if (entry.code != code) return;
    *group = entry.group;
    kind = CodeKind::Modal;
  });
  if (kind == CodeKind::Unknown &&
      std::find(std::begin(kOneShots), std::end(kOneShots), code) != std::end(kOneShots)) {
    kind = CodeKind::OneShot;
  }
  return kind;
}

}  // namespace rise::cncsim
