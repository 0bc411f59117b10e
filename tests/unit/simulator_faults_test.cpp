// Faults: each kind does what it says, as often as it says, when it says - and only with the
// seed's chance.
#include <CppUTest/TestHarness.h>

#include "drivers/focas/wire/bytes.hpp"
#include "tests/unit/simulator_bench.hpp"

using namespace rise::cncsim;
using rise::focas::wire::FrameType;
using rise::test::Bench;
using rise::test::mill_spec;
using rise::test::open_request;
using rise::test::request_of;
using rise::test::take_frames;
using rise::test::type_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

FaultSpec fault_of(FaultKind kind) {
  FaultSpec spec;
  spec.kind = kind;
  return spec;
}

const Bytes kAsk = request_of({{0x18}, {0x24}});

// A bench with one fault and an open data connection.
struct Faulty {
  explicit Faulty(const FaultSpec& fault, ControlSpec spec = mill_spec()) : bench(std::move(spec)) {
    connection = bench.connect(2);
    healthy = bench.send(connection, kAsk);
    bench.sessions.faults().add(fault);
    bench.run(0);
  }
  Bytes ask() { return bench.send(connection, kAsk, &alive); }
  // What comes within this time, without what comes at once.
  Bytes later(double seconds) {
    Bytes bytes;
    bench.run(seconds);
    alive = bench.sessions.poll(connection, bench.now_ns, &bytes);
    return bytes;
  }
  Bench bench;
  std::uint32_t connection = 0;
  Bytes healthy;
  bool alive = true;
};

}  // namespace

TEST_GROUP(SimulatorFaults){};

TEST(SimulatorFaults, NamesAndKindsBelongTogether) {
  for (int i = 0; i <= static_cast<int>(FaultKind::Emergency); ++i) {
    const auto kind = static_cast<FaultKind>(i);
    FaultKind found = FaultKind::Delay;
    CHECK(find_fault_kind(fault_kind_name(kind), &found));
    CHECK(found == kind);
    const std::string all = std::string("|") + kFaultKindChoices + "|";
    CHECK(all.find(std::string("|") + fault_kind_name(kind) + "|") != std::string::npos);
  }
  FaultKind none = FaultKind::Delay;
  CHECK(!find_fault_kind("nothing", &none));
}

TEST(SimulatorFaults, Delay) {
  FaultSpec fault = fault_of(FaultKind::Delay);
  fault.delay_us = 3000;
  fault.jitter_us = 2000;
  Faulty faulty(fault);
  for (int i = 0; i < 50; ++i) {
    CHECK(faulty.ask().empty());
    const std::int64_t wait =
        faulty.bench.sessions.next_due_ns(faulty.connection) - faulty.bench.now_ns;
    CHECK(wait >= 3'000'000 && wait <= 5'000'000);
    CHECK(faulty.later(0.0029).empty());
    CHECK(faulty.later(0.0022) == faulty.healthy);
  }
  CHECK(faulty.alive);
}

TEST(SimulatorFaults, Stall) {
  Faulty faulty(fault_of(FaultKind::Stall));
  CHECK(faulty.ask().empty());
  CHECK(faulty.later(100).empty());
  CHECK(faulty.alive);
  CHECK(faulty.bench.sessions.next_due_ns(faulty.connection) == Sessions::kNever);
}

TEST(SimulatorFaults, Reset) {
  Faulty faulty(fault_of(FaultKind::Reset));
  CHECK(faulty.ask().empty());
  CHECK(!faulty.alive);
  CHECK(faulty.bench.sessions.was_reset(faulty.connection));
}

TEST(SimulatorFaults, RefuseOpen) {
  Faulty faulty(fault_of(FaultKind::RefuseOpen));
  CHECK(faulty.ask() == faulty.healthy);
  const Bytes reply = faulty.bench.send(faulty.bench.connect(0), open_request(2));
  CHECK(type_of(reply) == FrameType::OpenRefused);
}

