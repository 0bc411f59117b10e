// A machine's life: configure, start, budget, bench, stop.
#include "rt_core/driver/instance.hpp"

#include <CppUTest/TestHarness.h>

#include <cmath>

#include "rt_core/message/text.hpp"
#include "rt_core/shm/histogram.hpp"
#include "tests/unit/support/instance_rig.hpp"

using namespace rise::driver;
using namespace rise::test;
namespace message = rise::message;
using message::DriverCounter;
using message::DriverState;
using message::EventKind;
using message::SafetyState;

TEST_GROUP(DriverInstance) {
  InstanceRig rig;

  // A command that the supervisor hands on.
  void send(message::CommandKind kind, double value = 0) {
    message::Command command;
    command.mutate_kind(kind);
    command.mutate_machine(InstanceRig::kMachine);
    command.mutate_value(value);
    rig.instance->supervisor().command(command, rig.clock.now_ns());
  }
  void arm() {
    rig.machine().link(RISE_LINK_UP);
    rig.machine().ask(&rise_host::sample, 0, rig.clock.now_ns());
    rig.judge();
    send(message::CommandKind::Arm);
    CHECK(rig.instance->supervisor().channel().state() == SafetyState::Armed);
  }
};

TEST(DriverInstance, TheDriverGetsItsSettingsAndOutputs) {
  rig.spec.settings = {{sizeof(rise_setting), RISE_SETTING_INTEGER, "depth", 7, 0, ""},
                       {sizeof(rise_setting), RISE_SETTING_STRING, "item.0", 0, 0, "feed"}};
  rig.spec.outputs = {{"feed", "r100", {0, 150, 5}}, {"stop", "r101", {-1, 1, 0}}};
  rig.spec.cycle_period_ns = 250'000;
  rise_config seen{};
  rig.driver.on_configure = [&](FakeMachine* machine, const rise_config& config) {
    seen = config;
    return FakeDriver::declare_some(machine);
  };
  CHECK(rig.configure());
  const FakeMachine& machine = rig.machine();
  STRCMP_EQUAL("mill", machine.name.c_str());
  STRCMP_EQUAL("depth=7", machine.settings.at(0).c_str());
  STRCMP_EQUAL("item.0=feed", machine.settings.at(1).c_str());
  STRCMP_EQUAL("feed r100 0.000000 150.000000", machine.outputs.at(0).c_str());
  STRCMP_EQUAL("stop r101 -1.000000 1.000000", machine.outputs.at(1).c_str());
  LONGS_EQUAL(250'000, seen.cycle_period_ns);
  LONGS_EQUAL(Instance::kMaxStreams, seen.stream_limit);
  LONGS_EQUAL(sizeof(rise_config), seen.struct_size);
  LONGS_EQUAL(sizeof(rise_output_spec), seen.outputs[0].struct_size);
  LONGS_EQUAL(sizeof(rise_host), machine.host->struct_size);
  LONGS_EQUAL(RISE_ABI_MAJOR, machine.host->abi_major);
}

TEST(DriverInstance, FaultsThatTheDriverFindsAreKept) {
  rig.driver.on_configure = [](FakeMachine* machine, const rise_config&) {
    machine->ask(&rise_host::config_error, "group.0.item.3", "no such item");
    machine->ask(&rise_host::config_error, "endpoint", "is nonsense");
    machine->host->config_error(machine->host->context, nullptr, nullptr);
    return std::int32_t{RISE_E_CONFIG};
  };
  CHECK(!rig.configure());
  LONGS_EQUAL(3, rig.faults.size());
  STRCMP_EQUAL("group.0.item.3", rig.faults[0].path.c_str());
  STRCMP_EQUAL("no such item", rig.faults[0].message.c_str());
  STRCMP_EQUAL("endpoint", rig.faults[1].path.c_str());
  STRCMP_EQUAL("", rig.faults[2].message.c_str());
  rig.instance.reset();
  LONGS_EQUAL(0, rig.driver.destroyed);  // there is nothing to destroy
}

TEST(DriverInstance, ARefusalWithoutAReasonIsAFaultToo) {
  rig.driver.on_configure = [](FakeMachine*, const rise_config&) {
    return std::int32_t{RISE_E_LIMIT};
  };
  CHECK(!rig.configure());
  STRCMP_EQUAL("driver fake refused its settings (-2)", rig.faults.at(0).message.c_str());
}

TEST(DriverInstance, AReportedFaultCountsEvenIfTheDriverGoesOn) {
  rig.driver.on_configure = [](FakeMachine* machine, const rise_config&) {
    machine->ask(&rise_host::config_error, "a", "b");
    return FakeDriver::declare_some(machine);
  };
  CHECK(!rig.configure());
  LONGS_EQUAL(1, rig.faults.size());
  rig.instance.reset();
  LONGS_EQUAL(1, rig.driver.destroyed);
}

TEST(DriverInstance, OutputsNeedADriverThatHasSome) {
  rig.driver.abi.capabilities = RISE_CAP_STREAM;
  rig.spec.outputs = {{"feed", "r100", {}}};
  CHECK(!rig.configure());
  STRCMP_EQUAL("driver fake has no outputs", rig.faults.at(0).message.c_str());
}

TEST(DriverInstance, LifeIsToldAndCounted) {
  rig.start();
  CHECK(rig.instance->state() == DriverState::Running);
  rig.step();
  rig.instance->stop(rig.clock.now_ns());
  CHECK(rig.instance->state() == DriverState::Stopping);
  rig.step();  // it still gets its cycles
  LONGS_EQUAL(2, rig.machine().cycles);
  CHECK(rig.instance->finished());
  rig.instance->finish();
  rig.step();
  LONGS_EQUAL(2, rig.machine().cycles);
  rig.instance->stop(rig.clock.now_ns());
  LONGS_EQUAL(1, rig.machine().called("stop"));
  const auto events = rig.events(EventKind::DriverState);
  LONGS_EQUAL(3, events.size());
  LONGS_EQUAL(DriverState::Running, events[0].code());
  LONGS_EQUAL(DriverState::Stopping, events[1].code());
  LONGS_EQUAL(DriverState::Stopped, events[2].code());
  LONGS_EQUAL(InstanceRig::kMachine, events[0].machine());
  LONGS_EQUAL(DriverState::Stopped, rig.counter(DriverCounter::State));
  rig.instance.reset();
  LONGS_EQUAL(1, rig.driver.destroyed);
}

TEST(DriverInstance, AllTimeInsideTheDriverIsItsOwn) {
  const auto spend = [this](std::int64_t ns) {
    return [this, ns](auto&&...) { rig.clock.spend(ns); };
  };
  rig.driver.on_cycle = spend(1000);
  rig.driver.on_open = spend(200);
  rig.driver.on_bytes = spend(30);
  rig.driver.on_closed = spend(4);
  rig.driver.on_start = spend(50'000);
  rig.start();
  std::int64_t spent_ns = 0;
  rig.instance->account(&spent_ns);
  LONGS_EQUAL(50'000, spent_ns);
  rig.step();
  const std::uint8_t byte = 'x';
  rig.instance->on_open(0, rig.clock.now_ns());
  rig.instance->on_bytes(0, &byte, 1, rig.clock.now_ns());
  rig.instance->on_closed(0, RISE_CLOSED_BY_PEER, rig.clock.now_ns());
  CHECK(!rig.instance->account(&spent_ns));
  LONGS_EQUAL(1234, spent_ns);
  rig.step();
  rig.instance->account(&spent_ns);
  LONGS_EQUAL(1000, spent_ns);  // each cycle begins at zero
  LONGS_EQUAL(3, rise::shm::HistogramView(*rig.health().histograms()->Get(0)).count());
}

TEST(DriverInstance, ADriverOverBudgetIsBenchedOnce) {
  rig.spec.budget = {.budget_ns = 100'000, .bench_after = 3};
  std::int64_t takes_ns = 100'000;
  rig.driver.on_cycle = [&](FakeMachine* machine, const rise_cycle& cycle) {
    if (cycle.number == 2) {
      machine->ask(&rise_host::stream_open, "host", std::uint16_t{1}, 10u);
      machine->link(RISE_LINK_UP);
      machine->ask(&rise_host::signal_write, 0, 5.0);
      machine->text(2, "O1");
      machine->ask(&rise_host::sample, 0, cycle.now_ns);
    }
    rig.clock.spend(takes_ns);
  };
  rig.start();
  std::int64_t spent_ns = 0;
  rig.step();
  CHECK(!rig.instance->account(&spent_ns));
  rig.instance->publish();
  LONGS_EQUAL(0, rig.counter(DriverCounter::LateSteps));
  takes_ns = 100'001;
  for (int i = 0; i < 2; ++i) {
    rig.step();
    CHECK(!rig.instance->account(&spent_ns));
  }
  rig.step();
  CHECK(rig.instance->account(&spent_ns));
  CHECK(rig.instance->state() == DriverState::Benched);
  LONGS_EQUAL(3, rig.counter(DriverCounter::LateSteps));
  const message::MachineEvent told = rig.events(EventKind::DriverState).back();
  LONGS_EQUAL(DriverState::Benched, told.code());
  CHECK(told.severity() == message::Severity::Error);
  CHECK(message::get_text(told.text()) == "over its time budget too often");
  STRCMP_EQUAL("close 0", rig.port.calls.back().c_str());
  CHECK(!rig.instance->link_up());
  LONGS_EQUAL(1, rig.instance->publish());
  CHECK(all_frames(rig.region).back().quality() == message::Quality::Bad);
  LONGS_EQUAL(0, all_frames(rig.region).back().valid());
  LONGS_EQUAL(0,
              snapshot<message::TextState>(rig.region, rise::shm::SectionKind::Texts, 0).valid());

  const std::uint64_t cycles = rig.machine().cycles;
  const std::size_t calls = rig.machine().calls.size();
  const std::uint8_t byte = 'x';
  rig.step();
  rig.instance->on_bytes(0, &byte, 1, rig.clock.now_ns());
  rig.instance->on_closed(0, RISE_CLOSED_BY_US, rig.clock.now_ns());
  rig.instance->stop(rig.clock.now_ns());
  CHECK(!rig.instance->account(&spent_ns));
  LONGS_EQUAL(0, rig.instance->publish());
  LONGS_EQUAL(cycles, rig.machine().cycles);  // it is not called any more
  LONGS_EQUAL(calls, rig.machine().calls.size());
  CHECK(rig.instance->finished());
  rig.instance->finish();
  CHECK(rig.instance->state() == DriverState::Benched);
  LONGS_EQUAL(1, rig.counter(DriverCounter::BytesReceived));
}

TEST(DriverInstance, BenchedMeansTripped) {
  rig.start();
  arm();
  rig.instance->bench("for a test");
  rig.judge();
  CHECK(rig.instance->supervisor().channel().state() == SafetyState::Tripped);
  CHECK(rig.instance->supervisor().channel().reason() == message::TripReason::DriverBenched);
  LONGS_EQUAL(1, rig.machine().called("safe 5"));  // the last that it was asked for
  LONGS_EQUAL(2, rig.instance->supervisor().safe_confirmed());
}

// The streams are closed when what was queued has left: so safe() can queue its write before.
TEST(DriverInstance, ABenchedDriverSendsItsSafeOutputsFirst) {
  rig.driver.on_safe = [](FakeMachine* m) { m->send(0, "SAFE"); };
  rig.start();
  rig.machine().ask(&rise_host::stream_open, "host", std::uint16_t{1}, 10u);
  arm();
  rig.instance->bench("for a test");
  STRCMP_EQUAL("send 0 SAFE", rig.port.calls.at(rig.port.calls.size() - 2).c_str());
  STRCMP_EQUAL("close 0", rig.port.calls.back().c_str());
  CHECK(rig.instance->supervisor().channel().state() == SafetyState::Tripped);
  rig.machine().calls.clear();
  rig.judge();
  rig.instance->judge({.stop_word = true}, rig.clock.now_ns());
  LONGS_EQUAL(0, rig.machine().calls.size());  // it is not called any more
}

TEST(DriverInstance, ABenchedDriverThatWasNotArmedIsLeftAlone) {
  rig.start();
  rig.instance->bench("for a test");
  LONGS_EQUAL(0, rig.machine().called("safe"));
}

TEST(DriverInstance, NothingArmedIsStoppedBeforeItIsSafe) {
  rig.start();
  arm();
  rig.instance->stop(rig.clock.now_ns());
  LONGS_EQUAL(1, rig.machine().called("safe 9"));
  STRCMP_EQUAL("stop", rig.machine().calls.back().c_str());
  rig.instance->judge({.stop_word = true, .sidecar_alive = true}, rig.clock.now_ns());
  LONGS_EQUAL(0, rig.machine().called("too late"));
  LONGS_EQUAL(2, rig.instance->supervisor().safe_confirmed());
}

TEST(DriverInstance, ASampleFromTheFutureIsRefused) {
  rig.start();
  rig.machine().link(RISE_LINK_UP);
  const std::int64_t now_ns = rig.clock.now_ns();
  for (const std::int64_t future : {now_ns + 1, now_ns + 3'600'000'000'000, INT64_MAX}) {
    LONGS_EQUAL(RISE_E_ARGUMENT, rig.machine().ask(&rise_host::sample, 0, future));
  }
  rig.judge();
  CHECK(rig.instance->supervisor().channel().state() == SafetyState::Starting);
  LONGS_EQUAL(0, rig.instance->publish());
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::sample, 0, now_ns));
}

TEST(DriverInstance, WhileItIsDestroyedADriverGetsNoServices) {
  std::int32_t rc = RISE_OK;
  rig.driver.on_destroy = [&](FakeMachine* m) { rc = m->ask(&rise_host::signal_write, 0, 1.0); };
  rig.start();
  rig.instance.reset();
  LONGS_EQUAL(RISE_E_PHASE, rc);
}

TEST(DriverInstance, ADriverThatCannotCancelIsNotAsked) {
  rig.driver.abi.cancel = nullptr;
  rig.start();
  arm();
  rig.instance->judge({.stop_word = true}, rig.clock.now_ns());
  CHECK(rig.instance->supervisor().channel().state() == SafetyState::Tripped);
  LONGS_EQUAL(1, rig.machine().called("safe"));
}

TEST(DriverInstance, ADisarmReachesTheDriver) {
  rig.start();
  arm();
  send(message::CommandKind::Disarm);
  LONGS_EQUAL(1, rig.machine().called("cancel 0"));
}

TEST(DriverInstance, AReconnectBetweenTwoJudgementsIsNoticed) {
  rig.start();
  arm();
  rig.machine().link(RISE_LINK_DOWN);
  rig.machine().link(RISE_LINK_UP);
  rig.judge();
  CHECK(rig.instance->supervisor().channel().reason() == message::TripReason::LinkLost);
}

TEST(DriverInstance, CommandsReachTheDriverAndItsAnswerTheSupervisor) {
  rig.spec.outputs = {{"feed", "r100", {0, 150, 0}}};
  rig.start();
  arm();
  send(message::CommandKind::SetOutput, 80);
  LONGS_EQUAL(1, rig.machine().commands.size());
  const rise_command& command = rig.machine().commands[0];
  LONGS_EQUAL(RISE_COMMAND_SET, command.kind);
  DOUBLES_EQUAL(80, command.value, 0);
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::command_done, command.id,
                                         std::uint32_t{RISE_COMMAND_APPLIED}, 80.0, 0));
  CHECK(all_results(rig.region).back().outcome() == message::Outcome::Applied);
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::output_value, 0u, 77.0));
  DOUBLES_EQUAL(77, rig.instance->supervisor().output(0).value, 0);
}

