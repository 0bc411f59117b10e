#include "rt_core/io/uring_port.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/io/ring_memory.hpp"
#include "rt_core/io/uring_datagrams.hpp"

namespace rise::io {

namespace {

constexpr std::uint32_t kBufferBytes = 4096;
constexpr int kBufferGroup = 1;
// A bound on the work of one exchange; what is left is taken in the next cycle.
constexpr unsigned kMaxCompletions = 4096;

}  // namespace

UringPort::UringPort(std::uint32_t capacity, const StreamSink& sink, UringDatagrams* datagrams)
    : table_(capacity, sink), datagrams_(datagrams), descriptors_(std::size_t{capacity} * 2, -1) {
  usable_ = make_ring(capacity) && make_buffers() && join_datagrams()&& restrict();
  if (usable_) {
    description_ =
        "io_uring: one enter per cycle, deferred completions, multishot receive, fixed files, "
        "restricted";
  }
}

UringPort::~UringPort() {
  if (ring_made_) ::io_uring_queue_exit(&ring_);
  if (buffer_ring_ != nullptr) ::munmap(buffer_ring_, buffer_ring_bytes_);
  if (buffers_ != nullptr) ::munmap(buffers_, std::size_t{buffer_count_} * kBufferBytes);
}

bool UringPort::make_ring(std::uint32_t capacity) {
  io_uring_params params{};
  params.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  // A stream has at most a receive and a send under way, or an install or remove.
  const std::uint32_t datagram_ports = datagrams_ != nullptr ? datagrams_->port_count() : 0;
  const unsigned entries = std::clamp(
      std::bit_ceil(capacity * 2 + datagram_ports * (kDatagramSendSlots + 1)), 64u, 8192u);
  // Every datagram that one exchange can take in has its completion at once.
  params.cq_entries = std::bit_ceil(entries * 4 + datagram_ports * kDatagramsPerExchange);
  if (const int rc = ::io_uring_queue_init_params(entries, &ring_, &params); rc < 0) {
    description_ = std::string("io_uring not usable: ") + std::strerror(-rc);
    if (rc == -EINVAL) description_ += " (DEFER_TASKRUN needs Linux 6.1)";
    if (rc == -EPERM)
      description_ += " (sysctl kernel.io_uring_disabled, or a container's seccomp filter)";
    return false;
  }
  ring_made_ = true;
  if (const int rc = ::io_uring_register_files_sparse(&ring_, capacity + datagram_ports); rc < 0) {
    description_ = std::string("io_uring not usable: fixed files: ") + std::strerror(-rc);
    return false;
  }
  return true;
}

bool UringPort::make_buffers() {
  // One peer that floods us holds at most what its socket may hold (64 KiB, see connector.cpp,
  // which the kernel may double); the others need a buffer each all the same.
  buffer_count_ = std::clamp(std::bit_ceil(table_.capacity() + 64), 128u, 4096u);
  held_.reserve(std::size_t{buffer_count_} + table_.capacity());  // every buffer, and every end
  buffer_ring_bytes_ = buffer_count_ * sizeof(io_uring_buf);
  buffer_ring_ = static_cast<io_uring_buf_ring*>(ring_memory(buffer_ring_bytes_));
  buffers_ = static_cast<std::uint8_t*>(ring_memory(std::size_t{buffer_count_} * kBufferBytes));
  if (buffer_ring_ == nullptr || buffers_ == nullptr) {
    description_ = "io_uring not usable: no memory for receive buffers";
    return false;
  }
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(buffer_ring_);
  registration.ring_entries = buffer_count_;
  registration.bgid = kBufferGroup;
  if (const int rc = ::io_uring_register_buf_ring(&ring_, &registration, 0); rc < 0) {
    description_ = std::string("io_uring not usable: buffer ring: ") + std::strerror(-rc);
    return false;
  }
  ::io_uring_buf_ring_init(buffer_ring_);
  for (std::uint32_t i = 0; i < buffer_count_; ++i) recycle(static_cast<std::uint16_t>(i));
  ::io_uring_buf_ring_advance(buffer_ring_, recycled_);
  recycled_ = 0;
  return true;
}

bool UringPort::join_datagrams() {
  if (datagrams_ == nullptr) return true;
  const std::string missing = datagrams_->join(&ring_, table_.capacity());
  if (!missing.empty()) description_ = "io_uring not usable: " + missing;
  return missing.empty();
}

bool UringPort::restrict() {
  io_uring_restriction rules[7] = {};
  rules[0].opcode = IORING_RESTRICTION_SQE_OP;
  rules[0].sqe_op = IORING_OP_RECV;
  rules[1].opcode = IORING_RESTRICTION_SQE_OP;
  rules[1].sqe_op = IORING_OP_SEND;
  rules[2].opcode = IORING_RESTRICTION_SQE_OP;
  rules[2].sqe_op = IORING_OP_FILES_UPDATE;
  rules[3].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  rules[3].sqe_flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  // Nothing may be registered any more once the ring runs, except by taking it down.
  rules[4].opcode = IORING_RESTRICTION_REGISTER_OP;
  rules[4].register_op = IORING_UNREGISTER_RING_FDS;
  rules[5].opcode = IORING_RESTRICTION_SQE_OP;
  rules[5].sqe_op = IORING_OP_RECVMSG;
  rules[6].opcode = IORING_RESTRICTION_SQE_OP;
  rules[6].sqe_op = IORING_OP_SENDMSG;
  const unsigned count = datagrams_ != nullptr ? 7 : 5;
  if (const int rc = ::io_uring_register_restrictions(&ring_, rules, count); rc < 0) {
    description_ = std::string("io_uring not usable: restrictions: ") + std::strerror(-rc);
    return false;
  }
  return true;
}

// The thread that enables the ring is its single issuer. Its registered descriptor saves the
// look-up of the file in every enter.
bool UringPort::start() {
  ::io_uring_register_ring_fd(&ring_);
  const int rc = ::io_uring_enable_rings(&ring_);
  if (rc < 0) description_ = std::string("io_uring cannot be enabled: ") + std::strerror(-rc);
  return rc >= 0;
}

bool UringPort::must_enter() const {
  // TASKRUN: the kernel has completions waiting for us. CQ_OVERFLOW: it could not place some.
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0 ||
         ::io_uring_sq_ready(&ring_) != 0;
}

void UringPort::exchange(std::int64_t now_ns) {
  table_.pump(now_ns);
  ++exchange_;
  hand_on_held(now_ns);
  const std::uint32_t work = table_.work_count();
  std::uint32_t taken = 0;
  for (bool room = true; room && taken < work;) room = prepare(table_.take_work(taken++));
  table_.drop_work(taken);
  if (datagrams_ != nullptr) datagrams_->prepare();

  if (must_enter()) {
    ::io_uring_submit_and_get_events(&ring_);
    ++table_.counters().enters;
  }
  io_uring_cqe* cqe = nullptr;
  unsigned head = 0;
  unsigned reaped = 0;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    if (cqe->user_data >> 32 >= UringDatagrams::kFirstOperation) {
      datagrams_->complete(*cqe, now_ns);
    } else {
      complete(*cqe, now_ns);
    }
    if (++reaped == kMaxCompletions) break;
  }
  ::io_uring_cq_advance(&ring_, reaped);
  if (recycled_ != 0) {
    ::io_uring_buf_ring_advance(buffer_ring_, recycled_);
    recycled_ = 0;
  }
  if (datagrams_ != nullptr) datagrams_->finish_exchange();
}

