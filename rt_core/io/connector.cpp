#include "rt_core/io/connector.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "drivers/sdk/rise_driver.h"

namespace rise::io {

namespace {

constexpr auto kBusyPause = std::chrono::milliseconds(1);
constexpr auto kIdlePause = std::chrono::milliseconds(5);

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int32_t reason_of(int error) {
  switch (error) {
    case ETIMEDOUT: return RISE_CLOSED_TIMEOUT;
    case ECONNRESET: return RISE_CLOSED_RESET;
    default: return RISE_CLOSED_REFUSED;  // refused, unreachable
  }
}

}  // namespace

template <class T>
Connector::Channel<T>::Channel(std::uint32_t items) {
  const shm::RingShape shape{std::bit_ceil(std::size_t{items}), sizeof(T) / sizeof(shm::Word)};
  memory.resize(shm::spsc_total_words(shape));
  producer = shm::SpscProducer<>(memory.data(), shape);
  consumer = shm::SpscConsumer<>(memory.data(), shape);
}

template <class T>
bool Connector::Channel<T>::push(const T& item) {
  shm::Word words[sizeof(T) / sizeof(shm::Word)];
  std::memcpy(words, &item, sizeof item);
  return producer.push(words);
}

template <class T>
bool Connector::Channel<T>::pop(T* item) {
  shm::Word words[sizeof(T) / sizeof(shm::Word)];
  if (consumer.pop(words) != shm::Pop::Item) return false;
  std::memcpy(item, words, sizeof *item);
  return true;
}

Connector::Connector(std::uint32_t capacity)
    : requests_(capacity * 4),
      results_(capacity * 4),
      resolver_(std::make_shared<Resolver>(capacity)) {
  pending_.reserve(capacity);
  std::thread resolver([shared = resolver_] { resolve_names(shared); });
  ::pthread_setname_np(resolver.native_handle(), "rise-resolve");
  resolver.detach();
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "rise-connect");
}

Connector::~Connector() { stop(); }

void Connector::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true,
                  std::memory_order_relaxed);  // a flag to look at; nothing is published with it
  resolver_->stopping.store(true, std::memory_order_relaxed);
  thread_.join();
  for (const Pending& pending : pending_) ::close(pending.fd);
  for (ConnectorRequest request; requests_.pop(&request);) {
    if (request.kind == ConnectorRequest::Kind::Close) ::close(request.fd);
  }
  for (ConnectorResult result; results_.pop(&result);) {
    if (result.kind == ConnectorResult::Kind::Opened) ::close(result.fd);
  }
}

bool Connector::request(const ConnectorRequest& request) { return requests_.push(request); }
bool Connector::result(ConnectorResult* result) { return results_.pop(result); }

void Connector::answer(ConnectorResult::Kind kind, std::int32_t stream, int fd,
                       std::int32_t reason) {
  // Each stream has at most one open and one close under way, and the ring holds four times the
  // streams.
  if (!results_.push({kind, stream, fd, reason}) && kind == ConnectorResult::Kind::Opened)
    ::close(fd);
}

void Connector::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    ConnectorRequest request;
    bool busy = false;
    while (requests_.pop(&request)) {
      serve(request);
      busy = true;
    }
    while (resolver_->resolved.pop(&request)) connect_to(request, true);
    check_pending();
    std::this_thread::sleep_for(busy || !pending_.empty() ? kBusyPause : kIdlePause);
  }
}

void Connector::serve(const ConnectorRequest& request) {
  switch (request.kind) {
    case ConnectorRequest::Kind::Open: connect_to(request, false); return;
    case ConnectorRequest::Kind::Shutdown:
      // FIN goes out now; the lane's pending receive ends, and it lets go of the descriptor.
      ::shutdown(request.fd, SHUT_RDWR);
      return;
    case ConnectorRequest::Kind::Close:
      ::close(request.fd);
      answer(ConnectorResult::Kind::Closed, request.stream, -1, 0);
      return;
  }
}

// numeric: the host is known to be an address (the resolver has been there).
void Connector::connect_to(const ConnectorRequest& request, bool numeric) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  char service[8];
  std::snprintf(service, sizeof service, "%u", request.port & 0xffffu);
  addrinfo* address = nullptr;
  if (::getaddrinfo(request.host, service, &hints, &address) != 0) {
    if (numeric || !resolver_->names.push(request)) {
      answer(ConnectorResult::Kind::Failed, request.stream, -1, RISE_CLOSED_REFUSED);
    }
    return;
  }
  const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int rc = fd < 0 ? -1 : ::connect(fd, address->ai_addr, address->ai_addrlen);
  const int error = errno;
  ::freeaddrinfo(address);
  if (rc == 0) {
    answer(ConnectorResult::Kind::Opened, request.stream, fd, 0);
  } else if (fd >= 0 && error == EINPROGRESS) {
    pending_.push_back(
        {request.stream, fd, now_ns() + std::int64_t{request.timeout_ms} * 1'000'000});
  } else {
    if (fd >= 0) ::close(fd);
    answer(ConnectorResult::Kind::Failed, request.stream, -1, reason_of(error));
  }
}

void Connector::check_pending() {
  const std::int64_t now = now_ns();
  for (std::size_t i = 0; i < pending_.size();) {
    const Pending pending = pending_[i];
    pollfd poll{pending.fd, POLLOUT, 0};
    const bool ready = ::poll(&poll, 1, 0) > 0;
    if (!ready && now < pending.deadline_ns) {
      ++i;
      continue;
    }
    int error = ETIMEDOUT;
    socklen_t length = sizeof error;
    if (ready) ::getsockopt(pending.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (ready && error == 0) {
      answer(ConnectorResult::Kind::Opened, pending.stream, pending.fd, 0);
    } else {
      ::close(pending.fd);
      answer(ConnectorResult::Kind::Failed, pending.stream, -1, reason_of(error));
    }
    pending_[i] = pending_.back();
    pending_.pop_back();
  }
}

void Connector::resolve_names(const std::shared_ptr<Resolver>& resolver) {
  while (!resolver->stopping.load(std::memory_order_relaxed)) {
    ConnectorRequest request;
    while (resolver->names.pop(&request)) {
      addrinfo hints{};
      hints.ai_socktype = SOCK_STREAM;
      addrinfo* address = nullptr;
      if (::getaddrinfo(request.host, nullptr, &hints, &address) == 0) {
        // Handed on as a numeric address; if that fails the connect step says so.
        ::getnameinfo(address->ai_addr, address->ai_addrlen, request.host, sizeof request.host,
                      nullptr, 0, NI_NUMERICHOST);
        ::freeaddrinfo(address);
      }
      [[maybe_unused]] const bool pushed = resolver->resolved.push(request);
    }
    std::this_thread::sleep_for(kIdlePause);
  }
}

}  // namespace rise::io
