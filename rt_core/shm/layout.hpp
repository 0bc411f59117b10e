// What lies where in the shared region. The region is two files, so that the memory protection of
// the kernel keeps the one promise that software cannot: what the core writes, nobody else can
// change.
//
//   out   written by rise-core alone, mapped read-only by everybody else
//   in    written by readers: cursors, commands, heartbeat, stop word; the core trusts none of it
//
// Both begin with a RegionHeader; its section table says what is where.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rt_core/shm/broadcast_ring.hpp"
#include "rt_core/shm/spsc_ring.hpp"

namespace rise::shm {

inline constexpr std::uint64_t kOutMagic = 0x3154'554f'4553'4952;  // "RISEOUT1"
inline constexpr std::uint64_t kInMagic = 0x3130'4e49'4553'4952;   // "RISEIN01"
inline constexpr std::uint32_t kRegionVersion = 3;
inline constexpr std::size_t kSectionAlign = 64;
// "Machine" of events that concern the lane itself, and of commands to all its machines.
inline constexpr std::uint16_t kWholeLane = 65535;
inline constexpr std::size_t kMaxLanes = 16;
inline constexpr std::size_t kMaxReaders = 16;
inline constexpr std::size_t kMaxSections = 8 + 8 * kMaxLanes;

enum class SectionKind : std::uint32_t {
  None = 0,
  // out, once
  Lanes = 1,     // message::CoreHealth per lane
  Machines = 2,  // message::MachineEntry
  Drivers = 3,   // message::DriverHealth per machine
  Signals = 4,   // message::SignalEntry
  Outputs = 5,   // message::OutputEntry
  States = 6,    // stamped cell with message::MachineState per machine
  Texts = 7,     // stamped cell with message::TextState per text signal
  Frames = 8,    // stamped cell with message::TelemetryFrame per page, machine by machine; written
               // for the pages of slow groups only, whose latest frame the ring may no longer hold
  // out, per lane
  Telemetry = 16,  // broadcast ring of message::TelemetryFrame
  Events = 17,     // broadcast ring of message::MachineEvent
  Results = 18,    // broadcast ring of message::CommandResult
  Flight = 19,     // broadcast ring of cycle records: every cycle
  Late = 20,       // broadcast ring of cycle records: late cycles only
  // in
  Control = 32,   // ControlBlock
  Readers = 33,   // ReaderSlot[kMaxReaders]
  Commands = 34,  // SPSC ring of message::Command, per lane
};

struct Section {
  SectionKind kind = SectionKind::None;
  std::uint32_t lane = 0;
  std::uint64_t offset = 0;  // from the start of the file; a multiple of kSectionAlign
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;          // elements, or the capacity of a ring
  std::uint64_t element_words = 0;  // payload of one element in 8-byte words
};

enum class RegionState : std::uint32_t {
  Starting = 0,
  Running = 1,
  Closed = 2,     // the core ended in an orderly way
  Abandoned = 3,  // the core died; a later one cleaned up
};

// Of what a core has died, written by its last signal handler. Zeros: of nothing, or of something
// that asks nobody, as SIGKILL.
struct Death {
  Word signal;
  Word address;  // that was not to be accessed, or of the instruction: as si_addr of sigaction(2)
  Word thread;   // gettid
};

struct RegionHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;  // sizeof(RegionHeader)
  std::uint64_t schema_hash;   // message/schema_hash.hpp
  std::uint64_t total_bytes;
  std::uint64_t
      core_start_time;  // of the process, in clock ticks since boot (proc(5) stat, field 22)
  std::uint32_t core_pid;
  std::uint32_t state;  // RegionState; an atomic word
  std::uint32_t lane_count;
  std::uint32_t section_count;
  Death death;         // in the `out` file
  char out_path[256];  // in the `in` file: where `out` is
  Section sections[kMaxSections];
};

// The words by which the other side influences the core. All are read with care.
struct ControlBlock {
  // 0 = run. Anything else: every machine of the core trips, in the next cycle. Needs no queue, no
  // lock and no living process: one store. It stays until it is set back to 0. FUTEX_WAKE on its
  // low half tells the watchdog, too: a driver that is stuck is then broken off without delay.
  alignas(64) Word stop_word;
  // CLOCK_MONOTONIC of the sidecar's last sign of life, 0 = never.
  alignas(64) Word sidecar_heartbeat_ns;
};

// A named reader's place. It is written by the reader alone, and outlives it: the next process with
// the same name continues at the cursors.
struct ReaderSlot {
  char name[32];             // empty = free
  std::uint64_t start_time;  // of the process, see RegionHeader
  std::uint32_t pid;
  std::uint32_t attachments;  // how often the slot was taken
  Word frames;                // read so far, all lanes
  Word lost;                  // frames missed so far, all lanes
  Word telemetry[kMaxLanes];  // cursors
  Word events[kMaxLanes];
  Word results[kMaxLanes];
};

static_assert(sizeof(RegionHeader) % 8 == 0 && sizeof(ReaderSlot) % 8 == 0);

}  // namespace rise::shm
