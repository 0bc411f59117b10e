// What turns an ordinary thread into a real-time one. Each step may be refused by the machine; then
// the program goes on without it, and says so: every function returns what is missing and how to
// get it, in one sentence, or an empty string.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::guard {

// Process. All memory, now and later, stays in RAM; the heap never gives memory back or maps new.
std::string lock_memory();

// Process. Holds /dev/cpu_dma_latency at 0, as cyclictest does: no deep idle states while *fd is
// open.
std::string hold_dma_latency(int* fd);

// Calling thread.
std::string pin_to_cpu(int cpu);
std::string make_fifo(int priority);
// Touches the stack that the lane will use, so that no cycle meets a page for the first time.
void prefault_stack();

// Cores that this process may use. A lane goes to the last of them by default: interrupts and
// everybody else's work tend to gather on the first.
std::vector<int> allowed_cpus();
// The same and the isolated ones (isolcpus), which stand last and so are a lane's first choice.
// They are in nobody's affinity; those that the kernel refuses this process are left out.
std::vector<int> lane_cpus();
// Keeps the calling thread, and those it makes from now on, off the given cores; if none would be
// left, nothing is changed.
void avoid_cpus(const std::vector<int>& cpus);

// True on a kernel with PREEMPT_RT.
bool kernel_is_realtime();

struct ThreadCounts {
  std::uint64_t page_faults = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
};
// Of another thread of this process, read from proc: costs that thread nothing.
bool read_thread_counts(int thread_id, ThreadCounts* counts);

}  // namespace rise::guard
