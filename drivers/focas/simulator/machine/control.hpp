// One simulated CNC: paths, PLC memory, program memory, clock, messages. It has no input or output
// of its own and no clock: it is told the time, and the session layer asks it.
//
// Deterministic: the state at a time depends on the spec, on the orders and on their times, and
// not on how often advance() is called. Not thread-safe: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/simulator/machine/path.hpp"
#include "drivers/focas/simulator/machine/pmc.hpp"
#include "drivers/focas/simulator/program/program_store.hpp"
#include "drivers/focas/simulator/spec/spec.hpp"

namespace rise::cncsim {

struct OperatorMessage {
  int number = 0;  // 0: none
  std::string text;
};

class Control {
 public:
  // What is wrong with a spec that no settings table can see: "paths: ...". Empty: nothing.
  static std::vector<std::string> faults_of(const ControlSpec& spec);

  // Throws std::invalid_argument with all of faults_of().
  explicit Control(ControlSpec spec);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Brings the control to this time, in whole interpolation periods. The first call is power on.
  // Time that goes back is ignored.
  void advance(std::int64_t now_ns);
  // Since power on.
  [[nodiscard]] std::int64_t elapsed_ns() const { return elapsed_ns_; }

  [[nodiscard]] const ControlSpec& spec() const { return spec_; }
  [[nodiscard]] const Personality& personality() const { return personality_; }
  [[nodiscard]] std::size_t path_count() const { return paths_.size(); }
  Path& path(std::size_t index) { return *paths_[index]; }
  [[nodiscard]] const Path& path(std::size_t index) const { return *paths_[index]; }
  ProgramStore& store() { return store_; }
  Pmc& pmc() { return pmc_; }

  // To be called after a change of G or X signals.
  void signals_changed();
  // Brings the F signals and the lamps up to date; before F or Y are read.
  void refresh_signals();
  void press_emergency(bool on);
  [[nodiscard]] bool emergency() const { return paths_[0]->switches().emergency; }

  // Command 0x34 counts the messages by type, 0..3.
  static constexpr std::size_t kMessages = 4;
  std::array<OperatorMessage, kMessages>& messages() { return messages_; }

  // The control's own clock.
  [[nodiscard]] std::int64_t clock_s() const { return clock_offset_s_ + elapsed_ns_ / kSecond; }
  [[nodiscard]] DateTime date_time() const { return to_date_time(clock_s()); }
  void set_clock(std::int64_t seconds) { clock_offset_s_ = seconds - elapsed_ns_ / kSecond; }

  // Part programs; the text may hold several. The names are those of the program store.
  ProgramStore::Result load_program(const std::string& folder, std::string_view text,
                                    std::vector<ProgramPtr>* added = nullptr);

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;

  ControlSpec spec_;
  Personality personality_;
  ProgramStore store_;
  Pmc pmc_;
  std::vector<std::unique_ptr<Path>> paths_;
  std::array<OperatorMessage, kMessages> messages_;
  std::int64_t clock_offset_s_ = 0;
  std::int64_t time_ns_ = 0;  // of the last step, on the caller's clock
  std::int64_t elapsed_ns_ = 0;
  bool powered_ = false;
};

}  // namespace rise::cncsim