TEST(SimulatorFaults, HalfOpen) {
  Faulty faulty(fault_of(FaultKind::HalfOpen));
  const std::uint32_t fresh = faulty.bench.connect(0);
  CHECK(fresh != 0);
  CHECK(faulty.bench.send(fresh, open_request(2)).empty());
  CHECK(faulty.ask() == faulty.healthy);
}

TEST(SimulatorFaults, RefuseListen) {
  Faulty faulty(fault_of(FaultKind::RefuseListen));
  CHECK(!faulty.bench.sessions.listening());
  LONGS_EQUAL(0, faulty.bench.sessions.connect(faulty.bench.now_ns));
  CHECK(faulty.ask() == faulty.healthy);
  LONGS_EQUAL(1, faulty.bench.sessions.faults().clear(std::nullopt, &faulty.bench.control));
  CHECK(faulty.bench.sessions.listening());
  CHECK(faulty.bench.connect(2) != 0);
}

TEST(SimulatorFaults, Torn) {
  FaultSpec fault = fault_of(FaultKind::Torn);
  fault.amount = 3;
  fault.gap_us = 500;
  Faulty faulty(fault);
  Bytes all = faulty.ask();
  LONGS_EQUAL(3, all.size());
  int pieces = 1;
  while (all.size() < faulty.healthy.size()) {
    const Bytes piece = faulty.later(0.0005);
    CHECK(!piece.empty() && piece.size() <= 3);
    all.insert(all.end(), piece.begin(), piece.end());
    ++pieces;
  }
  CHECK(all == faulty.healthy);
  LONGS_EQUAL((faulty.healthy.size() + 2) / 3, pieces);
}

TEST(SimulatorFaults, WrongLengths) {
  FaultSpec fault = fault_of(FaultKind::HeaderLength);
  fault.amount = -2;
  Faulty header(fault);
  Bytes expected = header.healthy;
  expected[9] = static_cast<std::uint8_t>(expected[9] - 2);
  CHECK(header.ask() == expected);
  fault = fault_of(FaultKind::BlockLength);
  fault.amount = 4;
  Faulty block(fault);
  expected = block.healthy;
  expected[13] = static_cast<std::uint8_t>(expected[13] + 4);
  CHECK(block.ask() == expected);
  CHECK(block.alive);
}

TEST(SimulatorFaults, GarbageTruncationAndRepetition) {
  Faulty garbage(fault_of(FaultKind::Garbage));
  const Bytes noise = garbage.ask();
  LONGS_EQUAL(garbage.healthy.size(), noise.size());
  CHECK(noise != garbage.healthy);
  Faulty truncate(fault_of(FaultKind::Truncate));
  const Bytes half = truncate.ask();
  LONGS_EQUAL(truncate.healthy.size() / 2, half.size());
  CHECK(!truncate.alive);
  CHECK(!truncate.bench.sessions.was_reset(truncate.connection));
  Faulty repeat(fault_of(FaultKind::Repeat));
  Bytes twice = repeat.ask();
  const auto frames = take_frames(&twice);
  LONGS_EQUAL(2, frames.size());
  CHECK(frames[0] == frames[1] && frames[0] == repeat.healthy);
}

TEST(SimulatorFaults, ErrorBlocksForOneCommand) {
  FaultSpec fault = fault_of(FaultKind::ErrorBlock);
  fault.command = 0x24;
  fault.status = 6;
  fault.count = 2;
  Bench bench(mill_spec());
  bench.sessions.faults().add(fault);
  CHECK(bench.ask(0x18).status == rise::focas::wire::Status::Ok);
  for (int i = 0; i < 2; ++i) {
    const auto answers = bench.ask({{0x18}, {0x24}});
    CHECK(answers[0].status == rise::focas::wire::Status::Ok);
    CHECK(answers[1].status == rise::focas::wire::Status::NoOption);
    CHECK(answers[1].data.empty());
  }
  CHECK(bench.ask(0x24).status == rise::focas::wire::Status::Ok);
}