TEST(DriverInstance, ATripCallsSafeInTheDriver) {
  rig.start();
  arm();
  rig.instance->judge({.stop_word = true, .sidecar_alive = true}, rig.clock.now_ns());
  LONGS_EQUAL(1, rig.machine().called("safe 1"));
  LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::safe_done, 1u));
  LONGS_EQUAL(1, rig.state().safe_confirmed());
  CHECK(rig.state().safety() == SafetyState::Tripped);
  CHECK(rig.state().trip_reason() == message::TripReason::StopWord);
}

TEST(DriverInstance, ADriverWithoutOutputsCannotBeMadeSafe) {
  rig.driver.abi.capabilities = RISE_CAP_STREAM;
  rig.driver.abi.command = nullptr;
  rig.driver.abi.safe = nullptr;
  rig.start();
  arm();
  rig.instance->judge({.stop_word = true}, rig.clock.now_ns());
  LONGS_EQUAL(2, rig.instance->supervisor().safe_confirmed());
  send(message::CommandKind::FeedHold);
  CHECK(all_results(rig.region).back().refusal() == message::Refusal::DriverCannot);
}

TEST(DriverInstance, LimitsAreJudgedWithTheSampleThatBreaksThem) {
  rig.spec.limits = {{"other", {.max = 100}}};
  rig.start();
  rig.machine().ask(&rise_host::signal_write, 1, 1.0);
  arm();
  rig.machine().ask(&rise_host::signal_write, 1, 101.0);
  rig.judge();
  CHECK(rig.instance->supervisor().channel().state() == SafetyState::Armed);  // not a sample yet
  rig.machine().ask(&rise_host::sample, 0, rig.clock.now_ns());
  rig.judge();
  CHECK(rig.instance->supervisor().channel().reason() == message::TripReason::Limit);
}

