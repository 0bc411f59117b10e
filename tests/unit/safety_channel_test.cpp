#include "rt_core/safety/channel.hpp"

#include <CppUTest/TestHarness.h>

using namespace rise::safety;
using rise::message::Refusal;
using rise::message::SafetyState;
using rise::message::TripReason;

namespace {

Conditions good() {
  Conditions c;
  c.link_up = c.fresh = c.driver_running = c.sidecar_alive = true;
  return c;
}

// A channel that was brought into the state by the shortest way.
Channel channel_in(SafetyState state) {
  Channel channel;
  if (state == SafetyState::Starting) return channel;
  channel.evaluate(good());
  if (state == SafetyState::Armed || state == SafetyState::Tripped) {
    CHECK(channel.arm(good()) == Refusal::None);
  }
  if (state == SafetyState::Tripped) {
    Conditions stop = good();
    stop.stop_word = true;
    channel.evaluate(stop);
  }
  return channel;
}

constexpr SafetyState kStarting = SafetyState::Starting;
constexpr SafetyState kDisarmed = SafetyState::Disarmed;
constexpr SafetyState kArmed = SafetyState::Armed;
constexpr SafetyState kTripped = SafetyState::Tripped;

// One line for each condition: what it does to each state, and what Arm (when disarmed) and Reset
// (when tripped) answer while it holds.
struct Row {
  const char* name;
  void (*apply)(Conditions* c);
  SafetyState from_starting;
  SafetyState from_disarmed;
  SafetyState from_armed;
  TripReason reason;
  Refusal arm;
  Refusal reset;
};

const Row kRows[] = {
    {"all good", [](Conditions*) {}, kDisarmed, kDisarmed, kArmed, TripReason::None, Refusal::None,
     Refusal::None},
    {"stop word", [](Conditions* c) { c->stop_word = true; }, kTripped, kTripped, kTripped,
     TripReason::StopWord, Refusal::TripConditionActive, Refusal::TripConditionActive},
    {"input lost", [](Conditions* c) { c->input_lost = true; }, kTripped, kTripped, kTripped,
     TripReason::InputLost, Refusal::TripConditionActive, Refusal::TripConditionActive},
    {"link down", [](Conditions* c) { c->link_up = false; }, kStarting, kDisarmed, kTripped,
     TripReason::LinkLost, Refusal::NotFresh, Refusal::TripConditionActive},
    {"not fresh", [](Conditions* c) { c->fresh = false; }, kStarting, kDisarmed, kTripped,
     TripReason::LinkLost, Refusal::NotFresh, Refusal::TripConditionActive},
    {"driver benched", [](Conditions* c) { c->driver_running = false; }, kDisarmed, kDisarmed,
     kTripped, TripReason::DriverBenched, Refusal::TripConditionActive,
     Refusal::TripConditionActive},
    {"blind limit", [](Conditions* c) { c->limit_blind = true; }, kDisarmed, kDisarmed, kTripped,
     TripReason::Limit, Refusal::NotFresh, Refusal::TripConditionActive},
    {"limit", [](Conditions* c) { c->limit_violated = true; }, kDisarmed, kDisarmed, kTripped,
     TripReason::Limit, Refusal::TripConditionActive, Refusal::TripConditionActive},
    {"overrun", [](Conditions* c) { c->overrun = true; }, kDisarmed, kDisarmed, kTripped,
     TripReason::Overrun, Refusal::TripConditionActive, Refusal::TripConditionActive},
    {"sidecar lost, not needed", [](Conditions* c) { c->sidecar_alive = false; }, kDisarmed,
     kDisarmed, kArmed, TripReason::None, Refusal::None, Refusal::None},
    {"sidecar lost, needed",
     [](Conditions* c) {
       c->sidecar_alive = false;
       c->sidecar_needed = true;
     },
     kDisarmed, kDisarmed, kTripped, TripReason::SidecarLost, Refusal::NotFresh,
     Refusal::TripConditionActive},
    {"sidecar needed and alive", [](Conditions* c) { c->sidecar_needed = true; }, kDisarmed,
     kDisarmed, kArmed, TripReason::None, Refusal::None, Refusal::None},
};

}  // namespace

TEST_GROUP(SafetyChannel){};

TEST(SafetyChannel, EveryConditionInEveryState) {
  for (const Row& row : kRows) {
    Conditions c = good();
    row.apply(&c);
    for (const SafetyState from : {kStarting, kDisarmed, kArmed, kTripped}) {
      Channel channel = channel_in(from);
      CHECK_TEXT(channel.state() == from, row.name);
      const SafetyState to = from == kStarting   ? row.from_starting
                             : from == kDisarmed ? row.from_disarmed
                             : from == kArmed    ? row.from_armed
                                                 : kTripped;
      CHECK_TEXT(channel.evaluate(c) == (from != to), row.name);
      CHECK_TEXT(channel.state() == to, row.name);
      if (from != kTripped) {
        CHECK_TEXT(channel.reason() == (to == kTripped ? row.reason : TripReason::None), row.name);
      } else {
        CHECK_TEXT(channel.reason() == TripReason::StopWord, row.name);  // that of the trip
      }
      CHECK_TEXT(!channel.evaluate(c), row.name);  // once
    }
  }
}