TEST(SimulatorFaults, CountEndsAFault) {
  FaultSpec fault = fault_of(FaultKind::Stall);
  fault.count = 3;
  Faulty faulty(fault);
  for (int i = 0; i < 3; ++i) CHECK(faulty.ask().empty());
  CHECK(faulty.ask() == faulty.healthy);
  LONGS_EQUAL(3, faulty.bench.sessions.counters().faults);
}

TEST(SimulatorFaults, ProbabilityComesFromTheSeed) {
  FaultSpec fault = fault_of(FaultKind::Stall);
  fault.probability = 0.3;
  std::string patterns[3];
  for (int run = 0; run < 3; ++run) {
    ControlSpec spec = mill_spec();
    spec.seed = run == 2 ? 99 : 42;
    Faulty faulty(fault, spec);
    for (int i = 0; i < 1000; ++i) patterns[run] += faulty.ask().empty() ? 'x' : '.';
  }
  CHECK(patterns[0] == patterns[1]);
  CHECK(patterns[0] != patterns[2]);
  const auto hits = std::count(patterns[0].begin(), patterns[0].end(), 'x');
  CHECK(hits > 230 && hits < 370);
}

TEST(SimulatorFaults, WindowsOfTime) {
  FaultSpec fault = fault_of(FaultKind::Stall);
  fault.after_s = 2;
  fault.for_s = 1;
  fault.every_s = 5;
  Faulty faulty(fault);
  std::string pattern;
  for (int i = 0; i < 14; ++i) {
    pattern += faulty.ask().empty() ? 'x' : '.';
    faulty.bench.run(1);
  }
  STRCMP_EQUAL("..x....x....x.", pattern.c_str());
}

TEST(SimulatorFaults, ScopesAreKept) {
  FaultSpec fault = fault_of(FaultKind::Reset);
  fault.scope = FaultScope::Open;
  Faulty faulty(fault);
  CHECK(faulty.ask() == faulty.healthy);
  bool alive = true;
  (void)faulty.bench.send(faulty.bench.connect(0), open_request(2), &alive);
  CHECK(!alive);
  fault.scope = FaultScope::Transfer;
  Faulty transfer(fault);
  CHECK(transfer.ask() == transfer.healthy);
  (void)transfer.bench.send(transfer.bench.connect(1),
                            rise::test::frame_of(FrameType::UploadStart, Bytes(516, 0)), &alive);
  CHECK(!alive);
}

TEST(SimulatorFaults, AlarmsAndEmergencyComeAndGo) {
  FaultSpec alarm = fault_of(FaultKind::Alarm);
  alarm.alarm_number = 1003;
  alarm.alarm_type = "EX";
  alarm.alarm_text = "DOOR";
  alarm.after_s = 1;
  alarm.for_s = 1;
  FaultSpec emergency = fault_of(FaultKind::Emergency);
  emergency.after_s = 3;
  emergency.for_s = 1;
  SessionSpec session;
  session.faults = {alarm, emergency};
  Bench bench(mill_spec(), session);
  std::string pattern;
  for (int i = 0; i < 12; ++i) {
    pattern += bench.path().alarms().any() ? 'a' : (bench.control.emergency() ? 'e' : '.');
    bench.run(0.5);
  }
  STRCMP_EQUAL("..aa..ee....", pattern.c_str());
  LONGS_EQUAL(0, bench.path().alarms().bits());
}

TEST(SimulatorFaults, ClearingLetsGoOfTheMachine) {
  SessionSpec session;
  session.faults = {fault_of(FaultKind::Emergency)};
  Bench bench(mill_spec(), session);
  CHECK(bench.control.emergency());
  LONGS_EQUAL(0, bench.sessions.faults().clear(FaultKind::Alarm, &bench.control));
  LONGS_EQUAL(1, bench.sessions.faults().clear(FaultKind::Emergency, &bench.control));
  CHECK(!bench.control.emergency());
}
