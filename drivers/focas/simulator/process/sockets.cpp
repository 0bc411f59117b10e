#include "drivers/focas/simulator/process/sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rise::cncsim {

namespace {

constexpr int kBacklog = 1024;

bool fill_address(const std::string& path, sockaddr_un* address) {
  address->sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address->sun_path) return false;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  return true;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

std::string reason() { return std::strerror(errno); }

}  // namespace

Fd listen_tcp(const std::string& address, std::uint16_t port, std::string* fault) {
  const std::string place = address + ":" + std::to_string(port);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
    *fault = place + ": no IPv4 address";
    return {};
  }
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) {
    *fault = place + ": cannot make a socket: " + reason();
    return {};
  }
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
      ::listen(fd.get(), kBacklog) == 0) {
    return fd;
  }
  *fault = place + ": cannot listen: " + reason();
  if (errno == EADDRINUSE) {
    *fault +=
        ". Another program (a second cncsim?) uses this port: stop it, or give another "
        "\"port\" in the config";
  } else if (errno == EACCES) {
    *fault += ". Ports below 1024 need privileges: give a higher \"port\"";
  } else if (errno == EADDRNOTAVAIL) {
    *fault += ". This machine does not have the address: use 127.0.0.x";
  }
  return {};
}

Fd connect_unix(const std::string& path, std::string* fault) {
  sockaddr_un address{};
  if (!fill_address(path, &address)) {
    *fault = path + ": too long (or empty) for a socket's path";
    return {};
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.is_open() && ::connect(fd.get(), generic(address), sizeof address) == 0) return fd;
  *fault =
      path + ": cannot connect: " + reason() + ". Is cncsim running with --control " + path + "?";
  return {};
}

Fd listen_unix(const std::string& path, std::string* fault) {
  sockaddr_un address{};
  if (!fill_address(path, &address)) {
    *fault = path + ": too long (or empty) for a socket's path";
    return {};
  }
  struct stat file {};
  if (::lstat(path.c_str(), &file) == 0) {
    if (!S_ISSOCK(file.st_mode)) {
      *fault = path + ": is there and is no socket; give another --control";
      return {};
    }
    std::string ignored;
    if (connect_unix(path, &ignored).is_open()) {
      *fault = path + ": another cncsim answers there; stop it or give another --control";
      return {};
    }
    ::unlink(path.c_str());
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const mode_t old = ::umask(0077);
  const bool bound = fd.is_open() && ::bind(fd.get(), generic(address), sizeof address) == 0 &&
                     ::listen(fd.get(), 16) == 0;
  *fault = bound ? "" : path + ": cannot listen: " + reason();
  ::umask(old);
  return bound ? std::move(fd) : Fd();
}

Fd accept_next(int listener, bool* exhausted) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  *exhausted = fd < 0 && (errno == EMFILE || errno == ENFILE);
  return Fd(fd);
}

void set_no_delay(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void reset_on_close(int fd) {
  const linger hard{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

}  // namespace rise::cncsim
