#include "rt_core/core/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace rise::core {

namespace {

std::string take(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value != nullptr ? value : "";
  ::unsetenv(name);
  return taken;
}

// Whole and positive, or 0.
std::int64_t number(const std::string& text) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && value > 0 ? value : 0;
}

}  // namespace

ServiceManager::ServiceManager() {
  const std::string path = take("NOTIFY_SOCKET");
  const std::int64_t watchdog_us = number(take("WATCHDOG_USEC"));
  const std::string watched = take("WATCHDOG_PID");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // "@name": a socket without a file. Others than these two are for machines, not for processes.
  if (path.size() < 2 || path.size() >= sizeof address.sun_path ||
      (path[0] != '/' && path[0] != '@')) {
    return;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    ::close(fd_);
    fd_ = -1;
    return;
  }
  if (watched.empty() || number(watched) == ::getpid()) watchdog_ns_ = watchdog_us * 1000;
}

ServiceManager::~ServiceManager() {
  if (fd_ >= 0) ::close(fd_);
}

void ServiceManager::tell(const std::string& lines) const {
  if (fd_ < 0) return;
  const ssize_t sent = ::send(fd_, lines.data(), lines.size(), MSG_NOSIGNAL);
  (void)sent;  // a manager that is gone needs to hear nothing
}

}  // namespace rise::core
