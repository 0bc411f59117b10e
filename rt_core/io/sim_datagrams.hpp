// UDP that exists only in memory, behind the interface of a datagram port: latency, loss,
// duplicates, wrong order and damage, all from one seed and on simulated time. For tests and
// replay; it allocates. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "rt_core/io/datagram_port.hpp"

namespace rise::io {

// Probabilities are per datagram that arrives, 0..1. Order is lost as far as latencies differ.
struct DatagramFaults {
  std::int64_t latency_min_ns = 20'000;  // one way
  std::int64_t latency_max_ns = 20'000;
  double loss = 0;
  double duplicate = 0;
  double damage = 0;  // one byte is changed, or the end is missing
};

class SimulatedDatagrams {
 public:
  // What a receiver that does not keep up leaves waiting, per port; beyond it is dropped.
  static constexpr std::size_t kWaiting = 1024;

  SimulatedDatagrams(std::uint64_t seed, const DatagramSink& sink) : sink_(sink), random_(seed) {}

  // -> port number: 0, 1, 2, ... in the order of the calls.
  std::int32_t declare(std::uint32_t owner, const DatagramSpec& spec);
  // From now on; what is on its way stays.
  void set_faults(const DatagramFaults& faults) { faults_ = faults; }
  // A device sends to one of our ports at this time.
  void arrive(const rise_endpoint& from, std::uint16_t port, std::span<const std::uint8_t> bytes,
              std::int64_t now_ns);

  struct Sent {
    std::int32_t port = 0;
    rise_endpoint to{};
    std::vector<std::uint8_t> bytes;
  };
  // What drivers have sent since it was last asked, oldest first.
  std::vector<Sent> take_sent() { return std::exchange(left_, {}); }

  [[nodiscard]] DatagramPort table();
  [[nodiscard]] const DatagramCounters& counters() const { return counters_; }

 private:
  struct Arriving {
    rise_endpoint from{};
    std::int32_t port = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Port {
    std::uint32_t owner = 0;
    DatagramSpec spec;
    std::size_t waiting = 0;
    std::uint32_t queued = 0;  // to be sent
  };

  std::int32_t send(std::int32_t port, const rise_endpoint& to, const std::uint8_t* bytes,
                    std::uint32_t length);
  void exchange(std::int64_t now_ns);
  void deliver(const Arriving& datagram, std::int64_t now_ns);
  bool chance(double probability);
  void damage(std::vector<std::uint8_t>* bytes);

  DatagramSink sink_;
  std::uint64_t random_;
  DatagramFaults faults_;
  std::vector<Port> ports_;
  std::uint64_t order_ = 0;  // those of the same time arrive in the order of their sending
  std::map<std::pair<std::int64_t, std::uint64_t>, Arriving> arriving_;
  std::vector<Sent> queued_;
  std::vector<Sent> left_;
  DatagramCounters counters_;
};

}  // namespace rise::io
