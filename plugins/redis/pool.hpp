// The connections for commands to one node. What belongs to one slot always goes through the same
// one, so that it stays in order.
//
// The loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/redis/connection.hpp"

namespace rise::redis {

struct PoolEvents {
  std::function<void()> up;                        // all of them are
  std::function<void(std::string_view why)> down;  // one of them is not
};

class Pool {
 public:
  Pool(net::Loop* loop, const std::vector<Endpoint>& endpoints, std::uint32_t size,
       const ConnectionOptions& options, const std::shared_ptr<net::TlsContext>& tls,
       PoolEvents events);
  ~Pool();  // as stop()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void start();
  void stop();
  [[nodiscard]] Connection& of(std::uint16_t slot) const {
    return *connections_[slot % connections_.size()];
  }
  [[nodiscard]] bool is_up() const { return up_ == connections_.size(); }
  [[nodiscard]] double round_trip_ms() const { return connections_[0]->round_trip_ms(); }
  // Beyond the first ones.
  [[nodiscard]] std::uint64_t reconnects() const;

 private:
  PoolEvents events_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<bool> is_up_;
  std::size_t up_ = 0;
};

}  // namespace rise::redis
