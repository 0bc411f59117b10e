#include "drivers/focas/simulator/protocol/program_guard.hpp"

#include "drivers/focas/simulator/protocol/commands.hpp"

namespace rise::cncsim {

using focas::wire::Status;

Status may_change(const Control& control, const std::string& folder, const std::string& name,
                  int number) {
  const Path& first = control.path(0);
  if (!first.switches().memory_open) return Status::Protected;
  const bool low = number >= 8000 && number < 9000;
  const bool high = number >= 9000 && number < 10000;
  if (low && first.parameters().bit(parameter::kProtectBits, 0)) return Status::Protected;
  if (high && first.parameters().bit(parameter::kProtectBits, 4)) return Status::Protected;
  for (std::size_t i = 0; i < control.path_count(); ++i) {
    const Path& path = control.path(i);
    if (path.folder() != folder || path.run() == Run::Reset) continue;
    const ProgramPtr main = path.main_program();
    const ProgramPtr running = path.running_program();
    if ((main && main->name == name) || (running && running->name == name)) return Status::Reject;
  }
  return Status::Ok;
}

Status remove_program(Control& control, const std::string& folder, const Program& program) {
  const std::string name = program.name;  // the program may go with its entry
  if (const Status status = may_change(control, folder, name, program.number);
      status != Status::Ok) {
    return status;
  }
  const Status status = command::status_of(control.store().remove(folder, name));
  for (std::size_t i = 0; i < control.path_count(); ++i) {
    Path& path = control.path(i);
    const ProgramPtr main = path.main_program();
    if (path.folder() == folder && main && main->name == name) (void)path.select(nullptr);
  }
  return status;
}

Status store_programs(Control& control, const std::string& folder, std::string_view text) {
  std::vector<ProgramPtr> programs;
  if (!split_programs(text, {}, &programs)) return Status::Data;
  for (const ProgramPtr& program : programs) {
    const Status status = may_change(control, folder, program->name, program->number);
    if (status != Status::Ok) return status;
  }
  const bool replace = control.path(0).parameters().bit(parameter::kReplaceBits, 2);
  programs.clear();
  const auto result = control.store().add(folder, text, control.date_time(), replace, &programs);
  if (result != ProgramStore::Result::Done) return command::status_of(result);
  for (std::size_t i = 0; i < control.path_count(); ++i) {
    Path& path = control.path(i);
    const ProgramPtr main = path.main_program();
    for (const ProgramPtr& program : programs) {
      if (path.folder() == folder && main && main->name == program->name) {
        (void)path.select(program);
      }
    }
  }
  return Status::Ok;
}

}  // namespace rise::cncsim
