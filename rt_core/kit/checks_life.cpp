#include <algorithm>
#include <cstring>

#include "config/schema/schema.hpp"
#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"

namespace rise::kit {

namespace {

bool plain_name(const char* name) {
  const std::string text = name;
  return text.size() <= 31 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

void look_at_setting(Trial& trial, const rise_setting_spec& spec, std::uint32_t place) {
  if (spec.struct_size < sizeof spec || spec.path == nullptr || *spec.path == '\0') {
    trial.find(text("setting %u has no path, or a wrong struct_size", place));
    return;
  }
  if (spec.type < RISE_SETTING_BOOL || spec.type > RISE_SETTING_STRING)
    trial.find(text("setting %s: type %u", spec.path, spec.type));
  if (spec.text == nullptr || *spec.text == '\0')
    trial.find(text("setting %s: no text for people", spec.path));
  if (!(spec.min <= spec.max) && spec.type != RISE_SETTING_BOOL)
    trial.find(text("setting %s: min is greater than max", spec.path));
  if (spec.fallback == nullptr || std::strchr(spec.path, '*') != nullptr) return;
  std::vector<config::Problem> problems;
  const config::Document document =
      config::parse(std::string(spec.path) + " = " + spec.fallback, &problems);
  config::check(document, {&spec, 1}, {}, &problems);
  if (!problems.empty()) {
    trial.find(text("setting %s: its default %s %s", spec.path, spec.fallback,
                    problems[0].message.c_str()));
  }
}

void live(Trial& trial, Manner manner, std::int64_t ms) {
  trial.doing(text("with %s, %d ms", name_of(manner), static_cast<int>(ms)));
  Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
  if (!rig.ok()) return;
  rig.begin();
  if (rig.run_ms(ms)) rig.stop();
}

}  // namespace

void check_description(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  if (!plain_name(driver->name))
    trial.find(text("its name \"%s\": use a-z, 0-9, '-' and '_', at most 31", driver->name));
  const std::size_t slash = trial.subject.path.rfind('/');
  const std::string file = trial.subject.path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (file != std::string(driver->name) + ".so") {
    trial.note(text("the core looks for it as %s.so, this file is %s", driver->name, file.c_str()));
  }
  if (*driver->summary == '\0') trial.find("its summary is empty");
  const std::uint64_t known = RISE_CAP_STREAM | RISE_CAP_COMMAND | RISE_CAP_DATAGRAM;
  if ((driver->capabilities & ~known) != 0) trial.find("it claims capabilities that do not exist");
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(driver->settings);
  for (std::uint32_t i = 0; i < driver->setting_count; ++i) {
    look_at_setting(trial,
                    *reinterpret_cast<const rise_setting_spec*>(
                        bytes + std::size_t{i} * driver->settings->struct_size),
                    i);
  }
}

void check_life_cycle(Trial& trial) {
  for (int round = 0; round < 2 && trial.clean(); ++round) {
    trial.doing("configured and destroyed, never started");
    { const Rig rig(trial, RigMachine{}); }
    for (const Manner manner : {Manner::Absent, Manner::Silent, Manner::Device}) {
      for (const std::int64_t ms : {0, 1, 300}) {
        if (trial.clean()) live(trial, manner, ms);
      }
    }
  }
}

// Else all the others would look at a driver that never gets past its first question.
void check_dialog(Trial& trial) {
  if (trial.subject.dialog.empty()) return trial.skip("there is no dialog (--dialog)");
  trial.doing("with the device of the dialog");
  Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = Manner::Device}});
  if (!rig.ok()) return;
  rig.begin();
  if (!rig.run_ms(5000)) return;
  if (const std::string& request = rig.peer().unanswered; !request.empty()) {
    std::string shown;
    for (const char c : request.substr(0, 40)) {
      shown += c >= ' ' && c < 127
                   ? std::string(1, c)
                   : text("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    trial.find("the dialog has no answer to \"" + shown + "\"");
  } else if (rig.probe().counters[RISE_COUNT_SAMPLES] == 0 && rig.probe().writes == 0) {
    trial.find("with the answers of the dialog no signal is ever written");
  }
  rig.stop();
}

void check_stop(Trial& trial) {
  const std::int64_t after_ms[] = {0, 1, 2, 3, 5, 10, 30, 100, 300, 1000, 3000};
  for (const Manner manner : {Manner::Absent, Manner::Lost, Manner::Silent, Manner::Device,
                              Manner::Words, Manner::Noise}) {
    for (const std::int64_t ms : after_ms) {
      const std::string when =
          text("stopped after %d ms, %s", static_cast<int>(ms), name_of(manner));
      trial.doing(when);
      Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
      if (!rig.ok()) return;
      rig.begin();
      if (!rig.run_ms(ms)) return;
      const std::int64_t took_ms = rig.stop();
      if (took_ms < 0) {
        trial.find("streams are still open after the grace time of 1000 ms: " + when);
      }
      if (rig.probe().opens_after_stop != 0) trial.find("opens a stream after stop(): " + when);
    }
    if (!trial.clean()) return;
  }
}

}  // namespace rise::kit
