#include <CppUTest/CommandLineTestRunner.h>
#include <CppUTest/MemoryLeakWarningPlugin.h>
#include <CppUTest/TestRegistry.h>

#include "tests/unit/support/watchdog.hpp"

int main(int argc, char** argv) {
  // The sanitizers look for leaks; CppUTest's own way cannot follow threads.
  MemoryLeakWarningPlugin::turnOffNewDeleteOverloads();
  rise::test::WatchdogPlugin watchdog;
  TestRegistry::getCurrentRegistry()->installPlugin(&watchdog);
  const int failures = CommandLineTestRunner::RunAllTests(argc, argv);
  TestRegistry::getCurrentRegistry()->removePluginByName("watchdog");
  return failures;
}
