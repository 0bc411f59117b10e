// Datagrams by plain non-blocking calls: one sendmmsg and one recvmmsg per port and cycle in which
// there is something. For kernels without the io_uring that uring_datagrams needs.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/datagram_socket.hpp"

namespace rise::io {

class PlainDatagrams {
 public:
  explicit PlainDatagrams(const DatagramSink& sink);
  ~PlainDatagrams();
  PlainDatagrams(const PlainDatagrams&) = delete;
  PlainDatagrams& operator=(const PlainDatagrams&) = delete;

  // Set-up thread. -> port number, or -1 and *error.
  std::int32_t declare(std::uint32_t owner, const DatagramSpec& spec, std::string* error);
  [[nodiscard]] DatagramPort table();

 private:
  static constexpr std::uint32_t kBatch = 64;
  static constexpr std::size_t kSlotBytes = 1536;  // RISE_DATAGRAM_MAX and a little: longer is seen
  static constexpr std::size_t kControlBytes = 64;  // one SO_RXQ_OVFL
  struct Port {
    int fd = -1;
    std::uint32_t owner = 0;
    std::uint32_t overflow = 0;  // of the kernel, as last told
    DatagramQueue out;
  };
  void exchange(std::int64_t now_ns);
  void send_all(Port* port);
  void receive_some(std::int32_t number, std::int64_t now_ns);
  void take(std::int32_t number, const mmsghdr& message, std::int64_t now_ns);

  DatagramSink sink_;
  std::vector<std::unique_ptr<Port>> ports_;
  DatagramCounters counters_;
  std::vector<std::uint8_t> memory_;
  std::vector<std::uint8_t> control_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_in> senders_;
};

}  // namespace rise::io
