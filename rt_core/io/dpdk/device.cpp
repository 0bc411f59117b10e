#include "rt_core/io/dpdk/device.hpp"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <future>
#include <utility>

#include "rt_core/io/dpdk/eal.hpp"

namespace rise::io::dpdk {

namespace {

constexpr unsigned kCache = 128;  // mbufs that the lane keeps for itself; at most a third of a pool
constexpr std::uint16_t kMtu = 1500;

std::string failed(const std::string& what, int code) {
  return what + " (" + ::rte_strerror(-code) + ")";
}

}  // namespace

Device::~Device() {
  if (watcher_.joinable()) {
    stopping_.store(true, std::memory_order_relaxed);  // nothing else is handed over with it
    watcher_.join();
  }
  rte_eth_dev_info info{};
  const bool known = port_ != RTE_MAX_ETHPORTS && ::rte_eth_dev_info_get(port_, &info) == 0;
  if (started_) {
    ::rte_eth_promiscuous_disable(port_);
    ::rte_eth_dev_stop(port_);
  }
  if (port_ != RTE_MAX_ETHPORTS) ::rte_eth_dev_close(port_);
  if (probed_ && known) ::rte_dev_remove(info.device);
  if (pool_ != nullptr) ::rte_mempool_free(pool_);
}

std::string Device::open(const DeviceSettings& settings) {
  name_ = settings.name.substr(0, settings.name.find(','));
  const std::vector<int> sockets = packet_sockets();
  // A PCI device was probed with the environment; a virtual one is made here.
  if (::rte_eth_dev_get_port_by_name(name_.c_str(), &port_) != 0) {
    port_ = RTE_MAX_ETHPORTS;
    if (::rte_dev_probe(settings.name.c_str()) != 0) {
      // The code says nothing: a missing interface is "operation not permitted".
      return "DPDK device " + settings.name +
             " cannot be made: is the name right, is its driver in this build, does the interface "
             "exist, and has "
             "the program CAP_NET_RAW (PCI: is it bound to vfio-pci)?";
    }
    probed_ = true;
    if (::rte_eth_dev_get_port_by_name(name_.c_str(), &port_) != 0) {
      port_ = RTE_MAX_ETHPORTS;
      return "DPDK device " + settings.name + " has no Ethernet port; name a network device";
    }
  }
  packet_drops_.watch(sockets);
  return configure(settings);
}

std::string Device::configure(const DeviceSettings& settings) {
  rte_eth_dev_info info{};
  if (const int rc = ::rte_eth_dev_info_get(port_, &info); rc != 0) {
    return failed(name_ + " does not tell about itself", rc);
  }
  driver_ = info.driver_name;
  static std::atomic<unsigned> pools{0};
  const std::string pool = "rise-" + std::to_string(pools.fetch_add(1));
  pool_ = ::rte_pktmbuf_pool_create(pool.c_str(), settings.buffers,
                                    std::min(kCache, settings.buffers / 3), 0,
                                    RTE_MBUF_DEFAULT_BUF_SIZE, ::rte_eth_dev_socket_id(port_));
  if (pool_ == nullptr) {
    return name_ + ": no memory for " + std::to_string(settings.buffers) + " buffers (" +
           ::rte_strerror(rte_errno) + "); raise memory_mib, or take fewer buffers";
  }
  // No offload: what the packets say is checked in packet.cpp, the same way for every device.
  rte_eth_conf config{};
  if (const int rc = ::rte_eth_dev_configure(port_, 1, 1, &config); rc != 0) {
    return failed(name_ + " cannot be configured", rc);
  }
  std::uint16_t receive_ring = settings.receive_ring;
  std::uint16_t transmit_ring = settings.transmit_ring;
  if (const int rc = ::rte_eth_dev_adjust_nb_rx_tx_desc(port_, &receive_ring, &transmit_ring);
      rc != 0) {
    return failed(name_ + " refuses rings of this size", rc);
  }
  const int node = ::rte_eth_dev_socket_id(port_);
  const auto socket = static_cast<unsigned>(node < 0 ? 0 : node);
  int rc = ::rte_eth_rx_queue_setup(port_, 0, receive_ring, socket, nullptr, pool_);
  if (rc == 0) rc = ::rte_eth_tx_queue_setup(port_, 0, transmit_ring, socket, nullptr);
  if (rc != 0) {
    return failed(name_ + " cannot have its queues", rc) +
           ": af_packet wants framesz=2048 at most, af_xdp more than 2048 buffers";
  }
  std::uint16_t mtu = 0;
  if (::rte_eth_dev_get_mtu(port_, &mtu) == 0 && mtu < kMtu) {
    return name_ + " has an MTU of " + std::to_string(mtu) + "; 1500 is needed";
  }
  rte_ether_addr address{};
  if (const int code = ::rte_eth_macaddr_get(port_, &address); code != 0) {
    return failed(name_ + " has no Ethernet address", code);
  }
  std::memcpy(mac_.bytes.data(), address.addr_bytes, mac_.bytes.size());
  return {};
}

std::string Device::start(bool groups) {
  if (const int rc = ::rte_eth_dev_start(port_); rc != 0) {
    return failed(name_ + " cannot be started", rc);
  }
  started_ = true;
  // Not every driver can take all groups without taking everything.
  if (groups && ::rte_eth_allmulticast_enable(port_) != 0 &&
      ::rte_eth_promiscuous_enable(port_) != 0) {
    return name_ + " can receive no multicast; take another device or leave out the groups";
  }
  // It is off the lanes' cores before anybody can count on that.
  std::promise<void> placed;
  const std::future<void> is_placed = placed.get_future();
  watcher_ = std::thread([this, placed = std::move(placed)]() mutable {
    keep_off_lanes();
    placed.set_value();
    watch();
  });
  is_placed.wait();
  return {};
}

void Device::watch() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    read_statistics();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Device::read_statistics() {
  kernel_drops_ += packet_drops_.take();
  rte_eth_stats statistics{};
  if (::rte_eth_stats_get(port_, &statistics) != 0) return;
  dropped_.store(statistics.imissed + statistics.ierrors + statistics.rx_nombuf + kernel_drops_,
                 std::memory_order_relaxed);
}

std::string Device::describe() const {
  char mac[18];
  const auto& b = mac_.bytes;
  std::snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
                b[5]);
  return name_ + " (" + driver_ + ", " + mac + ")";
}

unsigned Device::buffers_free() const { return ::rte_mempool_avail_count(pool_); }

}  // namespace rise::io::dpdk
