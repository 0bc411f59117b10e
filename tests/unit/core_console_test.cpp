#include "rt_core/core/console.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/unit/support/shared_region.hpp"

using namespace rise::test;
using rise::core::Console;

namespace {

std::string read_all(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  std::string all;
  char buffer[65536];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

// Nobody reads the far end: would hang if a write could wait.
void check_that_nothing_waits(int near_end, int far_end) {
  const int flags = ::fcntl(near_end, F_GETFL);
  Console console(near_end);
  LONGS_EQUAL(flags, ::fcntl(near_end, F_GETFL));  // it is not ours alone
  for (int i = 0; i < 20'000; ++i) console.line("line %d %s", i, std::string(80, '.').c_str());
  CHECK(console.dropped() > 0);
  const std::uint64_t dropped = console.dropped();
  const std::string first = read_all(far_end);
  STRCMP_CONTAINS("line 0 ....", first.c_str());
  CHECK(first.ends_with(".\n"));  // whole lines only
  console.line("now there is room");
  LONGS_EQUAL(0, console.dropped());
  STRCMP_EQUAL(
      ("(" + std::to_string(dropped) + " lines dropped: nobody read them)\nnow there is room\n")
          .c_str(),
      read_all(far_end).c_str());
  console.line("and on");
  STRCMP_EQUAL("and on\n", read_all(far_end).c_str());
}

}  // namespace

TEST_GROUP(CoreConsole) {
  int ends[2] = {-1, -1};
  void teardown() override {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

TEST(CoreConsole, APipeThatNobodyReadsDropsLines) {
  LONGS_EQUAL(0, ::pipe(ends));
  check_that_nothing_waits(ends[1], ends[0]);
}

TEST(CoreConsole, ASocketThatNobodyReadsDropsLines) {
  LONGS_EQUAL(0, ::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
  check_that_nothing_waits(ends[1], ends[0]);
}

TEST(CoreConsole, AFileIsWrittenBehindWhatItHas) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/log";
  ends[0] = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  LONGS_EQUAL(7, ::write(ends[0], "before\n", 7));
  {
    Console console(ends[0]);
    console.line("%s", "after");
  }
  std::stringstream all;
  all << std::ifstream(path).rdbuf();
  STRCMP_EQUAL("before\nafter\n", all.str().c_str());
}

TEST(CoreConsole, ALineThatIsTooLongIsCut) {
  LONGS_EQUAL(0, ::pipe(ends));
  Console console(ends[1]);
  console.line("%s", std::string(10'000, 'x').c_str());
  const std::string got = read_all(ends[0]);
  LONGS_EQUAL(Console::kMaxLine - 1, got.size());
  CHECK(got.ends_with("x\n"));
}

TEST(CoreConsole, AClosedDescriptorIsNoHarm) {
  Console console(-1);
  console.line("nobody hears this");
  LONGS_EQUAL(1, console.dropped());
}
