// The signals of the driver: declared at set-up, written on the lane. -1: not declared.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "drivers/telemetry/analysis.hpp"
#include "drivers/telemetry/settings.hpp"

namespace rise::telemetry {

struct ChannelSignals {
  std::int32_t mean = -1;
  std::int32_t rms = -1;  // waveforms
  std::int32_t peak = -1;
  std::int32_t crest = -1;
  std::array<std::int32_t, kMaxBands> band{};
  std::int32_t min = -1;  // levels
  std::int32_t max = -1;
  std::int32_t last = -1;
};

struct SensorSignals {
  std::array<ChannelSignals, kMaxChannels> channel{};
  std::int32_t received = -1;
  std::int32_t lost = -1;
  std::int32_t missing = -1;
  std::int32_t duplicate = -1;
  std::int32_t reordered = -1;
  std::int32_t late = -1;
  std::int32_t bad = -1;
  std::int32_t restarts = -1;
  std::int32_t time_faults = -1;
  std::int32_t rate = -1;
  std::int32_t flags = -1;
  std::int32_t windows = -1;  // waveforms
  std::int32_t broken = -1;
  std::int32_t skipped = -1;
  std::int32_t clock_offset = -1;
  std::int32_t clock_drift = -1;
  std::int32_t clock_jumps = -1;
};

// Of the port, whichever sensor.
struct PortSignals {
  std::int32_t received = -1;
  std::int32_t bad = -1;      // malformed, see Fault
  std::int32_t unknown = -1;  // no such sensor
  std::int32_t refused = -1;  // from a source that is no peer
  std::int32_t dropped = -1;  // more than datagrams_per_cycle
};

// Declares groups and signals one after the other; remembers the first refusal.
class Declarer {
 public:
  explicit Declarer(const rise_host& host) : host_(host) {}

  std::uint32_t group(const std::string& name, std::int64_t period_ns);
  void sensor(const SensorSettings& settings, std::uint32_t group, std::uint32_t statistics,
              SensorSignals* out);
  void port(std::uint32_t statistics, PortSignals* out);
  [[nodiscard]] std::int32_t result() const { return result_; }

 private:
  std::int32_t signal(std::uint32_t group, const std::string& name, const std::string& unit,
                      double min, double max, std::uint32_t type = RISE_SIGNAL_NUMBER);
  std::int32_t counter(std::uint32_t group, const std::string& name);
  const rise_host& host_;
  std::int32_t result_ = RISE_OK;
};

}  // namespace rise::telemetry
