#include "drivers/focas/simulator/process/console.hpp"

#include <charconv>

namespace rise::cncsim {

namespace {

const Console::Command* const kTables[] = {kOrderCommands, kFaultCommands, kValueCommands};

const Console::Command* find_command(std::string_view name) {
  for (const Console::Command* table : kTables) {
    for (; table->name != nullptr; ++table) {
      if (name == table->name) return table;
    }
  }
  return nullptr;
}

std::string all_commands() {
  std::string text = "list; help";
  for (const Console::Command* table : kTables) {
    for (; table->name != nullptr; ++table) {
      text += std::string("; ") + table->name + " NAME" + (*table->usage != '\0' ? " " : "") +
              table->usage;
    }
  }
  return text;
}

}  // namespace

std::string ok(const std::string& text) { return text.empty() ? "ok" : "ok " + text; }
std::string error(const std::string& text) { return "error " + text; }

void Words::skip_blanks() {
  while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
}

std::string_view Words::next() {
  const std::size_t end = std::min(rest_.find_first_of(" \t"), rest_.size());
  const std::string_view word = rest_.substr(0, end);
  rest_.remove_prefix(end);
  skip_blanks();
  return word;
}

std::string_view Words::rest() {
  const std::string_view all = rest_;
  rest_ = {};
  return all;
}

bool Words::next_integer(int* value) {
  const std::string_view word = next();
  const char* end = word.data() + word.size();
  const auto [rest, fault] = std::from_chars(word.data(), end, *value);
  return !word.empty() && fault == std::errc{} && rest == end;
}

bool Words::next_number(double* value) {
  const std::string_view word = next();
  const char* end = word.data() + word.size();
  const auto [rest, fault] = std::from_chars(word.data(), end, *value);
  return !word.empty() && fault == std::errc{} && rest == end;
}

bool Words::next_switch(bool* on) {
  const std::string_view word = next();
  *on = word == "on";
  return word == "on" || word == "off";
}

bool Console::find_target(std::string_view name, Target* target) const {
  const std::size_t slash = name.find('/');
  target->machine = find_machine(fleet_, name.substr(0, slash));
  if (target->machine == nullptr) return false;
  target->index = 0;
  if (slash != std::string_view::npos) {
    Words number(name.substr(slash + 1));
    int path = 0;
    if (!number.next_integer(&path) || path < 1) return false;
    target->index = static_cast<std::size_t>(path - 1);
  }
  if (target->index >= target->machine->control.path_count()) return false;
  target->path = &target->machine->control.path(target->index);
  return true;
}

std::string Console::list() const {
  std::string text;
  for (const auto& machine : fleet_) {
    const MachineSpec& spec = machine->spec;
    text += (text.empty() ? "" : " ") + spec.control.name + "=" + spec.address + ":" +
            std::to_string(spec.port);
  }
  return ok(text);
}

std::string Console::answer(std::string_view line, std::int64_t now_ns) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  Words words(line);
  const std::string name(words.next());
  if (name == "list") return list();
  if (name == "help" || name.empty()) return ok(all_commands());
  const Command* command = find_command(name);
  if (command == nullptr) {
    return error("\"" + name + "\" is no command; commands: " + all_commands());
  }
  const std::string whom(words.next());
  Target target;
  if (!find_target(whom, &target)) {
    return error("\"" + whom + "\" is no control (or has no such path); see: list");
  }
  target.machine->sessions.advance(now_ns);
  std::string text = command->run(target, words);
  // What was set may act at once: an alarm, a closed door.
  target.machine->sessions.advance(now_ns);
  if (text.empty()) text = error(std::string("usage: ") + name + " NAME " + command->usage);
  return text;
}

}  // namespace rise::cncsim
