// What the kernel dropped because the ring of an af_packet device was full. The PMD of DPDK 22.11
// and 24.11 does not tell; the kernel does, but only to who holds the PMD's socket. So the socket
// is looked for among the descriptors of this process: a packet socket bound to the interface, made
// while the device was. Off-lane threads.
#pragma once

#include <cstdint>
#include <vector>

namespace rise::io::dpdk {

// Open descriptors of packet sockets.
std::vector<int> packet_sockets();

class PacketDrops {
 public:
  // Watches those sockets that were not there `before`.
  void watch(const std::vector<int>& before);
  // Since the last call: the kernel begins anew with each reading.
  std::uint64_t take();
  [[nodiscard]] bool watching() const { return !sockets_.empty(); }

 private:
  std::vector<int> sockets_;
};

}  // namespace rise::io::dpdk
