#include "rt_core/core/hardware_watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rise::core {

Result<std::unique_ptr<HardwareWatchdog>> HardwareWatchdog::open(const std::string& path,
                                                                 int timeout_s) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISCHR(info.st_mode)) {
    return Failure{path + " is no watchdog"};
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const std::string hint =
        errno == EBUSY ? "; somebody else feeds it (systemd: RuntimeWatchdogSec=0)" : "";
    return Failure{path + " cannot be opened: " + std::strerror(errno) + hint};
  }
  watchdog_info about{};
  if (::ioctl(fd, WDIOC_GETSUPPORT, &about) != 0) {
    ::close(fd);
    return Failure{path + " is no watchdog"};
  }
  const std::string name(
      reinterpret_cast<const char*>(about.identity),
      ::strnlen(reinterpret_cast<const char*>(about.identity), sizeof about.identity));
  std::unique_ptr<HardwareWatchdog> made(new HardwareWatchdog(fd, timeout_s, name));
  int seconds = timeout_s;
  if (::ioctl(fd, WDIOC_SETTIMEOUT, &seconds) != 0 &&
      ::ioctl(fd, WDIOC_GETTIMEOUT, &seconds) != 0) {
    made->disarm();
    return Failure{path + " (" + name + ") does not tell its time"};
  }
  if (seconds < 1 || seconds > 2 * timeout_s + 1) {
    made->disarm();
    return Failure{path + " (" + name + ") resets after " + std::to_string(seconds) + " s, not " +
                   std::to_string(timeout_s)};
  }
  made->timeout_s_ = seconds;
  made->feed();
  return made;
}

HardwareWatchdog::~HardwareWatchdog() {
  if (fd_ >= 0) ::close(fd_);
}

void HardwareWatchdog::feed() const {
  int nothing = 0;
  if (fd_ >= 0) ::ioctl(fd_, WDIOC_KEEPALIVE, &nothing);
}

void HardwareWatchdog::disarm() {
  if (fd_ < 0) return;
  const ssize_t written = ::write(fd_, "V", 1);  // "magic close"
  (void)written;
  ::close(fd_);
  fd_ = -1;
}

}  // namespace rise::core
