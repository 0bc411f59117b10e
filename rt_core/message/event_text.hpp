// Events as sentences for people. Not for the lane.
#pragma once

#include <string>
#include <string_view>

#include "rise_generated.h"

namespace rise::message {

// "alarm on: 500 OT axis 2 (Y)OVER TRAVEL", without time and machine.
std::string event_text(const MachineEvent& event);

// "applied: output 0 = 80 (asked 80), approved by cli".
std::string result_text(const CommandResult& result);

}  // namespace rise::message
