// What enters a lane besides time and bytes, at the one place where each is taken in: a recording
// notes it, a replay puts what was recorded in its place. A table of functions; those that are null
// are not called.
//
// Lane thread, inside a cycle: nothing here may block, allocate or make a system call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rt_core/shm/spsc_ring.hpp"

namespace rise::io {

// The words by which other threads and processes influence a lane, as one cycle has read them.
struct SeenWords {
  shm::Word stop_word = 0;     // 0: run
  shm::Word heartbeat_ns = 0;  // CLOCK_MONOTONIC of the sidecar's last sign of life, 0: never
  bool input_lost = false;     // the region's `in` file was damaged
  bool stop = false;           // the core asks for an orderly end
  bool operator==(const SeenWords&) const = default;
};

struct Witness {
  void* self = nullptr;
  // CLOCK_REALTIME - CLOCK_MONOTONIC for this cycle, in ns.
  void (*utc_offset)(void* self, std::int64_t* offset_ns) = nullptr;
  void (*words)(void* self, SeenWords* words) = nullptr;
  // What came of looking for a command: `words` holds a message::Command if it is an Item.
  // -> what the lane is to go by.
  shm::Pop (*command)(void* self, shm::Pop pop, shm::Word* words) = nullptr;
  // The caretaker's: a notice that the machine tells in this cycle; a seat that waits for it.
  void (*notice)(void* self, std::uint16_t machine, const char* text, std::size_t length) = nullptr;
  void (*seat)(void* self, std::uint16_t machine) = nullptr;
  // The end of a cycle: what the lane has published since its start.
  void (*told)(void* self, std::uint64_t frames, std::uint64_t events,
               std::uint64_t results) = nullptr;
};

}  // namespace rise::io
