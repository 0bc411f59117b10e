// The core's own figures, read from its shared region: lanes, machines, readers.
#pragma once

#include <optional>
#include <string>

#include "plugins/host/metrics_text.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::metrics {

// One thread at a time.
class CoreMetrics {
 public:
  explicit CoreMetrics(std::string region) : name_(std::move(region)) {}
  // Without a core there is only rise_core_up 0.
  void collect(host::MetricsText* text);

 private:
  void collect_lane(std::size_t i, host::MetricsText* text) const;
  void collect_machine(std::size_t i, host::MetricsText* text) const;
  void collect_readers(host::MetricsText* text) const;

  std::string name_;
  std::optional<shm::Region> region_;  // of the core that is, or was, there
};

}  // namespace rise::metrics
