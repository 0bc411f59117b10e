#include "drivers/telemetry/simulator/sender.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace rise::sensorsim {

namespace {

constexpr std::size_t kBatch = 64;

bool make_address(const std::string& host, std::uint16_t port, sockaddr_in* out) {
  *out = {};
  out->sin_family = AF_INET;
  out->sin_port = htons(port);
  return ::inet_pton(AF_INET, host.c_str(), &out->sin_addr) == 1;
}

}  // namespace

Sender::~Sender() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Sender::open(const std::string& host, std::uint16_t port, const std::string& source) {
  sockaddr_in address{};
  const auto failed = [](const std::string& what) { return what + ": " + std::strerror(errno); };
  fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed("no socket");
  const int room = 4 << 20;  // bursts of many sensors at the same moment
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (!source.empty()) {
    if (!make_address(source, 0, &address)) return source + " is no IPv4 address";
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      return failed("cannot send from " + source);
  }
  if (!make_address(host, port, &address)) return host + " is no IPv4 address";
  // Connected: the kernel looks the route up once.
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return failed("cannot send to " + host);
  return "";
}

void Sender::send(const std::vector<Packet>& packets) {
  mmsghdr messages[kBatch] = {};
  iovec pieces[kBatch];
  bool again = false;
  for (std::size_t done = 0; done < packets.size();) {
    const std::size_t count = std::min(kBatch, packets.size() - done);
    for (std::size_t i = 0; i < count; ++i) {
      const Packet& packet = packets[done + i];
      pieces[i] = {const_cast<std::uint8_t*>(packet.bytes), packet.length};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    ++counters_.calls;
    const int sent = ::sendmmsg(fd_, messages, static_cast<unsigned>(count), 0);
    if (sent <= 0) {
      // ECONNREFUSED tells of an earlier one; this one was not sent and is tried again, once.
      ++counters_.refused;
      if (again) ++done;
      again = !again;
      continue;
    }
    again = false;
    for (int i = 0; i < sent; ++i) counters_.bytes += messages[i].msg_len;
    counters_.sent += static_cast<std::uint64_t>(sent);
    done += static_cast<std::size_t>(sent);
  }
}

}  // namespace rise::sensorsim
