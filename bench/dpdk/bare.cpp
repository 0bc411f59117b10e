// What the DPDK port is measured against: the least that a loop over rx_burst and tx_burst can do
// and still be of use. It knows its peer's Ethernet address, looks at nothing but type, protocol
// and port, checks no length and no checksum, copies no payload, and answers nobody's ARP (the
// bench tells the peer).
//
//     datagrams_bare SECONDS CPU OURS PEER DEVICE PEER_MAC
#include <arpa/inet.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstdio>
#include <cstdlib>

#include "bench/datagrams.hpp"
#include "rt_core/io/packet.hpp"

namespace {

using namespace rise;

constexpr std::uint16_t kPeerPort = 7000;
constexpr std::uint16_t kOurPort = 7100;
constexpr std::size_t kHeader = io::packet::udp_header_bytes(0);

[[noreturn]] void fail(const char* text) {
  std::fprintf(stderr, "datagrams_bare: %s\n", text);
  std::exit(1);
}

class Bare {
 public:
  Bare(const char* device, std::uint32_t ours, std::uint32_t peer, const char* peer_mac) {
    char words[][64] = {"bare",        "-l",
                        "0",           "-m",
                        "24",          "--no-huge",
                        "--no-shconf", "--no-telemetry",
                        "--no-pci",    "--log-level=error",
                        "--vdev",      ""};
    std::snprintf(words[11], sizeof words[11], "%s", device);
    char* arguments[12];
    for (int i = 0; i < 12; ++i) arguments[i] = words[i];
    if (::rte_eal_init(12, arguments) < 0 || ::rte_eth_dev_count_avail() != 1) fail("no device");
    pool_ = ::rte_pktmbuf_pool_create("bare", 4095, 128, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    const rte_eth_conf config{};
    rte_ether_addr address{};
    rte_ether_addr to{};
    if (pool_ == nullptr || ::rte_eth_dev_configure(0, 1, 1, &config) != 0 ||
        ::rte_eth_rx_queue_setup(0, 0, 1024, 0, nullptr, pool_) != 0 ||
        ::rte_eth_tx_queue_setup(0, 0, 512, 0, nullptr) != 0 || ::rte_eth_dev_start(0) != 0 ||
        ::rte_eth_macaddr_get(0, &address) != 0 || ::rte_ether_unformat_addr(peer_mac, &to) != 0) {
      fail("the device cannot be configured");
    }
    std::memcpy(link_.from.bytes.data(), address.addr_bytes, 6);
    std::memcpy(link_.to.bytes.data(), to.addr_bytes, 6);
    header_ = {ours, peer, kOurPort, kPeerPort, 64};
  }
  bool send(const std::uint8_t* bytes, std::uint32_t length) {
    rte_mbuf* frame = ::rte_pktmbuf_alloc(pool_);
    if (frame == nullptr) return false;
    auto* at = rte_pktmbuf_mtod(frame, std::uint8_t*);
    std::memcpy(at + kHeader, bytes, length);
    frame->data_len = static_cast<std::uint16_t>(
        io::packet::write_udp({at, kHeader + length}, link_, header_, length));
    frame->pkt_len = frame->data_len;
    if (::rte_eth_tx_burst(0, 0, &frame, 1) == 1) return true;
    ::rte_pktmbuf_free(frame);
    return false;
  }
  template <class F>
  void poll(F&& heard) {
    rte_mbuf* frames[32];
    const std::uint16_t count = ::rte_eth_rx_burst(0, 0, frames, 32);
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto* at = rte_pktmbuf_mtod(frames[i], const std::uint8_t*);
      if (at[12] == 0x08 && at[13] == 0 && at[23] == 17 && at[36] == kOurPort >> 8 &&
          at[37] == (kOurPort & 255)) {
        heard(at + kHeader, static_cast<std::uint32_t>(at[38] << 8 | at[39]) - 8);
      }
    }
    ::rte_pktmbuf_free_bulk(frames, count);
  }

 private:
  rte_mempool* pool_ = nullptr;
  io::packet::Link link_;
  io::packet::UdpHeader header_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) fail("see the head of bench/dpdk/bare.cpp");
  Bare way(argv[5], ntohl(::inet_addr(argv[3])), ntohl(::inet_addr(argv[4])), argv[6]);
  bench::become_realtime(std::atoi(argv[2]), 80);
  bench::measure(&way, "datagrams.dpdk_bare", std::atof(argv[1]));
  return 0;
}