TEST(SafetyChannel, EveryCommandInEveryStateUnderEveryCondition) {
  for (const Row& row : kRows) {
    Conditions c = good();
    row.apply(&c);
    for (const SafetyState from : {kStarting, kDisarmed, kArmed, kTripped}) {
      Channel channel = channel_in(from);
      const Refusal arm = from == kDisarmed ? row.arm : Refusal::WrongState;
      CHECK_TEXT(channel.arm(c) == arm, row.name);
      CHECK_TEXT(channel.state() == (arm == Refusal::None ? kArmed : from), row.name);

      channel = channel_in(from);
      const bool may_disarm = from == kArmed || from == kDisarmed;
      CHECK_TEXT(channel.disarm() == (may_disarm ? Refusal::None : Refusal::WrongState), row.name);
      CHECK_TEXT(channel.state() == (may_disarm ? kDisarmed : from), row.name);

      channel = channel_in(from);
      const Refusal reset = from == kTripped ? row.reset : Refusal::WrongState;
      CHECK_TEXT(channel.reset(c) == reset, row.name);
      CHECK_TEXT(channel.state() == (reset == Refusal::None ? kDisarmed : from), row.name);
      const bool still_tripped = from == kTripped && reset != Refusal::None;
      CHECK_TEXT(channel.reason() == (still_tripped ? TripReason::StopWord : TripReason::None),
                 row.name);
    }
  }
}

TEST(SafetyChannel, OfSeveralCausesTheMostSevereIsNamed) {
  const struct {
    void (*apply)(Conditions* c);
    TripReason reason;
  } by_severity[] = {
      {[](Conditions* c) { c->stop_word = true; }, TripReason::StopWord},
      {[](Conditions* c) { c->input_lost = true; }, TripReason::InputLost},
      {[](Conditions* c) { c->limit_violated = true; }, TripReason::Limit},
      {[](Conditions* c) { c->driver_running = false; }, TripReason::DriverBenched},
      {[](Conditions* c) { c->link_up = false; }, TripReason::LinkLost},
      {[](Conditions* c) { c->overrun = true; }, TripReason::Overrun},
      {[](Conditions* c) { c->sidecar_alive = !(c->sidecar_needed = true); },
       TripReason::SidecarLost},
  };
  for (unsigned set = 1; set < 1u << std::size(by_severity); ++set) {
    Conditions c = good();
    TripReason expected = TripReason::None;
    for (std::size_t i = 0; i < std::size(by_severity); ++i) {
      if ((set >> i & 1) == 0) continue;
      by_severity[i].apply(&c);
      if (expected == TripReason::None) expected = by_severity[i].reason;
    }
    Channel channel = channel_in(kArmed);
    CHECK(channel.evaluate(c));
    CHECK(channel.state() == kTripped);
    CHECK(channel.reason() == expected);
  }
}

TEST(SafetyChannel, ATripStaysWithItsFirstReasonUntilReset) {
  Channel channel = channel_in(kArmed);
  Conditions c = good();
  c.limit_violated = true;
  CHECK(channel.evaluate(c));
  c = good();
  for (int i = 0; i < 1000; ++i) CHECK(!channel.evaluate(c));
  c.stop_word = true;
  CHECK(!channel.evaluate(c));
  CHECK(channel.state() == kTripped);
  CHECK(channel.reason() == TripReason::Limit);
  CHECK(channel.arm(good()) == Refusal::WrongState);
  CHECK(channel.disarm() == Refusal::WrongState);
  CHECK(channel.reset(good()) == Refusal::None);
  CHECK(channel.state() == kDisarmed);  // not armed: that takes an edge of its own
  CHECK(channel.reason() == TripReason::None);
  CHECK(!channel.evaluate(good()));
  CHECK(channel.arm(good()) == Refusal::None);
}

TEST(SafetyChannel, StartingNeedsLinkAndSampleTogether) {
  Channel channel;
  Conditions c;
  CHECK(!channel.evaluate(c));
  c.link_up = true;
  CHECK(!channel.evaluate(c));
  c.link_up = false;
  c.fresh = true;
  CHECK(!channel.evaluate(c));
  CHECK(channel.state() == kStarting);
  c.link_up = true;
  CHECK(channel.evaluate(c));
  CHECK(channel.state() == kDisarmed);
}

TEST(SafetyChannel, DisarmedStaysDisarmedWhenTheMachineGoes) {
  Channel channel = channel_in(kDisarmed);
  CHECK(!channel.evaluate(Conditions{}));
  CHECK(channel.state() == kDisarmed);
}

TEST(SafetyChannel, ATripWithoutAConditionIsLatchedToo) {
  for (const SafetyState from : {kStarting, kDisarmed, kArmed}) {
    Channel channel = channel_in(from);
    CHECK(channel.trip(TripReason::UncleanStart));
    CHECK(!channel.trip(TripReason::CoreStop));  // the first reason stays
    CHECK(channel.reason() == TripReason::UncleanStart);
    CHECK(!channel.evaluate(good()));
    CHECK(channel.arm(good()) == Refusal::WrongState);
    CHECK(channel.reset(good()) == Refusal::None);
  }
}

TEST(SafetyChannel, WithoutALinkItIsTheLinkThatIsNamedNotTheBlindLimit) {
  Channel channel = channel_in(kArmed);
  Conditions c = good();
  c.limit_blind = true;
  c.fresh = false;
  CHECK(channel.evaluate(c));
  CHECK(channel.reason() == TripReason::LinkLost);
}
