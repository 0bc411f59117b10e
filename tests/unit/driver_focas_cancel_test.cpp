// The end of a permission: what was not yet written is not written any more, and answered.
#include <CppUTest/TestHarness.h>

#include "tests/unit/focas_machine_bench.hpp"

using rise::test::MachineBench;

namespace {

const std::string kQuiet =
    "heartbeat_s = 3600\nfeed_hold = 'pmc.R101=1'\nsafe = ['pmc.R100=1']\n"
    "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\n"
    "[[group]]\nname = 'slow'\nperiod_ms = 3600000\nitems = ['feed']\n";
const MachineBench::Targets kTargets = {{"whole", "parameter.6713"}, {"byte", "pmc.R1"}};
constexpr std::uint16_t kWriteParameter = 0x8e;
constexpr std::uint16_t kWritePmc = 0x8002;

}  // namespace

TEST_GROUP(DriverFocasCancel) {
  MachineBench bench{kQuiet, kTargets};

  void setup() override {
    bench.reply_ms = 3;
    bench.control().parameters[6713] = {3, 0, {5}};
    CHECK(bench.run_up());
    bench.run(100);
    bench.control().seen.clear();
  }
  std::int32_t command(std::uint64_t id, std::uint32_t output, double value,
                       std::int64_t expires_ns = 0) {
    rise_command command{};
    command.struct_size = sizeof command;
    command.kind = RISE_COMMAND_SET;
    command.output = output;
    command.id = id;
    command.value = value;
    command.expires_ns = expires_ns;
    return bench.machine.command(command, bench.now_ns);
  }
  std::size_t seen(std::uint16_t code) {
    std::size_t n = 0;
    for (const auto& one : bench.control().seen) n += one.block.command == code ? 1 : 0;
    return n;
  }
  const rise::test::FakeHost::Done& done(std::uint64_t id) {
    const rise::test::FakeHost::Done* found = nullptr;
    for (const auto& one : bench.host.done) {
      if (one.id != id) continue;
      CHECK_TEXT(found == nullptr, "answered twice");
      found = &one;
    }
    CHECK_TEXT(found != nullptr, "not answered");
    return *found;
  }
};

TEST(DriverFocasCancel, WhatWaitsIsDroppedAtOnce) {
  command(1, 0, 42);
  for (std::uint64_t id = 2; id <= 5; ++id) command(id, 1, 7);
  bench.run(1);
  bench.machine.cancel(0, bench.now_ns);
  for (std::uint64_t id = 2; id <= 5; ++id) LONGS_EQUAL(RISE_COMMAND_DROPPED, done(id).outcome);
  bench.run(200);
  LONGS_EQUAL(5, bench.host.done.size());
  LONGS_EQUAL(0, seen(kWritePmc));
}

// At every millisecond of a write of three steps: either it was never written, or it ends as ever.
TEST(DriverFocasCancel, WhatIsUnderWayIsWrittenAsAWholeOrNotAtAll) {
  bool dropped = false;
  bool applied = false;
  for (int at = 0; at < 12; ++at) {
    MachineBench one(kQuiet, kTargets);
    one.reply_ms = 3;
    one.control().parameters[6713] = {3, 0, {5}};
    CHECK(one.run_up());
    one.run(100);
    one.control().seen.clear();
    one.command(1, 0, 42);
    one.run(at);
    one.machine.cancel(0, one.now_ns);
    one.run(200);
    LONGS_EQUAL(1, one.host.done.size());
    bool written = false;
    for (const auto& s : one.control().seen)
      written = written || s.block.command == kWriteParameter;
    LONGS_EQUAL(written ? RISE_COMMAND_APPLIED : RISE_COMMAND_DROPPED, one.host.done[0].outcome);
    LONGS_EQUAL(written ? 42 : 5, one.control().parameters[6713].values[0]);
    (written ? applied : dropped) = true;
  }
  CHECK(dropped && applied);
}

TEST(DriverFocasCancel, OneOfSeveral) {
  command(1, 0, 42);
  command(2, 1, 7);
  command(3, 1, 8);
  bench.machine.cancel(2, bench.now_ns);
  bench.machine.cancel(99, bench.now_ns);
  CHECK(bench.run_done(3));
  LONGS_EQUAL(RISE_COMMAND_APPLIED, done(1).outcome);
  LONGS_EQUAL(RISE_COMMAND_DROPPED, done(2).outcome);
  LONGS_EQUAL(RISE_COMMAND_APPLIED, done(3).outcome);
}

TEST(DriverFocasCancel, AFeedHoldStays) {
  command(1, 0, 42);
  LONGS_EQUAL(RISE_OK, bench.command(2, 0, 0, RISE_COMMAND_FEED_HOLD));
  bench.machine.cancel(0, bench.now_ns);
  CHECK(bench.run_done(2));
  LONGS_EQUAL(RISE_COMMAND_APPLIED, done(2).outcome);
  LONGS_EQUAL(1, bench.control().pmc[5][101]);
}

TEST(DriverFocasCancel, WhatHasExpiredIsDroppedWhereverItWaits) {
  command(1, 0, 42);
  command(2, 1, 7, bench.now_ns + 5 * MachineBench::kMs);
  command(3, 1, 8, bench.now_ns + 500 * MachineBench::kMs);
  bench.run(5);
  LONGS_EQUAL(0, bench.host.done.size());
  bench.run(1);
  LONGS_EQUAL(RISE_COMMAND_DROPPED, done(2).outcome);
  CHECK(bench.run_done(3));
  LONGS_EQUAL(RISE_COMMAND_APPLIED, done(3).outcome);
  LONGS_EQUAL(1, seen(kWritePmc));
}

TEST(DriverFocasCancel, WhatExpiresWhileItsTypeIsAskedIsNotWritten) {
  command(1, 0, 42, bench.now_ns + 2 * MachineBench::kMs);
  CHECK(bench.run_done(1));
  LONGS_EQUAL(RISE_COMMAND_DROPPED, done(1).outcome);
  LONGS_EQUAL(0, seen(kWriteParameter));
}

TEST(DriverFocasCancel, AHostOfTheFirstAbiKnowsNoExpiry) {
  rise_command old{};
  old.struct_size = offsetof(rise_command, expires_ns);
  old.kind = RISE_COMMAND_SET;
  old.id = 1;
  old.value = 42;
  old.expires_ns = 1;  // what lies beyond its size is not its own
  LONGS_EQUAL(RISE_OK, bench.machine.command(old, bench.now_ns));
  CHECK(bench.run_done(1));
  LONGS_EQUAL(RISE_COMMAND_APPLIED, done(1).outcome);
}

TEST(DriverFocasCancel, BeforeTheSafeStateWhatWaitsIsDropped) {
  command(1, 0, 42);
  command(2, 1, 7);
  bench.machine.safe(bench.now_ns);
  bench.run(100);
  LONGS_EQUAL(RISE_COMMAND_DROPPED, done(2).outcome);
  LONGS_EQUAL(1, bench.host.safe_done.size());
}

// The host takes an output as unknown after a failure: it is told what is there.
TEST(DriverFocasCancel, AfterARefusalTheOutputsAreReadAnew) {
  bench.control().refuse[kWriteParameter] = rise::focas::wire::Status::Protected;
  bench.host.outputs.clear();
  command(1, 0, 42);
  CHECK(bench.run_done(1));
  LONGS_EQUAL(RISE_COMMAND_FAILED, done(1).outcome);
  bench.run(50);
  LONGS_EQUAL(2, bench.host.outputs.size());
  DOUBLES_EQUAL(5, bench.host.outputs[0].value, 0);
}
