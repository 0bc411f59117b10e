// Sends commands to a core and sets its stop word. Any process that may write the region's `in`
// file can; several take turns. Not for the lane.
#pragma once

#include <cstdint>
#include <string>

#include "rise_generated.h"
#include "rt_core/shm/region.hpp"

namespace rise::shm {

struct CommandRequest {
  message::CommandKind kind = message::CommandKind::SetOutput;
  std::uint16_t machine = 0;  // 65535: every machine of the lane
  std::uint16_t output = 0;
  double value = 0;
  message::Approval approval = message::Approval::Approved;
  std::uint64_t ttl_ns = 1'000'000'000;
  std::string approver;  // who answers for it; at most 31 bytes, not empty
};

class Commander {
 public:
  // The region is attached for writing and outlives the commander.
  explicit Commander(const Region& region) : region_(&region) {}

  // -> the command's sequence number, which its results bear; 0: the ring is full.
  // Sequence numbers are the time in nanoseconds: they rise across processes without any memory of
  // them.
  std::uint64_t send(std::uint32_t lane, const CommandRequest& request);

  // One store, and a futex wake for the core's watchdog; acted on in the core's next cycle. 0 takes
  // it back (tripped machines stay tripped).
  void set_stop_word(std::uint64_t value);
  [[nodiscard]] std::uint64_t stop_word() const;
  // The sidecar's sign of life.
  void beat();

 private:
  const Region* region_;
};

}  // namespace rise::shm
