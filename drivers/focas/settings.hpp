// The driver's settings: the table that the host checks the config against, and the settings as
// read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"

namespace rise::focas {

std::span<const rise_setting_spec> setting_specs();

struct Endpoint {
  std::string host;
  std::uint16_t port = 8193;
};

struct PathSettings {
  std::vector<std::string> axes;  // lower-case names, in the order of the control
  std::uint32_t spindles = 1;
  bool inch = false;  // linear axes are in inches
  bool lathe = false;
  std::vector<std::string> units{};  // of the axes: "mm", "in", "deg"; empty: guessed by the name
};
// Rotary axes are called A, B, C more often than not; where they are not, `units` says it.
const char* axis_unit(const PathSettings& path, std::size_t axis);

struct GroupSettings {
  std::string name;
  std::int64_t period_ns = 10'000'000;
  std::vector<std::string> items;
};

struct Settings {
  Endpoint primary;
  Endpoint backup;  // host empty: none
  std::uint32_t connect_timeout_ms = 1000;
  std::int64_t reply_timeout_ns = 500'000'000;
  std::uint32_t retry_count = 3;  // failed connects in a row until the other endpoint is tried
  std::int64_t backoff_min_ns = 100'000'000;
  std::int64_t backoff_max_ns = 10'000'000'000;
  std::int64_t failback_ns = 30'000'000'000;
  std::int64_t heartbeat_ns = 5'000'000'000;
  std::uint32_t max_blocks = 10;
  std::uint32_t max_reply_bytes = 1460;
  bool command_session = true;
  std::vector<PathSettings> paths;
  std::vector<GroupSettings> groups;
  std::vector<std::string> safe;  // "pmc.R100=1"
  std::string feed_hold;          // likewise; empty: the control cannot be held by us
};

// Reads what the host has checked. Faults that no table of single settings can catch go to the
// host's config_error; false if there were any.
bool read_settings(const rise_host& host, const rise_config& config, Settings* settings);

}  // namespace rise::focas