// Queues what the stream needs. False: the submission queue is full, try the rest in the next
// cycle.
bool UringPort::prepare(std::int32_t id) {
  Stream& stream = table_.at(id);
  const auto slot = static_cast<std::size_t>(id);
  const auto tag = [&](io_uring_sqe* entry, Operation operation, unsigned flags) {
    entry->flags |= static_cast<std::uint8_t>(flags);
    entry->user_data =
        (static_cast<std::uint64_t>(operation) << 32) | static_cast<std::uint32_t>(id);
    ++stream.operations;
  };
  if (::io_uring_sq_space_left(&ring_) < 2) {
    table_.queue_work(id);
    return false;
  }
  switch (stream.state) {
    case StreamState::Installing: {
      descriptors_[slot * 2] = stream.fd;
      io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
      ::io_uring_prep_files_update(entry, &descriptors_[slot * 2], 1, id);
      tag(entry, Operation::Install, 0);
      break;
    }
    case StreamState::Open:
    case StreamState::Draining:
    case StreamState::ShuttingDown: {
      if (!stream.receiving && stream.held == 0) {  // also to hear of the end
        io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_recv_multishot(entry, id, nullptr, 0, 0);
        entry->buf_group = kBufferGroup;
        tag(entry, Operation::Receive, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
        stream.receiving = true;
      }
      if (!stream.sending && !stream.out.empty() && stream.state != StreamState::ShuttingDown) {
        std::uint32_t length = 0;
        const std::uint8_t* bytes = stream.out.front(&length);
        io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_send(entry, id, bytes, length, MSG_NOSIGNAL);
        tag(entry, Operation::Send, IOSQE_FIXED_FILE);
        stream.sending = true;
      }
      if (stream.state == StreamState::Draining && stream.out.empty() && !stream.sending) {
        table_.drained(id);
      }
      break;
    }
    case StreamState::Removing: {
      if (stream.operations != 0 || stream.held != 0) break;  // comes back with the last of them
      descriptors_[slot * 2 + 1] = -1;
      io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
      ::io_uring_prep_files_update(entry, &descriptors_[slot * 2 + 1], 1, id);
      tag(entry, Operation::Remove, 0);
      break;
    }
    default: break;
  }
  return true;
}

void UringPort::complete(const io_uring_cqe& cqe, std::int64_t now_ns) {
  const auto operation = static_cast<Operation>(cqe.user_data >> 32);
  const auto id = static_cast<std::int32_t>(cqe.user_data & 0xffffffffu);
  Stream& stream = table_.at(id);
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) --stream.operations;
  switch (operation) {
    case Operation::Install:
      if (cqe.res < 0) {
        table_.ended(id, RISE_CLOSED_RESET);
      } else {
        table_.installed(id, now_ns);
      }
      break;
    case Operation::Receive: on_receive(id, cqe, now_ns); break;
    case Operation::Send: on_send(id, cqe.res); break;
    case Operation::Remove: table_.removed(id); return;
  }
  if (stream.state == StreamState::Removing && stream.operations == 0) table_.queue_work(id);
}

