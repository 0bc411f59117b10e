#include "rt_core/driver/library.hpp"

#include <CppUTest/TestHarness.h>

#include <cstddef>

#include <fstream>

#include "tests/unit/support/shared_region.hpp"

using namespace rise::driver;
using namespace rise::test;

namespace {

rise_driver good_driver() {
  rise_driver driver{};
  driver.struct_size = sizeof driver;
  driver.abi_major = RISE_ABI_MAJOR;
  driver.abi_minor = RISE_ABI_MINOR;
  driver.capabilities = RISE_CAP_STREAM | RISE_CAP_COMMAND;
  driver.name = "good";
  driver.version = "1.0";
  driver.summary = "does nothing";
  driver.configure = [](const rise_host*, const rise_config*, void**) -> std::int32_t { return 0; };
  driver.start = [](void*, std::int64_t) {};
  driver.cycle = [](void*, const rise_cycle*) {};
  driver.on_open = [](void*, std::int32_t, std::int64_t) {};
  driver.on_bytes = [](void*, std::int32_t, const std::uint8_t*, std::uint32_t, std::int64_t) {};
  driver.on_closed = [](void*, std::int32_t, std::int32_t, std::int64_t) {};
  driver.command = [](void*, const rise_command*, std::int64_t) -> std::int32_t { return 0; };
  driver.safe = [](void*, std::int32_t, std::int64_t) {};
  driver.stop = [](void*, std::int64_t) {};
  driver.destroy = [](void*) {};
  return driver;
}

}  // namespace

TEST_GROUP(DriverLibrary) {
  rise_driver driver = good_driver();

  void check_fault(const char* expected) {
    STRCMP_CONTAINS(expected, error_of(Library::adopt(&driver)).c_str());
    driver = good_driver();
    CHECK_OK(Library::adopt(&driver));
  }
};

TEST(DriverLibrary, AGoodOneIsTaken) {
  const auto library = Library::adopt(&driver);
  CHECK_OK(library);
  STRCMP_EQUAL(driver.name, library->driver().name);
  CHECK(driver.cycle == library->driver().cycle);
  CHECK(library->can(RISE_CAP_STREAM));
  CHECK(!library->can(std::uint64_t{1} << 40));
}

TEST(DriverLibrary, NothingIsNoDriver) {
  STRCMP_CONTAINS("its entry point returned nothing", error_of(Library::adopt(nullptr)).c_str());
}

TEST(DriverLibrary, TheStructMustBeWhole) {
  driver.struct_size = offsetof(rise_driver, destroy);
  check_fault("shorter than that of ABI 1.0");
  driver.struct_size = 0;
  check_fault("shorter than that of ABI 1.0");
  driver.struct_size = sizeof driver + 64;  // of a newer minor version
  CHECK_OK(Library::adopt(&driver));
}

// As drivers of ABI 1.0 are: what came later is null for us, whatever lies behind their struct.
TEST(DriverLibrary, WhatAnOlderDriverDoesNotHaveIsNull) {
  struct {
    rise_driver known;
  } older{driver};
  older.known.struct_size = offsetof(rise_driver, destroy) + sizeof(rise_driver::destroy);
  older.known.abi_minor = 0;
  older.known.on_datagram = [](void*, std::int32_t, const rise_datagram*, std::int64_t) {};
  older.known.cancel = [](void*, std::uint64_t, std::int64_t) {};
  const auto library = Library::adopt(&older.known);
  CHECK_OK(library);
  CHECK(library->driver().on_datagram == nullptr);
  CHECK(library->driver().cancel == nullptr);
  CHECK(library->driver().destroy == driver.destroy);
}

TEST(DriverLibrary, TheAbiMustBeOursOrOlder) {
  driver.abi_major = RISE_ABI_MAJOR + 1;
  check_fault("it was built for driver ABI 2.1, this core speaks 1.1");
  driver.abi_major = 0;
  check_fault("it was built for driver ABI 0.1");
  driver.abi_minor = RISE_ABI_MINOR + 1;
  check_fault("it was built for driver ABI 1.2");
}

