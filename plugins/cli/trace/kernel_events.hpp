// Events of the kernel as its `trace` file has them (Documentation/trace/ftrace of the Linux
// kernel), and as they are drawn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/cli/trace/trace_file.hpp"

namespace rise::cli {

// One line of the kernel's `trace` file: "task-pid [cpu] flags seconds.micros: event: details".
struct KernelEvent {
  int cpu = 0;
  std::int64_t at_ns = 0;  // whole microseconds
  std::string task;
  std::string name;     // "sched_switch"
  std::string details;  // "prev_comm=... next_comm=..."
};
// False: not a line of an event.
bool parse_kernel_event(std::string_view line, KernelEvent* event);
// The value behind `key=`, to the next " word=" or the end: names of tasks may hold blanks.
std::string detail_of(const KernelEvent& event, std::string_view key);

// Draws the events, which are in order of time, as process `process`: of each core who runs, its
// interrupts, its soft interrupts.
void draw_kernel(const std::vector<KernelEvent>& events, std::uint32_t process, TraceFile* file);

}  // namespace rise::cli
