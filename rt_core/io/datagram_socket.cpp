#include "rt_core/io/datagram_socket.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace rise::io {

namespace {

// The kernel takes a ring down, and with it the sockets in it, some time after its process has
// ended: a core that follows another at once finds the port still taken.
constexpr int kTries = 50;
constexpr useconds_t kPause_us = 20'000;

bool bind_in_time(int fd, const sockaddr_in& address) {
  for (int i = 1; ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
       ++i) {
    if (errno != EADDRINUSE || i == kTries) return false;
    ::usleep(kPause_us);
  }
  return true;
}

}  // namespace

int make_datagram_socket(const DatagramSpec& spec, std::uint32_t receive_bytes,
                         std::string* error) {
  const auto fail = [&](int fd, const std::string& what, const std::string& remedy) {
    const int reason = errno;
    if (fd >= 0) ::close(fd);
    *error = what + ": " + std::strerror(reason) + "; " + remedy;
    return -1;
  };
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(fd, "no UDP socket", "raise the limit of open files");
  const int on = 1;
  // Counts what the kernel dropped because we were too slow.
  ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  const int bytes = static_cast<int>(receive_bytes);
  // FORCE needs CAP_NET_ADMIN; without it the kernel gives up to net.core.rmem_max.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  const sockaddr_in address = to_kernel({spec.address, spec.port, 0});
  if (!bind_in_time(fd, address)) {
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return fail(fd, "UDP port " + std::string(text) + ":" + std::to_string(spec.port),
                "is another program or machine on it, and is the address one of this host's?");
  }
  if (spec.group != 0) {
    ip_mreqn membership{};
    membership.imr_multiaddr.s_addr = htonl(spec.group);
    membership.imr_address.s_addr = htonl(spec.address);
    if (::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0) {
      return fail(fd, "multicast group cannot be joined", "is it within 224.0.0.0/4?");
    }
  }
  return fd;
}

}  // namespace rise::io
