// The checks, by the file that they are in. Each says what it proves in checks.cpp.
#pragma once

#include "rt_core/kit/trial.hpp"

namespace rise::kit {

// checks_life.cpp
void check_description(Trial& trial);
void check_life_cycle(Trial& trial);
void check_dialog(Trial& trial);
void check_stop(Trial& trial);
// checks_settings.cpp
void check_settings(Trial& trial);
void check_struct_sizes(Trial& trial);
// checks_input.cpp
void check_host_calls(Trial& trial);
void check_garbage(Trial& trial);
void check_torn(Trial& trial);
void check_oversized(Trial& trial);
void check_datagrams(Trial& trial);
// checks_link.cpp
void check_disconnects(Trial& trial);
void check_refused(Trial& trial);
void check_silent(Trial& trial);
void check_queue_full(Trial& trial);
void check_commands(Trial& trial);
// checks_cost.cpp
void check_time(Trial& trial);
void check_allocations(Trial& trial);
void check_system_calls(Trial& trial);
void check_leaks(Trial& trial);
// checks_state.cpp
void check_determinism(Trial& trial);
void check_two_instances(Trial& trial);
void check_reload(Trial& trial);

// The description of the driver under test. Ends the trial with a finding if it cannot be loaded.
const rise_driver* load(Trial& trial);
// Whether it uses streams, or a skip.
bool needs_streams(Trial& trial);

}  // namespace rise::kit
