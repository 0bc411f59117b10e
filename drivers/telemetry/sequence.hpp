// Accounts for the datagrams of one sensor by their sequence numbers: what came, what is lost, what
// came twice or in another order, and when the device has restarted. README.md has the rules; the
// unit test holds them against a reference that keeps every number in a set.
#pragma once

#include <cstdint>

namespace rise::telemetry {

enum class Arrival : std::uint8_t {
  First,      // of all, or the first that tells of a restart: what was before has no relation to it
  Next,       // directly behind the newest, or behind a gap
  Reordered,  // fills a gap
  Duplicate,
  Late  // older than the window, from before the first, or not yet believed: not to be used
};

struct SequenceCounters {
  std::uint64_t received = 0;   // different datagrams that were accepted
  std::uint64_t lost = 0;       // did not come while the window still waited for them
  std::uint64_t duplicate = 0;  // of one that is in the window
  std::uint64_t reordered = 0;  // part of `received`
  std::uint64_t late = 0;
  std::uint64_t restarts = 0;
};

// Always true: expected() == received + lost + missing().
class Sequence {
 public:
  static constexpr std::uint32_t kWindow = 64;  // so far behind the newest a datagram may come
  // One datagram that is wrong must not shut the device out. A step forward by so much, or, of a
  // device that does not tell its boots, back beyond the window, is believed once kRun datagrams
  // have come from around there and none from here; a boot that was left, once kFormerRun have.
  static constexpr std::uint32_t kJump = 256;
  static constexpr std::uint32_t kRun = 4;
  static constexpr std::uint32_t kFormerRun = 8;

  // *place: the number without wrap-around, counted from 0 at Arrival::First; negative when late.
  Arrival take(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place);

  // The device was silent for long: the next datagram that does not lead forward is a restart.
  void silent() { doubtful_ = started_; }

  [[nodiscard]] const SequenceCounters& counters() const { return counters_; }
  // Not there yet, may still come.
  [[nodiscard]] std::uint32_t missing() const;
  // All numbers from each first to the newest behind it.
  [[nodiscard]] std::uint64_t expected() const { return expected_before_ + next_; }

 private:
  Arrival begin(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place);
  Arrival restart(std::uint32_t sequence, std::uint32_t boot, std::int64_t* place);
  Arrival forward(std::uint32_t ahead, std::int64_t* place);
  Arrival backward(std::uint32_t age, std::int64_t* place);
  Arrival late();
  bool believed(std::uint32_t sequence);

  SequenceCounters counters_;
  std::uint64_t expected_before_ = 0;       // of earlier starts
  std::uint64_t next_ = 0;                  // place behind the newest
  std::uint64_t seen_ = ~std::uint64_t{0};  // bit i: the datagram i places before next_ - 1 came
  std::uint32_t base_ = 0;                  // sequence number of place 0
  std::uint32_t boot_ = 0;
  std::uint32_t former_boot_ = 0;
  std::uint32_t candidate_ = 0;  // newest of a run that is not believed yet
  std::uint32_t run_ = 0;
  std::uint32_t former_run_ = 0;  // of the former boot, since the last one of this boot
  bool started_ = false;
  bool has_former_ = false;
  bool doubtful_ = false;
};

}  // namespace rise::telemetry
