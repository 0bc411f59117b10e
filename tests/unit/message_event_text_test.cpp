#include "rt_core/message/event_text.hpp"

#include <CppUTest/TestHarness.h>

#include <iterator>
#include <set>

#include "rt_core/message/text.hpp"

using namespace rise::message;

namespace {

MachineEvent event(EventKind kind, int code, int detail, double value, std::string_view text) {
  MachineEvent event;
  event.mutate_kind(kind);
  event.mutate_code(code);
  event.mutate_detail(detail);
  event.mutate_value(value);
  event.mutate_text_length(static_cast<std::uint16_t>(set_text(event.mutable_text(), text)));
  return event;
}

// The texts of every value of an enumeration, in the order of the schema; written out here, so that
// a new value fails until somebody has read how it sounds.
const char* const kLinkStates[] = {"down", "connecting", "up"};
const char* const kSafetyStates[] = {"starting", "disarmed", "armed", "tripped"};
const char* const kTripReasons[] = {"none",          "stop word",      "limit",   "link lost",
                                    "sidecar lost",  "driver benched", "overrun", "input lost",
                                    "unclean start", "core stop"};
const char* const kDriverStates[] = {"configured", "running", "stopping", "stopped", "benched"};
const char* const kOutcomes[] = {"none",    "accepted", "applied",  "refused",
                                 "expired", "failed",   "mismatch", "rolled back"};
const char* const kCommands[] = {"none",   "set output", "feed hold", "arm",
                                 "disarm", "reset",      "reload"};
const char* const kRefusals[] = {"none",
                                 "replayed",
                                 "from the future",
                                 "no approver",
                                 "unknown machine",
                                 "unknown output",
                                 "unknown kind",
                                 "not armed",
                                 "below min",
                                 "above max",
                                 "step too large",
                                 "not finite",
                                 "trip condition active",
                                 "not fresh",
                                 "wrong state",
                                 "driver busy",
                                 "driver cannot",
                                 "ttl too long",
                                 "nothing approved"};

}  // namespace

TEST_GROUP(MessageEventText){};

TEST(MessageEventText, TheTablesOfThisTestAreComplete) {
  LONGS_EQUAL(std::size(EnumValuesLinkState()), std::size(kLinkStates));
  LONGS_EQUAL(std::size(EnumValuesSafetyState()), std::size(kSafetyStates));
  LONGS_EQUAL(std::size(EnumValuesTripReason()), std::size(kTripReasons));
  LONGS_EQUAL(std::size(EnumValuesDriverState()), std::size(kDriverStates));
  LONGS_EQUAL(std::size(EnumValuesOutcome()), std::size(kOutcomes));
  LONGS_EQUAL(std::size(EnumValuesCommandKind()), std::size(kCommands));
  LONGS_EQUAL(std::size(EnumValuesRefusal()), std::size(kRefusals));
}

TEST(MessageEventText, EveryKindHasASentence) {
  struct {
    EventKind kind;
    int code;
    int detail;
    double value;
    const char* text;
    const char* expected;
  } const cases[] = {
      {EventKind::None, 0, 0, 0, "", "event of unknown kind 0"},
      {EventKind::AlarmOn, 500, 4, 2, "OVER TRAVEL", "alarm on: 500 (type 4, axis 2) OVER TRAVEL"},
      {EventKind::AlarmOn, 11, 1, 0, "SPINDLE", "alarm on: 11 (type 1) SPINDLE"},
      {EventKind::AlarmOff, 500, 4, 2, "OVER", "alarm off: 500 (type 4, axis 2) OVER"},
      {EventKind::Text, 17, 0, 0, "O1234", "text of signal 17: O1234"},
      {EventKind::Link, 2, 0, 0, "", "link up"},
      {EventKind::Link, 0, 1, 0, "refused", "link down (backup endpoint): refused"},
      {EventKind::Safety, 3, 1, 0, "", "tripped: stop word"},
      {EventKind::Safety, 1, 0, 0, "", "disarmed"},
      {EventKind::DriverState, 4, 0, 0, "too slow", "driver benched: too slow"},
      {EventKind::Overrun, 3, 7, 12500, "",
       "cycle overrun by 12.5 us, 3 cycles skipped, slowest driver: machine 7"},
      {EventKind::Overrun, 0, -1, 900, "", "cycle overrun by 0.9 us, 0 cycles skipped"},
      {EventKind::Lane, 4, 0, 0, "command ring corrupt", "command ring corrupt"},
      {EventKind::Notice, 1, 0, 0, "has 4 axes", "has 4 axes"},
      {EventKind::Notice, 1, 0, 155.5, "beyond its limit", "beyond its limit (155.5)"},
      {EventKind::EventsLost, 88, 0, 0, "", "88 events were too many and are lost"},
  };
  std::set<EventKind> seen;
  for (const auto& c : cases) {
    STRCMP_EQUAL(c.expected, event_text(event(c.kind, c.code, c.detail, c.value, c.text)).c_str());
    seen.insert(c.kind);
  }
  for (const EventKind kind : EnumValuesEventKind()) {
    CHECK_TEXT(seen.contains(kind), EnumNameEventKind(kind));
  }
}

