#include "rt_core/guard/driver_call.hpp"

#include <CppUTest/TestHarness.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "rt_core/guard/system_calls.hpp"

using rise::guard::CallMonitor;
using rise::guard::describe;
using rise::guard::Fault;
using rise::guard::guarded_call;
using rise::guard::HostSection;

namespace {

std::string text_of(const Fault& fault) {
  char text[128];
  return {text, describe(fault, text, sizeof text)};
}

// Runs `body` as a driver call on a thread of its own. -> the fault; Kind::None: it came back.
Fault call(const std::function<void()>& body) {
  Fault fault;
  std::thread thread([&] {
    CallMonitor monitor;
    CHECK(rise::guard::prepare_calls(&monitor));
    auto* argument = const_cast<std::function<void()>*>(&body);
    const bool whole = guarded_call(
        [](void* self) { (*static_cast<std::function<void()>*>(self))(); }, argument, &fault);
    CHECK(whole == (fault.kind == Fault::Kind::None));
    LONGS_EQUAL(0, monitor.sequence.load() % 2);
    // The thread goes on as before: another call, and another fault.
    int again = 0;
    Fault none;
    CHECK(guarded_call([](void* n) { ++*static_cast<int*>(n); }, &again, &none));
    LONGS_EQUAL(1, again);
    rise::guard::finish_calls();
  });
  thread.join();
  return fault;
}

void write_null() {
  volatile std::uintptr_t nowhere = 8;  // not null itself: UBSan would see that first
  *reinterpret_cast<volatile int*>(nowhere) = 1;
}

#if !defined(RISE_ASAN) && !defined(RISE_TSAN)  // they have stacks of their own
// Not optimised into a loop, and the frame is not optimised away. No end: depth is never below 0.
[[gnu::noinline]] int overflow_stack(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow_stack(depth + 1) + frame[0];
}
#endif

}  // namespace

TEST_GROUP(GuardDriverCall){void setup() override{rise::guard::install_fault_handlers();
}
}
;

TEST(GuardDriverCall, ACallThatIsFineIsNotTouched) {
  bool ran = false;
  CHECK(call([&] { ran = true; }).kind == Fault::Kind::None);
  CHECK(ran);
}

TEST(GuardDriverCall, ComesBackFromEachCrash) {
  struct Case {
    void (*crash)();
    int signal;
    const char* text;
  };
  const Case cases[] = {
    {&write_null, SIGSEGV, "segmentation fault at 0x8"},
    {[] { ::raise(SIGABRT); }, SIGABRT, "abort"},
    {[] { __builtin_trap(); }, SIGILL, "illegal instruction at 0x"},
#if defined(__x86_64__)
    {[] {
       volatile int zero = 0;
       volatile int result = 1;
       // In assembly: what a compiler makes of a division by zero is its own affair.
       int quotient = 0;
       int remainder = 0;
       __asm__ volatile("idivl %4"
                        : "=a"(quotient), "=d"(remainder)
                        : "0"(result), "1"(0), "m"(zero)
                        : "cc");
     },
     SIGFPE, "arithmetic error at 0x"},
#endif
    {[] {
       // A file mapping without a file behind it.
       char name[] = "/tmp/rise-bus-XXXXXX";
       const int fd = ::mkstemp(name);
       ::unlink(name);
       auto* page =
           static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
       ::close(fd);
       *const_cast<volatile char*>(page) = 1;
     },
     SIGBUS, "bus error at 0x"},
  };
  for (const Case& c : cases) {
    const Fault fault = call(c.crash);
    CHECK(fault.kind == Fault::Kind::Signal);
    LONGS_EQUAL(c.signal, fault.signal);
    STRNCMP_EQUAL(c.text, text_of(fault).c_str(), std::string(c.text).size());
  }
}

#if !defined(RISE_ASAN) && !defined(RISE_TSAN)  // they have stacks of their own
TEST(GuardDriverCall, ComesBackFromAStackOverflow) {
  const Fault fault = call([] { overflow_stack(0); });
  CHECK(fault.kind == Fault::Kind::Signal);
  LONGS_EQUAL(SIGSEGV, fault.signal);
}
#endif

TEST(GuardDriverCall, CallsMayBeNested) {
  bool outer_went_on = false;
  const Fault fault = call([&] {
    Fault inner;
    CHECK(!guarded_call([](void*) { write_null(); }, nullptr, &inner));
    CHECK(inner.kind == Fault::Kind::Signal);
    outer_went_on = true;
  });
  CHECK(fault.kind == Fault::Kind::None);
  CHECK(outer_went_on);
}

// The controls: what is no driver's fault must not be hidden.
TEST(GuardDriverCall, TheCoresOwnCrashesStillKill) {
  struct Case {
    std::function<void()> body;
    int signal;
  };
  const Case cases[] = {
      {[] { write_null(); }, SIGSEGV},
      {[] {
         Fault fault;
         (void)guarded_call(
             [](void*) {
               const HostSection section;
               write_null();
             },
             nullptr, &fault);
       },
       SIGSEGV},
      {[] { ::kill(::getpid(), SIGSEGV); }, SIGSEGV},
  };
  for (const Case& c : cases) {
    const pid_t child = ::fork();
    if (child == 0) {
      CallMonitor monitor;
      if (!rise::guard::prepare_calls(&monitor)) ::_exit(9);
      c.body();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
#if defined(RISE_ASAN) || defined(RISE_TSAN)
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
#else
    CHECK(WIFSIGNALED(status));
    LONGS_EQUAL(c.signal, WTERMSIG(status));
#endif
  }
}

TEST(GuardDriverCall, WithoutPreparationTheCallSimplyRuns) {
  bool ran = false;
  Fault fault;
  std::thread thread([&] {
    CHECK(guarded_call([](void* flag) { *static_cast<bool*>(flag) = true; }, &ran, &fault));
  });
  thread.join();
  CHECK(ran);
}

TEST(GuardDriverCall, DescribesWithoutRunningOver) {
  char text[8];
  LONGS_EQUAL(8, describe({Fault::Kind::SystemCall, SIGSYS, 257, 0}, text, sizeof text));
  STRNCMP_EQUAL("forbidde", text, 8);
  STRCMP_EQUAL("endless loop or wait", text_of({Fault::Kind::Stuck, 0, -1, 0}).c_str());
  STRCMP_EQUAL("?", rise::guard::system_call_name(99999));
#if defined(__x86_64__)
  STRCMP_EQUAL("forbidden system call openat (257)",
               text_of({Fault::Kind::SystemCall, SIGSYS, 257, 0}).c_str());
#endif
}
