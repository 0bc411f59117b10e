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

// A driver whose connection is open, and whose first question is answered.
std::int32_t connect(TestHost& host) {
  host.add_output("setpoint", "setpoint", 0, 80);
  CHECK(host.configure());
  host.start();
  host.run_ms(1);
  const std::int32_t stream = host.last_stream();
  CHECK(host.streams[stream].port == 5025);
  host.open(stream);
  host.run_ms(1);
  CHECK(host.sent(stream) == "GET\n");
  host.receive(stream, "setpoint 20\n");
  CHECK(host.link == RISE_LINK_UP && host.outputs[0] == 20);
  return stream;
}

void reads_a_value_in_any_pieces() {
  TestHost host(*rise_driver_entry());
  const std::int32_t stream = connect(host);
  host.run_ms(1);
  CHECK(host.sent(stream) == "READ\n");
  host.receive(stream, "tempera");
  CHECK(!host.value("temperature"));
  host.receive(stream, "ture 23.5\n");
  CHECK(host.value("temperature") == 23.5 && host.samples[0] == 1);
}

void connects_anew_after_nonsense_silence_and_loss() {
  TestHost host(*rise_driver_entry());
  std::int32_t stream = connect(host);
  host.run_ms(1);
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

void answers_every_command() {
  TestHost host(*rise_driver_entry());
  const std::int32_t stream = connect(host);
  CHECK(host.command(0, 21.5) == RISE_OK);
  host.run_ms(1);
  CHECK(host.sent(stream) == "SET 21.5\n");
  host.receive(stream, "setpoint 21.5\n");
  CHECK(host.done.back().outcome == RISE_COMMAND_APPLIED);
  CHECK(host.command(0, 30) == RISE_OK);
  host.run_ms(1);
  host.receive(stream, "setpoint 29\n");
  CHECK(host.done.back().outcome == RISE_COMMAND_MISMATCH && host.done.back().value == 29);
  CHECK(host.command(0, 30) == RISE_OK);
  host.run_ms(1);
  host.closed(stream, RISE_CLOSED_RESET);
  CHECK(host.done.back().outcome == RISE_COMMAND_FAILED && host.done.size() == 3);
}

void drops_what_is_too_old_or_taken_back() {
  TestHost host(*rise_driver_entry());
  const std::int32_t stream = connect(host);
  CHECK(host.command(0, 30) == RISE_OK);
  host.cancel();
  CHECK(host.done.back().outcome == RISE_COMMAND_DROPPED);
  host.expires_ns = host.now_ns;
  CHECK(host.command(0, 30) == RISE_OK);
  host.run_ms(1);
  CHECK(host.done.back().outcome == RISE_COMMAND_DROPPED && host.done.size() == 2);
  host.run_ms(1);
  CHECK(host.sent(stream) == "READ\n");  // and nothing of them
}

void goes_to_the_safe_value() {
  TestHost host(*rise_driver_entry());
  const std::int32_t stream = connect(host);
  host.safe();
  host.run_ms(1);
  CHECK(host.sent(stream) == "SET 0\n");
  host.receive(stream, "setpoint 0\n");
  CHECK(host.safe_confirmed == true);
  host.closed(stream, RISE_CLOSED_RESET);
  host.safe();
  CHECK(host.safe_confirmed == false);  // no way to the device, and it says so
}

void refuses_an_unknown_output() {
  TestHost host(*rise_driver_entry());
  host.add_output("speed", "speed", 0, 1);
  CHECK(!host.configure() && host.errors.size() == 1);
}

}  // namespace

int main() {
  reads_a_value_in_any_pieces();
  connects_anew_after_nonsense_silence_and_loss();
  answers_every_command();
  drops_what_is_too_old_or_taken_back();
  goes_to_the_safe_value();
  refuses_an_unknown_output();
  std::printf(failures == 0 ? "NAME: all tests pass\n" : "NAME: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
