// Telemetry frames as JSON, for those who have no schema: by the names that the core's region
// gives.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rt_core/shm/region.hpp"

namespace rise::host {

// Any thread.
class FrameJson {
 public:
  explicit FrameJson(std::string region) : region_name_(std::move(region)) {}

  // payload: the bytes of a TelemetryFrame. Absent: it is none, or its core is not there any more.
  //   {"machine": "mill-1", "sequence": 17, "time": "2026-01-31T12:00:00.000000000Z",
  //    "signals": {"axis.x.position": 12.5, "spindle.load": null, ...}}
  // null: not valid. A choice is told by its number, as in the frame.
  std::optional<std::string> text(std::string_view payload);

 private:
  struct Machine {
    std::string name;
    // By page: the signals' names by slot; empty: none.
    std::vector<std::vector<std::string>> pages;
  };
  bool read_names();

  const std::string region_name_;
  std::mutex mutex_;
  std::vector<Machine> machines_;
  std::optional<shm::Region> region_;
};

}  // namespace rise::host
