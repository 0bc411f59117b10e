#include "drivers/focas/simulator/machine/control.hpp"

#include <set>
#include <stdexcept>

namespace rise::cncsim {

namespace {

std::vector<std::string> path_faults(const PathSpec& path, const std::string& where) {
  std::vector<std::string> faults;
  if (path.axes.empty()) faults.push_back(where + ".axes: is empty; a path needs an axis");
  if (path.axes.size() > kMaxAxes) {
    faults.push_back(where + ".axes: " + std::to_string(path.axes.size()) + " axes; at most " +
                     std::to_string(kMaxAxes));
  }
  if (path.spindles.size() > kMaxSpindles) {
    faults.push_back(where + ".spindles: " + std::to_string(path.spindles.size()) +
                     " spindles; at most " + std::to_string(kMaxSpindles));
  }
  std::set<char> letters;
  for (std::size_t i = 0; i < path.axes.size(); ++i) {
    const AxisSpec& axis = path.axes[i];
    const std::string here = where + ".axes." + std::to_string(i);
    constexpr std::string_view kLetters = "XYZABCUVW";
    if (axis.name.empty() || kLetters.find(axis.name[0]) == std::string_view::npos) {
      faults.push_back(here + ".name: \"" + axis.name +
                       "\" must begin with one of X Y Z A B C U V W");
    } else if (!letters.insert(axis.name[0]).second) {
      faults.push_back(here + ".name: \"" + axis.name +
                       "\" begins with the same letter as another axis of the path");
    }
    if (axis.low_mm < axis.high_mm &&
        (axis.start_mm < axis.low_mm || axis.start_mm > axis.high_mm)) {
      faults.push_back(here + ".start: lies outside low .. high");
    }
  }
  if (path.program.empty()) return faults;
  std::vector<ProgramPtr> programs;
  if (!split_programs(path.program, {}, &programs)) {
    faults.push_back(where + ".program: must begin with a program number, \"O1000\"");
  }
  return faults;
}

}  // namespace

std::vector<std::string> Control::faults_of(const ControlSpec& spec) {
  std::vector<std::string> faults;
  if (find_model(spec.model) == nullptr) {
    faults.push_back("model: \"" + spec.model + "\" does not exist; one of " + kModelChoices);
    return faults;
  }
  const Personality personality = personality_of(spec);
  if (spec.paths.empty()) faults.push_back("path: is missing; at least one [[control.path]]");
  if (spec.paths.size() > personality.max_paths) {
    faults.push_back("path: " + std::to_string(spec.paths.size()) + " paths; a " + spec.model +
                     " has at most " + std::to_string(personality.max_paths));
  }
  for (std::size_t i = 0; i < spec.paths.size(); ++i) {
    const std::string where = "path." + std::to_string(i);
    for (std::string& fault : path_faults(spec.paths[i], where)) faults.push_back(fault);
    if (spec.paths[i].axes.size() > personality.max_axes) {
      faults.push_back(where + ".axes: " + std::to_string(spec.paths[i].axes.size()) + " axes; a " +
                       spec.model + " has at most " + std::to_string(personality.max_axes));
    }
    if (spec.paths[i].spindles.size() > personality.max_spindles) {
      faults.push_back(where + ".spindles: a " + spec.model + " has at most " +
                       std::to_string(personality.max_spindles));
    }
  }
  for (std::size_t i = 0; i < spec.programs.size(); ++i) {
    const std::string where = "program." + std::to_string(i);
    std::vector<ProgramPtr> programs;
    if (!split_programs(spec.programs[i].text, {}, &programs)) {
      faults.push_back(where + ".text: must begin with a program number, \"O1000\"");
    }
    const std::string& folder = spec.programs[i].folder;
    if (!folder.starts_with(kDrive) || !folder.ends_with('/')) {
      faults.push_back(where + ".folder: \"" + folder + "\" must begin with " + kDrive +
                       " and end with /");
    }
  }
  return faults;
}

Control::Control(ControlSpec spec)
    : spec_(std::move(spec)),
      personality_(personality_of(spec_)),
      store_(static_cast<std::size_t>(spec_.memory_kb) * 1024),
      pmc_(spec_.paths.size(), personality_.is_new()),
      clock_offset_s_(spec_.clock_start_s) {
  std::string all;
  for (const std::string& fault : faults_of(spec_)) all += (all.empty() ? "" : "\n") + fault;
  if (!all.empty()) throw std::invalid_argument("control " + spec_.name + ": " + all);
  for (std::size_t i = 0; i < spec_.paths.size(); ++i) {
    store_.make_folder(path_folder(i));
    paths_.push_back(std::make_unique<Path>(spec_, i, personality_.is_new(), store_));
    std::vector<ProgramPtr> added;
    if (load_program(path_folder(i), spec_.paths[i].program, &added) ==
        ProgramStore::Result::Done) {
      (void)paths_[i]->select(added.front());
      if (spec_.autostart) paths_[i]->arm_start();
    }
  }
  for (const ProgramSpec& program : spec_.programs) {
    store_.make_folder(program.folder);
    (void)load_program(program.folder, program.text);
  }
  set_initial_signals(&pmc_, paths_.size());
  signals_changed();
}

ProgramStore::Result Control::load_program(const std::string& folder, std::string_view text,
                                           std::vector<ProgramPtr>* added) {
  return store_.add(folder, text, date_time(), true, added);
}

void Control::advance(std::int64_t now_ns) {
  if (!powered_) {
    powered_ = true;
    time_ns_ = now_ns;
    return;
  }
  const std::int64_t step_ns = std::int64_t{spec_.tick_us} * 1000;
  while (now_ns - time_ns_ >= step_ns) {
    time_ns_ += step_ns;
    elapsed_ns_ += step_ns;
    for (const auto& path : paths_) path->step(step_ns);
  }
}

void Control::signals_changed() {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    paths_[i]->set_switches(read_switches(pmc_, i));
  }
}

void Control::refresh_signals() {
  for (std::size_t i = 0; i < paths_.size(); ++i) write_status_signals(&pmc_, i, *paths_[i]);
}

void Control::press_emergency(bool on) {
  pmc_.set_bit(PmcArea::X, signal::kX8, signal::kEmergencyBit, !on);
  if (!on) {  // the button is let go, and whoever pulled the signal itself, too
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      pmc_.set_bit(PmcArea::G, i * kPmcPathStep + signal::kG8, signal::kEmergencyBit, true);
    }
  }
  signals_changed();
}

}  // namespace rise::cncsim
