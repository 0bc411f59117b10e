// Between the bus and the classic work queues: messages of some topics are pushed, and what comes
// out of some queues is published as "queue/<name>". What came out of a queue is not pushed into it
// again. Any thread may call; the work queues are called by one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/bus/bus.hpp"
#include "plugins/redis/work_queues.hpp"

namespace rise::redis {

struct QueueCounts {
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  std::uint64_t dropped = 0;    // for want of room while Redis was away: the oldest
  std::uint64_t refused = 0;    // no JSON, or Redis will never take it
  std::uint64_t failed = 0;     // nobody knows whether Redis has it: once, at most
  std::uint64_t malformed = 0;  // popped, and no work item
};

class QueueBridge : private WorkQueueEvents {
 public:
  static constexpr std::size_t kWaiting = 10'000;

  // listen: queues. bus: outlives it. Throws as WorkQueues does.
  QueueBridge(const Options& options, std::uint64_t items_max, std::vector<std::string> listen,
              bus::Bus* bus);

  void start();
  void stop() { queues_.close(); }
  void push(const bus::MessagePtr& message, const std::string& queue);
  // Now and then: pushes what waits.
  void tick();
  [[nodiscard]] QueueCounts counts() const;

 private:
  void pushed(std::uint64_t token, bus::SendOutcome outcome, std::uint64_t length,
              std::string_view why) override;
  bool popped(const WorkItem& item) override;
  void malformed(std::string_view queue, std::string_view why) override;
  void link_changed(bus::Link, std::string_view) override {}

  WorkQueues queues_;
  std::vector<std::string> listen_;
  bus::Bus* bus_;
  mutable std::mutex mutex_;  // what follows
  std::deque<WorkItem> waiting_;
  std::uint64_t tokens_ = 0;
  QueueCounts counts_;
};

// "queue:alerts" -> "queue/alerts". Characters that no topic may have become '_'.
std::string topic_of_queue(std::string_view queue);

}  // namespace rise::redis
