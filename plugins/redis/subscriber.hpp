// Redis' pub/sub, on a connection of its own: whoever has subscribed gets what is published from
// then on, once or never. One glob of Redis for each pattern of the bus; what it brings too much is
// dropped here, and a message that several patterns have comes once.
//
// The loop's thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/redis/connection.hpp"

namespace rise::redis {

class Subscriber {
 public:
  Subscriber(net::Loop* loop, const Options& options, std::shared_ptr<net::TlsContext> tls,
             bus::AdapterEvents* events, std::atomic<std::uint64_t>* received);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // Connects with the first.
  void subscribe(const std::string& pattern);
  void resume();
  void stop();
  [[nodiscard]] bool is_up() const { return connection_->state() == Connection::State::Up; }

 private:
  void take(Reply& reply);
  void taken(std::size_t glob, const std::string& channel, std::string_view body);
  void offer();

  const Options& options_;
  bus::AdapterEvents* events_;
  std::atomic<std::uint64_t>* received_;
  std::shared_ptr<Connection> connection_;
  std::vector<std::string> patterns_;
  std::vector<std::string> globs_;       // of each pattern, with the prefix
  std::deque<bus::MessagePtr> waiting_;  // for which there was no room
  bool stalled_ = false;                 // until resume()
};

}  // namespace rise::redis
