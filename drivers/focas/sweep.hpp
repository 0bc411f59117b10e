// The sweep planner: which reads are due, packed into as few frames as the limits allow. One frame
// takes reads of several groups and paths; what does not fit waits for the next. Lane thread, but
// configure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/focas/catalogue.hpp"
#include "drivers/focas/read.hpp"

namespace rise::focas {

struct FrameLimits {
  std::uint32_t blocks = 10;
  std::uint32_t reply_bytes = 1460;  // with header
  friend bool operator==(const FrameLimits&, const FrameLimits&) = default;
};

class Sweep {
 public:
  static constexpr std::size_t kMaxGroups = 8;
  static constexpr std::size_t kMaxBlocks = 64;

  // Set-up. Takes all memory that any control can need.
  void configure(const Catalogue& catalogue, const Settings& settings);

  // A control was met: makes its reads. `phase`: 0..1, spreads machines over the period (over one
  // second, if that is longer). Trying what packs best takes long for a control with many paths,
  // so what was found is kept for the next connection to such a control.
  void meet(const ControlInfo& info, const FrameLimits& limits, double phase, std::int64_t now_ns);

  // Marks what is due. -> samples that were due while the one before was unfinished.
  std::uint32_t due(std::int64_t now_ns, bool degraded);
  [[nodiscard]] bool has_pending() const { return pending_ != 0; }
  // Starts a frame: as many pending reads as fit. -> blocks written; they are outstanding until
  // answered (in this order) or dropped.
  std::size_t ask(wire::FrameWriter* writer);
  [[nodiscard]] std::span<const std::uint16_t> outstanding() const {
    return {asked_, asked_count_};
  }
  [[nodiscard]] Read& read(std::uint16_t index) { return reads_[index]; }
  // The i-th outstanding read is answered. -> group whose sample is complete now, or -1.
  std::int32_t answered(std::size_t i);
  // The frame is answered.
  void frame_done() { asked_count_ = 0; }
  // Asks for the alarm messages of a path with the next frame. False: the control gives none.
  bool want_alarm_messages(std::uint16_t path);
  // Asks for names and units of the axes again.
  void want_services();
  // What was refused is asked again from now on: the control may have been starting up.
  void retry_refused();
  // One sample of the first group is due, whatever the time. -> reads.
  std::uint32_t due_first();
  // Forgets the sweep under way.
  void drop();

  // Frames that one sample of the group takes; for tests and statistics.
  [[nodiscard]] std::size_t frames_of_group(std::size_t group) const {
    return groups_[group].frames;
  }
  [[nodiscard]] const std::vector<Read>& reads() const { return reads_; }

 private:
  struct Packing {
    std::size_t split = 0;  // so many position items as one read per axis
    bool long_first = false;
  };
  struct Group {
    std::int64_t period_ns = 0;
    std::int64_t next_ns = 0;
    std::uint32_t unanswered = 0;
    bool overdue = false;  // the next sample was due before this one was complete
    std::size_t frames = 0;
    Packing packing;
  };
  void add(const Item& item, bool split_positions);
  void add_services(std::uint16_t path);
  void add_service(const Read& read, wire::Command command, Decoding decoding,
                   std::int32_t argument);
  [[nodiscard]] Packing find_packing(std::size_t group);
  std::uint32_t want_group(std::size_t group);
  void want(Read* read);
  [[nodiscard]] std::uint16_t reply_bytes(const Item& item) const;
  [[nodiscard]] bool fits(const Read& read, std::size_t blocks, std::size_t bytes) const;
  // Stops counting at `enough`.
  [[nodiscard]] std::size_t count_frames(std::size_t group, std::size_t enough);
  std::size_t make_group(std::size_t group, const Packing& packing, std::size_t enough);
  [[nodiscard]] bool overdue(const Read& read) const;
  bool take(std::size_t i, wire::FrameWriter* writer);

  std::vector<Item> items_;
  Group groups_[kMaxGroups];
  std::size_t group_count_ = 0;
  std::size_t path_count_ = 0;
  bool lathe_[kMaxPaths] = {};              // configured so
  bool machine_positions_[kMaxPaths] = {};  // are read
  bool planned_ = false;                    // for info_ and limits_
  std::vector<Read> reads_;
  ControlInfo info_;
  FrameLimits limits_;
  std::uint32_t pending_ = 0;
  std::uint16_t asked_[kMaxBlocks];
  std::size_t asked_count_ = 0;
  std::size_t asked_bytes_ = 0;          // of the reply, at most
  bool favoured_ = false;                // this frame began with what is overdue
  std::size_t favour_from_ = 0;          // whose turn it is among these
  std::uint32_t services_left_out_ = 0;  // frames in a row
  std::uint16_t alarm_reads_[kMaxPaths] = {};
};

// A group number for reads that belong to no sample.
inline constexpr std::uint8_t kNoGroup = 255;

}  // namespace rise::focas
