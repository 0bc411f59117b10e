#include <CppUTest/CommandLineTestRunner.h>
#include <CppUTest/MemoryLeakWarningPlugin.h>

int main(int argc, char** argv) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // The sanitizers watch the heap themselves, and better.
  MemoryLeakWarningPlugin::turnOffNewDeleteOverloads();
#else
  // Several tests have threads; the detector is not safe for them by default.
  MemoryLeakWarningPlugin::turnOnThreadSafeNewDeleteOverloads();
#endif
  return CommandLineTestRunner::RunAllTests(argc, argv);
}
