// TCP's packets on their way between the device and the TCP stack: what has arrived goes to it,
// what it sends gets an Ethernet header and waits for the end of the exchange. Empty unless open().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rt_core/io/dpdk/device.hpp"
#include "rt_core/io/dpdk/tcp/tcp_stack.hpp"
#include "rt_core/io/frame_endpoint.hpp"

namespace rise::io::dpdk {

class DpdkSegments {
 public:
  // Frames that may leave in one exchange; what is beyond TCP sends again.
  static constexpr std::uint32_t kPerExchange = 512;

  // Both outlive this.
  DpdkSegments(Device* device, FrameEndpoint* endpoint) : device_(device), endpoint_(endpoint) {}
  ~DpdkSegments();
  DpdkSegments(const DpdkSegments&) = delete;
  DpdkSegments& operator=(const DpdkSegments&) = delete;

  // The exchange of the whole device.
  struct Exchange {
    void* self = nullptr;
    void (*call)(void* self, std::int64_t now_ns) = nullptr;
  };
  // Set-up thread. Empty, or why there is no TCP. The port's start() is for the caller to put in.
  std::string open(std::uint32_t capacity, const StreamSink& sink, const Exchange& exchange,
                   StreamPort* port);
  [[nodiscard]] bool is_open() const { return stack_.self != nullptr; }
  // When the lane has ended: leaving() is then to be sent, and forgotten.
  void end(std::int64_t now_ns);
  [[nodiscard]] std::string figures() const;

  // Lane thread.
  void input(packet::Bytes packet, std::int64_t now_ns) {
    if (is_open()) stack_.input(stack_.self, packet, now_ns);
  }
  void step(std::int64_t now_ns) {
    if (is_open()) stack_.step(stack_.self, now_ns);
  }
  [[nodiscard]] std::span<rte_mbuf* const> leaving() const { return leaving_; }
  void forget() { leaving_.clear(); }  // the frames are somebody else's now

 private:
  TcpLink::Route route(std::uint32_t to, bool answer, std::int64_t now_ns, packet::Mac* mac);
  std::uint8_t* room(std::uint32_t to, std::uint32_t bytes, bool answer, std::int64_t now_ns);

  Device* device_;
  FrameEndpoint* endpoint_;
  Exchange exchange_;
  TcpStack stack_;
  std::vector<rte_mbuf*> leaving_;  // never more than kPerExchange, which is reserved
};

}  // namespace rise::io::dpdk
