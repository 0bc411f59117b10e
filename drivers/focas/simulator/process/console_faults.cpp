// Console commands for faults, alarms and operator messages.
#include <charconv>

#include "drivers/focas/simulator/process/console.hpp"

namespace rise::cncsim {

namespace {

constexpr double kLeast = -30000;
constexpr double kLargest = 1e9;

constexpr struct {
  const char* key;
  double FaultSpec::*field;
} kNumbers[] = {{"probability", &FaultSpec::probability},
                {"after_s", &FaultSpec::after_s},
                {"for_s", &FaultSpec::for_s},
                {"every_s", &FaultSpec::every_s}};

constexpr struct {
  const char* key;
  std::int64_t FaultSpec::*field;
  bool may_be_negative;
} kIntegers[] = {{"count", &FaultSpec::count, false},
                 {"delay_us", &FaultSpec::delay_us, false},
                 {"jitter_us", &FaultSpec::jitter_us, false},
                 {"gap_us", &FaultSpec::gap_us, false},
                 {"amount", &FaultSpec::amount, true}};

constexpr struct {
  const char* key;
  int FaultSpec::*field;
} kCodes[] = {{"status", &FaultSpec::status}, {"command", &FaultSpec::command}};

// One key=value of a fault. False: no such key, or not a value for it.
bool set_field(FaultSpec* spec, std::string_view key, std::string_view value) {
  if (key == "scope") return find_fault_scope(value, &spec->scope);
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [rest, fault] = std::from_chars(value.data(), end, number);
  if (value.empty() || fault != std::errc{} || rest != end) return false;
  if (number < kLeast || number > kLargest) return false;
  for (const auto& entry : kNumbers) {
    if (key == entry.key) spec->*entry.field = number;
    if (key == entry.key) return number >= 0;
  }
  for (const auto& entry : kIntegers) {
    if (key == entry.key) spec->*entry.field = static_cast<std::int64_t>(number);
    if (key == entry.key) return number >= 0 || entry.may_be_negative;
  }
  for (const auto& entry : kCodes) {
    if (key == entry.key) spec->*entry.field = static_cast<int>(number);
    if (key == entry.key) return true;
  }
  return false;
}

std::string fault(const Target& target, Words& words) {
  FaultSpec spec;
  const std::string kind(words.next());
  if (!find_fault_kind(kind, &spec.kind)) {
    return error("\"" + kind + "\" is no fault; one of " + kFaultKindChoices);
  }
  if (spec.kind == FaultKind::Alarm) return error("use: alarm NAME raise ...");
  if (spec.kind == FaultKind::Emergency) return error("use: emergency NAME on|off");
  while (!words.empty()) {
    const std::string_view word = words.next();
    const std::size_t equal = word.find('=');
    if (equal == std::string_view::npos ||
        !set_field(&spec, word.substr(0, equal), word.substr(equal + 1))) {
      return error("\"" + std::string(word) +
                   "\" is not understood; KEY=NUMBER with scope probability count after_s for_s "
                   "every_s delay_us jitter_us gap_us amount status command");
    }
  }
  if (spec.every_s > 0 && (spec.for_s <= 0 || spec.for_s >= spec.every_s)) {
    return error("every_s needs for_s, greater than 0 and less than every_s");
  }
  target.machine->sessions.faults().add(spec);
  return ok();
}

std::string clear(const Target& target, Words& words) {
  std::optional<FaultKind> kind;
  if (!words.empty()) {
    FaultKind named = FaultKind::Delay;
    if (!find_fault_kind(words.next(), &named)) return "";
    kind = named;
  }
  Control& control = target.machine->control;
  return ok(std::to_string(target.machine->sessions.faults().clear(kind, &control)));
}

std::string faults(const Target& target, Words&) {
  std::string text;
  for (const Faults::Entry& entry : target.machine->sessions.faults().entries()) {
    text += (text.empty() ? "" : " ") + std::string(fault_kind_name(entry.spec.kind)) + ":" +
            fault_scope_name(entry.spec.scope) + ":" + (entry.active ? "active" : "waiting") +
            ":hits=" + std::to_string(entry.hits);
  }
  return ok(text);
}

std::string alarm(const Target& target, Words& words) {
  Alarms& alarms = target.path->alarms();
  const bool is_new = target.machine->control.personality().is_new();
  const std::string_view what = words.next();
  if (what == "list") {
    std::string text;
    for (const Alarm& entry : alarms.list()) {
      text += (text.empty() ? "" : " | ") + std::string(alarm_type_name(is_new, entry.type)) +
              std::to_string(entry.number) + " axis " + std::to_string(entry.axis) + " " +
              entry.text;
    }
    return ok(text);
  }
  int number = 0;
  if (what == "clear") {
    if (words.empty()) return ok(std::to_string(alarms.clear(-1)));
    if (!words.next_integer(&number)) return "";
    return ok(std::to_string(alarms.clear(number)));
  }
  if (what != "raise" || !words.next_integer(&number) || number < 0) return "";
  const std::string type_name(words.next());
  const int type = alarm_type(is_new, type_name);
  if (type < 0) return error("\"" + type_name + "\" is no alarm type of this control");
  int axis = 0;
  if (!words.next_integer(&axis) || axis < 0 || axis > static_cast<int>(kMaxAxes)) return "";
  if (!alarms.raise({number, type, axis, std::string(words.rest().substr(0, 64))})) {
    return error("as many alarms as the control can hold; clear some first");
  }
  return ok();
}

std::string message(const Target& target, Words& words) {
  auto& messages = target.machine->control.messages();
  const std::string_view what = words.next();
  int type = 0;
  if (!words.next_integer(&type) || type < 0 || type >= static_cast<int>(messages.size())) {
    return "";
  }
  OperatorMessage& place = messages[static_cast<std::size_t>(type)];
  if (what == "clear") {
    place = {};
    return ok();
  }
  int number = 0;
  if (what != "set" || !words.next_integer(&number) || number < 1) return "";
  place = {number, std::string(words.rest().substr(0, 255))};
  return ok();
}

}  // namespace

const Console::Command kFaultCommands[] = {
    {"fault", fault, "KIND [KEY=NUMBER ...]"},
    {"clear", clear, "[KIND]"},
    {"faults", faults, ""},
    {"alarm", alarm, "raise NUMBER TYPE AXIS TEXT | clear [NUMBER] | list"},
    {"message", message, "set TYPE NUMBER TEXT | clear TYPE"},
    {nullptr, nullptr, nullptr},
};

}  // namespace rise::cncsim
