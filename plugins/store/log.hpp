// Store and forward: a bounded log on disk of what is to go to a far side that is slow or away.
// What was stored is handed out again in order until it is acknowledged, over restarts, kill -9,
// torn writes and damaged sectors. A damaged record costs itself and nothing else.
//
// What outcome Stored means, by LogOptions::sync. In each mode the record survives the end of this
// process in whatever way. A failure of power or kernel costs
//   Always   nothing: fdatasync(2) has returned, for the folder as well, if a file is new
//   Every    at most what was stored in the last sync_ms and the time that one fdatasync takes
//   Never    what the kernel had not written yet, by its defaults some 30 s
// as far as the medium keeps what it has confirmed. What such a failure leaves is told from what is
// whole by checksums, record by record.
//
// Numbers: the records of a log are numbered from 1, one by one; now and then, after trouble with
// the disk, some are left out. They say where something is in this log and are no names for
// messages. After a loss of power one
// may be given again that had been given to a record that is lost.
//
// Threads: every method from any thread; appending is done one after the other, and hinders neither
// reading nor acknowledging. A Cursor belongs to one thread at a time. Nothing here is for a lane.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/store/disk.hpp"

namespace rise::store {

enum class Sync : std::uint8_t { Always, Every, Never };

// When a record does not fit in max_bytes.
enum class Overflow : std::uint8_t {
  DropOldest,  // the oldest segment goes, with all that is in it
  Refuse,      // the record is not stored
};

struct LogOptions {
  std::string folder;  // its own; made if it is not there
  // All segments together, as far as the disk can remove them; at least two segments. Room is taken
  // and given back by whole segments: one is free when all in it is acknowledged.
  std::uint64_t max_bytes = std::uint64_t{1} << 30u;
  // One file; kMinSegmentBytes to kMaxSegmentBytes. A record fits in one.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20u;
  Sync sync = Sync::Every;
  std::uint32_t sync_ms = 100;  // 1 to 60'000
  Overflow overflow = Overflow::DropOldest;
  // ns since 1970; empty: CLOCK_REALTIME.
  std::function<std::int64_t()> clock;
};

inline constexpr std::uint64_t kMinSegmentBytes = 128;
inline constexpr std::uint64_t kMaxSegmentBytes = std::uint64_t{1} << 30u;

enum class Outcome : std::uint8_t {
  Stored,
  DroppedOldest,  // stored, and others were dropped for it
  Full,           // not stored: max_bytes, and Overflow::Refuse
  TooLarge,       // not stored, and never will be: larger than a segment
  // Not stored: see error. The log goes on; try again when the disk has room. If the disk could not
  // even take back what it had begun, and the process ends before anything else is stored, the
  // record may be there all the same after a restart.
  Failed,
};

struct Appended {
  Outcome outcome = Outcome::Stored;  // of the first that was not stored, if there is one
  std::size_t stored = 0;             // so many, from the first on, are in the log
  std::uint64_t last = 0;             // number of the last of them; 0: none
  int error = 0;                      // errno of Failed
};

struct Counters {
  std::uint64_t appended = 0;        // records, since the log was opened, like all here
  std::uint64_t appended_bytes = 0;  // payload
  std::uint64_t dropped_oldest = 0;  // records that were not acknowledged
  std::uint64_t refused = 0;         // Full and TooLarge
  std::uint64_t failed = 0;          // Failed
  std::uint64_t handed_out = 0;
  std::uint64_t redelivered = 0;      // of those: may have been handed out before
  std::uint64_t damaged = 0;          // records that should be there and cannot be read
  std::uint64_t damaged_headers = 0;  // of segments; costs no record
  std::uint64_t torn = 0;             // tails cut off at the start: 0 or 1
  std::uint64_t torn_bytes = 0;
  std::uint64_t set_aside = 0;       // files renamed to .damaged
  std::uint64_t sync_failures = 0;   // of what had been told Stored already (Every, Never)
  std::uint64_t other_failures = 0;  // position or folder: costs repetition at most
};

struct Depth {
  std::uint64_t records = 0;  // not acknowledged; damaged ones count until a cursor has passed them
  std::uint64_t bytes = 0;    // of all segments, as max_bytes counts them
  std::uint64_t segments = 0;
  std::int64_t oldest_ns = 0;  // age of the oldest that is not acknowledged; 0: there is none
};

struct Status {
  Counters counters;
  Depth depth;
};

class Cursor;

class Log {
 public:
  // Throws std::invalid_argument for options out of range and std::runtime_error if the folder
  // cannot be used, each with a remedy. Never because of what is in the folder; see take_news().
  static std::unique_ptr<Log> open(LogOptions options);
  // On something else than a folder; options.folder does not matter.
  static std::unique_ptr<Log> open(LogOptions options, std::unique_ptr<Disk> disk);
  // Syncs, but for Sync::Never. Cursors are gone before.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // The payload may be empty.
  Appended append(Bytes payload);
  // One write and, with Sync::Always, one fdatasync for each segment that it touches: one, mostly.
  // Ends at the first that cannot be stored.
  Appended append(std::span<const Bytes> payloads);

  // From the oldest that is not acknowledged on.
  [[nodiscard]] Cursor cursor();
  // All up to this number; what is larger than the last is taken for the last. Frees segments.
  // Lasts like a record does: with Sync::Always over a loss of power.
  void acknowledge(std::uint64_t up_to);
  // All that is stored and acknowledged is on the medium. -> errno
  int sync();

  // May read a few records to find the oldest.
  [[nodiscard]] Status status();
  // What people should know, sentences; each once.
  [[nodiscard]] std::vector<std::string> take_news();
  [[nodiscard]] const LogOptions& options() const;

 private:
  friend class Cursor;
  class State;
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

inline Bytes bytes_of(std::string_view text) {
  // Any object may be looked at as bytes.
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace rise::store
