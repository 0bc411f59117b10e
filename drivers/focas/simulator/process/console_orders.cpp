// Console commands that tell a control what to do, and what it says about itself.
#include <algorithm>
#include <cstdio>

#include "drivers/focas/simulator/process/console.hpp"
#include "drivers/focas/simulator/protocol/program_guard.hpp"

namespace rise::cncsim {

namespace {

constexpr struct {
  const char* name;
  Mode mode;
} kModes[] = {{"MDI", Mode::Mdi},
              {"MEM", Mode::Memory},
              {"EDIT", Mode::Edit},
              {"HANDLE", Mode::Handle},
              {"JOG", Mode::Jog},
              {"TEACH_JOG", Mode::TeachJog},
              {"TEACH_HANDLE", Mode::TeachHandle},
              {"REF", Mode::Reference},
              {"REMOTE", Mode::Remote}};

const char* mode_name(Mode mode) {
  for (const auto& entry : kModes) {
    if (entry.mode == mode) return entry.name;
  }
  return "?";
}

const char* run_name(Run run) {
  constexpr const char* kNames[] = {"RESET", "STOP", "HOLD", "START"};
  return kNames[static_cast<std::size_t>(run)];
}

const char* refusal_text(Refusal refusal) {
  switch (refusal) {
    case Refusal::None: return "";
    case Refusal::Emergency: return "emergency stop is pressed; release it first";
    case Refusal::Alarm: return "there is an alarm; clear it or reset first";
    case Refusal::Mode: return "not in this mode, or feed hold is on; see: mode, hold";
    case Refusal::Running: return "a program is running; reset first";
    case Refusal::NoProgram: return "no program is selected; see: program NAME select";
    case Refusal::BadText: return "the text is no program";
  }
  return "";
}

std::string done(Refusal refusal) {
  return refusal == Refusal::None ? ok() : error(refusal_text(refusal));
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string status(const Target& target, Words&) {
  const Path& path = *target.path;
  Sessions& sessions = target.machine->sessions;
  const ProgramPtr running = path.running_program();
  const ProgramPtr main = path.main_program();
  const Spindle* spindle = path.spindles().empty() ? nullptr : &path.spindles()[0];
  std::string text = "run=" + std::string(run_name(path.run()));
  text += std::string(" mode=") + mode_name(path.switches().mode);
  text += std::string(" motion=") + (path.moving() ? "1" : (path.in_dwell() ? "2" : "0"));
  text += std::string(" emergency=") + (path.switches().emergency ? "1" : "0");
  text += " alarms=" + std::to_string(path.alarms().list().size());
  text += " program=" + (running ? running->name : "-") + " main=" + (main ? main->name : "-");
  text += " sequence=" + std::to_string(path.sequence());
  text += " feed_mm_min=" + number_text(path.speed_mm_s() * 60);
  text += " rpm=" + number_text(spindle != nullptr ? spindle->rpm() : 0);
  text += " spindle_load=" + number_text(path.cutting().spindle_load_percent());
  text += " tool=" + std::to_string(path.tool());
  text += " wear_percent=" + number_text(path.cutting().tool(path.tool()).wear * 100);
  text += " parts=" + std::to_string(path.parameters().integer(parameter::kPartsMade));
  for (std::size_t i = 0; i < path.spec().axes.size(); ++i) {
    text += " " + path.spec().axes[i].name + "=" + number_text(path.absolute_mm(i));
  }
  text += " connections=" + std::to_string(sessions.open_connections());
  text += " sessions=" + std::to_string(sessions.sessions_in_use());
  text += " requests=" + std::to_string(sessions.counters().requests);
  text += " malformed=" + std::to_string(sessions.counters().malformed);
  text += " resets=" + std::to_string(sessions.counters().resets);
  text += " faults=" + std::to_string(sessions.counters().faults);
  return ok(text);
}

std::string start(const Target& target, Words&) { return done(target.path->start()); }

std::string reset(const Target& target, Words&) {
  target.path->reset();
  return ok();
}

std::string hold(const Target& target, Words& words) {
  bool on = false;
  if (!words.next_switch(&on)) return "";
  const bool held = target.path->run() == Run::Hold;
  target.machine->control.pmc().set_bit(PmcArea::G, target.index * kPmcPathStep + signal::kG8,
                                        signal::kHoldBit, !on);
  target.machine->control.signals_changed();
  // Letting go of the button is not enough for a real control; whoever types "off" means both.
  return !on && held ? done(target.path->start()) : ok();
}

std::string emergency(const Target& target, Words& words) {
  bool on = false;
  if (!words.next_switch(&on)) return "";
  target.machine->control.press_emergency(on);
  return ok();
}

std::string mode(const Target& target, Words& words) {
  const std::string_view name = words.next();
  for (const auto& entry : kModes) {
    if (name != entry.name) continue;
    write_mode(&target.machine->control.pmc(), target.index, entry.mode);
    target.machine->control.signals_changed();
    return ok();
  }
  return "";
}

std::string override_percent(const Target& target, Words& words) {
  const std::string_view what = words.next();
  int percent = 0;
  if (!words.next_integer(&percent) || percent < 0 || percent > 254) return "";
  Pmc& pmc = target.machine->control.pmc();
  if (what == "feed") {
    write_feed_override(&pmc, target.index, percent);
  } else if (what == "spindle") {
    write_spindle_override(&pmc, target.index, percent);
  } else if (what != "rapid") {
    return "";
  } else if (!write_rapid_override(&pmc, target.index, percent)) {
    return error("rapid override is 100, 50, 25 or 0 (F0)");
  }
  target.machine->control.signals_changed();
  return ok();
}

std::string panel_switch(const Target& target, Words& words) {
  const std::string_view name = words.next();
  bool on = false;
  if (!words.next_switch(&on)) return "";
  Pmc& pmc = target.machine->control.pmc();
  const std::size_t base = target.index * kPmcPathStep;
  if (name == "optional_stop") {
    target.path->set_optional_stop(on);
  } else if (name == "single_block") {
    pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kSingleBlockBit, on);
  } else if (name == "dry_run") {
    pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kDryRunBit, on);
  } else if (name == "memory_key") {
    pmc.set_bit(PmcArea::G, base + signal::kG46, signal::kKeyBit, on);
  } else if (name == "block_skip") {
    pmc.set_bit(PmcArea::G, base + signal::kG44, signal::kBlockSkipBit, on);
  } else {
    return "";
  }
  target.machine->control.signals_changed();
  return ok();
}

// ';' stands for the end of a block, so that a program fits into a line.
std::string load(const Target& target, std::string_view text) {
  std::string lines(text);
  std::replace(lines.begin(), lines.end(), ';', '\n');
  const auto status = store_programs(target.machine->control, target.path->folder(), lines);
  switch (status) {
    case focas::wire::Status::Ok: return ok();
    case focas::wire::Status::Data:
      return error("the text must begin with a program number, O1000");
    case focas::wire::Status::Overflow: return error("the program memory is full");
    case focas::wire::Status::Reject: return error("the program is running; reset first");
    default: return error("the program is protected: parameter 3202, or the memory key");
  }
}

std::string program(const Target& target, Words& words) {
  Control& control = target.machine->control;
  const std::string_view what = words.next();
  if (what == "list") {
    std::string text;
    for (const FolderEntry& entry : control.store().list(target.path->folder())) {
      text += (text.empty() ? "" : " ") + entry.name + (entry.is_folder ? "/" : "");
    }
    return ok(text);
  }
  if (what == "load") return words.empty() ? "" : load(target, words.rest());
  const std::string name(words.next());
  const ProgramPtr found = control.store().find(target.path->folder(), name);
  if (what == "select") {
    if (!found) return error("\"" + name + "\" is no program; see: program NAME list");
    return done(target.path->select(found));
  }
  if (what != "delete") return "";
  if (!found) return error("\"" + name + "\" is no program; see: program NAME list");
  const auto status = remove_program(control, target.path->folder(), *found);
  return status == focas::wire::Status::Ok ? ok() : error("the program is running or protected");
}

std::string manual_input(const Target& target, Words& words) {
  if (words.empty()) return "";
  std::string lines(words.rest());
  std::replace(lines.begin(), lines.end(), ';', '\n');
  return done(target.path->load_mdi(lines));
}

}  // namespace

const Console::Command kOrderCommands[] = {
    {"status", status, ""},
    {"start", start, ""},
    {"reset", reset, ""},
    {"hold", hold, "on|off"},
    {"emergency", emergency, "on|off"},
    {"mode", mode, "MDI|MEM|EDIT|HANDLE|JOG|TEACH_JOG|TEACH_HANDLE|REF|REMOTE"},
    {"override", override_percent, "feed|rapid|spindle PERCENT"},
    {"switch", panel_switch, "single_block|block_skip|optional_stop|dry_run|memory_key on|off"},
    {"program", program, "list | load O1000;G0 X0;M30 | select O1000 | delete O1000"},
    {"mdi", manual_input, "BLOCK;BLOCK"},
    {nullptr, nullptr, nullptr},
};

}  // namespace rise::cncsim
