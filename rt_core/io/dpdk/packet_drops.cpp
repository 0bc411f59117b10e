#include "rt_core/io/dpdk/packet_drops.hpp"

#include <dirent.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

namespace rise::io::dpdk {

std::vector<int> packet_sockets() {
  std::vector<int> found;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return found;
  while (const dirent* entry = ::readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    int domain = 0;
    socklen_t bytes = sizeof domain;
    if (entry->d_name[0] != '.' && ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
        domain == AF_PACKET) {
      found.push_back(fd);
    }
  }
  ::closedir(folder);
  return found;
}

void PacketDrops::watch(const std::vector<int>& before) {
  for (const int fd : packet_sockets()) {
    if (std::find(before.begin(), before.end(), fd) == before.end()) sockets_.push_back(fd);
  }
}

std::uint64_t PacketDrops::take() {
  std::uint64_t drops = 0;
  for (const int fd : sockets_) {
    tpacket_stats statistics{};
    socklen_t bytes = sizeof statistics;
    if (::getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &bytes) == 0) {
      drops += statistics.tp_drops;
    }
  }
  return drops;
}

}  // namespace rise::io::dpdk
