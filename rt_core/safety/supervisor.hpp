// Safety of one machine as a whole: the channel, the limits on its signals, its outputs and the
// commands under way. It decides; the driver acts (through the Actuator), the world hears (through
// the Outlet). Lane thread only.
//
// supervisor.cpp: state, trips, limits, the orderly end. supervisor_outputs.cpp: commands, outputs,
// the way back to approved values.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/safety/channel.hpp"
#include "rt_core/safety/gate.hpp"
#include "rt_core/safety/limit.hpp"
#include "rt_core/shm/outlet.hpp"

namespace rise::safety {

enum class SidecarLoss {
  Rollback,  // provisional values go back to the last approved ones
  Trip,
  Ignore
};

struct SignalLimit {
  std::uint16_t signal = 0;
  LimitSpec spec;
  // A value older than this says nothing any more; 0 = the machine's max_sample_age.
  std::int64_t max_age_ns = 0;
};

struct SupervisorSpec {
  std::uint16_t machine = 0;
  std::vector<OutputSpec> outputs;
  std::vector<SignalLimit> limits;
  std::int64_t max_sample_age_ns = 1'000'000'000;
  SidecarLoss sidecar_loss = SidecarLoss::Rollback;
};

// How decisions reach the machine's driver.
struct Actuator {
  void* self = nullptr;
  // -> RISE_OK: command_done() follows.
  std::int32_t (*command)(void* self, const rise_command& command, std::int64_t now_ns) = nullptr;
  // safe_done() follows.
  void (*safe)(void* self, std::int32_t reason, std::int64_t now_ns) = nullptr;
  // What is not yet sent of a command (0: of all) is to be dropped, and answered. May be null.
  void (*cancel)(void* self, std::uint64_t id, std::int64_t now_ns) = nullptr;
};

class Supervisor {
 public:
  Supervisor(SupervisorSpec spec, const Actuator& actuator, shm::Outlet* outlet);

  // Before the first judgement: the core before this one has left something unsettled. The machine
  // begins tripped, and no value found on it counts as approved.
  void start_tripped(message::TripReason reason);
  // Judge phase, once per cycle. Of `lane` the lane's conditions count; the rest is filled in.
  void judge(const Conditions& lane, DriverConditions driver, std::int64_t now_ns);
  // A new value of a signal, good or finite and out of range / a new sample of any group.
  void value(std::uint16_t signal, double value, std::int64_t now_ns);
  void sampled(std::int64_t now_ns) { last_sample_ns_ = now_ns; }
  // What was known of the machine is not known any more.
  void link_lost();
  // An armed machine trips, whatever the conditions say.
  void trip_if_armed(message::TripReason reason, std::int64_t now_ns);

  // The orderly end begins: provisional values go back, at latest at trip_by_ns an armed machine
  // trips. quiet(): nothing is left to do, the driver may be stopped.
  void wind_down(std::int64_t trip_by_ns, std::int64_t now_ns);
  [[nodiscard]] bool quiet() const;

  // A command that the lane's gate has admitted. Answers by results.
  void command(const message::Command& command, std::int64_t now_ns);
  // Answers of the driver.
  std::int32_t command_done(std::uint64_t id, std::uint32_t outcome, double value,
                            std::int32_t detail);
  std::int32_t output_value(std::uint32_t output, double value);
  void safe_done(bool confirmed);

  [[nodiscard]] const Channel& channel() const { return channel_; }
  // 0 pending or not needed, 1 confirmed by the device, 2 could not be.
  [[nodiscard]] std::uint8_t safe_confirmed() const { return safe_confirmed_; }
  [[nodiscard]] const OutputState& output(std::size_t i) const { return outputs_[i]; }
  // True once after something in the machine's state snapshot changed.
  bool take_changed();

  // Commands given to the driver and not yet answered; the last place is kept for a feed hold.
  static constexpr std::size_t kMaxPending = 16;
  static constexpr std::int64_t kPendingLimit_ns = 10'000'000'000;
  static constexpr std::int64_t kSafeAgain_ns = 200'000'000;
  static constexpr std::int64_t kRollbackPause_ns = 100'000'000;

 private:
  struct Pending {
    bool used = false;
    bool rollback = false;
    bool was_provisional = false;  // the output, before
    bool withdrawn = false;        // by a disarm or a trip
    bool overdue = false;          // the driver was told that it has expired
    std::uint64_t id = 0;
    std::int64_t since_ns = 0;
    std::int64_t expires_ns = 0;  // 0 = never
    message::Command command;
  };

  // supervisor.cpp
  void fill_in(std::int64_t now_ns);
  void tell_limit(std::size_t limit, LimitChange change);
  void tripped(std::int64_t now_ns);
  void make_safe(std::int64_t now_ns);
  void insist(bool stop_raised, bool link_came_back, std::int64_t now_ns);
  void tell_state();

  // supervisor_outputs.cpp
  message::Refusal set_output(const message::Command& command, std::int64_t now_ns);
  message::Refusal hand_over(std::uint32_t kind, const message::Command& command, bool rollback,
                             std::int64_t now_ns);
  void settle(const Pending& done, std::uint32_t outcome, double value);
  void withdraw(std::int64_t now_ns);
  void expire_pending(std::int64_t now_ns);
  void release(Pending* pending);
  [[nodiscard]] bool under_way(std::size_t output) const;
  void roll_back(std::int64_t now_ns);
  message::Refusal roll_back_output(std::size_t i, std::int64_t now_ns);
  void tell(const message::Command& command, message::Outcome outcome, message::Refusal refusal,
            double value, std::int32_t detail);

  SupervisorSpec spec_;
  Actuator actuator_;
  shm::Outlet* outlet_;
  Channel channel_;
  Conditions current_;  // of this cycle
  std::vector<Limit> limits_;
  std::vector<OutputState> outputs_;
  Pending pending_[kMaxPending];
  std::size_t pending_count_ = 0;
  std::uint64_t next_id_ = 1;
  std::int64_t last_sample_ns_ = 0;
  std::int64_t safe_called_ns_ = 0;
  std::int64_t trip_by_ns_ = 0;
  bool winding_down_ = false;
  bool adopts_found_ = true;  // a value found on the machine counts as approved
  bool rolling_back_ = false;
  std::uint8_t safe_confirmed_ = 0;
  bool changed_ = true;
};

}  // namespace rise::safety
