// The safety state machine of one machine. Pure: conditions go in, transitions come out; no clock,
// no I/O.
//
//      Starting --first fresh sample--> Disarmed <----------- Reset, causes gone -------+
//                                          |                                            |
//                                   Arm (an edge; everything fresh, no cause)           |
//                                          v                                            |
//                                        Armed --------- any cause --------------> Tripped
//                                        (latched)
//                                          |  Disarm -> Disarmed                        ^
//      Starting, Disarmed ------------ stop word ---------------------------------------+
//      (a core that follows one which died, or was stopped, begins in Tripped)
//
// A software stop supplements, and never replaces, a hard-wired emergency stop (ISO 13850, IEC
// 60204-1).
#pragma once

#include <cstdint>

#include "rise_generated.h"

namespace rise::safety {

// What is true in this cycle.
struct Conditions {
  // Of the lane.
  bool stop_word = false;
  bool input_lost = false;
  bool overrun = false;  // top of the overrun ladder
  bool sidecar_alive = false;
  // Of the machine's driver.
  bool link_up = false;
  bool driver_running = false;
  // What the supervisor knows, and fills in.
  bool sidecar_needed = false;  // the config says: trip when the sidecar is lost
  bool fresh = false;           // a good sample not older than the machine's max_sample_age
  bool limit_violated = false;  // a limit whose action is "trip", for longer than it allows
  bool limit_blind = false;     // such a limit has not seen a value for too long
};

struct DriverConditions {
  bool link_up = false;
  bool running = false;
};

class Channel {
 public:
  [[nodiscard]] message::SafetyState state() const { return state_; }
  [[nodiscard]] message::TripReason reason() const { return reason_; }

  // Once per cycle, in the judge phase. True: the state changed (see state(), reason()).
  bool evaluate(const Conditions& conditions);

  // Latches a trip that no condition stands for. True: it was not tripped before.
  bool trip(message::TripReason reason);

  // Commands; None = done.
  [[nodiscard]] message::Refusal arm(const Conditions& conditions);
  [[nodiscard]] message::Refusal disarm();
  [[nodiscard]] message::Refusal reset(const Conditions& conditions);

 private:
  // The first cause in order of severity, or None.
  static message::TripReason cause(const Conditions& conditions);
  message::SafetyState state_ = message::SafetyState::Starting;
  message::TripReason reason_ = message::TripReason::None;
};

}  // namespace rise::safety
