// A simulated network with an echoing peer, and a lane's side that writes down what came, and when.
#pragma once

#include <CppUTest/TestHarness.h>

#include <map>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/io/sim_network.hpp"

namespace rise::test {

// Echoes; may refuse or hang up. Speaks unasked if told so.
struct EchoPeer {
  bool refuses = false;
  std::size_t hangs_up_after = ~std::size_t{0};  // bytes
  std::string heard;
  int connected = 0;
  int closed = 0;
  std::int64_t due_ns = INT64_MAX;  // then it says "unasked"

  io::SimulatedPeer table() {
    io::SimulatedPeer peer;
    peer.self = this;
    peer.on_connect = [](void* self, std::uint32_t, std::int64_t) {
      ++static_cast<EchoPeer*>(self)->connected;
      return !static_cast<EchoPeer*>(self)->refuses;
    };
    peer.on_bytes = [](void* self, std::uint32_t, const std::uint8_t* bytes, std::uint32_t length,
                       std::int64_t, std::vector<std::uint8_t>* reply) {
      auto* p = static_cast<EchoPeer*>(self);
      p->heard.append(reinterpret_cast<const char*>(bytes), length);
      reply->insert(reply->end(), bytes, bytes + length);
      return p->heard.size() < p->hangs_up_after;
    };
    peer.on_closed = [](void* self, std::uint32_t, std::int64_t) {
      ++static_cast<EchoPeer*>(self)->closed;
    };
    peer.next_due_ns = [](void* self, std::uint32_t) {
      return static_cast<EchoPeer*>(self)->due_ns;
    };
    peer.poll = [](void* self, std::uint32_t, std::int64_t, std::vector<std::uint8_t>* reply) {
      static_cast<EchoPeer*>(self)->due_ns = INT64_MAX;
      for (const char c : std::string("unasked")) reply->push_back(static_cast<std::uint8_t>(c));
      return true;
    };
    return peer;
  }
};

// A lane's side: what came, and when.
struct SimRig {
  static constexpr std::int64_t kCycle_ns = 1'000'000;

  explicit SimRig(std::uint64_t seed = 1)
      : network(seed, {this, &SimRig::on_open, &SimRig::on_bytes, &SimRig::on_closed}),
        port(network.table()) {
    network.listen("peer", 1, peer.table());
  }
  static void on_open(void* self, std::uint32_t, std::int32_t stream, std::int64_t now_ns) {
    auto* rig = static_cast<SimRig*>(self);
    ++rig->opened[stream];
    rig->log += "open " + std::to_string(stream) + "@" + std::to_string(now_ns) + "\n";
  }
  static void on_bytes(void* self, std::uint32_t owner, std::int32_t stream,
                       const std::uint8_t* bytes, std::uint32_t length, std::int64_t now_ns) {
    auto* rig = static_cast<SimRig*>(self);
    const std::string text(reinterpret_cast<const char*>(bytes), length);
    rig->received[stream] += text;
    ++rig->pieces;
    rig->log += std::to_string(owner) + " bytes " + text + "@" + std::to_string(now_ns) + "\n";
    rig->last_ns = now_ns;
  }
  static void on_closed(void* self, std::uint32_t, std::int32_t stream, std::int32_t reason,
                        std::int64_t now_ns) {
    auto* rig = static_cast<SimRig*>(self);
    rig->reasons[stream] = reason;
    rig->log += "closed " + std::to_string(reason) + "@" + std::to_string(now_ns) + "\n";
    rig->last_ns = now_ns;
  }
  std::int32_t open(std::uint32_t timeout_ms = 50) {
    return port.open(port.self, 7, "peer", 1, timeout_ms);
  }
  std::int32_t send(std::int32_t stream, const std::string& bytes) {
    return port.send(port.self, stream, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                     static_cast<std::uint32_t>(bytes.size()));
  }
  void run(int cycles = 1) {
    for (int i = 0; i < cycles; ++i) port.exchange(port.self, now_ns += kCycle_ns);
  }
  std::int32_t connect() {
    const std::int32_t stream = open();
    run(3);
    LONGS_EQUAL(1, opened[stream]);
    return stream;
  }

  EchoPeer peer;
  io::SimulatedNetwork network;
  io::StreamPort port;
  std::int64_t now_ns = 1000 * kCycle_ns;
  std::map<std::int32_t, int> opened;
  std::map<std::int32_t, std::string> received;
  std::map<std::int32_t, std::int32_t> reasons;
  std::size_t pieces = 0;
  std::int64_t last_ns = 0;
  std::string log;
};

}  // namespace rise::test
