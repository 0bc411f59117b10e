// Tests that need something of the machine. TEST_WHEN(reason, Group, Name): `reason` is an
// expression that yields a std::string: why the test cannot run here, or empty. A test that cannot
// run is counted as ignored, and says why in a line that tests/run repeats.
#pragma once

#include <CppUTest/TestHarness.h>

#include <cstdio>
#include <string>

namespace rise::test {

class ConditionalShell : public IgnoredUtestShell {
 public:
  bool willRun() const override { return missing().empty(); }

 protected:
  SimpleString getMacroName() const override { return "TEST"; }
  void runOneTest(TestPlugin* plugin, TestResult& result) override {
    const std::string why = missing();
    if (why.empty()) {
      UtestShell::runOneTest(plugin, result);
      return;
    }
    std::printf("\nSKIP: %s.%s: %s\n", getGroup().asCharString(), getName().asCharString(),
                why.c_str());
    result.countIgnored();
  }

 private:
  virtual std::string missing() const = 0;
};

}  // namespace rise::test

#define TEST_WHEN(reason, testGroup, testName)                                                   \
  class TEST_##testGroup##_##testName##_Test : public TEST_GROUP_##CppUTestGroup##testGroup {    \
   public:                                                                                       \
    void testBody() override;                                                                    \
  };                                                                                             \
  static class TEST_##testGroup##_##testName##_TestShell : public rise::test::ConditionalShell { \
    Utest* createTest() override { return new TEST_##testGroup##_##testName##_Test; }            \
    std::string missing() const override { return reason; }                                      \
  } TEST_##testGroup##_##testName##_TestShell_instance;                                          \
  static TestInstaller TEST_##testGroup##_##testName##_Installer(                                \
      TEST_##testGroup##_##testName##_TestShell_instance, #testGroup, #testName, __FILE__,       \
      __LINE__);                                                                                 \
  void TEST_##testGroup##_##testName##_Test::testBody()
