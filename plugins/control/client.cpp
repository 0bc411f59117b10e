#include "plugins/control/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "plugins/control/path.hpp"

namespace rise::control {

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<Client> Client::ask(const std::string& region, std::string_view request) {
  const std::string path = socket_path(region);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Failure{path + " is too long"};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Client client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (client.fd_ < 0) return Failure{std::string("no socket: ") + std::strerror(errno)};
  // Who takes nothing, or accepts nobody, does not hold us up for ever.
  const timeval limit{5, 0};
  (void)::setsockopt(client.fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(client.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (error == EACCES) {
      return Failure{path + ": permission denied; run as a member of its group"};
    }
    return Failure{"no sidecar answers for core " + region + " (" + path + ": " +
                   std::strerror(error) + ")"};
  }
  if (!send_all(client.fd_, std::string(request) + '\n')) {
    return Failure{"the sidecar of core " + region + " has hung up"};
  }
  return client;
}

Client::Client(Client&& other) noexcept { *this = std::move(other); }

Client& Client::operator=(Client&& other) noexcept {
  std::swap(fd_, other.fd_);
  over_ = other.over_;
  received_ = std::move(other.received_);
  return *this;
}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string> Client::line(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (std::size_t looked = 0;;) {
    if (const std::size_t end = received_.find('\n', looked); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    looked = received_.size();
    if (over_) return std::nullopt;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() < 0) return std::nullopt;
    pollfd its{fd_, POLLIN, 0};
    const int ready = ::poll(&its, 1, static_cast<int>(left.count()));
    if (ready == 0 || (ready < 0 && errno == EINTR)) return std::nullopt;
    char room[65536];
    const ssize_t n = ::recv(fd_, room, sizeof room, 0);
    if (n <= 0) {
      over_ = true;
    } else {
      received_.append(room, static_cast<std::size_t>(n));
    }
  }
}

}  // namespace rise::control
