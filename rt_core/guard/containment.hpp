// Keeps the core alive when the other side damages what both share: another process may truncate
// the `in` file, and touching a page that is no longer there raises SIGBUS. The handler puts an
// empty page in place of the lost mapping and sets a flag; the lanes trip (TripReason::InputLost)
// and run on.
#pragma once

#include <atomic>
#include <cstddef>

namespace rise::guard {

// Set-up thread. One mapping per process.
void contain_input(void* base, std::size_t bytes, std::atomic<bool>* lost);
// The mapping is going away.
void release_input();

}  // namespace rise::guard