TEST(MessageEventText, EveryStateAndReasonHasItsWords) {
  for (std::size_t i = 0; i < std::size(kLinkStates); ++i) {
    const auto text = event_text(event(EventKind::Link, static_cast<int>(i), 0, 0, ""));
    STRCMP_EQUAL((std::string("link ") + kLinkStates[i]).c_str(), text.c_str());
  }
  for (std::size_t i = 0; i < std::size(kSafetyStates); ++i) {
    for (std::size_t reason = 0; reason < std::size(kTripReasons); ++reason) {
      std::string expected = kSafetyStates[i];
      if (reason != 0) expected += std::string(": ") + kTripReasons[reason];
      const auto text = event_text(
          event(EventKind::Safety, static_cast<int>(i), static_cast<int>(reason), 0, ""));
      STRCMP_EQUAL(expected.c_str(), text.c_str());
    }
  }
  for (std::size_t i = 0; i < std::size(kDriverStates); ++i) {
    const auto text = event_text(event(EventKind::DriverState, static_cast<int>(i), 0, 0, "why"));
    STRCMP_EQUAL((std::string("driver ") + kDriverStates[i] + ": why").c_str(), text.c_str());
  }
}

TEST(MessageEventText, UnknownNumbersAreNoReasonToFail) {
  for (int kind = 0; kind < 256; ++kind) {
    for (const int code : {-1, 0, 77, 255, 256, INT32_MAX, INT32_MIN}) {
      const auto text = event_text(event(static_cast<EventKind>(kind), code, code, 1e300, "x"));
      CHECK(!text.empty());
    }
  }
  STRCMP_EQUAL("event of unknown kind 200",
               event_text(event(static_cast<EventKind>(200), 0, 0, 0, "")).c_str());
}

TEST(MessageEventText, ATextLengthThatLiesIsCutToTheField) {
  MachineEvent lying = event(EventKind::Lane, 0, 0, 0, "short");
  lying.mutate_text_length(65535);
  STRCMP_EQUAL("short", event_text(lying).c_str());
  lying.mutate_text_length(2);
  STRCMP_EQUAL("sh", event_text(lying).c_str());
}

TEST_GROUP(MessageResultText) { CommandResult result; };

TEST(MessageResultText, EveryOutcomeAndKindHasItsWords) {
  for (std::size_t outcome = 0; outcome < std::size(kOutcomes); ++outcome) {
    for (std::size_t kind = 0; kind < std::size(kCommands); ++kind) {
      result.mutate_outcome(static_cast<Outcome>(outcome));
      result.mutate_kind(static_cast<CommandKind>(kind));
      const std::string text = result_text(result);
      const std::string start = std::string(kOutcomes[outcome]) + ": " + kCommands[kind];
      STRCMP_EQUAL(start.c_str(), text.substr(0, start.size()).c_str());
    }
  }
}

TEST(MessageResultText, EveryRefusalHasItsWords) {
  result.mutate_outcome(Outcome::Refused);
  result.mutate_kind(CommandKind::Arm);
  for (std::size_t i = 0; i < std::size(kRefusals); ++i) {
    result.mutate_refusal(static_cast<Refusal>(i));
    const std::string expected =
        std::string("refused: arm") + (i == 0 ? "" : std::string(", ") + kRefusals[i]);
    STRCMP_EQUAL(expected.c_str(), result_text(result).c_str());
  }
}

TEST(MessageResultText, ValuesStatusAndApproverAreTold) {
  result.mutate_outcome(Outcome::Mismatch);
  result.mutate_kind(CommandKind::SetOutput);
  result.mutate_output(3);
  result.mutate_requested(80);
  result.mutate_value(79.5);
  result.mutate_detail(-8);
  set_text(result.mutable_approver(), "anna");
  STRCMP_EQUAL("mismatch: set output 3 to 80, reads back 79.5, device status -8 (anna)",
               result_text(result).c_str());
  result.mutate_outcome(Outcome::Refused);
  result.mutate_detail(0);
  result.mutate_refusal(Refusal::AboveMax);
  STRCMP_EQUAL("refused: set output 3 to 80, above max (anna)", result_text(result).c_str());
}

TEST(MessageResultText, UnknownNumbersAreNoReasonToFail) {
  for (int number = 0; number < 256; ++number) {
    result.mutate_outcome(static_cast<Outcome>(number));
    result.mutate_kind(static_cast<CommandKind>(number));
    result.mutate_refusal(static_cast<Refusal>(number));
    CHECK(!result_text(result).empty());
  }
}
