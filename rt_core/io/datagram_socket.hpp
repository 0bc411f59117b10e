// What the ports over kernel sockets share: making and binding a UDP socket, and the datagrams that
// wait to leave.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "rt_core/io/datagram_port.hpp"

namespace rise::io {

// Set-up thread. -> descriptor, non-blocking and bound, or -1 and *error: what could not be done
// and what to do about it. Waits up to a second for a port that somebody is giving up.
// receive_bytes: asked of the kernel for the socket's receive buffer.
int make_datagram_socket(const DatagramSpec& spec, std::uint32_t receive_bytes, std::string* error);

inline sockaddr_in to_kernel(const rise_endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(endpoint.address);
  return address;
}

inline rise_endpoint from_kernel(const sockaddr_in& address) {
  return {ntohl(address.sin_addr.s_addr), ntohs(address.sin_port), 0};
}

// The datagrams of one port that wait to leave, in order. Lane thread.
class DatagramQueue {
 public:
  struct Entry {
    sockaddr_in to;
    std::uint32_t length;
    std::uint8_t bytes[RISE_DATAGRAM_MAX];
  };
  DatagramQueue() : entries_(kDatagramSendSlots) {}

  // -> RISE_OK, RISE_E_AGAIN, RISE_E_ARGUMENT.
  std::int32_t push(const rise_endpoint& to, const std::uint8_t* bytes, std::uint32_t length) {
    if (length > RISE_DATAGRAM_MAX || to.port == 0) return RISE_E_ARGUMENT;
    if (size() == kDatagramSendSlots) return RISE_E_AGAIN;
    Entry& entry = entries_[tail_++ % kDatagramSendSlots];
    entry.to = to_kernel(to);
    entry.length = length;
    if (length != 0) std::memcpy(entry.bytes, bytes, length);
    return RISE_OK;
  }
  [[nodiscard]] std::uint32_t size() const { return tail_ - head_; }
  // The i-th that waits, i < size().
  [[nodiscard]] Entry& at(std::uint32_t i) { return entries_[(head_ + i) % kDatagramSendSlots]; }
  void drop(std::uint32_t n) { head_ += n; }

 private:
  std::vector<Entry> entries_;
  std::uint32_t head_ = 0;  // free-running
  std::uint32_t tail_ = 0;
};

}  // namespace rise::io
