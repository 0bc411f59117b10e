#include "rt_core/io/plain_datagrams.hpp"

#include <unistd.h>

#include <cerrno>

namespace rise::io {

namespace {

constexpr std::uint32_t kReceiveBytes = 4 << 20;

}  // namespace

PlainDatagrams::PlainDatagrams(const DatagramSink& sink)
    : sink_(sink),
      memory_(kBatch * kSlotBytes),
      control_(kBatch * kControlBytes),
      messages_(kBatch),
      vectors_(kBatch),
      senders_(kBatch) {}

PlainDatagrams::~PlainDatagrams() {
  for (const auto& port : ports_) ::close(port->fd);
}

std::int32_t PlainDatagrams::declare(std::uint32_t owner, const DatagramSpec& spec,
                                     std::string* error) {
  const int fd = make_datagram_socket(spec, kReceiveBytes, error);
  if (fd < 0) return -1;
  ports_.push_back(std::make_unique<Port>());
  ports_.back()->fd = fd;
  ports_.back()->owner = owner;
  return static_cast<std::int32_t>(ports_.size() - 1);
}

void PlainDatagrams::exchange(std::int64_t now_ns) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i]->out.size() != 0) send_all(ports_[i].get());
    receive_some(static_cast<std::int32_t>(i), now_ns);
  }
}

void PlainDatagrams::send_all(Port* port) {
  mmsghdr messages[kDatagramSendSlots] = {};
  iovec vectors[kDatagramSendSlots];
  const std::uint32_t count = port->out.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    DatagramQueue::Entry& entry = port->out.at(i);
    vectors[i] = {entry.bytes, entry.length};
    messages[i].msg_hdr.msg_name = &entry.to;
    messages[i].msg_hdr.msg_namelen = sizeof entry.to;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int sent = ::sendmmsg(port->fd, messages, count, MSG_NOSIGNAL);
  if (sent >= 0) {
    counters_.sent += static_cast<std::uint64_t>(sent);
    port->out.drop(static_cast<std::uint32_t>(sent));
  } else if (errno != EAGAIN) {
    // The first one cannot be sent (no route, refused by its receiver): it must not hold up others.
    ++counters_.send_failed;
    port->out.drop(1);
  }
}

void PlainDatagrams::receive_some(std::int32_t number, std::int64_t now_ns) {
  Port& port = *ports_[static_cast<std::size_t>(number)];
  for (std::uint32_t taken = 0; taken < kDatagramsPerExchange;) {
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      vectors_[i] = {&memory_[i * kSlotBytes], kSlotBytes};
      msghdr& header = messages_[i].msg_hdr;
      header = {};
      header.msg_name = &senders_[i];
      header.msg_namelen = sizeof senders_[i];
      header.msg_iov = &vectors_[i];
      header.msg_iovlen = 1;
      header.msg_control = &control_[i * kControlBytes];
      header.msg_controllen = kControlBytes;
    }
    const int count = ::recvmmsg(port.fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) return;  // nothing, or an error of an earlier send (ECONNREFUSED), now consumed
    for (int i = 0; i < count; ++i) take(number, messages_[static_cast<std::size_t>(i)], now_ns);
    if (static_cast<std::uint32_t>(count) < kBatch) return;
    taken += kBatch;
  }
}

void PlainDatagrams::take(std::int32_t number, const mmsghdr& message, std::int64_t now_ns) {
  Port& port = *ports_[static_cast<std::size_t>(number)];
  auto header = message.msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t overflow = 0;
    std::memcpy(&overflow, CMSG_DATA(c), sizeof overflow);
    counters_.dropped += overflow - port.overflow;  // the kernel's count wraps with ours
    port.overflow = overflow;
  }
  if (message.msg_len > RISE_DATAGRAM_MAX || (header.msg_flags & MSG_TRUNC) != 0 ||
      header.msg_namelen != sizeof(sockaddr_in)) {
    ++counters_.malformed;
    return;
  }
  ++counters_.received;
  rise_datagram datagram{};
  datagram.struct_size = sizeof datagram;
  datagram.length = message.msg_len;
  datagram.bytes = static_cast<const std::uint8_t*>(header.msg_iov->iov_base);
  datagram.from = from_kernel(*static_cast<const sockaddr_in*>(header.msg_name));
  sink_.on_datagram(sink_.self, port.owner, number, datagram, now_ns);
}

DatagramPort PlainDatagrams::table() {
  DatagramPort port;
  port.self = this;
  port.start = [](void*) { return true; };
  port.send = [](void* self, std::int32_t number, const rise_endpoint& to,
                 const std::uint8_t* bytes, std::uint32_t length) {
    auto& me = *static_cast<PlainDatagrams*>(self);
    if (number < 0 || static_cast<std::size_t>(number) >= me.ports_.size()) {
      return static_cast<std::int32_t>(RISE_E_ARGUMENT);
    }
    const std::int32_t rc =
        me.ports_[static_cast<std::size_t>(number)]->out.push(to, bytes, length);
    if (rc == RISE_E_AGAIN) ++me.counters_.send_queue_full;
    return rc;
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<PlainDatagrams*>(self)->exchange(now_ns);
  };
  port.counters = &counters_;
  return port;
}

}  // namespace rise::io
