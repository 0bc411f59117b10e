// Unit tests of the driver, without the core and without a network. make test
#include <cstdio>

#include "../../rise_driver.h"
#include "../../rise_test_host.hpp"

namespace {

using rise::sdk::TestHost;

int failures = 0;
void check(bool good, const char* what, int line) {
  if (!good) ++failures;
  if (!good) std::printf("NAME_test.cpp:%d: not so: %s\n", line, what);
}
#define CHECK(what) check((what), #what, __LINE__)

// A driver whose connection is open, and which has asked for the first time.
std::int32_t connect(TestHost& host) {
  CHECK(host.configure());
  host.start();
  host.run_ms(1);
  const std::int32_t stream = host.last_stream();
  CHECK(host.streams[stream].port == 5025);
  host.open(stream);
  host.run_ms(1);
  CHECK(host.sent(stream) == "READ\n");
  return stream;
}

void reads_a_value_in_any_pieces() {
  TestHost host(*rise_driver_entry());
  const std::int32_t stream = connect(host);
  host.receive(stream, "tempera");
  CHECK(!host.value("temperature"));
  host.receive(stream, "ture 23.5\n");
  CHECK(host.value("temperature") == 23.5 && host.samples[0] == 1);
  CHECK(host.link == RISE_LINK_UP);
}

void connects_anew_after_nonsense_silence_and_loss() {
  TestHost host(*rise_driver_entry());
  std::int32_t stream = connect(host);
  host.receive(stream, "nonsense\n");
  CHECK(host.streams[stream].closing && host.counters[RISE_COUNT_BAD_FRAMES] == 1);
  host.closed(stream, RISE_CLOSED_BY_US);
  CHECK(host.link == RISE_LINK_DOWN);
  host.run_ms(50);
  CHECK(host.last_stream() == -1);  // not at once
  host.run_ms(200);
  stream = host.last_stream();
  CHECK(stream >= 0);
  host.open(stream);
  host.run_ms(1000);  // silence
  CHECK(host.streams[stream].closing && host.counters[RISE_COUNT_TIMEOUTS] == 1);
}

}  // namespace

int main() {
  reads_a_value_in_any_pieces();
  connects_anew_after_nonsense_silence_and_loss();
  std::printf(failures == 0 ? "NAME: all tests pass\n" : "NAME: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
