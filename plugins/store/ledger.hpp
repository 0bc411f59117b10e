// The books of a log: which segments there are, what of them is acknowledged, lost, counted. No
// files.
//
// Threads: none of its own; Log::State guards it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "plugins/store/log.hpp"
#include "plugins/store/recovery.hpp"

namespace rise::store {

class Ledger {
 public:
  explicit Ledger(const Recovered& recovered);

  // ---- the writer's side. The active segment is the last one, while it is written to.
  void begin(const SegmentName& name, std::uint64_t after);  // seals the one before
  void seal() { active_ = false; }
  void stored(std::uint64_t records, std::uint64_t payload_bytes, std::uint64_t file_bytes,
              std::uint64_t last);
  // The oldest goes, acknowledged or not. Absent: there is none but the active one.
  std::optional<SegmentName> drop_oldest();

  // ---- the reader's side
  struct View {
    SegmentName name;
    std::uint64_t after = 0;  // number of the last record before it
    std::uint64_t end = 0;    // of what may be read, bytes from the file's begin
    std::uint64_t last = 0;   // number of its last record
    bool active = false;      // more may come
  };
  // Where a cursor in `current` (first 0: in none) that waits for the record *expected goes on; the
  // next segment if it has finished this one, or this one is gone. Moves *expected past what is
  // acknowledged.
  std::optional<View> locate(const SegmentName& current, bool finished,
                             std::uint64_t* expected) const;
  // A record is about to be handed out by a cursor that expected another one. -> may it have been
  // before? Absent: it is acknowledged or dropped by now.
  std::optional<bool> hand_out(std::uint64_t number, std::uint64_t expected);
  // These cannot be read. Counts each once, however often it is missed.
  void missing(std::uint64_t from, std::uint64_t to);
  void acknowledge(std::uint64_t up_to);
  // Takes out the segments of which nothing is needed any more.
  std::vector<SegmentName> release();

  [[nodiscard]] bool has(const SegmentName& name) const;
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] Depth depth() const;  // without the age
  [[nodiscard]] const std::deque<Segment>& segments() const { return segments_; }

  Counters counters;

 private:
  // What was lost right behind what is acknowledged needs no acknowledgement.
  void settle();

  struct Gap {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  // Beyond it, losses are acknowledged with the records behind them, as usual.
  static constexpr std::size_t kMaxGaps = 1024;

  std::deque<Segment> segments_;
  bool active_ = false;
  std::uint64_t last_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t handed_out_ = 0;  // the largest number so far; what was there at the start may be
  std::uint64_t missed_ = 0;      // the largest that was counted as damaged
  std::deque<Gap> gaps_;          // not acknowledged yet
};

}  // namespace rise::store
