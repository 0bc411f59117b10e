// When the watchdogs over the core are fed, and what a service manager hears.
#include "rt_core/core/keepalive.hpp"

#include <CppUTest/TestHarness.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "rt_core/core/service_manager.hpp"

using namespace rise::core;

namespace {

constexpr std::int64_t kMs = 1'000'000;

std::vector<LanePulse> two_lanes(std::int64_t last_ns, std::uint64_t late_of_second) {
  return {{"quick", kMs, last_ns, 0}, {"slow", 10 * kMs, last_ns, late_of_second}};
}

// The other end of NOTIFY_SOCKET: a socket without a file.
class Manager {
 public:
  explicit Manager(const char* watchdog_us = "", const char* watchdog_pid = "") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "rise-keepalive-test-" + std::to_string(::getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    CHECK_EQUAL(0, ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length));
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    ::setenv("WATCHDOG_USEC", watchdog_us, 1);
    ::setenv("WATCHDOG_PID", watchdog_pid, 1);
  }
  ~Manager() { ::close(fd_); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next message; empty: there is none.
  std::string heard() const {
    char bytes[512];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : "";
  }

 private:
  int fd_ = -1;
};

}  // namespace

TEST_GROUP(DeadlineJudge){};

TEST(DeadlineJudge, LanesThatAreInTimeAreFine) {
  DeadlineJudge judge(0);
  STRCMP_EQUAL("", judge.look(1000 * kMs, two_lanes(1000 * kMs, 0)).c_str());
  STRCMP_EQUAL("", judge.look(1250 * kMs, two_lanes(1249 * kMs, 0)).c_str());
}

TEST(DeadlineJudge, LatenessBeforeTheFirstLookDoesNotCount) {
  DeadlineJudge judge(0);
  STRCMP_EQUAL("", judge.look(1000 * kMs, two_lanes(1000 * kMs, 7)).c_str());
  STRCMP_EQUAL("", judge.look(1250 * kMs, two_lanes(1250 * kMs, 7)).c_str());
}

TEST(DeadlineJudge, OneLateCycleOfOneLaneIsTold) {
  DeadlineJudge judge(0);
  judge.look(1000 * kMs, two_lanes(1000 * kMs, 0));
  STRCMP_EQUAL("lane slow was late in 1 cycles",
               judge.look(1250 * kMs, two_lanes(1250 * kMs, 1)).c_str());
  STRCMP_EQUAL("", judge.look(1500 * kMs, two_lanes(1500 * kMs, 1)).c_str());
}

TEST(DeadlineJudge, AsManyAsAreAllowedDoNotCount) {
  DeadlineJudge judge(3);
  judge.look(1000 * kMs, two_lanes(1000 * kMs, 0));
  STRCMP_EQUAL("", judge.look(1250 * kMs, two_lanes(1250 * kMs, 3)).c_str());
  STRCMP_EQUAL("lane slow was late in 4 cycles",
               judge.look(1500 * kMs, two_lanes(1500 * kMs, 7)).c_str());
}

TEST(DeadlineJudge, ALaneThatStandsIsToldByItsOwnPeriod) {
  DeadlineJudge judge(1000);
  const std::int64_t last_ns = 1000 * kMs;
  STRCMP_EQUAL("", judge.look(last_ns + 2 * kMs, two_lanes(last_ns, 0)).c_str());
  STRCMP_EQUAL("lane quick has ended no cycle for 3000 us",
               judge.look(last_ns + 3 * kMs, two_lanes(last_ns, 0)).c_str());
}

TEST_GROUP(Keepalive){void teardown() override{
    for (const char* name
         : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})::unsetenv(name);
}
}
;

TEST(Keepalive, WithoutAManagerNothingIsFed) {
  const ServiceManager none;
  CHECK_FALSE(none.present());
  Keepalive keepalive(&none, nullptr, 0);
  STRCMP_EQUAL("", keepalive.describe().c_str());
  CHECK_EQUAL(1000 * kMs, keepalive.look_every_ns());
  STRCMP_EQUAL("", keepalive.look(1000 * kMs, two_lanes(0, 0)).c_str());
}

TEST(Keepalive, TheManagerIsFedFourTimesInItsTimeAndItsVariablesAreTaken) {
  const Manager manager("2000000", std::to_string(::getpid()).c_str());
  const ServiceManager service;
  POINTERS_EQUAL(nullptr, std::getenv("NOTIFY_SOCKET"));
  POINTERS_EQUAL(nullptr, std::getenv("WATCHDOG_USEC"));
  Keepalive keepalive(&service, nullptr, 0);
  CHECK_EQUAL(500 * kMs, keepalive.look_every_ns());
  keepalive.look(1000 * kMs, two_lanes(1000 * kMs, 0));
  STRCMP_EQUAL("WATCHDOG=1", manager.heard().c_str());
  STRCMP_EQUAL("", manager.heard().c_str());
}

TEST(Keepalive, ALateLaneStarvesItUntilItIsInTimeAgain) {
  const Manager manager("2000000");
  const ServiceManager service;
  Keepalive keepalive(&service, nullptr, 0);
  keepalive.look(1000 * kMs, two_lanes(1000 * kMs, 0));
  manager.heard();
  STRCMP_EQUAL("watchdogs are not fed: lane slow was late in 2 cycles",
               keepalive.look(1500 * kMs, two_lanes(1500 * kMs, 2)).c_str());
  STRCMP_EQUAL("", keepalive.look(2000 * kMs, two_lanes(2000 * kMs, 3)).c_str());
  STRCMP_EQUAL("", manager.heard().c_str());
  STRCMP_EQUAL("watchdogs are fed again",
               keepalive.look(2500 * kMs, two_lanes(2500 * kMs, 3)).c_str());
  STRCMP_EQUAL("WATCHDOG=1", manager.heard().c_str());
}

TEST(Keepalive, AWatchdogOverAnotherProcessIsNotOurs) {
  const Manager manager("2000000", "1");
  const ServiceManager service;
  CHECK(service.present());
  CHECK_EQUAL(0, service.watchdog_ns());
  Keepalive keepalive(&service, nullptr, 0);
  keepalive.look(1000 * kMs, two_lanes(1000 * kMs, 0));
  STRCMP_EQUAL("", manager.heard().c_str());
}

TEST(Keepalive, VariablesThatMakeNoSenseAreNoManager) {
  for (const char* path : {"", "/", "relative", "vsock:2:1", "/nobody/listens/here"}) {
    ::setenv("NOTIFY_SOCKET", path, 1);
    ::setenv("WATCHDOG_USEC", "2000000x", 1);
    const ServiceManager service;
    CHECK_FALSE(service.present());
    CHECK_EQUAL(0, service.watchdog_ns());
  }
}

TEST(Keepalive, WhatIsNoWatchdogOfTheMachineIsSaid) {
  auto fault = [](const char* path) { return HardwareWatchdog::open(path, 10).error(); };
  STRCMP_EQUAL("/dev/null is no watchdog", fault("/dev/null").c_str());
  STRCMP_EQUAL("Makefile is no watchdog", fault("Makefile").c_str());
  STRCMP_EQUAL("/dev/nothing cannot be opened: No such file or directory",
               fault("/dev/nothing").c_str());
}
