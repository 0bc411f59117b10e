// Everything that is written to a control: the safe state before all else, then the feed hold, then
// commands, one at a time, each read back. Each of the three has a batch, and so a session, of its
// own: what is more important never waits for the reply to what is less. While it is under way,
// the rest pauses. Works on whichever sessions the machine gives it; lane thread, but configure.
//
//   command session   --SET write-->...................(no reply)      reply or loss
//   sweep session                      --SAFE write-->reply            |
//   any session                                                        --SAFE again-->
//
// A write that is out when the safe state (or the hold) begins may reach the control after it, and
// undo it. So it is written once more when that write has its reply, or is lost, and only then is
// it told as done.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drivers/focas/write_batch.hpp"

namespace rise::focas {

class Writer {
 public:
  static constexpr std::size_t kQueue = 8;
  static constexpr std::size_t kHolds = 4;

  // Set-up. Faults go to config_error; false if there were any.
  bool configure(const rise_host& host, const rise_config& config, const Settings& settings);

  // As in the driver ABI.
  std::int32_t command(const rise_command& command);
  void cancel(std::uint64_t command, std::int64_t now_ns);
  // Once per cycle: answers what has waited for too long.
  void drop_lapsed(std::int64_t now_ns);
  void make_safe();
  // The outputs' present values are to be read: at each connection, and when a write was lost.
  void read_outputs();

  [[nodiscard]] bool has_outputs() const {
    return !outputs_.empty() || !safe_.empty() || has_hold_;
  }
  [[nodiscard]] bool has_work() const;
  // Something that somebody waits for: the safe state, or a command.
  [[nodiscard]] bool urgent() const;

  // The session is Ready: sends the next request. False: nothing was sent.
  bool send(Session* session, std::int64_t now_ns);
  // Is a reply on this session ours?
  [[nodiscard]] bool waits_on(const Session* session) const;
  bool on_reply(const Session* session, wire::Bytes body, const ControlInfo& info);
  void on_refused(const Session* session, const wire::Negative& why);
  // The session is gone, and with it whatever was under way on it.
  void on_down(const Session* session);
  // There is no session, or soon there will be none: what waits, or stands between two steps,
  // cannot be done now.
  void fail_all();

 private:
  struct Assignment {
    Output output;
    double value = 0;
  };
  // In order of importance.
  enum Rank : std::size_t { kSafe = 0, kHold = 1, kWork = 2, kRanks = 3 };

  void start_safe();
  void start_hold();
  void start_work();
  // Before a batch begins: what is out below it may undo it.
  void note_writes_below(Rank rank);
  [[nodiscard]] bool outstanding_below(std::size_t rank) const;
  [[nodiscard]] bool safe_under_way() const { return safe_wanted_ || batches_[kSafe].active(); }
  [[nodiscard]] bool hold_under_way() const { return hold_count_ != 0 || batches_[kHold].active(); }
  // A reply or a loss: ends what is done, repeats what must be.
  void settle();
  void finish(std::size_t rank);
  void flush_queues();
  void drop(std::uint64_t command);

  const rise_host* host_ = nullptr;
  std::vector<Output> outputs_;
  std::vector<Assignment> safe_;
  bool has_hold_ = false;
  Assignment hold_;

  WriteJob queue_[kQueue];
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::uint64_t holds_[kHolds] = {};  // commands; one write is the answer to all that wait
  std::size_t hold_count_ = 0;
  std::size_t holds_taken_ = 0;  // of these, answered by the batch that is under way
  bool safe_wanted_ = false;
  bool read_wanted_ = false;
  std::uint32_t read_next_ = 0;
  bool reading_ = false;  // the work batch only reads

  WriteBatch batches_[kRanks];
  bool again_[kRanks] = {};  // to be repeated when nothing below is outstanding any more
};

}  // namespace rise::focas
