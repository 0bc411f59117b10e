#include "rt_core/guard/seal.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

#include "rt_core/guard/driver_call.hpp"

using rise::guard::CallMonitor;
using rise::guard::Fault;
using rise::guard::SealMode;
using rise::guard::SealSpec;

// The sanitizers' own threads and heaps make system calls that no lane makes.
#if !defined(RISE_ASAN) && !defined(RISE_TSAN)

namespace {

struct Outcome {
  std::string missing;
  bool whole = false;
  Fault fault;
};

// On a sealed thread of its own, as a driver call.
Outcome sealed_call(const SealSpec& spec, void (*body)(void*), void* argument = nullptr) {
  Outcome outcome;
  std::thread thread([&] {
    CallMonitor monitor;
    CHECK(rise::guard::prepare_calls(&monitor));
    outcome.missing = rise::guard::seal_thread(spec);
    outcome.whole = guarded_call(body, argument, &outcome.fault);
    rise::guard::finish_calls();
  });
  thread.join();
  return outcome;
}

constexpr SealSpec kTrap{SealMode::Trap, false, false};

void open_file(void*) {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
}

}  // namespace

TEST_GROUP(GuardSeal){void setup() override{rise::guard::install_fault_handlers();
}
}
;

TEST(GuardSeal, AForbiddenSystemCallEndsTheDriversCallAndIsNamed) {
  const Outcome outcome = sealed_call(kTrap, &open_file);
  STRCMP_EQUAL("", outcome.missing.c_str());
  CHECK(!outcome.whole);
  CHECK(outcome.fault.kind == Fault::Kind::SystemCall);
  LONGS_EQUAL(SYS_openat, outcome.fault.system_call);
}

// The heap must not stay locked when a driver's malloc was refused its memory.
TEST(GuardSeal, ADriverThatAllocatesLeavesTheHeapUsable) {
  const Outcome outcome = sealed_call(kTrap, [](void*) {
    void* volatile memory = std::malloc(std::size_t{256} << 20);
    std::free(memory);
  });
  CHECK(!outcome.whole);
  CHECK(outcome.fault.kind == Fault::Kind::SystemCall);
  void* volatile memory = std::malloc(std::size_t{1} << 20);
  CHECK(memory != nullptr);
  std::free(memory);
}

TEST(GuardSeal, WithoutSealNothingIsStopped) {  // the control
  const Outcome outcome = sealed_call({SealMode::Off, false, false}, &open_file);
  CHECK(outcome.whole);
}

TEST(GuardSeal, LogModeStopsNothing) {
  const Outcome outcome = sealed_call({SealMode::Log, false, false}, &open_file);
  STRCMP_EQUAL("", outcome.missing.c_str());
  CHECK(outcome.whole);
}

TEST(GuardSeal, WhatALaneNeedsIsAllowed) {
  const Outcome outcome = sealed_call(kTrap, [](void*) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, nullptr);
    ::syscall(SYS_io_uring_enter, -1, 0, 0, 0, nullptr, 0);  // EBADF, but let through
  });
  CHECK(outcome.whole);
}

TEST(GuardSeal, SocketsAreAllowedOnlyWhereThePortNeedsThem) {
  const auto receive = [](void*) { ::recv(-1, nullptr, 0, 0); };
  const Outcome sealed = sealed_call(kTrap, receive);
  CHECK(!sealed.whole);
  LONGS_EQUAL(SYS_recvfrom, sealed.fault.system_call);
  CHECK(sealed_call({SealMode::Trap, true, false}, receive).whole);
}

TEST(GuardSeal, ADeviceOfTheKernelMayBeWokenAndNothingElse) {
  const auto send = [](void*) { ::send(-1, nullptr, 0, 0); };
  const SealSpec device{SealMode::Trap, false, true};
  CHECK(!sealed_call(kTrap, send).whole);
  CHECK(sealed_call(device, send).whole);
  // Whoever waits for ever is not let wait at all.
  CHECK(sealed_call(device, [](void*) {
          pollfd nobody{-1, 0, 0};
          if (::poll(&nobody, 1, 0) != 0) std::abort();
          if (::poll(&nobody, 1, -1) != -1 || errno != EPERM) std::abort();
          if (::poll(&nobody, 1, 1000) != -1 || errno != EPERM) std::abort();
        }).whole);
  const Outcome outcome = sealed_call(device, &open_file);
  CHECK(!outcome.whole);
  LONGS_EQUAL(SYS_openat, outcome.fault.system_call);
}

TEST(GuardSeal, AContendedLockIsAForbiddenSystemCall) {
  std::mutex mutex;
  const std::lock_guard<std::mutex> held(mutex);
  const Outcome outcome = sealed_call(
      kTrap, [](void* m) { static_cast<std::mutex*>(m)->lock(); }, &mutex);
  CHECK(!outcome.whole);
  LONGS_EQUAL(SYS_futex, outcome.fault.system_call);
}

// Outside of a driver call there is nobody to bench: the call fails and the thread goes on.
TEST(GuardSeal, TheCoresOwnForbiddenCallFails) {
  int result = 0;
  int error = 0;
  std::thread thread([&] {
    CallMonitor monitor;
    CHECK(rise::guard::prepare_calls(&monitor));
    STRCMP_EQUAL("", rise::guard::seal_thread(kTrap).c_str());
    result = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    error = errno;
    rise::guard::finish_calls();
  });
  thread.join();
  LONGS_EQUAL(-1, result);
  LONGS_EQUAL(EPERM, error);
}

TEST(GuardSeal, OtherThreadsAreNotTouched) {
  (void)sealed_call(kTrap, &open_file);
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  ::close(fd);
}

#endif
