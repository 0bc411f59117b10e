#include "rt_core/message/event_text.hpp"

#include <cstdio>

#include "rt_core/message/text.hpp"

namespace rise::message {

namespace {

std::string lower(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z' && !text.empty()) text += ' ';
    text += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

std::string event_text(const MachineEvent& event) {
  std::string text(get_text(event.text()).substr(0, event.text_length()));
  const std::string code = std::to_string(event.code());
  switch (event.kind()) {
    case EventKind::AlarmOn:
    case EventKind::AlarmOff: {
      std::string line = event.kind() == EventKind::AlarmOn ? "alarm on: " : "alarm off: ";
      line += code + " (type " + std::to_string(event.detail());
      if (event.path() > 0) line += ", path " + std::to_string(event.path());
      if (event.value() > 0) line += ", axis " + number(event.value());
      return line + ") " + text;
    }
    case EventKind::Text: return "text of signal " + code + ": " + text;
    case EventKind::Link:
      return "link " + lower(EnumNameLinkState(static_cast<LinkState>(event.code()))) +
             (event.detail() != 0 ? " (backup endpoint)" : "") + (text.empty() ? "" : ": " + text);
    case EventKind::Safety: {
      std::string line = lower(EnumNameSafetyState(static_cast<SafetyState>(event.code())));
      if (event.detail() != 0)
        line += ": " + lower(EnumNameTripReason(static_cast<TripReason>(event.detail())));
      return line;
    }
    case EventKind::DriverState:
      return "driver " + lower(EnumNameDriverState(static_cast<DriverState>(event.code()))) + ": " +
             text;
    case EventKind::Overrun:
      return "cycle overrun by " + number(event.value() / 1000) + " us, " + code +
             " cycles skipped" +
             (event.detail() >= 0 ? ", slowest driver: machine " + std::to_string(event.detail())
                                  : "");
    case EventKind::EventsLost: return code + " events were too many and are lost";
    case EventKind::Notice:
      return text + (event.value() != 0 ? " (" + number(event.value()) + ")" : "");
    case EventKind::Lane: return text;
    case EventKind::None: break;
  }
  return "event of unknown kind " + std::to_string(static_cast<int>(event.kind()));
}

std::string result_text(const CommandResult& result) {
  std::string line =
      lower(EnumNameOutcome(result.outcome())) + ": " + lower(EnumNameCommandKind(result.kind()));
  if (result.kind() == CommandKind::SetOutput) {
    line += " " + std::to_string(result.output()) + " to " + number(result.requested());
    if (result.outcome() == Outcome::Applied || result.outcome() == Outcome::Mismatch ||
        result.outcome() == Outcome::RolledBack) {
      line += ", reads back " + number(result.value());
    }
  }
  if (result.refusal() != Refusal::None) line += ", " + lower(EnumNameRefusal(result.refusal()));
  if (result.detail() != 0) line += ", device status " + std::to_string(result.detail());
  const std::string_view approver = get_text(result.approver());
  if (!approver.empty()) line += " (" + std::string(approver) + ")";
  return line;
}

}  // namespace rise::message
