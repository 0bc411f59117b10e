// Keeps the core alive when the other side damages what both share: another process may truncate
// the `in` file, and touching a page that is no longer there raises SIGBUS. The handler puts empty
// memory in place of the lost mapping and sets a flag; the lanes trip (TripReason::InputLost) and
// run on. From then on no lane touches the file any more: the addresses are the same, the memory
// behind them is the core's own.
#pragma once

#include <atomic>
#include <cstddef>

namespace rise::guard {

// Set-up thread. One mapping per process. Before lock_memory, so that the
// spare memory is locked, too. False: there is no memory for it.
[[nodiscard]] bool contain_input(void* base, std::size_t bytes, std::atomic<bool>* lost);
// Any thread: the same as if the mapping had been lost. For damage that is seen before it is felt.
void abandon_input();
// Set-up thread: the mapping is going away.
void release_input();

}  // namespace rise::guard
