// Modal codes and commanded values, in the two forms that the protocol has for them.
#include <cmath>

#include "drivers/focas/simulator/protocol/commands.hpp"

namespace rise::cncsim::command {

namespace {

constexpr unsigned kCommandedBit = 0x80;
constexpr unsigned kPointBit = 0x40;  // "commanded with a decimal point"; F only
constexpr double kInch_mm = 25.4;

// Argument 1 selects the block: 0 the executed one, 1 and 2 those that follow. Only the next one
// is known ahead, and only within a run of feed blocks.
const Modal& modal_for(const Call& call, std::size_t argument) {
  const Step* next = call.path.next_step();
  return call.argument(argument) >= 1 && next != nullptr ? next->modal : call.path.modal();
}

bool commanded(const Call& call, std::uint32_t mask, std::size_t place) {
  return call.path.run() == Run::Start && (mask >> place & 1) != 0;
}

void put_code(Call& call, const Modal& modal, std::size_t group) {
  const auto code = static_cast<unsigned>(modal.code[group] / 10);
  const bool flag = commanded(call, modal.commanded_groups, group);
  call.answer.put_u16((code | (flag ? kCommandedBit : 0)) << 8);
}

// F is the one letter with digits behind the point: their number is in the second word of flags.
void put_feed(Call& call, const Modal& modal, unsigned flags) {
  const bool inch = modal.active(ModalGroup::Unit) == 200;
  const double feed = inch ? modal.feed / kInch_mm : modal.feed;
  unsigned digits = 0;
  double scaled = feed;
  // Three digits, as F0.125 needs them; what inches leave behind them is rounded.
  for (; digits < 3 && std::fabs(scaled - std::nearbyint(scaled)) > 1e-6; ++digits) scaled *= 10;
  call.answer.put_i32(static_cast<std::int32_t>(std::lround(scaled)));
  call.answer.put_u16(flags | (digits != 0 ? kPointBit : 0));
  call.answer.put_u16(digits);
}

void put_letter(Call& call, const Modal& modal, std::size_t place) {
  const bool flag = commanded(call, modal.commanded_letters, place);
  if (static_cast<int>(place) == letter_place('F')) {
    put_feed(call, modal, flag ? kCommandedBit : 0);
    return;
  }
  call.answer.put_i32(modal.letter[place]);
  call.answer.put_u16(flag ? kCommandedBit : 0);
  call.answer.put_u16(0);
}

}  // namespace

// Argument: group from 0; -1: all groups, -2: all one-shot codes of the block. Two bytes each: the
// code, and a filler.
Status modal_g(Call& call) {
  const Modal& modal = modal_for(call, 1);
  const std::int32_t group = call.argument(0);
  if (group == -1) {
    for (std::size_t i = 0; i < kModalGroups; ++i) put_code(call, modal, i);
    return Status::Ok;
  }
  if (group == -2) {
    for (const std::int16_t code : modal.one_shot) {
      call.answer.put_u16(static_cast<unsigned>(code / 10) << 8);
    }
    return Status::Ok;
  }
  if (group < 0 || group >= static_cast<std::int32_t>(kModalGroups)) return Status::Attribute;
  put_code(call, modal, static_cast<std::size_t>(group));
  return Status::Ok;
}

// Argument: place of the letter; -1: all. Eight bytes each.
Status modal_other(Call& call) {
  const Modal& modal = modal_for(call, 1);
  const std::int32_t place = call.argument(0);
  if (place == -1) {
    for (std::size_t i = 0; i < kModalLetters; ++i) put_letter(call, modal, i);
    return Status::Ok;
  }
  if (place < 0 || place >= static_cast<std::int32_t>(kModalLetters)) return Status::Attribute;
  put_letter(call, modal, static_cast<std::size_t>(place));
  return Status::Ok;
}

// Arguments: group (-1: all), block. Twelve bytes each: group, flag, code, digits behind the point.
Status g_codes(Call& call) {
  const Modal& modal = modal_for(call, 1);
  const std::int32_t wanted = call.argument(0);
  if (wanted < -1 || wanted >= static_cast<std::int32_t>(kModalGroups)) return Status::Attribute;
  for (std::size_t group = 0; group < kModalGroups; ++group) {
    if (wanted != -1 && static_cast<std::size_t>(wanted) != group) continue;
    const int code = modal.code[group];
    const bool whole = code % 10 == 0;
    call.answer.put_i16(static_cast<int>(group));
    call.answer.put_u16(commanded(call, modal.commanded_groups, group) ? kCommandedBit : 0);
    call.answer.put_i32(whole ? code / 10 : code);
    call.answer.put_i32(whole ? 0 : 1);
  }
  return Status::Ok;
}

// Arguments: place among the letters below (-1: all), block. Twelve bytes each.
Status command_values(Call& call) {
  constexpr std::string_view kLetters = "BDEFHLMNOST";
  const Modal& modal = modal_for(call, 1);
  const std::int32_t wanted = call.argument(0);
  if (wanted < -1 || wanted >= static_cast<std::int32_t>(kLetters.size())) {
    return Status::Attribute;
  }
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if (wanted != -1 && static_cast<std::size_t>(wanted) != i) continue;
    const auto place = static_cast<std::size_t>(letter_place(kLetters[i]));
    call.answer.put_text(kLetters.substr(i, 1), 1);
    call.answer.put_zeros(1);
    call.answer.put_u16(commanded(call, modal.commanded_letters, place) ? kCommandedBit : 0);
    call.answer.put_i32(modal.letter[place]);
    call.answer.put_i32(0);
  }
  return Status::Ok;
}

}  // namespace rise::cncsim::command