void UringPort::on_receive(std::int32_t id, const io_uring_cqe& cqe, std::int64_t now_ns) {
  Stream& stream = table_.at(id);
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) stream.receiving = false;
  if (cqe.res != -ENOBUFS) {
    const Arrival arrival{id, cqe.res,
                          static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT)};
    // Once something is held, everything after it is, too: the order of the bytes is kept.
    if (stream.held != 0 || !hand_on(arrival, now_ns)) {
      held_.push_back(arrival);
      ++stream.held;
    }
  }
  // Armed again; a stream that holds something waits until that is gone, and leaves the buffers to
  // the others meanwhile.
  if (!stream.receiving && stream.held == 0) table_.queue_work(id);
}

// False: the stream has had its share of this exchange.
bool UringPort::hand_on(const Arrival& arrival, std::int64_t now_ns) {
  Stream& stream = table_.at(arrival.stream);
  if (stream.taken_in != exchange_) {
    stream.taken_in = exchange_;
    stream.taken = 0;
  }
  // When we are closing the bytes go nowhere and cost nothing.
  if (stream.taken >= kReceiveBudget && stream.state == StreamState::Open) return false;
  if (arrival.result > 0) {
    const auto length = static_cast<std::uint32_t>(arrival.result);
    stream.taken += length;
    table_.received(arrival.stream, buffers_ + std::size_t{arrival.buffer} * kBufferBytes, length,
                    now_ns);
    recycle(arrival.buffer);
  } else {
    table_.ended(arrival.stream, arrival.result == 0 ? RISE_CLOSED_BY_PEER : RISE_CLOSED_RESET);
  }
  return true;
}

void UringPort::hand_on_held(std::int64_t now_ns) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Arrival arrival = held_[i];
    if (!hand_on(arrival, now_ns)) {
      held_[kept++] = arrival;
      continue;
    }
    Stream& stream = table_.at(arrival.stream);
    if (--stream.held == 0 && !stream.receiving) table_.queue_work(arrival.stream);
  }
  held_.resize(kept);
}

void UringPort::on_send(std::int32_t id, std::int32_t result) {
  Stream& stream = table_.at(id);
  stream.sending = false;
  if (result < 0) {
    table_.ended(id, RISE_CLOSED_RESET);
    return;
  }
  stream.out.consume(static_cast<std::uint32_t>(result));
  table_.counters().bytes_sent += static_cast<std::uint64_t>(result);
  if (!stream.out.empty() || stream.state == StreamState::Draining) table_.queue_work(id);
}

void UringPort::recycle(std::uint16_t buffer) {
  ::io_uring_buf_ring_add(buffer_ring_, buffers_ + std::size_t{buffer} * kBufferBytes, kBufferBytes,
                          buffer, ::io_uring_buf_ring_mask(buffer_count_), recycled_);
  ++recycled_;
}

StreamPort UringPort::table() {
  StreamPort port;
  port.self = this;
  port.start = [](void* self) { return static_cast<UringPort*>(self)->start(); };
  port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                 std::uint32_t timeout_ms) {
    return static_cast<UringPort*>(self)->table_.open(owner, host, number, timeout_ms);
  };
  port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length) {
    return static_cast<UringPort*>(self)->table_.send(stream, bytes, length);
  };
  port.close = [](void* self, std::int32_t stream) {
    return static_cast<UringPort*>(self)->table_.close(stream);
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<UringPort*>(self)->exchange(now_ns);
  };
  port.counters = &table_.counters();
  return port;
}

}  // namespace rise::io
