#include "rt_core/io/sim_network.hpp"

#include <algorithm>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/random.hpp"

namespace rise::io {

namespace {

std::string endpoint(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

}  // namespace

void SimulatedNetwork::listen(const std::string& host, std::uint16_t port,
                              const SimulatedPeer& peer) {
  peers_[endpoint(host, port)] = peer;
}

void SimulatedNetwork::unlisten(const std::string& host, std::uint16_t port) {
  peers_.erase(endpoint(host, port));
}

void SimulatedNetwork::cut_all() {
  for (auto& [id, connection] : streams_) {
    if (connection.open) end(id, RISE_CLOSED_RESET, now_ns_);
  }
}

bool SimulatedNetwork::chance(double probability) {
  if (probability <= 0) return false;
  const bool hit = uniform(&random_) < probability;
  if (hit) ++injected_;
  return hit;
}

std::int64_t SimulatedNetwork::between(std::int64_t min, std::int64_t max) {
  return rise::between(min, max, &random_);
}

void SimulatedNetwork::schedule(std::int64_t time_ns, Event event) {
  events_.emplace(std::make_pair(time_ns, order_++), std::move(event));
}

std::int32_t SimulatedNetwork::open(std::uint32_t owner, const char* host, std::uint16_t port,
                                    std::uint32_t timeout_ms) {
  const std::int32_t id = next_stream_++;
  Connection connection;
  connection.owner = owner;
  connection.endpoint = endpoint(host, port);
  const auto peer = peers_.find(connection.endpoint);
  const std::int64_t there = now_ns_ + between(faults_.latency_min_ns, faults_.latency_max_ns);
  connection.number = next_connection_++;
  if (chance(faults_.connect_loss)) {
    schedule(now_ns_ + std::int64_t{timeout_ms} * 1'000'000, {What::TimedOut, id, 0, {}});
  } else if (peer == peers_.end() || chance(faults_.refuse)) {
    schedule(there, {What::Refused, id, 0, {}});
  } else {
    schedule(there, {What::Opened, id, 0, {}});
  }
  streams_[id] = connection;
  return id;
}

std::int32_t SimulatedNetwork::send(std::int32_t id, const std::uint8_t* bytes,
                                    std::uint32_t length) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || !found->second.open || found->second.closing) return RISE_E_CLOSED;
  Connection& connection = found->second;
  const std::int64_t time =
      std::max(connection.last_to_peer_ns,
               now_ns_ + between(faults_.latency_min_ns, faults_.latency_max_ns));
  connection.last_to_peer_ns = time;
  counters_.bytes_sent += length;
  schedule(time, {What::ToPeer, id, 0, {bytes, bytes + length}});
  return RISE_OK;
}

std::int32_t SimulatedNetwork::close(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.closing) return RISE_E_CLOSED;
  found->second.closing = true;
  const std::int64_t after =
      std::max(now_ns_ + faults_.latency_min_ns, found->second.last_to_peer_ns);
  schedule(after, {What::Closed, id, RISE_CLOSED_BY_US, {}});
  return RISE_OK;
}

void SimulatedNetwork::end(std::int32_t id, std::int32_t reason, std::int64_t time_ns) {
  schedule(time_ns, {What::Closed, id, reason, {}});
}

void SimulatedNetwork::exchange(std::int64_t now_ns) {
  now_ns_ = now_ns;
  while (!events_.empty() && events_.begin()->first.first <= now_ns) {
    auto node = events_.extract(events_.begin());
    happen(node.key().first, std::move(node.mapped()), now_ns);
  }
}

void SimulatedNetwork::happen(std::int64_t time_ns, Event event, std::int64_t now_ns) {
  const auto found = streams_.find(event.stream);
  if (found == streams_.end()) return;
  Connection& connection = found->second;
  const std::uint32_t owner = connection.owner;
  const auto peer = peers_.find(connection.endpoint);
  switch (event.what) {
    case What::Opened:
      if (peer == peers_.end() || connection.closing ||
          !peer->second.on_connect(peer->second.self, connection.number, time_ns)) {
        end(event.stream, connection.closing ? RISE_CLOSED_BY_US : RISE_CLOSED_REFUSED, time_ns);
        return;
      }
      connection.open = true;
      ++counters_.opened;
      sink_.on_open(sink_.self, owner, event.stream, now_ns);
      return;
    case What::Refused: end(event.stream, RISE_CLOSED_REFUSED, time_ns); return;
    case What::TimedOut: end(event.stream, RISE_CLOSED_TIMEOUT, time_ns); return;
    case What::ToPeer:
    case What::PeerDue:
      if (connection.open && peer != peers_.end())
        ask_peer(event.stream, event, peer->second, time_ns);
      return;
    case What::ToLane:
      if (!connection.open || connection.closing) return;
      counters_.bytes_received += event.bytes.size();
      sink_.on_bytes(sink_.self, owner, event.stream, event.bytes.data(),
                     static_cast<std::uint32_t>(event.bytes.size()), now_ns);
      return;
    case What::Closed: {
      const bool was_open = connection.open;
      const std::uint32_t number = connection.number;
      streams_.erase(found);
      if (was_open && peer != peers_.end())
        peer->second.on_closed(peer->second.self, number, time_ns);
      if (!was_open) ++counters_.failed;
      sink_.on_closed(sink_.self, owner, event.stream, event.reason, now_ns);
      return;
    }
  }
}

