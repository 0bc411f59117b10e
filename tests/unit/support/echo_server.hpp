// A server on a real loopback socket, in a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rise::test {

// A listening socket on an unused port of the address ("127.0.0.1", "::1"). -1: not available.
inline int listen_on(const char* address, int backlog, std::uint16_t* port) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
  } else {
    storage = {};
    v6->sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) return -1;
    length = sizeof(sockaddr_in6);
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), length) != 0 ||
      ::listen(fd, backlog) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    ::close(fd);
    return -1;
  }
  *port = ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
  return fd;
}

class EchoServer {
 public:
  enum class Mode { Echo, Sink, Deaf };  // Deaf: accepts, and never reads

  explicit EchoServer(Mode mode = Mode::Echo, const char* address = "127.0.0.1")
      : mode_(mode), listener_(listen_on(address, 1024, &port_)) {
    if (listener_ >= 0) thread_ = std::thread([this] { run(); });
  }
  ~EchoServer() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    for (const Connection& connection : connections_) ::close(connection.fd);
    if (listener_ >= 0) ::close(listener_);
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  [[nodiscard]] bool usable() const { return listener_ >= 0; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // To every connection there is now: send this; after it close, or reset.
  void say(const std::string& text) { order({Order::Say, text}); }
  void close_all() { order({Order::Close, {}}); }
  void reset_all() { order({Order::Reset, {}}); }
  // Half a close: a FIN goes out, the connection stays.
  void finish_all() { order({Order::Finish, {}}); }

  std::atomic<int> accepted{0};
  std::atomic<int> ends{0};    // the client has closed in order
  std::atomic<int> resets{0};  // or not
  std::atomic<std::size_t> bytes{0};
  [[nodiscard]] std::string received() {  // of all connections together
    const std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  struct Connection {
    int fd;
    std::string out;
    bool close_after = false;
  };
  struct Order {
    enum { Say, Close, Reset, Finish } what;
    std::string text;
  };

  void order(Order order) {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
  }
  void run() {
    while (!stopping_) {
      std::vector<pollfd> polls = {{listener_, POLLIN, 0}};
      for (const Connection& c : connections_) {
        const int in = mode_ == Mode::Deaf ? 0 : POLLIN;
        polls.push_back({c.fd, static_cast<short>(in | (c.out.empty() ? 0 : POLLOUT)), 0});
      }
      ::poll(polls.data(), polls.size(), 2);
      obey();
      for (Connection& connection : connections_) serve(&connection);
      std::erase_if(connections_, [](const Connection& c) { return c.fd < 0; });
      for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
        connections_.push_back({fd, {}});
        ++accepted;
      }
    }
  }
  void obey() {
    std::deque<Order> orders;
    {
      const std::lock_guard lock(mutex_);
      orders.swap(orders_);
    }
    for (const Order& order : orders) {
      for (Connection& c : connections_) {
        if (order.what == Order::Say) c.out += order.text;
        if (order.what == Order::Close) c.close_after = true;
        if (order.what == Order::Finish) ::shutdown(c.fd, SHUT_WR);
        if (order.what != Order::Reset) continue;
        const linger at_once{1, 0};
        ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        drop(&c);
      }
    }
  }
  void serve(Connection* c) {
    char buffer[65536];
    for (int i = 0; i < 8 && c->fd >= 0 && mode_ != Mode::Deaf; ++i) {
      const ssize_t got = ::recv(c->fd, buffer, sizeof buffer, 0);
      if (got > 0) {
        bytes += static_cast<std::size_t>(got);
        if (mode_ == Mode::Echo) c->out.append(buffer, static_cast<std::size_t>(got));
        const std::lock_guard lock(mutex_);
        received_.append(buffer, static_cast<std::size_t>(got));
      } else if (got == 0) {
        ++ends;
        drop(c);
      } else {
        if (errno != EAGAIN) {
          ++resets;
          drop(c);
        }
        break;
      }
    }
    while (c->fd >= 0 && !c->out.empty()) {
      const ssize_t sent = ::send(c->fd, c->out.data(), c->out.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      c->out.erase(0, static_cast<std::size_t>(sent));
    }
    if (c->fd >= 0 && c->close_after && c->out.empty()) drop(c);
  }
  static void drop(Connection* c) {
    ::close(c->fd);
    c->fd = -1;
  }

  Mode mode_;
  std::uint16_t port_ = 0;
  int listener_;
  std::vector<Connection> connections_;  // of the thread
  std::mutex mutex_;
  std::deque<Order> orders_;
  std::string received_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// The sockets of this process that are connected to that port, as further descriptors.
inline std::vector<int> copies_of_sockets_to(std::uint16_t port) {
  std::vector<int> found;
  for (int fd = 0; fd < 4096; ++fd) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&peer);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&peer);
    const bool to_port = (peer.ss_family == AF_INET && ntohs(v4->sin_port) == port) ||
                         (peer.ss_family == AF_INET6 && ntohs(v6->sin6_port) == port);
    if (to_port) found.push_back(fd);
  }
  for (int& fd : found) fd = ::dup(fd);
  return found;
}

// An address that does not answer: a listener whose queue is full, so that the kernel drops every
// further SYN.
class SilentAddress {
 public:
  SilentAddress() : listener_(listen_on("127.0.0.1", 0, &port_)) {
    for (int i = 0; i < 16; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      fill_.push_back(fd);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(port_);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) continue;
      pollfd poll{fd, POLLOUT, 0};
      if (::poll(&poll, 1, 100) == 0) return;  // nobody answers any more
    }
    port_ = 0;
  }
  ~SilentAddress() {
    for (const int fd : fill_) ::close(fd);
    ::close(listener_);
  }
  SilentAddress(const SilentAddress&) = delete;
  SilentAddress& operator=(const SilentAddress&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }  // 0: could not be made

 private:
  std::uint16_t port_ = 0;
  int listener_;
  std::vector<int> fill_;
};

}  // namespace rise::test
