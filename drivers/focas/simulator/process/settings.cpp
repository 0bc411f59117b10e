#include "drivers/focas/simulator/process/settings.hpp"

#include <arpa/inet.h>

#include <cstdio>
#include <map>
#include <string>

#include "config/schema/schema.hpp"
#include "drivers/focas/simulator/machine/control.hpp"

namespace rise::cncsim {

namespace {

using config::Document;
using config::Problem;
using config::Settings;

// Reads the checked settings into specs, and checks what no table of single keys can.
class Reader {
 public:
  Reader(const Document& document, const Settings& settings, std::int64_t now_s,
         std::vector<Problem>* problems)
      : document_(document), settings_(settings), now_s_(now_s), problems_(problems) {}

  Config config;

  void read() {
    config.background_ms = static_cast<int>(settings_.integer("server.background_ms"));
    const std::size_t count = settings_.count("control");
    if (count == 0)
      problems_->push_back({0, "control", "is missing; give at least one [[control]]"});
    for (std::size_t i = 0; i < count; ++i) {
      const std::string at = "control." + std::to_string(i);
      if (settings_.has(at)) machine(at);
    }
  }

 private:
  void problem(const std::string& path, std::string message) {
    // The line of the key, or of the nearest table around it that is in the file.
    std::string place = path;
    const config::Value* value = document_.find(place);
    while (value == nullptr && place.find('.') != std::string::npos) {
      place.resize(place.rfind('.'));
      value = document_.find(place);
    }
    problems_->push_back({value == nullptr ? 0 : value->line, path, std::move(message)});
  }

  [[nodiscard]] int integer(const std::string& path) const {
    return static_cast<int>(settings_.integer(path));
  }

  void machine(const std::string& at) {
    MachineSpec spec;
    control(at, &spec.control);
    session(at, &spec.session, spec.control);
    for (const std::string& fault : Control::faults_of(spec.control)) {
      const std::size_t colon = fault.find(": ");
      problem(at + "." + fault.substr(0, colon), fault.substr(colon + 2));
    }
    spec.address = settings_.string(at + ".address");
    spec.port = static_cast<std::uint16_t>(settings_.integer(at + ".port"));
    replicate(at, spec);
  }

  void control(const std::string& at, ControlSpec* spec) {
    spec->name = settings_.string(at + ".name");
    spec->model = settings_.string(at + ".model");
    spec->machine =
        settings_.string(at + ".machine") == "lathe" ? MachineType::Lathe : MachineType::Mill;
    spec->version = integer(at + ".version");
    spec->family = integer(at + ".family");
    spec->series = settings_.string(at + ".series");
    spec->software = settings_.string(at + ".software");
    spec->seed = static_cast<std::uint64_t>(settings_.integer(at + ".seed"));
    spec->tick_us = integer(at + ".tick_us");
    spec->decimals = integer(at + ".decimals");
    spec->memory_kb = integer(at + ".memory_kb");
    spec->offset_sets = integer(at + ".offset_sets");
    spec->clock_start_s = clock(at + ".clock");
    spec->autostart = settings_.flag(at + ".autostart");
    spec->loop = settings_.flag(at + ".loop");
    spec->loop_pause_s = settings_.number(at + ".loop_pause_s");
    spec->restart_s = settings_.number(at + ".restart_s");
    spec->optional_stop = settings_.flag(at + ".optional_stop");
    spec->m_time_s = settings_.number(at + ".m_time_s");
    spec->tool_change_s = settings_.number(at + ".tool_change_s");
    spec->stale_elements = settings_.flag(at + ".stale_elements");
    cutting(at + ".cutting", &spec->cutting);
    for (std::size_t i = 0; i < settings_.count(at + ".path"); ++i) {
      const std::string here = at + ".path." + std::to_string(i);
      if (settings_.has(here)) spec->paths.push_back(path(here));
    }
    for (std::size_t i = 0; i < settings_.count(at + ".program"); ++i) {
      const std::string here = at + ".program." + std::to_string(i);
      if (!settings_.has(here)) continue;
      spec->programs.push_back(
          {settings_.string(here + ".folder"), settings_.string(here + ".text")});
    }
  }

