// The classic work queues: lists of JSON texts, pushed on the left and popped on the right, for
// consumers and producers that know nothing of our bus.
//
// A piece of work is gone from Redis once it is popped: if the link breaks just then, or whoever
// has it dies, nobody has it. Who cannot afford that uses the bus with AtLeastOnce.
//
// Has a thread of its own from connect() to close(). The calls: one thread at a time; the events
// come on the thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/redis/router.hpp"
#include "plugins/redis/work_item.hpp"

namespace rise::redis {

inline constexpr std::string_view kWorkQueues[] = {"queue:telemetry", "queue:council_decisions",
                                                   "queue:economics", "queue:neuro_safety",
                                                   "queue:alerts"};

class WorkQueueEvents {
 public:
  virtual ~WorkQueueEvents() = default;
  // `token`: as push() was given it. `length` of the queue behind it, if Taken.
  virtual void pushed(std::uint64_t token, bus::SendOutcome outcome, std::uint64_t length,
                      std::string_view why) = 0;
  // -> false: there is no room; offered again after resume(), and nothing more is popped until
  // then.
  [[nodiscard]] virtual bool popped(const WorkItem& item) = 0;
  virtual void malformed(std::string_view queue, std::string_view why) = 0;
  virtual void link_changed(bus::Link link, std::string_view why) = 0;
};

class WorkQueues {
 public:
  // `items_max`, 0 to 2^40: how long a queue may get: beyond it the oldest go; 0: no limit.
  // Of the options what is about streams does not matter. Throws as Adapter does.
  explicit WorkQueues(Options options, std::uint64_t items_max = 1'000'000);
  ~WorkQueues();
  WorkQueues(const WorkQueues&) = delete;
  WorkQueues& operator=(const WorkQueues&) = delete;

  void connect(WorkQueueEvents* events);
  // -> false: not now (link down, or too much under way). Otherwise pushed() comes once in any
  // case. A payload that is no JSON is Refused.
  [[nodiscard]] bool push(std::uint64_t token, WorkItem item);
  // Pops from these from now on, over reconnects; the first that has something is served first.
  // Queues of earlier calls stay.
  void listen(std::vector<std::string> queues);
  void resume();
  void close();

 private:
  struct Popper;  // one blocking connection
  struct Waiting {
    std::uint64_t token = 0;
    std::string queue;
    std::string json;  // empty: the payload was none
  };
  void add_popper(std::vector<std::string> queues);
  void pop(Popper* popper);
  void take(Popper* popper, Reply& reply);
  void offer(Popper* popper);
  void submit();
  void answered(const Waiting& item, const Reply& reply);

  Options options_;
  std::uint64_t items_max_;
  std::shared_ptr<net::TlsContext> tls_;
  WorkQueueEvents* events_ = nullptr;
  std::unique_ptr<net::Loop> loop_;
  // What was pushed while the loop was busy goes in one pipeline.
  std::mutex waiting_lock_;
  std::vector<Waiting> waiting_;
  std::unique_ptr<Router> router_;
  std::vector<std::unique_ptr<Popper>> poppers_;
  std::atomic<bool> up_{false};
  std::atomic<std::size_t> under_way_{0};
};

}  // namespace rise::redis
