#include "plugins/redis/pool.hpp"

#include <algorithm>
#include <utility>

namespace rise::redis {

Pool::Pool(net::Loop* loop, const std::vector<Endpoint>& endpoints, std::uint32_t size,
           const ConnectionOptions& options, const std::shared_ptr<net::TlsContext>& tls,
           PoolEvents events)
    : events_(std::move(events)), is_up_(std::max(1u, size)) {
  for (std::size_t i = 0; i < is_up_.size(); ++i) {
    ConnectionEvents each;
    each.up = [this, i] {
      is_up_[i] = true;
      ++up_;
      if (is_up() && events_.up) events_.up();
    };
    each.down = [this, i](std::string_view why) {
      if (is_up_[i]) --up_;
      is_up_[i] = false;
      if (events_.down) events_.down(why);
    };
    connections_.push_back(Connection::make(loop, endpoints, options, tls, std::move(each)));
  }
}

Pool::~Pool() { stop(); }

void Pool::start() {
  for (const auto& connection : connections_) connection->start();
}

void Pool::stop() {
  for (const auto& connection : connections_) connection->stop();
}

std::uint64_t Pool::reconnects() const {
  std::uint64_t sum = 0;
  for (const auto& connection : connections_) {
    if (connection->connects() > 1) sum += connection->connects() - 1;
  }
  return sum;
}

}  // namespace rise::redis
