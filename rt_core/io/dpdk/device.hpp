// One Ethernet device of DPDK with one receive and one transmit queue and a memory pool of its own.
// Set-up thread, but for receive(), transmit() and allocate(): lane thread.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "rt_core/io/dpdk/packet_drops.hpp"
#include "rt_core/io/packet.hpp"

namespace rise::io::dpdk {

struct DeviceSettings {
  std::string name;  // with its arguments, as DPDK wants it
  unsigned buffers = 4095;
  std::uint16_t receive_ring = 1024;
  std::uint16_t transmit_ring = 512;
};

class Device {
 public:
  Device() = default;
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Empty: it is there and configured. Else what is wrong, and what to do about it.
  std::string open(const DeviceSettings& settings);
  // Frames arrive from now on. `groups`: also those to multicast addresses.
  std::string start(bool groups);

  [[nodiscard]] const packet::Mac& mac() const { return mac_; }
  [[nodiscard]] std::string describe() const;

  std::uint16_t receive(rte_mbuf** frames, std::uint16_t limit) {
    return ::rte_eth_rx_burst(port_, 0, frames, limit);
  }
  std::uint16_t transmit(rte_mbuf** frames, std::uint16_t count) {
    return ::rte_eth_tx_burst(port_, 0, frames, count);
  }
  rte_mbuf* allocate() { return ::rte_pktmbuf_alloc(pool_); }
  // Lost because we were too slow, as far as device or kernel tell; read every 50 ms elsewhere.
  // Relaxed: a number for people, nothing depends on its order.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] unsigned buffers_free() const;

 private:
  std::string configure(const DeviceSettings& settings);
  void watch();
  void read_statistics();

  std::string name_;
  std::string driver_;
  std::uint16_t port_ = RTE_MAX_ETHPORTS;
  bool probed_ = false;
  bool started_ = false;
  rte_mempool* pool_ = nullptr;
  packet::Mac mac_;
  PacketDrops packet_drops_;
  std::uint64_t kernel_drops_ = 0;  // watching thread
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> stopping_{false};
  std::thread watcher_;
};

}  // namespace rise::io::dpdk