  std::int64_t clock(const std::string& at) {
    const std::string& text = settings_.string(at);
    if (text == "now") return now_s_;
    DateTime time;
    char rest = 0;
    const int fields = std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d%c", &time.year, &time.month,
                                   &time.day, &time.hour, &time.minute, &time.second, &rest);
    if (fields == 6 && is_valid(time)) return to_seconds(time);
    problem(at, "\"" + text +
                    "\" is no date and time; allowed: \"now\" or "
                    "\"2024-05-06 12:34:56\"");
    return 0;
  }

  void cutting(const std::string& at, CuttingSpec* spec) {
    spec->depth_mm = settings_.number(at + ".depth_mm");
    spec->width_mm = settings_.number(at + ".width_mm");
    spec->tool_diameter_mm = settings_.number(at + ".tool_diameter_mm");
    spec->specific_force_n_mm2 = settings_.number(at + ".specific_force_n_mm2");
    spec->tool_life_min = settings_.number(at + ".tool_life_min");
    spec->wear_force_percent = settings_.number(at + ".wear_force_percent");
    spec->rated_axis_force_n = settings_.number(at + ".rated_axis_force_n");
    spec->ambient_c = settings_.number(at + ".ambient_c");
    spec->thermal_time_s = settings_.number(at + ".thermal_time_s");
    spec->noise_percent = settings_.number(at + ".noise_percent");
  }

  PathSpec path(const std::string& at) {
    PathSpec spec;
    spec.program = settings_.string(at + ".program");
    for (std::size_t i = 0; i < settings_.count(at + ".axes"); ++i) {
      const std::string here = at + ".axes." + std::to_string(i);
      if (!settings_.has(here)) continue;
      AxisSpec axis;
      axis.name = settings_.string(here + ".name");
      const std::string& kind = settings_.string(here + ".kind");
      const bool by_letter = !axis.name.empty() && axis.name[0] >= 'A' && axis.name[0] <= 'C';
      axis.rotary = kind == "rotary" || (kind == "auto" && by_letter);
      axis.rapid_mm_min = settings_.number(here + ".rapid_mm_min");
      axis.max_feed_mm_min = settings_.number(here + ".max_feed_mm_min");
      axis.acceleration_mm_s2 = settings_.number(here + ".acceleration_mm_s2");
      axis.low_mm = settings_.number(here + ".low_mm");
      axis.high_mm = settings_.number(here + ".high_mm");
      axis.start_mm = settings_.number(here + ".start_mm");
      spec.axes.push_back(std::move(axis));
    }
    for (std::size_t i = 0; i < settings_.count(at + ".spindles"); ++i) {
      const std::string here = at + ".spindles." + std::to_string(i);
      if (!settings_.has(here)) continue;
      SpindleSpec spindle;
      spindle.name = settings_.string(here + ".name");
      spindle.max_rpm = settings_.number(here + ".max_rpm");
      spindle.power_kw = settings_.number(here + ".power_kw");
      spindle.acceleration_rpm_s = settings_.number(here + ".acceleration_rpm_s");
      spindle.inertia_kgm2 = settings_.number(here + ".inertia_kgm2");
      spec.spindles.push_back(std::move(spindle));
    }
    return spec;
  }

  void session(const std::string& at, SessionSpec* spec, const ControlSpec& control) {
    spec->sessions_max = integer(at + ".sessions_max");
    spec->service_us = integer(at + ".service_us");
    spec->service_jitter_us = integer(at + ".service_jitter_us");
    spec->upload_gap_us = integer(at + ".upload_gap_us");
    for (std::size_t i = 0; i < settings_.count(at + ".fault"); ++i) {
      const std::string here = at + ".fault." + std::to_string(i);
      if (settings_.has(here)) spec->faults.push_back(fault(here, control));
    }
  }

