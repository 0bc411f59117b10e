// Ends the program when a test does not end, and says which test it was: a run that hangs would
// otherwise say nothing at all.
#pragma once

#include <CppUTest/TestHarness.h>
#include <CppUTest/TestPlugin.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace rise::test {

inline char watched_test[256] = "";

class WatchdogPlugin : public TestPlugin {
 public:
  // Far above what any test needs, also under a sanitizer on a loaded machine.
  static constexpr unsigned kLimit_s = 120;

  WatchdogPlugin() : TestPlugin("watchdog") {
    struct sigaction action {};
    action.sa_handler = [](int) {
      [[maybe_unused]] const ssize_t written =
          ::write(STDOUT_FILENO, watched_test, std::strlen(watched_test));
      ::_exit(3);
    };
    ::sigaction(SIGALRM, &action, nullptr);
  }
  void preTestAction(UtestShell& test, TestResult&) override {
    std::snprintf(watched_test, sizeof watched_test, "\nwatchdog: %s.%s did not end in %u s\n",
                  test.getGroup().asCharString(), test.getName().asCharString(), kLimit_s);
    ::alarm(kLimit_s);
  }
  void postTestAction(UtestShell&, TestResult&) override { ::alarm(0); }
};

}  // namespace rise::test
