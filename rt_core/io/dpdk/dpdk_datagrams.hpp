// Datagrams over DPDK, and TCP's packets for the streams: what has arrived is polled from the
// device once per cycle, what is queued leaves with one burst. What frames mean is decided in
// frame_endpoint; here they are only carried.
//
// In a cycle: no allocation (mbufs come from the device's pool), no lock, and no system call of
// ours. Drivers of DPDK that stand on the kernel make their own: af_packet one sendto() per burst
// that is sent, af_xdp a wake-up. Drivers for PCI devices make none.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/dpdk/device.hpp"
#include "rt_core/io/dpdk/dpdk_segments.hpp"
#include "rt_core/io/frame_endpoint.hpp"

namespace rise::io::dpdk {

class DpdkDatagrams {
 public:
  // The device is open and lives as long.
  DpdkDatagrams(std::unique_ptr<Device> device, const EndpointSettings& settings,
                const DatagramSink& sink);
  ~DpdkDatagrams();
  DpdkDatagrams(const DpdkDatagrams&) = delete;
  DpdkDatagrams& operator=(const DpdkDatagrams&) = delete;

  // Set-up thread.
  std::int32_t declare(std::uint32_t owner, const DatagramSpec& spec, std::string* error);
  bool add_static(std::uint32_t address, const packet::Mac& mac) {
    return endpoint_.add_static(address, mac);
  }
  // After the last declare(). Empty, or why the device does not start; it starts once.
  std::string ready();
  [[nodiscard]] DatagramPort table();
  // TCP, too, after the last declare(): the device starts if it has not. Empty, or why not. Both
  // ports stand on one exchange: the first call in a cycle makes it for both.
  std::string open_streams(std::uint32_t capacity, const StreamSink& sink, StreamPort* out);
  [[nodiscard]] const DpdkSegments& segments() const { return segments_; }
  [[nodiscard]] const Device& device() const { return *device_; }
  [[nodiscard]] const FrameEndpoint& endpoint() const { return endpoint_; }

 private:
  // Drivers for PCI devices give at most 32 frames at once, whatever is asked for.
  static constexpr std::uint16_t kBurst = 32;
  // Frames per exchange that we send for our own sake (ARP, ICMP, IGMP): who floods us with
  // requests must not have the lane answer all of them.
  static constexpr std::uint32_t kOwnPerExchange = 16;
  // A datagram whose receiver's Ethernet address is not known waits so long for it.
  static constexpr std::int64_t kPatienceNs = 1'000'000'000;

  struct Waiting {
    rte_mbuf* frame = nullptr;
    rise_endpoint to{};
    std::uint32_t length = 0;
    std::int64_t since_ns = 0;  // when it was first tried; 0: not yet
  };
  struct Port {
    std::uint32_t owner = 0;
    std::uint32_t count = 0;
    std::array<Waiting, kDatagramSendSlots> waiting;
  };

  static bool register_thread();
  void make_room();
  std::int32_t send(std::int32_t number, const rise_endpoint& to, const std::uint8_t* bytes,
                    std::uint32_t length);
  void exchange(std::int64_t now_ns);
  void receive(std::int64_t now_ns);
  void take(rte_mbuf* frame, std::int64_t now_ns);
  void deliver(const FrameEndpoint::Received& received, std::int64_t now_ns);
  void gather_own(std::int64_t now_ns);
  void gather(Port* port, std::int32_t number, std::int64_t now_ns);
  void gather_segments();
  void transmit();
  bool push_own(const std::uint8_t* bytes, std::size_t length);

  std::unique_ptr<Device> device_;
  DatagramSink sink_;
  FrameEndpoint endpoint_;
  DpdkSegments segments_;
  bool started_ = false;
  std::int64_t exchanged_ns_ = -1;
  std::vector<Port> ports_;
  std::uint32_t waiting_ = 0;  // in all ports
  // One burst: own frames grow downwards from kOwnPerExchange, datagrams and, behind them, segments
  // upwards.
  std::vector<rte_mbuf*> leaving_;
  std::uint32_t first_ = kOwnPerExchange;
  std::uint32_t datagrams_end_ = kOwnPerExchange;
  std::uint32_t end_ = kOwnPerExchange;
  DatagramCounters counters_;
  // Behind the headers of a frame a payload is never 8-byte aligned; drivers are promised that.
  alignas(64) std::array<std::uint8_t, RISE_DATAGRAM_MAX> payload_{};
};

}  // namespace rise::io::dpdk
