// What the core publishes, put on the bus:
//
//   telemetry/<machine>   a TelemetryFrame of rt_core/message/rise.fbs, as its bytes; Normal
//   event/<machine>       JSON: machine, kind, severity, code, text, ...; of a lane: event/lane/<n>
//   alarm/<machine>       alarms on and off, likewise; High
//   command/<machine>     what became of a command, as JSON
//
// A character of a machine's name that no topic may have becomes '_'.
//
// The position in the core's rings is kept in the region, and moves on only when the consumers have
// handled what was read: so what waits in this process's memory when it is killed is read once more
// by the next one. Its messages have the same ids then. Consumers that do not handle a batch within
// kPatience_ms are not waited for, for a while: the rings do not wait either.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/host/metrics_text.hpp"
#include "rt_core/shm/commander.hpp"
#include "rt_core/shm/reader.hpp"
#include "rt_core/shm/region.hpp"

namespace rise::host {

// Of frames on the bus: the bytes of a TelemetryFrame.
inline constexpr char kFrameSchema[] = "rise.message.TelemetryFrame";

struct FeedTotals {
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t results = 0;
  std::uint64_t lost = 0;            // frames that were overwritten before they were read
  std::uint64_t not_waited_for = 0;  // batches that some consumer had not handled in time
};

// One life of a core. One thread.
class Feed {
 public:
  static constexpr std::int64_t kPatience_ms = 500;
  static constexpr std::int64_t kImpatient_ms = 10'000;  // after a batch that took longer

  // The region is attached for writing, and outlives the feed. reader: the name under which the
  // position is kept.
  static Result<Feed> open(const shm::Region* region, const std::string& reader, bus::Bus* bus);

  // Publishes what is new, at most `limit` frames, if what was published before is handled. ->
  // whether there was anything.
  bool pump(std::size_t limit);
  // The end: waits for what was published to be handled, at most kPatience_ms.
  void finish();
  // What was published is handled, or not waited for.
  [[nodiscard]] bool settled() const { return !uncommitted_; }
  // The core has ended, or died; what it has left is read by pump() all the same.
  [[nodiscard]] bool over() const;
  // Shows the core that we live.
  void beat() { commander_.beat(); }
  [[nodiscard]] bool resumed() const { return reader_.resumed(); }
  [[nodiscard]] FeedTotals totals() const;

 private:
  Feed(const shm::Region* region, shm::Reader reader, bus::Bus* bus);
  // -> false: what was published before is not handled yet.
  bool settle();
  void publish(bus::Message message);
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
  std::uint64_t life_ = 0;  // of the core: goes into the ids
  // Held by every message of the batch under way: gone when the last of them is.
  std::shared_ptr<void> batch_;
  std::weak_ptr<void> handled_;
  bool uncommitted_ = false;
  std::int64_t published_ms_ = 0;
  std::int64_t impatient_until_ms_ = 0;
};

}  // namespace rise::host
