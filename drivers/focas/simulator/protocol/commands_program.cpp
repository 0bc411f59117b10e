// State of the running program; search, delete, manual input.
#include <algorithm>

#include "drivers/focas/simulator/protocol/commands.hpp"
#include "drivers/focas/simulator/protocol/program_guard.hpp"

namespace rise::cncsim::command {

namespace {

constexpr std::size_t kPathBytes = 256;
constexpr std::size_t kNameBytes = 36;

int number_of(const ProgramPtr& program) { return program ? program->number : 0; }

void put_path(Call& call, const ProgramPtr& program) {
  if (!program) return call.answer.put_zeros(kPathBytes);
  const std::string_view folder = std::string_view(call.path.folder()).substr(0, kPathBytes);
  call.answer.put_text(folder, folder.size());
  call.answer.put_text(program->name, kPathBytes - folder.size());
}

}  // namespace

Status status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::None: return Status::Ok;
    case Refusal::Emergency:
    case Refusal::Running:
    case Refusal::NoProgram: return Status::Reject;
    case Refusal::Alarm: return Status::Alarm;
    case Refusal::Mode: return Status::Mode;
    case Refusal::BadText: return Status::Data;
  }
  return Status::Reject;
}

Status status_of(ProgramStore::Result result) {
  switch (result) {
    case ProgramStore::Result::Done: return Status::Ok;
    case ProgramStore::Result::Full: return Status::Overflow;
    case ProgramStore::Result::NoFolder:
    case ProgramStore::Result::NotFound:
    case ProgramStore::Result::Exists:
    case ProgramStore::Result::BadText: return Status::Data;
  }
  return Status::Data;
}

Status program_numbers(Call& call) {
  call.answer.put_i32(number_of(call.path.running_program()));
  call.answer.put_i32(number_of(call.path.main_program()));
  return Status::Ok;
}

Status sequence_number(Call& call) {
  call.answer.put_i32(call.path.sequence());
  return Status::Ok;
}

Status program_name(Call& call) {
  const ProgramPtr program = call.path.running_program();
  call.answer.put_i32(number_of(program));
  call.answer.put_text(program ? program->name : "", kNameBytes);
  return Status::Ok;
}

Status program_path(Call& call) {
  put_path(call, call.path.running_program());
  return Status::Ok;
}

Status main_program_path(Call& call) {
  put_path(call, call.path.main_program());
  return Status::Ok;
}

Status block_count(Call& call) {
  call.answer.put_i32(call.path.block_count());
  return Status::Ok;
}

// Argument: most characters. Never less than the four bytes of the block number.
Status executing_text(Call& call) {
  call.answer.put_i32(call.path.block_count());
  const std::string_view text = call.path.executing_text();
  const auto wanted = static_cast<std::size_t>(std::max(0, call.argument(0)));
  // The program ends with '%', as on the screen.
  const std::size_t room = std::min(wanted, call.answer.room());
  const std::size_t n = std::min(text.size(), room);
  call.answer.put_text(text, n);
  if (n == text.size() && n < room && !text.empty()) call.answer.put_text("%", 1);
  return Status::Ok;
}

Status rewind(Call& call) { return status_of(call.path.rewind()); }

Status search(Call& call) {
  ProgramPtr program = call.control.store().find(call.path.folder(), call.argument(0));
  if (!program) return Status::Data;
  return status_of(call.path.select(std::move(program)));
}

Status remove_number(Call& call) {
  const std::string folder = call.path.folder();
  const ProgramPtr program = call.control.store().find(folder, call.argument(0));
  if (!program) {
    call.answer.detail[0] = 2;  // as captured from a 0i-D
    return Status::Data;
  }
  return remove_program(call.control, folder, *program);
}

Status write_mdi(Call& call) {
  const focas::wire::Bytes text = call.request.payload;
  return status_of(call.path.load_mdi({reinterpret_cast<const char*>(text.data()), text.size()}));
}

// Program and place of the manual input, then of the memory mode.
Status mdi_pointer(Call& call) {
  const bool manual = call.path.switches().mode == Mode::Mdi;
  call.answer.put_i32(0);
  call.answer.put_i32(manual ? call.path.block_count() : 0);
  call.answer.put_i32(number_of(call.path.running_program()));
  call.answer.put_i32(manual ? 0 : call.path.block_count());
  return Status::Ok;
}

}  // namespace rise::cncsim::command