TEST(DriverLibrary, ItMustSayWhoItIs) {
  driver.name = nullptr;
  check_fault("it has no name");
  driver.name = "";
  check_fault("it has no name");
  driver.version = nullptr;
  check_fault("it has no version or summary");
  driver.summary = nullptr;
  check_fault("it has no version or summary");
}

TEST(DriverLibrary, SettingsMustBeThereIfTheyAreCounted) {
  driver.setting_count = 1;
  check_fault("its settings table is malformed");
  rise_setting_spec spec{};
  spec.struct_size = sizeof spec - 8;
  driver.settings = &spec;
  driver.setting_count = 1;
  check_fault("its settings table is malformed");
  spec.struct_size = sizeof spec;
  driver.settings = &spec;
  driver.setting_count = 1;
  CHECK_OK(Library::adopt(&driver));
}

TEST(DriverLibrary, EveryFunctionOfTheLifeCycleIsNeeded) {
  const char* const expected = "it lacks one of configure, start, cycle, stop, destroy";
  driver.configure = nullptr;
  check_fault(expected);
  driver.start = nullptr;
  check_fault(expected);
  driver.cycle = nullptr;
  check_fault(expected);
  driver.stop = nullptr;
  check_fault(expected);
  driver.destroy = nullptr;
  check_fault(expected);
}

TEST(DriverLibrary, WhatIsClaimedMustBeThere) {
  const char* const streams = "it claims streams but lacks one of on_open, on_bytes, on_closed";
  driver.on_open = nullptr;
  check_fault(streams);
  driver.on_bytes = nullptr;
  check_fault(streams);
  driver.on_closed = nullptr;
  check_fault(streams);
  const char* const commands = "it claims commands but lacks one of command, safe";
  driver.command = nullptr;
  check_fault(commands);
  driver.safe = nullptr;
  check_fault(commands);
}

TEST(DriverLibrary, WhatIsNotClaimedMayBeMissing) {
  driver.capabilities = RISE_CAP_COMMAND;
  driver.on_open = nullptr;
  driver.on_bytes = nullptr;
  driver.on_closed = nullptr;
  CHECK_OK(Library::adopt(&driver));
  driver.capabilities = 0;
  driver.command = nullptr;
  driver.safe = nullptr;
  CHECK_OK(Library::adopt(&driver));
}

TEST(DriverLibrary, AMissingFileIsSaidSo) {
  const std::string error = error_of(Library::load("/nonexistent/none.so"));
  STRCMP_CONTAINS("driver cannot be loaded", error.c_str());
  STRCMP_CONTAINS("/nonexistent/none.so", error.c_str());
}

TEST(DriverLibrary, AFileThatIsNoLibraryIsSaidSo) {
  TempDirectory directory;
  const std::string path = directory.path() + "/text.so";
  std::ofstream(path) << "this is no library";
  STRCMP_CONTAINS("driver cannot be loaded", error_of(Library::load(path)).c_str());
  std::ofstream(directory.path() + "/empty.so");
  STRCMP_CONTAINS("driver cannot be loaded",
                  error_of(Library::load(directory.path() + "/empty.so")).c_str());
}

TEST(DriverLibrary, ALibraryThatIsNoDriverIsSaidSo) {
  STRCMP_CONTAINS("is not a RISE-RT driver: it does not export rise_driver_entry",
                  error_of(Library::load("libm.so.6")).c_str());
}

TEST(DriverLibrary, MovingKeepsTheDriver) {
  auto first = Library::adopt(&driver);
  const rise_driver* known = &first->driver();  // instances hold on to it
  Library second = std::move(*first);
  POINTERS_EQUAL(known, &second.driver());
  const rise_driver other = good_driver();
  auto third = Library::adopt(&other);
  known = &third->driver();
  second = std::move(*third);
  POINTERS_EQUAL(known, &second.driver());
}
