// Who may change which program: the memory key, the edit protection of parameter 3202, and the
// programs that are running.
#pragma once

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/wire/protocol.hpp"

namespace rise::cncsim {

// Ok, or why this program may not be replaced or deleted now.
focas::wire::Status may_change(const Control& control, const std::string& folder,
                               const std::string& name, int number);

// Deletes a program and, if it was selected somewhere, deselects it.
focas::wire::Status remove_program(Control& control, const std::string& folder,
                                   const Program& program);

// Stores a downloaded text. A program that is selected is selected anew, with its new text.
focas::wire::Status store_programs(Control& control, const std::string& folder,
                                   std::string_view text);

}  // namespace rise::cncsim
