// What a simulated sensor is made of. All numbers are checked by the table of settings.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sensor_generated.h"

namespace rise::sensorsim {

struct SineSpec {
  double hz = 0;
  double amplitude = 0;
  double phase_deg = 0;
  int channel = -1;  // -1: all, each a third of a turn behind the one before
};

enum class FaultKind : std::uint8_t {
  Loss,       // not sent
  Duplicate,  // sent twice
  Reorder,    // sent `amount` datagrams later
  Drift,      // the clock runs `amount` ppm faster
  Jump,       // the clock is set by `amount` ms, once
  Backwards,  // this datagram's stamp is `amount` ms too early
  Garbage,    // random bytes
  Size,       // `amount` bytes longer (shorter if negative)
  Nan,        // the first sample is no number
  Flag,       // flags = `amount`
  Flood,      // `amount` copies of it
  Restart,    // sequence and clock begin anew, another boot; once
  Silence     // nothing is sent; samples go on
};

struct FaultSpec {
  FaultKind kind = FaultKind::Loss;
  double probability = 1;  // of each datagram while active
  std::int64_t count = 0;  // hits until it is over; 0: no limit
  double after_s = 0;
  double for_s = 0;    // 0: for ever
  double every_s = 0;  // 0: once
  double amount = 0;
};

struct SensorSpec {
  std::string name;
  std::uint32_t id = 0;
  telemetry::wire::Kind kind = telemetry::wire::Kind::Vibration;
  telemetry::wire::Format format = telemetry::wire::Format::Float32;
  std::uint32_t channels = 3;
  double rate_hz = 1000;
  std::uint32_t samples = 100;  // of a channel, per datagram
  float scale = 1;              // Int16
  std::uint64_t seed = 1;
  std::uint32_t boot = 1;  // 0: the device does not tell
  std::uint32_t sequence = 0;
  std::int64_t clock_ns = 0;  // device's clock at the start
  double drift_ppm = 0;
  // the signal
  double mean = 0;
  double noise = 0;    // standard deviation
  double rise = 0;     // the mean goes up by this ...
  double rise_s = 60;  // ... with this time constant
  double wear = 0;     // percent
  double wear_per_h = 0;
  double wear_limit = 100;  // then the tool is changed
  double wear_gain = 0;     // sines grow by so much of themselves per 100 % of wear
  std::vector<SineSpec> sines;
  std::vector<FaultSpec> faults;
};

struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5005;
  std::string source;     // local address; empty: as the system chooses
  double duration_s = 0;  // 0: until a signal
  std::vector<SensorSpec> sensors;
};

}  // namespace rise::sensorsim
