// Between the bus and one adapter. Outwards:
//
//   offer --+-- may be lost: queue, by priority, bounded ---------------+--> batches --> adapter
//           +-- must not:    log on disk (plugins/store), read in order -+
//
// What the adapter's far side has taken is acknowledged in the log; what failed is sent again from
// there, in order, after a wait; what it refuses becomes a dead letter. A circuit breaker keeps
// from trying in vain, a rate limit from trying too much. What may be lost is sent once: a batch
// that fails is counted, and gone.
//
// Inwards: what the adapter delivers is published on the bus; with ExactlyOnce and above each id
// once, with Ordered in the order of its source's numbers. It is acknowledged when those who have
// subscribed have handled it, or given it up: what this process has not done when it dies comes
// again. (Then which ids it has had is forgotten, too.) When too much is under way, it stops
// reading.
//
// Any thread may call; the adapter is called by one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/bus/bus.hpp"
#include "plugins/bus/queue.hpp"
#include "plugins/outbound/breaker.hpp"
#include "plugins/outbound/inward.hpp"
#include "plugins/outbound/packing_stage.hpp"
#include "plugins/outbound/rate_limit.hpp"
#include "plugins/store/cursor.hpp"
#include "plugins/store/log.hpp"

namespace rise::outbound {

struct CourierOptions {
  std::size_t batch = 256;  // messages in one send(); 1 to 10 000
  bus::QueueLimits limits;
  BreakerSpec breaker;
  bus::BackoffSpec backoff;  // between attempts of what must not be lost
  double rate_per_s = 0;     // messages; 0: no limit
  double rate_burst = 1000;
  InwardOptions inward;
  PackingSpec packing;
  // Patterns on which messages go out as the text of other programs, by the conversion of `inward`.
  std::vector<std::string> foreign_topics;
};

struct CourierCounts {
  bus::QueueCounts queue;
  store::Status log;
  std::uint64_t taken = 0;       // by the far side
  std::uint64_t failed = 0;      // attempts, by messages
  std::uint64_t lost = 0;        // that might be lost, and were
  std::uint64_t refused = 0;     // by the far side: dead letters
  std::uint64_t not_stored = 0;  // for want of room on disk: dead letters
  std::uint64_t expired = 0;
  InwardCounts inward;
  BreakerState breaker = BreakerState::Closed;
  std::uint64_t breaker_opened = 0;
  PackingCounts packing;
  bus::AdapterHealth adapter;
};

class Courier : private bus::AdapterEvents {
 public:
  // All outlive it. log: of its own; null: what must not be lost is refused.
  Courier(std::string name, const CourierOptions& options, bus::Adapter* adapter, bus::Bus* bus,
          std::unique_ptr<store::Log> log);
  ~Courier() override;
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void start();
  void stop();
  // -> false: it was not taken; what must not be lost is then a dead letter.
  bool offer(const bus::MessagePtr& message);
  // The same, but what becomes of it is the caller's matter.
  [[nodiscard]] bool try_offer(const bus::MessagePtr& message);
  // Sends what can be sent. Every 10 ms or so, and when there is something new. now_ns: realtime,
  // by which messages expire; now_ms: of a clock that nobody sets, for all waits.
  void tick(std::int64_t now_ns, std::int64_t now_ms);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] CourierCounts counts() const;
  // It came in through this courier: sent out again it would go round for ever.
  [[nodiscard]] bool brought(const bus::Message& message) const {
    return message.header(Inward::kBroughtBy) == name_;
  }
  // For routing: the link is up and the breaker closed, or ready for its probe.
  [[nodiscard]] bool well() const;
  [[nodiscard]] bool has_store() const { return log_ != nullptr; }
  [[nodiscard]] std::uint64_t waiting() const;

 private:
  // As it goes out. Null: it cannot be said to the other program.
  [[nodiscard]] bus::MessagePtr outward(const bus::MessagePtr& message) const;
  // What is under way.
  struct Batch {
    std::uint64_t number = 0;
    bool durable = false;
    std::vector<bus::MessagePtr> messages;
    std::vector<std::uint64_t> records;  // durable: of each message
    std::uint64_t last = 0;              // record up to which the log was read; 0: more follows
    PackingStage::Parcels parcels;       // as which it was sent
  };
  void sent(std::uint64_t batch, std::span<const bus::SendOutcome> outcomes,
            std::string_view why) override;
  bool delivered(const bus::Delivery& delivery) override;
  void malformed(std::string_view from, std::string_view why) override;
  void link_changed(bus::Link link, std::string_view why) override;

  // With the lock held.
  void acknowledge();
  void fill_durable(std::int64_t now_ns);
  void send_batch();
  Batch take_durable();
  Batch take_volatile();
  void put_back(Batch batch);
  void settle_durable(const Batch& batch, std::span<const bus::SendOutcome> outcomes,
                      std::string_view why);
  void settle_volatile(const Batch& batch, std::span<const bus::SendOutcome> outcomes,
                       std::string_view why);
  void bury(const bus::MessagePtr& message, std::string_view why, std::uint32_t attempts);

  const std::string name_;
  const CourierOptions options_;
  bus::Adapter* adapter_;
  bus::Bus* bus_;
  std::unique_ptr<store::Log> log_;
  bus::Queue queue_;

  mutable std::recursive_mutex mutex_;  // recursive: an adapter may tell at once
  std::optional<store::Cursor> cursor_;
  std::optional<Batch> pending_;    // durable, read and not sent, or to be sent again
  std::optional<Batch> under_way_;  // one at a time: so the order is kept
  std::uint64_t batches_ = 0;
  std::uint32_t attempts_ = 0;  // of pending_
  std::int64_t wait_until_ms_ = 0;
  std::int64_t now_ns_ = 0;
  std::int64_t now_ms_ = 0;
  Breaker breaker_;
  RateLimit rate_;
  bool up_ = false;
  bool running_ = false;
  bool turn_ = false;  // of the queue, when both have something
  std::minstd_rand chance_{std::random_device{}()};
  CourierCounts counts_;

  bool held_up_ = false;  // the adapter does not read for now

  PackingStage packing_;
  Inward inward_;
};

}  // namespace rise::outbound
