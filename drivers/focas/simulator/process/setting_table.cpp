// The table of the config file's keys.
#include "drivers/focas/simulator/process/settings.hpp"
#include "drivers/sdk/rise_settings.hpp"

namespace rise::cncsim {

namespace {

using sdk::choice;
using sdk::flag;
using sdk::integer;
using sdk::number;
using sdk::required;
using sdk::string;

constexpr double kLargest = 1e9;

constexpr rise_setting_spec kSettings[] = {
    integer("server.background_ms", 1, 1000, "50", "ms",
            "controls that nobody asks are brought up to date this often"),

    required(string("control.*.name", 1, 31, nullptr,
                    "name of the control; with count > 1 each gets \"-1\", \"-2\", ... behind it")),
    choice("control.*.model", kModelChoices, "\"31i\"", "which control is played"),
    choice("control.*.machine", "mill|lathe", "\"mill\"", "what it controls"),
    string("control.*.address", 7, 15, "\"127.0.0.1\"", "IPv4 address to listen on"),
    integer("control.*.port", 1, 65535, "8193", nullptr, "TCP port to listen on"),
    integer("control.*.count", 1, 2000, "1", nullptr, "so many controls of this kind"),
    integer("control.*.port_step", 0, 1000, "1", nullptr, "from one of them to the next"),
    integer("control.*.address_step", 0, 255, "0", nullptr,
            "from one of them to the next, in the last part of the address"),
    integer("control.*.version", 0, 9, "0", nullptr,
            "of the open reply; below 3: legacy; 0: as the model"),
    integer("control.*.family", -1, 9, "-1", nullptr,
            "family code of the open reply; 0 to 2 let the vendor's client ask for options; -1: as "
            "the model"),
    string("control.*.series", 0, 4, "\"\"", "series in sysinfo; empty: as the model"),
    string("control.*.software", 0, 4, "\"\"", "software version in sysinfo; empty: as the model"),
    integer("control.*.seed", 0, 9e15, "1", nullptr,
            "of noise, jitter and faults; each of count gets the next one"),
    integer("control.*.tick_us", 250, 20000, "2000", "us", "interpolation period"),
    integer("control.*.decimals", 3, 4, "3", nullptr, "digits of positions behind the point"),
    integer("control.*.memory_kb", 16, 8192, "512", "KB", "program memory"),
    integer("control.*.offset_sets", 1, 999, "200", nullptr, "tool offset numbers"),
    string("control.*.clock", 3, 19, "\"now\"",
           "date and time at power on: \"now\" or \"2024-05-06 12:34:56\""),
    flag("control.*.autostart", "true", "cycle start at power on"),
    flag("control.*.loop", "true", "M30 starts the program again"),
    number("control.*.loop_pause_s", 0, 3600, "1.0", "s", "between M30 and the next start"),
    number("control.*.restart_s", 0, 86400, "0.0", "s",
           "a reset control without alarm starts again after this; 0: never"),
    flag("control.*.optional_stop", "false", "M1 stops"),
    number("control.*.m_time_s", 0, 60, "0.1", "s", "until an M, S or T code is finished"),
    number("control.*.tool_change_s", 0, 600, "2.0", "s", "until M6 is finished"),
    flag("control.*.stale_elements", "false",
         "junk instead of zeros beyond the controlled axes, as real controls send"),
    integer("control.*.sessions_max", 1, 1000, "5", nullptr,
            "data sessions at the same time; further opens are refused"),
    integer("control.*.service_us", 0, 1000000, "0", "us",
            "time to answer a request; real controls need 1000 to 5000"),
    integer("control.*.service_jitter_us", 0, 1000000, "0", "us", "0 to this is added to it"),
    integer("control.*.upload_gap_us", 0, 1000000, "2000", "us",
            "between the acceptance of an upload and its data"),

    number("control.*.cutting.depth_mm", 0, 100, "2.0", "mm", "depth of cut"),
    number("control.*.cutting.width_mm", 0, 500, "10.0", "mm", "width of cut"),
    number("control.*.cutting.tool_diameter_mm", 0.1, 500, "16.0", "mm", "for the cutting speed"),
    number("control.*.cutting.specific_force_n_mm2", 0, 10000, "2000.0", "N/mm2",
           "of the material"),
    number("control.*.cutting.tool_life_min", 0.1, 10000, "45.0", "min",
           "cutting time from new to worn at the reference load"),
    number("control.*.cutting.wear_force_percent", 0, 500, "60.0", "%",
           "more force with a worn tool"),
    number("control.*.cutting.rated_axis_force_n", 1, 1000000, "3000.0", "N",
           "feed force of 100 % servo load"),
    number("control.*.cutting.ambient_c", -20, 60, "22.0", "degC", "temperature of the shop"),
    number("control.*.cutting.thermal_time_s", 1, 100000, "300.0", "s",
           "time constant of the motors' temperatures"),
    number("control.*.cutting.noise_percent", 0, 50, "2.0", "%",
           "of the load meters and the vibration"),

    string("control.*.path.*.program", 0, 1000000, "\"\"",
           "main program, from its O number on; \"\": none"),
    required(string("control.*.path.*.axes.*.name", 1, 3, nullptr,
                    "of the axis; the first letter is the address in programs")),
    choice("control.*.path.*.axes.*.kind", "auto|linear|rotary", "\"auto\"",
           "auto: A, B, C are rotary. Rotary axes count degrees instead of mm"),
    number("control.*.path.*.axes.*.rapid_mm_min", 1, 1000000, "24000.0", "mm/min",
           "rapid traverse"),
    number("control.*.path.*.axes.*.max_feed_mm_min", 1, 1000000, "10000.0", "mm/min",
           "largest cutting feed"),
    number("control.*.path.*.axes.*.acceleration_mm_s2", 1, 1000000, "3000.0", "mm/s2",
           "acceleration"),
    number("control.*.path.*.axes.*.low_mm", -100000, 100000, "-1000.0", "mm",
           "stroke limit, machine coordinate"),
    number("control.*.path.*.axes.*.high_mm", -100000, 100000, "1000.0", "mm",
           "stroke limit, machine coordinate"),
    number("control.*.path.*.axes.*.start_mm", -100000, 100000, "0.0", "mm",
           "machine coordinate at power on"),
    string("control.*.path.*.spindles.*.name", 1, 3, "\"S1\"", "of the spindle"),
    number("control.*.path.*.spindles.*.max_rpm", 1, 200000, "8000.0", "rpm", "highest speed"),
    number("control.*.path.*.spindles.*.power_kw", 0.01, 1000, "11.0", "kW", "100 % load"),
    number("control.*.path.*.spindles.*.acceleration_rpm_s", 1, 1000000, "4000.0", "rpm/s",
           "speeding up and braking"),
    number("control.*.path.*.spindles.*.inertia_kgm2", 0, 1000, "0.01", "kg m2", "of what turns"),

    string("control.*.program.*.folder", 1, 255, "\"//CNC_MEM/USER/PATH1/\"",
           "where the further program is stored"),
    required(string("control.*.program.*.text", 1, 1000000, nullptr,
                    "one or more programs, from the O number on")),

    required(choice("control.*.fault.*.kind", kFaultKindChoices, nullptr, "what goes wrong")),
    choice("control.*.fault.*.scope", kFaultScopeChoices, "\"data\"", "which requests it may hit"),
    number("control.*.fault.*.probability", 0, 1, "1.0", nullptr, "that a request is hit"),
    integer("control.*.fault.*.count", 0, kLargest, "0", nullptr,
            "so many hits, then it is over; 0: no limit"),
    number("control.*.fault.*.after_s", 0, kLargest, "0.0", "s", "from power on"),
    number("control.*.fault.*.for_s", 0, kLargest, "0.0", "s", "how long; 0: for ever"),
    number("control.*.fault.*.every_s", 0, kLargest, "0.0", "s", "again with this period; 0: once"),
    integer("control.*.fault.*.delay_us", 0, 60000000, "0", "us", "delay: how much"),
    integer("control.*.fault.*.jitter_us", 0, 60000000, "0", "us", "delay: 0 to this more"),
    integer("control.*.fault.*.gap_us", 0, 10000000, "1000", "us", "torn: between two pieces"),
    integer("control.*.fault.*.amount", -30000, 30000, "1", nullptr,
            "torn: bytes of a piece; header_length, block_length: how much too long"),
    integer("control.*.fault.*.status", -17, 100, "1", nullptr, "error: status of the blocks"),
    integer("control.*.fault.*.command", -1, 65535, "-1", nullptr,
            "error: which command; -1: every one"),
    integer("control.*.fault.*.number", 0, 99999, "0", nullptr, "alarm: its number"),
    string("control.*.fault.*.type", 1, 8, "\"PS\"", "alarm: its type, \"SV\", \"OT\", ..."),
    integer("control.*.fault.*.axis", 0, 32, "0", nullptr, "alarm: its axis, from 1; 0: none"),
    string("control.*.fault.*.text", 0, 64, "\"\"", "alarm: its text"),
};

}  // namespace

std::span<const rise_setting_spec> setting_specs() { return kSettings; }

}  // namespace rise::cncsim
