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
#include "rt_core/monotonic.hpp"

namespace rise::io {

namespace {

constexpr auto kBusyPause = std::chrono::milliseconds(1);
constexpr auto kIdlePause = std::chrono::milliseconds(5);

// Into the kernel goes no more than this of what a peer sends and nobody has read yet: a peer that
// floods us is slowed down by its own TCP. The kernel doubles it for its bookkeeping (tcp(7)).
constexpr int kReceiveBuffer = 64 * 1024;

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

// Below Linux 6.13 a request on a fixed file pins every file that was registered after it, ours
// included, so that close() alone may be no end for the peer. shutdown() sends the FIN whoever
// still holds the socket.
void hang_up(int fd) {
  ::shutdown(fd, SHUT_RDWR);
  ::close(fd);
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
    if (request.kind == ConnectorRequest::Kind::Close) hang_up(request.fd);
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
    for (Target target; resolver_->resolved.pop(&target);) begin(target);
    check_pending();
    std::this_thread::sleep_for(busy || !pending_.empty() ? kBusyPause : kIdlePause);
  }
}

void Connector::serve(const ConnectorRequest& request) {
  switch (request.kind) {
    case ConnectorRequest::Kind::Open: open(request); return;
    case ConnectorRequest::Kind::Shutdown:
      // FIN goes out now; the lane's pending receive ends, and it lets go of the descriptor.
      ::shutdown(request.fd, SHUT_RDWR);
      return;
    case ConnectorRequest::Kind::Close:
      hang_up(request.fd);
      answer(ConnectorResult::Kind::Closed, request.stream, -1, 0);
      return;
  }
}

bool Connector::look_up(const ConnectorRequest& request, int flags, Target* target) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  char service[8];
  std::snprintf(service, sizeof service, "%u", request.port & 0xffffu);
  addrinfo* found = nullptr;
  if (::getaddrinfo(request.host, service, &hints, &found) != 0) return false;
  *target = {request.stream, request.timeout_ms, 0, 0, {}};
  for (const addrinfo* a = found; a != nullptr && target->count < kMaxAddresses; a = a->ai_next) {
    if (a->ai_addrlen > sizeof(Address)) continue;
    std::memcpy(&target->addresses[target->count++], a->ai_addr, a->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return target->count != 0;
}

void Connector::open(const ConnectorRequest& request) {
  Target target;
  if (look_up(request, AI_NUMERICHOST, &target)) {
    begin(target);
  } else if (!resolver_->names.push(request)) {
    answer(ConnectorResult::Kind::Failed, request.stream, -1, RISE_CLOSED_REFUSED);
  }
}

void Connector::begin(const Target& target) {
  try_next(target, monotonic_ns() + std::int64_t{target.timeout_ms} * 1'000'000, ECONNREFUSED);
}

// One address after the other, until one can be reached or the time is over. error: of the last
// one.
void Connector::try_next(Target target, std::int64_t deadline_ns, int error) {
  while (target.next < target.count) {
    const std::uint32_t left = target.count - target.next;
    const Address& address = target.addresses[target.next++];
    const int family = address.any.sa_family;
    const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Before the connect, which tells the peer the window.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (::connect(fd, &address.any, length) == 0) {
      answer(ConnectorResult::Kind::Opened, target.stream, fd, 0);
      return;
    }
    error = errno;
    if (error == EINPROGRESS) {
      // One that does not answer at all leaves time for the others.
      const std::int64_t now = monotonic_ns();
      pending_.push_back({target, fd, now + (deadline_ns - now) / left, deadline_ns});
      return;
    }
    ::close(fd);
  }
  answer(ConnectorResult::Kind::Failed, target.stream, -1, reason_of(error));
}

void Connector::check_pending() {
  const std::int64_t now = monotonic_ns();
  for (std::size_t i = 0; i < pending_.size();) {
    const Pending pending = pending_[i];
    pollfd poll{pending.fd, POLLOUT, 0};
    const bool ready = ::poll(&poll, 1, 0) > 0;
    if (!ready && now < pending.try_until_ns) {
      ++i;
      continue;
    }
    pending_[i] = pending_.back();
    pending_.pop_back();
    int error = ETIMEDOUT;
    socklen_t length = sizeof error;
    if (ready) ::getsockopt(pending.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (ready && error == 0) {
      answer(ConnectorResult::Kind::Opened, pending.target.stream, pending.fd, 0);
    } else {
      ::close(pending.fd);
      try_next(pending.target, pending.deadline_ns, error);
    }
  }
}

void Connector::resolve_names(const std::shared_ptr<Resolver>& resolver) {
  while (!resolver->stopping.load(std::memory_order_relaxed)) {
    ConnectorRequest request;
    while (resolver->names.pop(&request)) {
      Target target;
      // Without an address it is handed on all the same: the connect step says that it failed.
      if (!look_up(request, 0, &target)) target = {request.stream, request.timeout_ms, 0, 0, {}};
      [[maybe_unused]] const bool pushed = resolver->resolved.push(target);
    }
    std::this_thread::sleep_for(kIdlePause);
  }
}

}  // namespace rise::io
