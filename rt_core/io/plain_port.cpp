#include "rt_core/io/plain_port.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "drivers/sdk/rise_driver.h"

namespace rise::io {

namespace {

constexpr int kEventsPerExchange = 256;  // the rest is reported again in the next cycle

}  // namespace

PlainPort::PlainPort(std::uint32_t capacity, const StreamSink& sink)
    : table_(capacity, sink), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

PlainPort::~PlainPort() {
  if (epoll_ >= 0) ::close(epoll_);
}

void PlainPort::exchange(std::int64_t now_ns) {
  table_.pump(now_ns);
  const std::uint32_t work = table_.work_count();
  for (std::uint32_t i = 0; i < work; ++i) attend(table_.take_work(i), now_ns);
  table_.drop_work(work);

  epoll_event events[kEventsPerExchange];
  const int count = ::epoll_wait(epoll_, events, kEventsPerExchange, 0);
  ++table_.counters().enters;
  for (int i = 0; i < count; ++i) {
    const auto id = static_cast<std::int32_t>(events[i].data.u32);
    if ((events[i].events & EPOLLOUT) != 0) table_.queue_work(id);
    if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive_some(id, now_ns);
  }
}

void PlainPort::attend(std::int32_t id, std::int64_t now_ns) {
  Stream& stream = table_.at(id);
  switch (stream.state) {
    case StreamState::Installing: {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u32 = static_cast<std::uint32_t>(id);
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, stream.fd, &event) == 0) {
        table_.installed(id, now_ns);
      } else {
        table_.ended(id, RISE_CLOSED_RESET);
      }
      break;
    }
    case StreamState::Open:
    case StreamState::Draining:
      send_some(id);
      if (stream.state == StreamState::Draining && stream.out.empty()) table_.drained(id);
      break;
    case StreamState::Removing:
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, stream.fd, nullptr);
      table_.removed(id);
      break;
    default: break;
  }
}

void PlainPort::send_some(std::int32_t id) {
  Stream& stream = table_.at(id);
  for (int piece = 0; piece < 2 && !stream.out.empty(); ++piece) {  // the queue wraps at most once
    std::uint32_t length = 0;
    const std::uint8_t* bytes = stream.out.front(&length);
    const ssize_t sent = ::send(stream.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        table_.ended(id, RISE_CLOSED_RESET);
        return;
      }
      table_.queue_work(id);  // tried again in the next cycle
      return;
    }
    stream.out.consume(static_cast<std::uint32_t>(sent));
    table_.counters().bytes_sent += static_cast<std::uint64_t>(sent);
  }
  if (!stream.out.empty()) table_.queue_work(id);
}

void PlainPort::receive_some(std::int32_t id, std::int64_t now_ns) {
  const Stream& stream = table_.at(id);
  if (stream.state != StreamState::Open && stream.state != StreamState::Draining &&
      stream.state != StreamState::ShuttingDown) {
    return;
  }
  std::uint8_t bytes[kReceiveBudget];
  const ssize_t got = ::recv(stream.fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got > 0) {
    table_.received(id, bytes, static_cast<std::uint32_t>(got), now_ns);
  } else if (got == 0) {
    table_.ended(id, RISE_CLOSED_BY_PEER);
  } else if (errno != EAGAIN && errno != EINTR) {
    table_.ended(id, RISE_CLOSED_RESET);
  }
}

StreamPort PlainPort::table() {
  StreamPort port;
  port.self = this;
  port.start = [](void* self) { return static_cast<PlainPort*>(self)->epoll_ >= 0; };
  port.open = [](void* self, std::uint32_t owner, const char* host, std::uint16_t number,
                 std::uint32_t timeout_ms) {
    return static_cast<PlainPort*>(self)->table_.open(owner, host, number, timeout_ms);
  };
  port.send = [](void* self, std::int32_t stream, const std::uint8_t* bytes, std::uint32_t length) {
    return static_cast<PlainPort*>(self)->table_.send(stream, bytes, length);
  };
  port.close = [](void* self, std::int32_t stream) {
    return static_cast<PlainPort*>(self)->table_.close(stream);
  };
  port.exchange = [](void* self, std::int64_t now_ns) {
    static_cast<PlainPort*>(self)->exchange(now_ns);
  };
  port.counters = &table_.counters();
  return port;
}

}  // namespace rise::io
