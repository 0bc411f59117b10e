// A host of the driver ABI that exists in memory: it keeps what a driver declares and calls, checks
// the ranges as the real host does, and lets a test play the network. Time is what the test says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/schema/schema.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::test {

struct DeclaredGroup {
  std::string name;
  std::int64_t period_ns = 0;
};

struct DeclaredSignal {
  std::string name;
  std::string unit;
  std::string choices;
  std::uint32_t type = 0;
  std::uint32_t group = 0;
  double min = 0;
  double max = 0;
};

struct FakeStream {
  std::string host;
  std::uint16_t port = 0;
  std::uint32_t timeout_ms = 0;
  bool used = false;               // from stream_open until the test says on_closed
  bool open = false;               // the test said on_open
  bool closing = false;            // stream_close was called
  std::vector<std::uint8_t> sent;  // not yet taken by the test
};

struct FakeHost {
  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  rise_host abi{};

  // ---- set-up
  struct Fault {
    std::string path;
    std::string message;
  };
  std::vector<Fault> faults;
  std::vector<DeclaredGroup> groups;
  std::vector<DeclaredSignal> signals;
  std::unordered_map<std::string, int> places;  // of the signals, by name
  std::size_t signal_limit = 1024;
  [[nodiscard]] int find(const std::string& name) const;  // -1: none
  [[nodiscard]] bool has_fault(const std::string& path) const;

  // ---- streams; the lowest free number is used anew
  std::vector<FakeStream> streams;
  std::size_t stream_limit = 4;
  std::int32_t send_result = RISE_OK;  // what stream_send answers
  std::vector<std::uint8_t> take(std::int32_t stream);
  [[nodiscard]] std::size_t streams_used() const;

  // ---- values
  struct Value {
    std::optional<double> number;
    std::string text;
    std::uint32_t writes = 0;  // calls that gave or took the value
    std::uint32_t invalidated = 0;
  };
  std::vector<Value> values;  // by signal number
  struct Sample {
    std::int32_t group = 0;
    std::int64_t time_ns = 0;
    std::vector<std::optional<double>> values;  // of all signals, as they stood
  };
  std::vector<Sample> samples;
  bool keep_sample_values = false;
  [[nodiscard]] std::optional<double> value(const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::size_t sample_count(std::int32_t group) const;

  // ---- reports
  struct Alarm {
    std::int32_t type = 0;
    std::int32_t number = 0;
    std::int32_t axis = 0;
    std::string text;
    std::uint32_t path = 0;
  };
  std::vector<std::vector<Alarm>> alarms;  // one entry per call
  struct Link {
    std::uint32_t state = 0;
    std::uint32_t endpoint = 0;
    std::string reason;
  };
  std::vector<Link> links;
  [[nodiscard]] bool up() const { return !links.empty() && links.back().state == RISE_LINK_UP; }
  struct Notice {
    std::int32_t code = 0;
    std::string text;
  };
  std::vector<Notice> notices;
  struct Done {
    std::uint64_t id = 0;
    std::uint32_t outcome = 0;
    double value = 0;
    std::int32_t detail = 0;
  };
  std::vector<Done> done;
  struct OutputValue {
    std::uint32_t output = 0;
    double value = 0;
  };
  std::vector<OutputValue> outputs;
  std::vector<std::uint32_t> safe_done;
  std::uint64_t counts[RISE_COUNT_LIMIT] = {};
  std::uint64_t signs_of_life = 0;  // calls that count heartbeats, be it none
  std::vector<std::int64_t> round_trips;
  std::uint32_t random = 0;  // what the driver gets

  // Calls that break the ABI: unknown streams and signals, texts to numbers, set-up calls from the
  // lane. Must stay empty.
  std::vector<std::string> misuse;
  std::uint64_t rejected = 0;  // values out of range or not finite
  bool configuring = true;
};

// The settings of a driver as the host gives them, from TOML (the content of [machine.focas]).
struct DriverConfig {
  DriverConfig(const std::string& toml, std::vector<std::pair<std::string, std::string>> targets);
  DriverConfig(const DriverConfig&) = delete;
  DriverConfig& operator=(const DriverConfig&) = delete;
  std::vector<config::Problem> problems;
  rise_config abi{};

 private:
  config::Settings settings_;
  std::vector<rise_setting> list_;
  std::vector<std::pair<std::string, std::string>> targets_;  // name and target of the outputs
  std::vector<rise_output_spec> outputs_;
};

}  // namespace rise::test
