// What a service manager wants to hear from a service: sd_notify(3)'s protocol, which is a datagram
// of lines to a socket that the environment names. systemd and others speak it; no library is
// needed for it. Ordinary threads only.
#pragma once

#include <cstdint>
#include <string>

namespace rise::core {

class ServiceManager {
 public:
  // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are then taken out of the
  // environment: a child of ours is not the service. Set-up thread, while there is only one.
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  [[nodiscard]] bool present() const { return fd_ >= 0; }
  // The service is killed when it is not fed for so long. 0: nobody watches.
  [[nodiscard]] std::int64_t watchdog_ns() const { return watchdog_ns_; }
  // "READY=1", "STATUS=...", "WATCHDOG=1", "STOPPING=1". Never waits: what finds no room is lost.
  void tell(const std::string& lines) const;

 private:
  int fd_ = -1;
  std::int64_t watchdog_ns_ = 0;
};

}  // namespace rise::core
