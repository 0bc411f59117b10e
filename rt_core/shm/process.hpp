// Whether a process that left its number behind still lives. A number alone is not enough: it may
// have been given to another process since.
#pragma once

#include <cstdint>

namespace rise::shm {

struct ProcessId {
  std::uint32_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot
};

// This process.
ProcessId self();
// True if that very process still runs (a zombie does not).
bool alive(const ProcessId& process);

}  // namespace rise::shm
