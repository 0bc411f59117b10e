// One simulated sensor: makes its datagrams one after the other, with the faults of its spec. No
// socket and no clock: time is counted from the start by the caller.
#pragma once

#include <cstdint>
#include <vector>

#include "drivers/telemetry/simulator/model.hpp"
#include "drivers/telemetry/simulator/random.hpp"
#include "drivers/telemetry/simulator/spec.hpp"

namespace rise::sensorsim {

inline constexpr std::uint32_t kLargestPacket = 2048;  // also those of a wrong size fit

struct Packet {
  std::uint32_t length = 0;
  alignas(8) std::uint8_t bytes[kLargestPacket];
};

struct DeviceCounters {
  std::uint64_t made = 0;  // datagrams, before faults
  std::uint64_t samples = 0;
  std::uint64_t hits = 0;  // of faults
};

class Device {
 public:
  explicit Device(const SensorSpec& spec);

  // When the next datagram is complete and leaves: host's time since the start.
  [[nodiscard]] std::int64_t due_ns() const { return static_cast<std::int64_t>(due_ns_); }
  // Makes it; what leaves now is appended: nothing, it, or several.
  void next(std::vector<Packet>* out);
  [[nodiscard]] const DeviceCounters& counters() const { return counters_; }
  [[nodiscard]] const SensorSpec& spec() const { return spec_; }

 private:
  struct Fault {
    FaultSpec spec;
    std::int64_t hits = 0;
    std::int64_t period = -1;  // in which a fault that happens once has happened
  };
  struct Held {
    Packet packet;
    std::uint32_t wait = 0;  // datagrams
  };
  // This datagram's faults.
  struct Hit {
    bool lost = false;
    bool garbage = false;
    bool nan = false;
    int copies = 1;
    std::uint32_t hold = 0;
    std::int64_t back_ns = 0;
    int longer = 0;
    std::uint32_t flags = 0;
  };

  [[nodiscard]] double period_ns() const;
  bool strikes(Fault* fault);
  Hit strike();
  void build(const Hit& hit, Packet* packet);
  void spoil(const Hit& hit, Packet* packet);
  void release(std::vector<Packet>* out);

  SensorSpec spec_;
  Model model_;
  Random random_;  // of the faults
  std::vector<Fault> faults_;
  std::vector<Held> held_;
  std::vector<float> values_;
  DeviceCounters counters_;
  double due_ns_ = 0;
  double extra_ppm_ = 0;
  std::int64_t interval_ns_ = 0;
  std::int64_t clock_ns_ = 0;  // device's clock at the next sample
  std::uint32_t sequence_ = 0;
  std::uint32_t boot_ = 0;
};

}  // namespace rise::sensorsim
