// The driver's settings: the table that the host checks the config against, and the settings as
// read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "drivers/telemetry/clock_map.hpp"
#include "drivers/telemetry/datagram.hpp"

namespace rise::telemetry {

std::span<const rise_setting_spec> setting_specs();

struct SensorSettings {
  std::uint32_t id = 0;
  std::string name;   // first part of its signals' names
  std::string group;  // its signals are sampled with those of the sensors of the same group
  wire::Kind kind = wire::Kind::Vibration;
  std::uint32_t channels = 3;
  std::vector<std::string> axes;  // names of the channels; one without name if there is one channel
  std::string unit;
  double rate_hz = 0;
  bool waveform = true;  // windows in the order of the device; false: mean, min, max, last
  bool detrend = true;
  std::uint32_t window = 1024;                                 // samples of a channel
  std::uint32_t hop = 1024;                                    // of them new in each window
  std::vector<std::pair<std::uint32_t, std::uint32_t>> bands;  // Hz, lower edge in, upper edge out
  std::uint32_t peer = 0;  // the only source that is taken; 0 = any of the peers
  std::int64_t max_age_ns = 0;
  [[nodiscard]] std::int64_t period_ns() const {
    return static_cast<std::int64_t>(hop * 1e9 / rate_hz);
  }
};

struct Settings {
  std::uint16_t port = 5005;
  std::string address;
  std::string multicast;             // empty: none
  std::vector<std::uint32_t> peers;  // sorted; empty: any source is taken
  std::int64_t statistics_ns = 1'000'000'000;
  std::int64_t work_per_cycle = 20000;      // see work_of()
  std::uint32_t datagrams_per_cycle = 512;  // more are dropped and counted
  std::uint32_t reorder = 8;
  double coverage = 0.9;  // share of a window's samples that must be there
  ClockMapOptions clock;
  std::vector<SensorSettings> sensors;  // sorted by id
};

inline constexpr std::size_t kMaxSensors = 64;
inline constexpr std::size_t kMaxPeers = 64;
inline constexpr std::size_t kMaxGroups = 7;  // the host has 8, one is for the statistics

// "10.0.0.5" -> number. False: no IPv4 address.
bool parse_address(const std::string& text, std::uint32_t* address);

// Reads what the host has checked. Faults that no table of single settings can catch go to the
// host's config_error; false if there were any.
bool read_settings(const rise_host& host, const rise_config& config, Settings* settings);

}  // namespace rise::telemetry
