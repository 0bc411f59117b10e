// The machine's own watchdog (/dev/watchdog): a timer that resets the machine unless it is fed.
// Source: Documentation/watchdog/watchdog-api of the Linux kernel. Ordinary threads only.
#pragma once

#include <memory>
#include <string>

#include "rt_core/result.hpp"

namespace rise::core {

class HardwareWatchdog {
 public:
  // From here on the timer runs. Fails if the device is not there, is in use (a service manager may
  // hold it), or is no watchdog.
  static Result<std::unique_ptr<HardwareWatchdog>> open(const std::string& path, int timeout_s);
  // The timer goes on if disarm() was not called: who dies without it is to be reset.
  ~HardwareWatchdog();
  HardwareWatchdog(const HardwareWatchdog&) = delete;
  HardwareWatchdog& operator=(const HardwareWatchdog&) = delete;

  // Devices round: what it has made of the time that was asked for.
  [[nodiscard]] int timeout_s() const { return timeout_s_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void feed() const;
  // An orderly end. A kernel with "nowayout" lets the timer run nevertheless.
  void disarm();

 private:
  HardwareWatchdog(int fd, int timeout_s, std::string name)
      : fd_(fd), timeout_s_(timeout_s), name_(std::move(name)) {}

  int fd_;
  int timeout_s_;
  std::string name_;
};

}  // namespace rise::core
