// The handlers of all commands, by subject. Their data are described in the protocol table of
// drivers/focas/wire and, where it matters, beside the handler.
#pragma once

#include "drivers/focas/simulator/protocol/dispatch.hpp"

namespace rise::cncsim::command {

using focas::wire::Status;

// commands_system.cpp
Status system_info(Call& call);
Status axis_count_legacy(Call& call);
Status cnc_id(Call& call);
Status status(Call& call);
Status status_extended(Call& call);
Status status_handwheel(Call& call);
Status tool_mode(Call& call);
Status operation_mode(Call& call);
Status figure(Call& call);
Status read_clock(Call& call);
Status write_clock(Call& call);
Status read_panel(Call& call);
Status write_panel(Call& call);
Status start(Call& call);
Status reset(Call& call);
Status ethernet_info(Call& call);
Status timer(Call& call);

// commands_position.cpp
Status position(Call& call);
Status counts(Call& call);
Status axis_names(Call& call);
Status units(Call& call);
Status display_flags(Call& call);

// commands_drive.cpp
Status actual_feed(Call& call);
Status actual_spindle(Call& call);
Status spindle_data(Call& call);
Status spindle_names(Call& call);
Status servo_load(Call& call);

// commands_alarm.cpp
Status alarm_bits(Call& call);
Status alarm_messages(Call& call);
Status operator_message(Call& call);
Status operator_messages_new(Call& call);

// commands_program.cpp
Status program_numbers(Call& call);
Status sequence_number(Call& call);
Status program_name(Call& call);
Status program_path(Call& call);
Status main_program_path(Call& call);
Status block_count(Call& call);
Status executing_text(Call& call);
Status rewind(Call& call);
Status search(Call& call);
Status remove_number(Call& call);
Status write_mdi(Call& call);
Status mdi_pointer(Call& call);

// commands_modal.cpp
Status modal_g(Call& call);
Status modal_other(Call& call);
Status g_codes(Call& call);
Status command_values(Call& call);

// commands_parameter.cpp
Status read_parameter(Call& call);
Status write_parameter(Call& call);
Status parameter_info(Call& call);
Status parameter_info_2(Call& call);
Status diagnosis(Call& call);

// commands_macro.cpp
Status read_macro(Call& call);
Status write_macro(Call& call);
Status read_macro_double(Call& call);
Status write_macro_double(Call& call);
Status macro_info(Call& call);

// commands_tool.cpp
Status read_tool_offset(Call& call);
Status write_tool_offset(Call& call);
Status tool_offset_info(Call& call);
Status read_work_offset(Call& call);
Status tool_group_id(Call& call);
Status tool_group_count(Call& call);
Status tool_life(Call& call);
Status tool_number(Call& call);

// commands_folder.cpp
Status program_directory(Call& call);
Status program_info(Call& call);
Status drives(Call& call);
Status current_folder(Call& call);
Status folder_count(Call& call);
Status folder_entries(Call& call);
Status sub_folders(Call& call);
Status select_main(Call& call);
Status delete_file(Call& call);

// commands_pmc.cpp
Status pmc_read(Call& call);
Status pmc_write(Call& call);

// What a refused order is on the wire.
Status status_of(Refusal refusal);
Status status_of(ProgramStore::Result result);

// Reply of a command whose data nobody has described: EW_FUNC.
Status not_known(Call& call);

}  // namespace rise::cncsim::command
