// Reads a log in order, a window of 256 KiB at a time, however large it is. Several cursors of one
// log are independent of each other.
//
// Threads: one at a time, together with whatever goes on in the log. The log outlives it.
#pragma once

#include <cstdint>
#include <optional>

#include "plugins/store/log.hpp"
#include "plugins/store/scanner.hpp"

namespace rise::store {

struct Record {
  std::uint64_t number = 0;  // for Log::acknowledge()
  std::int64_t time_ns = 0;  // when it was appended, CLOCK_REALTIME
  Bytes payload;             // until the next call
  bool again = false;        // may have been handed out before: by this log, or before a restart
};

class Cursor {
 public:
  // The next one that is whole and not acknowledged. Absent: none for now; more may be appended.
  std::optional<Record> next();
  // Back to the oldest that is not acknowledged, as after a broken link.
  void rewind();

 private:
  friend class Log;
  enum class Role : std::uint8_t { Reader, Probe };  // a probe does not count as handing out
  Cursor(Log::State* log, Role role) : log_(log), role_(role) {}

  void pass(std::uint64_t last);
  // -> errno
  int enter(const SegmentName& name);

  Log::State* log_;
  Role role_;
  Scanner scanner_;
  SegmentName segment_;         // the one that the scanner is in; first 0: none yet
  bool finished_ = false;       // with that one
  std::uint64_t expected_ = 1;  // the next number, if nothing was lost
};

}  // namespace rise::store
