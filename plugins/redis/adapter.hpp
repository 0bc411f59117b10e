// Redis as a transport of the bus. BestEffort and AtMostOnce are published (PUBLISH, PSUBSCRIBE);
// from AtLeastOnce on a message is an entry of a stream (XADD, consumer groups). What subscribes
// with a guarantee gets what is sent the same way.
//
// Has a thread of its own, from connect() to close(); the events come on it. See bus/adapter.hpp
// for what holds for every adapter.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/redis/fields.hpp"
#include "plugins/redis/group_reader.hpp"
#include "plugins/redis/router.hpp"
#include "plugins/redis/subscriber.hpp"

namespace rise::redis {

class Adapter : public bus::Adapter {
 public:
  // Throws std::invalid_argument for settings out of range, std::runtime_error for files of TLS.
  explicit Adapter(Options options);
  ~Adapter() override;
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  [[nodiscard]] std::string_view name() const override { return "redis"; }
  void connect(bus::AdapterEvents* events) override;
  [[nodiscard]] bool send(std::uint64_t batch, std::span<const bus::MessagePtr> messages) override;
  void subscribe(const bus::Subscription& subscription) override;
  void acknowledge(std::span<const std::uint64_t> tags) override;
  void resume() override;
  [[nodiscard]] bus::AdapterHealth health() const override;
  void close() override;

  // Messages that have been put into the dead-letter stream by this adapter.
  [[nodiscard]] std::uint64_t dead_letters() const { return dead_letters_; }
  // Commands that were sent on to another node.
  [[nodiscard]] std::uint64_t redirections() const { return redirections_; }

 private:
  struct Sending;  // one batch of send()
  void find_stream(const std::string& topic);
  void encode(const bus::Message& message, Sending* sending);
  void submit(const std::shared_ptr<Sending>& sending);
  void answered(Sending* sending, std::size_t index, const Reply& reply);
  void finish(Sending* sending);
  void link(bus::Link link, std::string_view why);
  void failed(std::string_view why);
  void listen(const bus::Subscription& subscription);
  GroupReader& reader_of(const std::string& group, const std::string& key);
  void announce(const std::string& key);
  void discover();
  void count();

  Options options_;
  std::shared_ptr<net::TlsContext> tls_;
  bus::AdapterEvents* events_ = nullptr;

  // The caller's thread.
  Words words_;
  std::string last_level_;  // most messages of a batch go to one stream
  std::string last_key_;
  std::uint16_t last_slot_ = 0;
  std::set<std::string, std::less<>> announced_;
  std::vector<bus::Subscription> early_;  // before connect()

  std::unique_ptr<net::Loop> loop_;
  // The loop's thread.
  std::unique_ptr<Router> router_;
  std::unique_ptr<Subscriber> subscriber_;
  std::vector<std::unique_ptr<GroupReader>> readers_;
  std::vector<std::pair<std::string, std::string>> wide_;  // group, pattern
  std::set<std::string, std::less<>> streams_;             // that we know of
  bool discovered_ = false;
  std::unique_ptr<net::Timer> discovery_;

  std::atomic<bus::Link> link_{bus::Link::Down};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> reconnects_{0};
  std::atomic<std::uint64_t> dead_letters_{0};
  std::atomic<std::uint64_t> redirections_{0};
  std::atomic<double> round_trip_ms_{0};
  std::atomic<std::size_t> under_way_{0};
  std::atomic<std::size_t> under_way_bytes_{0};
  mutable std::mutex why_lock_;
  std::string why_;
};

}  // namespace rise::redis