// Gives the peer its bytes, or the time that it waited for, and sends on what it says.
void SimulatedNetwork::ask_peer(std::int32_t id, const Event& event, const SimulatedPeer& peer,
                                std::int64_t time_ns) {
  Connection& connection = streams_[id];
  std::vector<std::uint8_t> reply;
  const bool stays =
      event.what == What::ToPeer
          ? peer.on_bytes(peer.self, connection.number, event.bytes.data(),
                          static_cast<std::uint32_t>(event.bytes.size()), time_ns, &reply)
          : peer.poll(peer.self, connection.number, time_ns, &reply);
  if (!reply.empty()) deliver_reply(id, time_ns, std::move(reply));
  if (!stays) {
    end(id, RISE_CLOSED_BY_PEER, std::max(time_ns, connection.last_to_lane_ns));
    return;
  }
  if (peer.next_due_ns == nullptr) return;
  const std::int64_t due_ns = peer.next_due_ns(peer.self, connection.number);
  if (due_ns != INT64_MAX) schedule(std::max(due_ns, time_ns), {What::PeerDue, id, 0, {}});
}

void SimulatedNetwork::deliver_reply(std::int32_t id, std::int64_t time_ns,
                                     std::vector<std::uint8_t> reply) {
  Connection& connection = streams_[id];
  if (connection.stalled) return;
  if (chance(faults_.stall)) {
    connection.stalled = true;
    return;
  }
  std::int64_t arrival = time_ns + between(faults_.latency_min_ns, faults_.latency_max_ns);
  if (chance(faults_.delay)) arrival += between(0, faults_.delay_max_ns);
  arrival = std::max(arrival, connection.last_to_lane_ns);
  if (chance(faults_.corrupt)) {
    const auto at =
        static_cast<std::size_t>(between(0, static_cast<std::int64_t>(reply.size()) - 1));
    reply[at] = static_cast<std::uint8_t>(reply[at] ^ between(1, 255));
  }
  if (chance(faults_.duplicate)) {
    const std::vector<std::uint8_t> once = reply;
    reply.insert(reply.end(), once.begin(), once.end());
  }
  if (chance(faults_.reset)) {
    reply.resize(static_cast<std::size_t>(between(0, static_cast<std::int64_t>(reply.size()))));
    if (!reply.empty()) schedule(arrival, {What::ToLane, id, 0, reply});
    end(id, RISE_CLOSED_RESET, arrival);
    return;
  }
  std::size_t pieces = 1;
  if (chance(faults_.tear)) pieces = static_cast<std::size_t>(between(2, 8));
  std::size_t from = 0;
  for (std::size_t piece = 0; piece < pieces && from < reply.size(); ++piece) {
    const std::size_t left = reply.size() - from;
    const std::size_t length =
        piece + 1 == pieces ? left
                            : static_cast<std::size_t>(between(1, static_cast<std::int64_t>(left)));
    const auto begin = reply.begin() + static_cast<std::ptrdiff_t>(from);
    schedule(arrival, {What::ToLane, id, 0, {begin, begin + static_cast<std::ptrdiff_t>(length)}});
    from += length;
    if (pieces > 1) arrival += between(0, 3'000'000);
  }
  connection.last_to_lane_ns = arrival;
}

StreamPort SimulatedNetwork::table() {
  StreamPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                 std::uint32_t timeout_ms) {
    return static_cast<SimulatedNetwork*>(self)->open(owner, host, number, timeout_ms);
  };
  port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length) {
    return static_cast<SimulatedNetwork*>(self)->send(stream, bytes, length);
  };
  port.close = [](void* self, std::int32_t stream) {
    return static_cast<SimulatedNetwork*>(self)->close(stream);
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<SimulatedNetwork*>(self)->exchange(now_ns);
  };
  port.counters = &counters_;
  return port;
}

}  // namespace rise::io
