// Modal codes and commanded values, in the two forms that the protocol has for them.
#include "drivers/focas/simulator/commands.hpp"

namespace rise::cncsim::command {

namespace {

constexpr unsigned kCommandedBit = 0x80;

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

void put_letter(Call& call, const Modal& modal, std::size_t place) {
  const bool flag = commanded(call, modal.commanded_letters, place);
  call.answer.put_i32(modal.letter[place]);
  call.answer.put_u16(flag ? kCommandedBit : 0);
  call.answer.put_u16(1);
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
