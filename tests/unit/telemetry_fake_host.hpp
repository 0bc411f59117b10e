// A host for the sensor driver that exists in memory and takes none after set-up, so that a test
// can count the driver's allocations; and a maker of datagrams. Time is what the test says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/schema/schema.hpp"
#include "drivers/sdk/rise_driver.h"
#include "drivers/telemetry/datagram.hpp"
#include "drivers/telemetry/machine.hpp"

namespace rise::test {

// The bytes of a datagram, as a firmware would fill them in.
struct Wire {
  std::uint32_t sensor = 1;
  std::uint32_t boot = 7;
  std::uint32_t sequence = 0;
  std::uint32_t flags = 0;
  std::int64_t time_ns = 0;
  std::uint32_t interval_ns = 1'000'000;
  std::uint8_t channels = 1;
  telemetry::wire::Kind kind = telemetry::wire::Kind::Vibration;
  telemetry::wire::Format format = telemetry::wire::Format::Float32;
  float scale = 1;
  float offset = 0;
  std::vector<float> samples;  // interleaved

  [[nodiscard]] std::vector<std::uint8_t> bytes() const;
};

struct SensorHost {
  SensorHost();
  SensorHost(const SensorHost&) = delete;
  SensorHost& operator=(const SensorHost&) = delete;
  rise_host abi{};

  struct Group {
    std::string name;
    std::int64_t period_ns = 0;
  };
  struct Signal {
    std::string name;
    std::string unit;
    std::uint32_t type = 0;
    std::uint32_t group = 0;
    double min = 0;
    double max = 0;
    double value = 0;
    bool valid = false;
  };
  struct Sample {
    std::uint32_t group = 0;
    std::int64_t time_ns = 0;
  };
  static constexpr std::size_t kKept = 4096;
  std::vector<std::pair<std::string, std::string>> faults;
  std::vector<Group> groups;
  std::vector<Signal> signals;
  std::vector<rise_datagram_spec> ports;
  std::vector<Sample> samples;  // the first kKept
  std::uint64_t sample_count = 0;
  std::vector<std::uint32_t> links;   // likewise
  std::vector<std::int32_t> notices;  // likewise
  std::uint64_t counts[RISE_COUNT_LIMIT] = {};
  std::uint64_t rejected = 0;  // values out of range
  std::uint64_t misuse = 0;    // signals, groups that do not exist; set-up calls from the lane
  std::uint64_t calls = 0;     // from the lane
  std::size_t signal_limit = 1024;
  bool configuring = true;

  [[nodiscard]] const Signal* find(const std::string& name) const;
  [[nodiscard]] std::optional<double> value(const std::string& name) const;
  [[nodiscard]] std::uint64_t samples_of(const std::string& group) const;  // among the first kKept
  [[nodiscard]] bool has_fault(const std::string& path) const;
  [[nodiscard]] bool up() const { return !links.empty() && links.back() == RISE_LINK_UP; }
};

// The settings as the host gives them, from TOML (the content of [machine.telemetry]).
struct SensorConfig {
  explicit SensorConfig(const std::string& toml, std::int64_t period_ns = 1'000'000);
  SensorConfig(const SensorConfig&) = delete;
  SensorConfig& operator=(const SensorConfig&) = delete;
  std::vector<config::Problem> problems;
  rise_config abi{};

 private:
  config::Settings settings_;
  std::vector<rise_setting> list_;
};

// A driver on that host.
class SensorBench {
 public:
  explicit SensorBench(const SensorConfig& config);
  explicit SensorBench(const std::string& toml) : SensorBench(SensorConfig(toml)) {}

  // One datagram now.
  void send(const std::vector<std::uint8_t>& bytes, std::uint32_t from = 0x0a000005);
  void send(const Wire& wire, std::uint32_t from = 0x0a000005) { send(wire.bytes(), from); }
  // So many cycles; time goes on by one period before each.
  void run(int cycles = 1, std::uint32_t flags = 0);
  [[nodiscard]] const telemetry::Sensor& sensor(std::uint32_t id = 1) const {
    return *machine.sensor(id);
  }

  SensorHost host;
  std::vector<config::Problem> problems;
  telemetry::Machine machine;
  std::int32_t result = 0;  // of configure
  std::int64_t now_ns = 1'000'000'000'000;
  std::int64_t period_ns;
  std::uint64_t cycle = 0;
};

}  // namespace rise::test
