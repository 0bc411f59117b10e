// The faults of one control: which are active at a time, and what they do to a request. All chance
// comes from the seed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/focas/simulator/machine/control.hpp"
#include "drivers/focas/simulator/protocol/dispatch.hpp"
#include "drivers/focas/simulator/spec/fault_spec.hpp"
#include "drivers/focas/simulator/spec/random.hpp"

namespace rise::cncsim {

// What is to be done with one request and its reply.
struct FaultPlan {
  bool stall = false;
  bool reset = false;
  bool refuse = false;
  bool garbage = false;
  bool truncate = false;
  bool repeat = false;
  int header_delta = 0;
  int block_delta = 0;
  ForcedError error;
  std::int64_t delay_ns = 0;
  std::size_t piece_bytes = 0;  // 0: in one piece
  std::int64_t gap_ns = 0;      // between pieces
};

class Faults {
 public:
  explicit Faults(std::uint64_t seed) : random_(seed ^ 0xfa017fa017fa017fULL) {}

  // The fault's times count from the next advance().
  void add(const FaultSpec& spec);
  // kind none: all. -> how many went. Alarms and emergency that they held are let go.
  std::size_t clear(std::optional<FaultKind> kind, Control* control);

  // Brings the windows of time up to now; presses and lets go what acts on the machine.
  void advance(std::int64_t now_ns, Control* control);

  // Chance for one request. `body`: of a data request, to see whether it has the command that an
  // ErrorBlock waits for.
  FaultPlan decide(FaultScope scope, focas::wire::Bytes body);

  [[nodiscard]] bool listening() const { return listening_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  struct Entry {
    FaultSpec spec;
    std::int64_t start_ns = -1;  // -1: not yet seen by advance()
    std::int64_t hits = 0;
    bool active = false;
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  Random& random() { return random_; }

 private:
  static void act(const Entry& entry, bool on, Control* control);
  bool strikes(Entry* entry, FaultScope scope, focas::wire::Bytes body);

  std::vector<Entry> entries_;
  Random random_;
  bool listening_ = true;
};

}  // namespace rise::cncsim
