#include <CppUTest/CommandLineTestRunner.h>
#include <CppUTest/MemoryLeakWarningPlugin.h>
#include <CppUTest/TestRegistry.h>

#include "tests/unit/support/watchdog.hpp"

#if defined(RISE_TSAN)
// Tests about processes fork children, also while helper threads run; the children make none.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

int main(int argc, char** argv) {
#if defined(RISE_ASAN) || defined(RISE_TSAN)
  // The sanitizers watch the heap themselves, and better.
  MemoryLeakWarningPlugin::turnOffNewDeleteOverloads();
#else
  // Several tests have threads; the detector is not safe for them by default.
  MemoryLeakWarningPlugin::turnOnThreadSafeNewDeleteOverloads();
#endif
  rise::test::WatchdogPlugin watchdog;
  TestRegistry::getCurrentRegistry()->installPlugin(&watchdog);
  const int failures = CommandLineTestRunner::RunAllTests(argc, argv);
  TestRegistry::getCurrentRegistry()->removePluginByName("watchdog");
  return failures;
}
