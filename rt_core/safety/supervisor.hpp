// Safety of one machine as a whole: the channel, the limits on its signals, its outputs and the
// commands under way. It decides; the driver acts (through the Actuator), the world hears (through
// the Outlet). Lane thread only.
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
};

// What holds for all machines of the lane in this cycle.
struct LaneConditions {
  bool stop_word = false;
  bool input_lost = false;
  bool overrun = false;
  bool sidecar_alive = false;
};

class Supervisor {
 public:
  Supervisor(SupervisorSpec spec, const Actuator& actuator, shm::Outlet* outlet);

  // Judge phase, once per cycle.
  void judge(const LaneConditions& lane, bool link_up, bool driver_running, std::int64_t now_ns);
  // A new good value of a signal / a new sample of any group.
  void value(std::uint16_t signal, double value, std::int64_t now_ns);
  void sampled(std::int64_t now_ns) { last_sample_ns_ = now_ns; }

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

  static constexpr std::size_t kMaxPending =
      16;  // commands given to the driver and not yet answered
  static constexpr std::int64_t kPendingLimit_ns = 10'000'000'000;

 private:
  struct Pending {
    bool used = false;
    bool rollback = false;
    bool orphaned = false;  // the sidecar was lost while it was under way
    std::uint64_t id = 0;
    std::int64_t since_ns = 0;
    message::Command command;
  };

  [[nodiscard]] Conditions conditions(const LaneConditions& lane, bool link_up, bool driver_running,
                                      std::int64_t now_ns) const;
  message::Refusal set_output(const message::Command& command, std::int64_t now_ns);
  message::Refusal hand_over(std::uint32_t kind, const message::Command& command, bool rollback,
                             std::int64_t now_ns);
  void trip(std::int64_t now_ns);
  void tell_state();
  void tell(const message::Command& command, message::Outcome outcome, message::Refusal refusal,
            double value, std::int32_t detail);
  void begin_rollback();
  void roll_back(std::int64_t now_ns);
  void expire_pending(std::int64_t now_ns);

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
  std::uint32_t violations_ = 0;  // limits that trip and are violated now
  bool sidecar_was_alive_ = false;
  bool rolling_back_ = false;
  bool safe_wanted_ = false;  // safe() was called or is to be called again when the link is back
  std::uint8_t safe_confirmed_ = 0;
  bool changed_ = true;
};

}  // namespace rise::safety
