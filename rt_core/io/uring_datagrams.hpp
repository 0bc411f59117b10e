// Datagrams over the io_uring of a lane's stream port (uring_port), so that streams and datagrams
// together cost one io_uring_enter per cycle: multishot recvmsg into a ring of provided buffers,
// fixed files, sends that complete before their bytes are used anew.
//
// Made first, with all ports declared; then given to the UringPort, which makes the ring, lets this
// class join() it before it is restricted, and calls prepare() and complete() from its exchange.
#pragma once

#include <liburing.h>

#include <memory>
#include <string>
#include <vector>

#include "rt_core/io/datagram_socket.hpp"

namespace rise::io {

class UringDatagrams {
 public:
  // Kinds of operation in the upper half of a completion's user data; below are the streams'.
  static constexpr std::uint64_t kFirstOperation = 8;

  explicit UringDatagrams(const DatagramSink& sink) : sink_(sink) {}
  ~UringDatagrams();
  UringDatagrams(const UringDatagrams&) = delete;
  UringDatagrams& operator=(const UringDatagrams&) = delete;

  // Set-up thread. -> port number, or -1 and *error.
  std::int32_t declare(std::uint32_t owner, const DatagramSpec& spec, std::string* error);
  [[nodiscard]] std::uint32_t port_count() const {
    return static_cast<std::uint32_t>(ports_.size());
  }
  // Set-up thread, ring still disabled: buffers and fixed files, these from first_file on. Empty:
  // done, else what failed.
  std::string join(io_uring* ring, std::uint32_t first_file);

  // From the UringPort's exchange: before the enter, for each completion of ours, and after all.
  void prepare();
  void complete(const io_uring_cqe& cqe, std::int64_t now_ns);
  void finish_exchange();

  // Its exchange does nothing: the stream port's does it all.
  [[nodiscard]] DatagramPort table();

 private:
  enum class Operation : std::uint64_t { Receive = kFirstOperation, Send };
  struct Port {
    int fd = -1;
    std::uint32_t owner = 0;
    std::uint32_t overflow = 0;   // of the kernel, as last told
    bool receiving = false;       // a multishot receive is armed
    std::uint32_t in_flight = 0;  // sends not yet completed
    std::uint32_t submitted = 0;  // of the queue's entries, since it was last empty
    DatagramQueue out;
    msghdr send_headers[kDatagramSendSlots] = {};
    iovec send_vectors[kDatagramSendSlots] = {};
  };
  void take(std::int32_t number, const io_uring_cqe& cqe, std::int64_t now_ns);
  void recycle(std::uint16_t buffer);

  DatagramSink sink_;
  DatagramCounters counters_;
  std::vector<std::unique_ptr<Port>> ports_;
  io_uring* ring_ = nullptr;
  std::uint32_t first_file_ = 0;
  msghdr receive_header_ = {};  // lengths only: where the sender and the control data go
  std::uint32_t buffer_count_ = 0;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  std::uint8_t* buffers_ = nullptr;
  std::uint16_t recycled_ = 0;
};

}  // namespace rise::io
