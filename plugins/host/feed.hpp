// What the core publishes, put on the bus:
//
//   telemetry/<machine>   a TelemetryFrame of rt_core/message/rise.fbs, as its bytes; Normal
//   event/<machine>       JSON: machine, kind, severity, code, text, ...; of a lane: event/lane/<n>
//   alarm/<machine>       alarms on and off, likewise; High
//   command/<machine>     what became of a command, as JSON
//
// A character of a machine's name that no topic may have becomes '_'. The position in the core's
// rings is kept in the region: the next sidecar goes on where this one was.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/host/metrics_text.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::host {

struct FeedTotals {
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t results = 0;
  std::uint64_t lost = 0;  // frames that were overwritten before they were read
};

// One life of a core. One thread.
class Feed {
 public:
  // The region is attached for writing, and outlives the feed. reader: the name under which the
  // position is kept.
  static Result<Feed> open(const shm::Region* region, const std::string& reader, bus::Bus* bus);

  // Publishes what is new, at most `limit` frames. -> whether there was anything.
  bool pump(std::size_t limit);
  // The core has ended, or died; what it has left is read by pump() all the same.
  [[nodiscard]] bool over() const;
  // Shows the core that we live.
  void beat() { commander_.beat(); }
  [[nodiscard]] bool resumed() const { return reader_.resumed(); }
  [[nodiscard]] FeedTotals totals() const;

 private:
  Feed(const shm::Region* region, shm::Reader reader, bus::Bus* bus);
  void publish(const message::TelemetryFrame& frame);
  void publish(const message::MachineEvent& event, std::uint32_t lane);
  void publish(const message::CommandResult& result);
  [[nodiscard]] const std::string& topic_name(std::uint16_t machine) const;

  const shm::Region* region_;
  shm::Reader reader_;
  shm::Commander commander_;
  bus::Bus* bus_;
  std::vector<std::string> names_;   // of the machines
  std::vector<std::string> topics_;  // the same, as topics may have them
  FeedTotals totals_;
};

}  // namespace rise::host