  FaultSpec fault(const std::string& at, const ControlSpec& control) {
    FaultSpec spec;
    (void)find_fault_kind(settings_.string(at + ".kind"), &spec.kind);
    (void)find_fault_scope(settings_.string(at + ".scope"), &spec.scope);
    spec.probability = settings_.number(at + ".probability");
    spec.count = settings_.integer(at + ".count");
    spec.after_s = settings_.number(at + ".after_s");
    spec.for_s = settings_.number(at + ".for_s");
    spec.every_s = settings_.number(at + ".every_s");
    spec.delay_us = settings_.integer(at + ".delay_us");
    spec.jitter_us = settings_.integer(at + ".jitter_us");
    spec.gap_us = settings_.integer(at + ".gap_us");
    spec.amount = settings_.integer(at + ".amount");
    spec.status = integer(at + ".status");
    spec.command = integer(at + ".command");
    spec.alarm_number = integer(at + ".number");
    spec.alarm_type = settings_.string(at + ".type");
    spec.alarm_axis = integer(at + ".axis");
    spec.alarm_text = settings_.string(at + ".text");
    if (spec.every_s > 0 && (spec.for_s <= 0 || spec.for_s >= spec.every_s)) {
      problem(at + ".every_s", "needs for_s, greater than 0 and less than every_s");
    }
    if (spec.kind == FaultKind::Alarm && find_model(control.model) != nullptr &&
        alarm_type(personality_of(control).is_new(), spec.alarm_type) < 0) {
      problem(at + ".type", "\"" + spec.alarm_type + "\" is no alarm type of a " + control.model);
    }
    return spec;
  }

  void replicate(const std::string& at, const MachineSpec& first) {
    const int count = integer(at + ".count");
    const int port_step = integer(at + ".port_step");
    const int address_step = integer(at + ".address_step");
    in_addr address{};
    if (::inet_pton(AF_INET, first.address.c_str(), &address) != 1) {
      problem(at + ".address", "\"" + first.address + "\" is no IPv4 address");
      return;
    }
    const std::uint32_t base = ntohl(address.s_addr);
    const int last_port = first.port + (count - 1) * port_step;
    if (last_port > 65535) {
      problem(at + ".count",
              "the last port would be " + std::to_string(last_port) + "; at most 65535");
      return;
    }
    if (static_cast<int>(base & 0xff) + (count - 1) * address_step > 255) {
      problem(at + ".count", "the last address would not fit into the network of the first");
      return;
    }
    for (int i = 0; i < count; ++i) {
      MachineSpec spec = first;
      if (count > 1) spec.control.name += "-" + std::to_string(i + 1);
      spec.control.seed += static_cast<std::uint64_t>(i);
      spec.port = static_cast<std::uint16_t>(first.port + i * port_step);
      in_addr own{htonl(base + static_cast<std::uint32_t>(i * address_step))};
      char text[INET_ADDRSTRLEN] = {};
      ::inet_ntop(AF_INET, &own, text, sizeof text);
      spec.address = text;
      unique(at, spec);
      config.machines.push_back(std::move(spec));
    }
  }

  void unique(const std::string& at, const MachineSpec& spec) {
    const std::string place = spec.address + ":" + std::to_string(spec.port);
    const auto [other, is_new] = places_.emplace(place, spec.control.name);
    if (!is_new) {
      problem(at + ".port", place + " is used by \"" + other->second + "\" already");
    }
    if (!names_.emplace(spec.control.name, 0).second) {
      problem(at + ".name", "\"" + spec.control.name + "\" is used twice");
    }
  }

  const Document& document_;
  const Settings& settings_;
  std::int64_t now_s_;
  std::vector<Problem>* problems_;
  std::map<std::string, std::string> places_;
  std::map<std::string, int> names_;
};

}  // namespace

Config read_config(const Document& document, std::int64_t now_s, std::vector<Problem>* problems) {
  const Settings settings = config::check(document, setting_specs(), {}, problems);
  Reader reader(document, settings, now_s, problems);
  reader.read();
  return std::move(reader.config);
}

}  // namespace rise::cncsim
