#include "rt_core/io/uring_datagrams.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "rt_core/io/ring_memory.hpp"

namespace rise::io {

namespace {

constexpr std::uint32_t kSocketBytes = 4 << 20;  // asked of the kernel, per socket
constexpr int kBufferGroup = 2;
// Head, sender, control data and payload of the longest datagram, and a little to see longer ones.
constexpr std::size_t kBufferBytes = 2048;
constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(std::uint32_t));  // one SO_RXQ_OVFL

static_assert((sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_in) + kControlBytes) % 8 == 0,
              "the payload is 8-byte aligned, as the driver ABI promises");

std::uint64_t tag(std::uint64_t operation, std::int32_t port) {
  return (operation << 32) | static_cast<std::uint32_t>(port);
}

}  // namespace

UringDatagrams::~UringDatagrams() {
  for (const auto& port : ports_) ::close(port->fd);
  if (buffer_ring_ != nullptr) ::munmap(buffer_ring_, buffer_count_ * sizeof(io_uring_buf));
  if (buffers_ != nullptr) ::munmap(buffers_, std::size_t{buffer_count_} * kBufferBytes);
}

std::int32_t UringDatagrams::declare(std::uint32_t owner, const DatagramSpec& spec,
                                     std::string* error) {
  const int fd = make_datagram_socket(spec, kSocketBytes, error);
  if (fd < 0) return -1;
  ports_.push_back(std::make_unique<Port>());
  ports_.back()->fd = fd;
  ports_.back()->owner = owner;
  return static_cast<std::int32_t>(ports_.size() - 1);
}

std::string UringDatagrams::join(io_uring* ring, std::uint32_t first_file) {
  if (ports_.empty()) return {};
  ring_ = ring;
  first_file_ = first_file;
  receive_header_.msg_namelen = sizeof(sockaddr_in);
  receive_header_.msg_controllen = kControlBytes;
  // The buffers are also the bound on what one exchange can take in.
  buffer_count_ = std::min(std::bit_ceil(kDatagramsPerExchange * port_count()), 4096u);
  buffer_ring_ = static_cast<io_uring_buf_ring*>(ring_memory(buffer_count_ * sizeof(io_uring_buf)));
  buffers_ = static_cast<std::uint8_t*>(ring_memory(std::size_t{buffer_count_} * kBufferBytes));
  if (buffer_ring_ == nullptr || buffers_ == nullptr) return "no memory for datagram buffers";
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(buffer_ring_);
  registration.ring_entries = buffer_count_;
  registration.bgid = kBufferGroup;
  if (const int rc = ::io_uring_register_buf_ring(ring_, &registration, 0); rc < 0) {
    return std::string("datagram buffer ring: ") + std::strerror(-rc);
  }
  ::io_uring_buf_ring_init(buffer_ring_);
  for (std::uint32_t i = 0; i < buffer_count_; ++i) recycle(static_cast<std::uint16_t>(i));
  finish_exchange();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const auto file = first_file_ + static_cast<std::uint32_t>(i);
    if (const int rc = ::io_uring_register_files_update(ring_, file, &ports_[i]->fd, 1); rc < 0) {
      return std::string("datagram sockets: ") + std::strerror(-rc);
    }
  }
  return {};
}

void UringDatagrams::prepare() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    Port& port = *ports_[i];
    const auto number = static_cast<std::int32_t>(i);
    const auto file = static_cast<int>(first_file_ + i);
    if (!port.receiving) {
      io_uring_sqe* entry = ::io_uring_get_sqe(ring_);
      if (entry == nullptr) return;  // the queue is full: the rest in the next cycle
      ::io_uring_prep_recvmsg_multishot(entry, file, &receive_header_, 0);
      entry->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
      entry->buf_group = kBufferGroup;
      entry->user_data = tag(static_cast<std::uint64_t>(Operation::Receive), number);
      port.receiving = true;
    }
    for (; port.submitted < port.out.size(); ++port.submitted) {
      io_uring_sqe* entry = ::io_uring_get_sqe(ring_);
      if (entry == nullptr) return;
      DatagramQueue::Entry& waiting = port.out.at(port.submitted);
      iovec& vector = port.send_vectors[port.submitted];
      msghdr& header = port.send_headers[port.submitted];
      vector = {waiting.bytes, waiting.length};
      header = {};
      header.msg_name = &waiting.to;
      header.msg_namelen = sizeof waiting.to;
      header.msg_iov = &vector;
      header.msg_iovlen = 1;
      ::io_uring_prep_sendmsg(entry, file, &header, MSG_NOSIGNAL);
      entry->flags |= IOSQE_FIXED_FILE;
      entry->user_data = tag(static_cast<std::uint64_t>(Operation::Send), number);
      ++port.in_flight;
    }
  }
}