TEST(DriverInstance, AValueBeyondItsRangeIsNoSampleButBreaksItsLimit) {
  rig.spec.limits = {{"other", {.max = 100}}};
  rig.start();
  rig.machine().ask(&rise_host::signal_write, 1, 1.0);
  arm();
  LONGS_EQUAL(RISE_E_ARGUMENT, rig.machine().ask(&rise_host::signal_write, 1, 5000.0));
  rig.machine().ask(&rise_host::sample, 0, rig.clock.now_ns());
  rig.judge();
  CHECK(rig.instance->supervisor().channel().reason() == message::TripReason::Limit);
  rig.instance->publish();
  LONGS_EQUAL(0, all_frames(rig.region).back().valid() & 2);
}

TEST(DriverInstance, ALimitOfASignalWithoutAValueIsBlind) {
  rig.spec.limits = {{"other", {.max = 100}}};
  rig.start();
  rig.machine().ask(&rise_host::signal_write, 1, 1.0);
  arm();
  for (int ms = 0; ms < 1000; ms += 10) {
    rig.step(10'000'000);
    rig.machine().ask(&rise_host::signal_write, 0, 1.0);
    rig.machine().ask(&rise_host::signal_write, 1, static_cast<double>(NAN));
    LONGS_EQUAL(RISE_OK, rig.machine().ask(&rise_host::sample, 0, rig.clock.now_ns()));
    rig.judge();
    CHECK(rig.instance->supervisor().channel().state() == SafetyState::Armed);
  }
  rig.step(1);
  rig.judge();
  CHECK(rig.instance->supervisor().channel().reason() == message::TripReason::Limit);
}
