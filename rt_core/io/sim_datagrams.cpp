#include "rt_core/io/sim_datagrams.hpp"

#include <algorithm>
#include <cstring>

#include "rt_core/random.hpp"

namespace rise::io {

std::int32_t SimulatedDatagrams::declare(std::uint32_t owner, const DatagramSpec& spec) {
  ports_.push_back({owner, spec});
  return static_cast<std::int32_t>(ports_.size()) - 1;
}

void SimulatedDatagrams::arrive(const rise_endpoint& from, std::uint16_t port,
                                std::span<const std::uint8_t> bytes, std::int64_t now_ns) {
  const auto found = std::find_if(ports_.begin(), ports_.end(),
                                  [&](const Port& p) { return p.spec.port == port; });
  if (found == ports_.end() || chance(faults_.loss)) return;
  for (int copies = chance(faults_.duplicate) ? 2 : 1; copies > 0; --copies) {
    if (found->waiting == kWaiting) {
      ++counters_.dropped;
      continue;
    }
    Arriving datagram{
        from, static_cast<std::int32_t>(found - ports_.begin()), {bytes.begin(), bytes.end()}};
    if (chance(faults_.damage)) damage(&datagram.bytes);
    const std::int64_t time =
        now_ns + between(faults_.latency_min_ns, faults_.latency_max_ns, &random_);
    arriving_.emplace(std::pair(time, order_++), std::move(datagram));
    ++found->waiting;
  }
}

void SimulatedDatagrams::damage(std::vector<std::uint8_t>* bytes) {
  if (bytes->empty()) return;
  const std::uint64_t where = next_random(&random_) % bytes->size();
  if (chance(0.5)) {
    bytes->resize(where);
  } else {
    (*bytes)[where] ^= static_cast<std::uint8_t>(1 + next_random(&random_) % 255);
  }
}

std::int32_t SimulatedDatagrams::send(std::int32_t port, const rise_endpoint& to,
                                      const std::uint8_t* bytes, std::uint32_t length) {
  if (port < 0 || static_cast<std::size_t>(port) >= ports_.size() || length > RISE_DATAGRAM_MAX ||
      (bytes == nullptr && length != 0) || to.port == 0) {
    return RISE_E_ARGUMENT;
  }
  if (ports_[static_cast<std::size_t>(port)].queued == kDatagramSendSlots) {
    ++counters_.send_queue_full;
    return RISE_E_AGAIN;
  }
  ++ports_[static_cast<std::size_t>(port)].queued;
  queued_.push_back({port, to, {bytes, bytes + length}});
  return RISE_OK;
}

void SimulatedDatagrams::exchange(std::int64_t now_ns) {
  for (Sent& one : queued_) {
    --ports_[static_cast<std::size_t>(one.port)].queued;
    ++counters_.sent;
    left_.push_back(std::move(one));
  }
  queued_.clear();
  std::vector<std::uint32_t> taken(ports_.size());
  for (auto it = arriving_.begin(); it != arriving_.end() && it->first.first <= now_ns;) {
    if (taken[static_cast<std::size_t>(it->second.port)]++ >= kDatagramsPerExchange) {
      ++it;
      continue;
    }
    const Arriving datagram = std::move(it->second);
    it = arriving_.erase(it);
    --ports_[static_cast<std::size_t>(datagram.port)].waiting;
    deliver(datagram, now_ns);
  }
}

void SimulatedDatagrams::deliver(const Arriving& datagram, std::int64_t now_ns) {
  if (datagram.bytes.size() > RISE_DATAGRAM_MAX) {
    ++counters_.malformed;
    return;
  }
  ++counters_.received;
  alignas(8) std::uint8_t bytes[RISE_DATAGRAM_MAX];
  std::copy(datagram.bytes.begin(), datagram.bytes.end(), bytes);
  const auto length = static_cast<std::uint32_t>(datagram.bytes.size());
  const rise_datagram given{sizeof given, length, bytes, datagram.from};
  sink_.on_datagram(sink_.self, ports_[static_cast<std::size_t>(datagram.port)].owner,
                    datagram.port, given, now_ns);
}

bool SimulatedDatagrams::chance(double probability) {
  return probability > 0 && uniform(&random_) < probability;
}

DatagramPort SimulatedDatagrams::table() {
  DatagramPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.send = [](void* self, std::int32_t number, const rise_endpoint& to,
                 const std::uint8_t* bytes, std::uint32_t length) {
    return static_cast<SimulatedDatagrams*>(self)->send(number, to, bytes, length);
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<SimulatedDatagrams*>(self)->exchange(now_ns);
  };
  port.counters = &counters_;
  return port;
}

}  // namespace rise::io
