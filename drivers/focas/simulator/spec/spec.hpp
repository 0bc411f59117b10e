// What a simulated control is made of: the options of one control, as read from the config or
// written by a test. Defaults here and in settings.cpp are the same (a test compares them).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/focas/simulator/spec/fault_spec.hpp"
#include "drivers/focas/simulator/spec/model.hpp"

namespace rise::cncsim {

inline constexpr std::size_t kMaxAxes = 32;     // of one path; no model has more
inline constexpr std::size_t kMaxSpindles = 8;  // of one path
inline constexpr int kMaxTools = 99;

// Rotary axes count degrees where linear axes count millimetres.
struct AxisSpec {
  std::string name = "X";  // 1..3 characters; the first is the address in programs
  bool rotary = false;
  double rapid_mm_min = 24000;
  double max_feed_mm_min = 10000;
  double acceleration_mm_s2 = 3000;
  double low_mm = -1000;  // stored stroke limit, machine coordinate
  double high_mm = 1000;
  double start_mm = 0;  // machine coordinate at power on
};

struct SpindleSpec {
  std::string name = "S1";
  double max_rpm = 8000;
  double power_kw = 11;              // = 100 % load
  double acceleration_rpm_s = 4000;  // speeding up and braking
  double inertia_kgm2 = 0.01;
};

// Constants of the cutting model; the formulas are in README.md and cutting.cpp.
struct CuttingSpec {
  double depth_mm = 2;
  double width_mm = 10;
  double tool_diameter_mm = 16;
  double specific_force_n_mm2 = 2000;
  double tool_life_min = 45;         // cutting minutes from new to worn at the reference load
  double wear_force_percent = 60;    // more force with a worn tool
  double rated_axis_force_n = 3000;  // = 100 % servo load
  double ambient_c = 22;
  double thermal_time_s = 300;  // time constant of the motors' temperatures
  double noise_percent = 2;     // of the load meters and of the vibration
};

struct PathSpec {
  std::vector<AxisSpec> axes;
  std::vector<SpindleSpec> spindles;
  std::string program;  // main program, "O1000(...)\nG90...\nM30"; may be empty
};

// A further program in the memory.
struct ProgramSpec {
  std::string folder;  // "//CNC_MEM/USER/PATH1/"
  std::string text;
};

struct ControlSpec {
  std::string name = "cnc";
  std::string model = "31i";
  MachineType machine = MachineType::Mill;
  int version = 0;       // of the open reply; 0: as the model
  int family = -1;       // -1: as the model
  std::string series;    // four characters; empty: as the model
  std::string software;  // four characters; empty: as the model
  std::uint64_t seed = 1;

  std::vector<PathSpec> paths;
  std::vector<ProgramSpec> programs;
  CuttingSpec cutting;

  int tick_us = 2000;              // interpolation period
  int decimals = 3;                // digits of positions behind the point
  std::int64_t clock_start_s = 0;  // the control's clock at power on, seconds since 1970
  int memory_kb = 512;             // program memory
  int offset_sets = 200;           // tool offset numbers
  bool autostart = true;           // cycle start at power on
  bool loop = true;                // M30 starts again
  double loop_pause_s = 1;
  double restart_s = 0;  // a reset control without alarm starts by itself after this; 0: never
  bool optional_stop = false;
  double m_time_s = 0.1;  // until an M, S or T code is finished
  double tool_change_s = 2;
  bool stale_elements = false;  // junk beyond the controlled axes, as real controls send
};

// The FOCAS server of one control.
struct SessionSpec {
  int sessions_max = 5;  // sessions for data (open payload 0002) at the same time
  int service_us = 0;    // time to answer a request; real controls need 1000 to 5000
  int service_jitter_us = 0;
  int upload_gap_us = 0;  // between the acceptance of an upload and its data
  std::vector<FaultSpec> faults;
};

// One control and where it listens.
struct MachineSpec {
  ControlSpec control;
  SessionSpec session;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8193;
};

// The model with the overrides of the spec. `spec.model` must exist.
Personality personality_of(const ControlSpec& spec);

}  // namespace rise::cncsim
