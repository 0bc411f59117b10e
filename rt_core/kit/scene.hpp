// What a check in its own process leaves behind for the process that started it, whatever becomes
// of it: where the driver was when it crashed or stopped returning, and what was found until then.
// Plain data in memory that both share.
#pragma once

#include <atomic>
#include <cstdint>

namespace rise::kit {

// Where the driver is.
enum class Call : std::uint32_t {
  None,
  Load,
  Configure,
  Start,
  Cycle,
  OnOpen,
  OnBytes,
  OnClosed,
  Command,
  Safe,
  Stop,
  Destroy,
  OnDatagram,
  Cancel
};
const char* name_of(Call call);

enum class Verdict : std::uint32_t { None, Pass, Fail, Skip };

struct Scene {
  std::atomic<std::uint64_t> calls{0};  // odd: a call into the driver is under way
  std::atomic<std::uint32_t> call{0};   // Call, of the present or last call
  std::atomic<std::int32_t> signal{0};  // by which the process dies
  std::atomic<std::uint64_t> address{0};
  std::atomic<std::uint64_t> host_memory{0};  // 1: the address is the host's: it is read-only
  std::atomic<std::uint32_t> verdict{0};
  char doing[128] = {};      // which part of the check
  char findings[4096] = {};  // lines
  char notes[1024] = {};     // lines

  void enter(Call which) {
    // Relaxed: the reader only wants to know, at leisure, whether the same call still runs.
    call.store(static_cast<std::uint32_t>(which), std::memory_order_relaxed);
    calls.fetch_add(1, std::memory_order_relaxed);
  }
  void leave() { calls.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace rise::kit