void UringDatagrams::complete(const io_uring_cqe& cqe, std::int64_t now_ns) {
  const auto number = static_cast<std::int32_t>(cqe.user_data & 0xffffffffu);
  Port& port = *ports_[static_cast<std::size_t>(number)];
  if (static_cast<Operation>(cqe.user_data >> 32) == Operation::Send) {
    ++(cqe.res < 0 ? counters_.send_failed : counters_.sent);
    // Completions may come in any order; the slots are free again when none is under way.
    if (--port.in_flight == 0) {
      port.out.drop(port.submitted);
      port.submitted = 0;
    }
    return;
  }
  // Without MORE the receive has ended: out of buffers (more is left in the socket), or an error of
  // an earlier send, told to us here. It is armed again in the next exchange.
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) port.receiving = false;
  if (cqe.res >= 0 && (cqe.flags & IORING_CQE_F_BUFFER) != 0) take(number, cqe, now_ns);
}

void UringDatagrams::take(std::int32_t number, const io_uring_cqe& cqe, std::int64_t now_ns) {
  Port& port = *ports_[static_cast<std::size_t>(number)];
  const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
  std::uint8_t* const memory = buffers_ + std::size_t{buffer} * kBufferBytes;
  io_uring_recvmsg_out* out = ::io_uring_recvmsg_validate(memory, cqe.res, &receive_header_);
  if (out == nullptr) {
    ++counters_.malformed;
    recycle(buffer);
    return;
  }
  for (cmsghdr* c = ::io_uring_recvmsg_cmsg_firsthdr(out, &receive_header_); c != nullptr;
       c = ::io_uring_recvmsg_cmsg_nexthdr(out, &receive_header_, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t overflow = 0;
    std::memcpy(&overflow, CMSG_DATA(c), sizeof overflow);
    counters_.dropped += overflow - port.overflow;  // the kernel's count wraps with ours
    port.overflow = overflow;
  }
  const bool whole = (out->flags & MSG_TRUNC) == 0 && out->payloadlen <= RISE_DATAGRAM_MAX &&
                     out->namelen == sizeof(sockaddr_in);
  if (whole) {
    ++counters_.received;
    sockaddr_in from;
    std::memcpy(&from, ::io_uring_recvmsg_name(out), sizeof from);
    rise_datagram datagram{};
    datagram.struct_size = sizeof datagram;
    datagram.length = out->payloadlen;
    datagram.bytes =
        static_cast<const std::uint8_t*>(::io_uring_recvmsg_payload(out, &receive_header_));
    datagram.from = from_kernel(from);
    sink_.on_datagram(sink_.self, port.owner, number, datagram, now_ns);
  } else {
    ++counters_.malformed;
  }
  recycle(buffer);
}

void UringDatagrams::recycle(std::uint16_t buffer) {
  ::io_uring_buf_ring_add(buffer_ring_, buffers_ + std::size_t{buffer} * kBufferBytes, kBufferBytes,
                          buffer, ::io_uring_buf_ring_mask(buffer_count_), recycled_);
  ++recycled_;
}

void UringDatagrams::finish_exchange() {
  if (recycled_ == 0) return;
  ::io_uring_buf_ring_advance(buffer_ring_, recycled_);
  recycled_ = 0;
}

DatagramPort UringDatagrams::table() {
  DatagramPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.send = [](void* self, std::int32_t number, const rise_endpoint& to,
                 const std::uint8_t* bytes, std::uint32_t length) {
    auto& me = *static_cast<UringDatagrams*>(self);
    if (number < 0 || static_cast<std::size_t>(number) >= me.ports_.size()) {
      return static_cast<std::int32_t>(RISE_E_ARGUMENT);
    }
    const std::int32_t rc =
        me.ports_[static_cast<std::size_t>(number)]->out.push(to, bytes, length);
    if (rc == RISE_E_AGAIN) ++me.counters_.send_queue_full;
    return rc;
  };
  port.exchange = [](void*, std::int64_t) {};
  port.counters = &counters_;
  return port;
}

}  // namespace rise::io
