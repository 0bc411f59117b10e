// The signals between PLC and control that the simulator understands: G (to the control) are
// read into switches of a path, F (from the control) are made from its state.
#pragma once

#include <cstdint>

#include "drivers/focas/simulator/machine/pmc.hpp"

namespace rise::cncsim {

class Path;

// As cnc_statinfo counts them.
enum class Mode : std::uint8_t {
  Mdi = 0,
  Memory = 1,
  Edit = 3,
  Handle = 4,
  Jog = 5,
  TeachJog = 6,
  TeachHandle = 7,
  Step = 8,
  Reference = 9,
  Remote = 10,
};

// What the operator's panel tells one path.
struct Switches {
  bool emergency = false;
  bool hold = false;
  bool start_pressed = false;  // cycle start
  bool reset_pressed = false;
  Mode mode = Mode::Memory;
  double feed_override = 1;
  double rapid_override = 1;  // 0: the lowest rapid rate, parameter 1421
  double spindle_override = 1;
  bool single_block = false;
  bool block_skip = false;
  bool dry_run = false;
  bool machine_lock = false;
  bool memory_open = true;  // programs may be changed
  bool free_timer = false;
};

// The G signals at power on: no emergency, overrides 100 %, mode MEM.
void set_initial_signals(Pmc* pmc, std::size_t paths);

// path: from 0.
Switches read_switches(const Pmc& pmc, std::size_t path);

void write_mode(Pmc* pmc, std::size_t path, Mode mode);
void write_feed_override(Pmc* pmc, std::size_t path, int percent);     // 0..254
void write_spindle_override(Pmc* pmc, std::size_t path, int percent);  // 0..254
// 100, 50, 25 or 0 (F0). False: another value.
bool write_rapid_override(Pmc* pmc, std::size_t path, int percent);

// F signals of one path from its state, and lamps on Y0.
void write_status_signals(Pmc* pmc, std::size_t index, const Path& path);

// Bits by their names in the connection manuals.
namespace signal {
inline constexpr std::size_t kG8 = 8;  // .4 *ESP, .5 *SP, .7 ERS
inline constexpr int kEmergencyBit = 4;
inline constexpr int kHoldBit = 5;
inline constexpr std::size_t kX8 = 8;    // .4 *ESP, the button itself
inline constexpr std::size_t kG44 = 44;  // .0 BDT, .1 MLK
inline constexpr std::size_t kG46 = 46;  // .1 SBK, .3 - .6 KEY, .7 DRN
inline constexpr int kBlockSkipBit = 0;
inline constexpr int kMachineLockBit = 1;
inline constexpr int kSingleBlockBit = 1;
inline constexpr int kKeyBit = 3;
inline constexpr int kDryRunBit = 7;
}  // namespace signal

}  // namespace rise::cncsim
