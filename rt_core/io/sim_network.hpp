// A network that exists only in memory, behind the interface of a stream port: latency,
// segmentation, loss of connections, stalls and corrupted bytes, all from one seed and on simulated
// time. The same seed gives the same run, byte for byte. For tests, the conformance kit and replay;
// it allocates.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/stream_port.hpp"

namespace rise::io {

// The far end: a server that answers bytes with bytes. One per endpoint; connections are numbered.
struct SimulatedPeer {
  void* self = nullptr;
  // A new connection. False: refused.
  bool (*on_connect)(void* self, std::uint32_t connection, std::int64_t now_ns) = nullptr;
  // Bytes from the lane; the answer is appended to `reply`. False: the peer closes the connection.
  bool (*on_bytes)(void* self, std::uint32_t connection, const std::uint8_t* bytes,
                   std::uint32_t length, std::int64_t now_ns,
                   std::vector<std::uint8_t>* reply) = nullptr;
  void (*on_closed)(void* self, std::uint32_t connection, std::int64_t now_ns) = nullptr;
  // A peer that takes its time (both or neither): when it has something to say unasked, INT64_MAX
  // if never; and what it says then. False: it closes the connection.
  std::int64_t (*next_due_ns)(void* self, std::uint32_t connection) = nullptr;
  bool (*poll)(void* self, std::uint32_t connection, std::int64_t now_ns,
               std::vector<std::uint8_t>* reply) = nullptr;
};

// Probabilities are per event, 0..1.
struct NetworkFaults {
  std::int64_t latency_min_ns = 20'000;  // one way
  std::int64_t latency_max_ns = 100'000;
  double refuse = 0;        // of a connect
  double connect_loss = 0;  // of a connect: no answer, so it times out
  double tear = 0;          // of a reply: delivered in 1 to 8 pieces, some in later cycles
  double reset = 0;         // of a reply: the connection is reset before it, or within it
  double stall = 0;         // of a reply: nothing comes any more on this connection
  double corrupt = 0;       // of a reply: one byte is changed
  double duplicate = 0;     // of a reply: comes twice
  double delay = 0;         // of a reply: late by up to delay_max_ns
  std::int64_t delay_max_ns = 50'000'000;
};

class SimulatedNetwork {
 public:
  SimulatedNetwork(std::uint64_t seed, const StreamSink& sink) : sink_(sink), random_(seed) {}

  void listen(const std::string& host, std::uint16_t port, const SimulatedPeer& peer);
  void unlisten(const std::string& host, std::uint16_t port);
  // From now on; connections stay.
  void set_faults(const NetworkFaults& faults) { faults_ = faults; }
  // Resets every open connection.
  void cut_all();

  [[nodiscard]] StreamPort table();
  [[nodiscard]] std::uint64_t faults_injected() const { return injected_; }
  [[nodiscard]] std::size_t open_streams() const { return streams_.size(); }

 private:
  enum class What { Opened, Refused, TimedOut, ToPeer, PeerDue, ToLane, Closed };
  struct Event {
    What what = What::Opened;
    std::int32_t stream = 0;
    std::int32_t reason = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Connection {
    std::uint32_t owner = 0;
    std::string endpoint;
    std::uint32_t number = 0;
    bool open = false;
    bool stalled = false;
    bool closing = false;
    std::int64_t last_to_lane_ns = 0;  // bytes keep their order
    std::int64_t last_to_peer_ns = 0;
  };

  std::int32_t open(std::uint32_t owner, const char* host, std::uint16_t port,
                    std::uint32_t timeout_ms);
  std::int32_t send(std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length);
  std::int32_t close(std::int32_t stream);
  void exchange(std::int64_t now_ns);
  void happen(std::int64_t time_ns, Event event, std::int64_t now_ns);
  void ask_peer(std::int32_t id, const Event& event, const SimulatedPeer& peer,
                std::int64_t time_ns);
  void deliver_reply(std::int32_t id, std::int64_t time_ns, std::vector<std::uint8_t> reply);
  void end(std::int32_t id, std::int32_t reason, std::int64_t time_ns);
  bool chance(double probability);
  std::int64_t between(std::int64_t min, std::int64_t max);
  void schedule(std::int64_t time_ns, Event event);

  StreamSink sink_;
  std::uint64_t random_;
  NetworkFaults faults_;
  std::int64_t now_ns_ = 0;
  std::uint64_t order_ = 0;  // events of the same time happen in the order of their making
  std::int32_t next_stream_ = 0;
  std::uint32_t next_connection_ = 0;
  std::uint64_t injected_ = 0;
  std::map<std::string, SimulatedPeer> peers_;
  std::map<std::int32_t, Connection> streams_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Event> events_;
  PortCounters counters_;
};

}  // namespace rise::io
