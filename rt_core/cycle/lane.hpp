// A lane: one thread, one core, one period, some machines. Its cycle:
//
//   wait      until an absolute time
//   step      every driver runs its state machine: what is due is queued
//   judge     stop word, heartbeats, limits, commands -> the safety state machines; safe outputs
//   are queued exchange  one system call: all that is queued leaves, all that has arrived is handed
//   to its driver publish   new samples into the broadcast ring; snapshots; bookkeeping
//
// With `exchange_first` the exchange comes right after the wait: what step and judge queue then
// leaves one period later. See bench/sweep for the difference, and README.md for why after_judge is
// the default.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rt_core/cycle/clock.hpp"
#include "rt_core/cycle/ledger.hpp"
#include "rt_core/cycle/overrun.hpp"
#include "rt_core/driver/instance.hpp"
#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/io/witness.hpp"
#include "rt_core/safety/gate.hpp"
#include "rt_core/shm/outlet.hpp"
#include "rt_core/shm/region_owner.hpp"

namespace rise::cycle {

struct LaneSpec {
  std::uint32_t index = 0;
  std::int64_t period_ns = 1'000'000;
  OverrunPolicy overrun = OverrunPolicy::Skip;
  bool exchange_first = false;
  LadderSpec ladder;
  std::int64_t sidecar_timeout_ns = 1'000'000'000;
  std::uint64_t max_command_ttl_ns = 10'000'000'000;
  std::int64_t stop_grace_ns = 500'000'000;
};

// What other threads of the core tell the lane.
struct LaneInputs {
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> utc_offset_ns{0};  // CLOCK_REALTIME - CLOCK_MONOTONIC
  std::atomic<bool> input_lost{false};         // the `in` file was damaged (guard/containment)
};

class Lane {
 public:
  // Set-up thread. machines: in the order of their places in this lane; by_machine maps the
  // region's machine numbers to them (null: another lane's).
  // What the core before this one has left (`region.predecessor()`) is taken over: its stop word
  // stays set, and machines that it may have left unsafe begin tripped.
  Lane(const LaneSpec& spec, const shm::OwnedRegion& region, const Clock& clock,
       const LaneInputs* inputs);

  // The port tells the lane; so it is made after the lane, and bound to it before start.
  [[nodiscard]] io::StreamSink sink();
  [[nodiscard]] io::DatagramSink datagram_sink();
  void bind(const io::StreamPort& port, const io::DatagramPort& datagrams,
            std::vector<driver::Instance*> machines, std::vector<driver::Instance*> by_machine);
  // Set-up thread, after bind: somebody sees, or sets, what enters the lane besides time and bytes.
  void watch(const io::Witness& witness);

  // Lane thread. begin, then cycle after cycle until it returns false.
  void begin();
  [[nodiscard]] bool cycle();
  [[nodiscard]] shm::Outlet* outlet() { return &outlet_; }
  // A stop stands (or the `in` file is lost), and no whole cycle has come after it yet. Any thread.
  [[nodiscard]] bool stop_waits() const;
  // The release of the next cycle.
  [[nodiscard]] std::int64_t deadline_ns() const { return deadline_ns_; }

 private:
  void run(std::int64_t wake_ns);
  [[nodiscard]] std::int64_t utc_offset_ns();
  [[nodiscard]] io::SeenWords seen_words();
  // The end of a cycle, or of begin().
  void told();
  void exchange(std::int64_t now_ns);
  void step(std::int64_t now_ns, std::int64_t* mark_ns);
  void judge(std::int64_t now_ns);
  void take_commands();
  // -> calls into drivers that it may have cost.
  std::size_t dispatch(const message::Command& command, std::int64_t now_ns);
  void reload(const message::Command& command);
  void answer(const message::Command& command, message::Outcome outcome, message::Refusal refusal);
  void publish();
  void account(CycleTimes* times);
  void climb(const CycleTimes& times);
  void tell(message::LaneNotice notice, message::Severity severity, const char* text);
  [[nodiscard]] safety::Conditions conditions(const io::SeenWords& seen, std::int64_t now_ns);
  void begin_stop(std::int64_t now_ns);
  // True: the end.
  bool stopping(std::int64_t now_ns);

  LaneSpec spec_;
  Clock clock_;
  const LaneInputs* inputs_;
  const shm::ControlBlock* control_;
  io::StreamPort port_;
  io::DatagramPort datagrams_;  // self null: none
  io::Witness witness_;
  std::vector<driver::Instance*> machines_;
  std::vector<driver::Instance*> by_machine_;
  shm::Outlet outlet_;
  shm::SpscConsumer<> commands_;
  safety::Gate gate_;
  Ledger ledger_;
  Ladder ladder_;

  std::uint64_t number_ = 0;
  std::int64_t deadline_ns_ = 0;
  std::uint32_t catching_up_ = 0;
  message::TripReason start_reason_ = message::TripReason::None;  // else: machines begin tripped
  bool stop_stands_ = false;                                      // as judged in this cycle
  std::atomic<bool> stop_obeyed_{false};  // as judged and carried out in the last one
  bool stop_seen_ = false;
  std::int64_t stop_since_ns_ = 0;
  bool input_lost_told_ = false;
  std::int64_t corrupt_told_ns_ = 0;
  std::int64_t overruns_told_ns_ = 0;
  std::uint64_t overruns_untold_ = 0;
  std::uint64_t skipped_untold_ = 0;
  // Of the overruns not yet told, the worst.
  std::int64_t worst_late_ns_ = 0;
  std::int32_t worst_machine_ = -1;
};

}  // namespace rise::cycle
