// What `rise doctor` looks at and what it finds: checks, each a function of a Patient alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rise::cli {

enum class Verdict { Pass, Warn, Fail, Unknown };

struct Finding {
  std::string id;    // stable, for scripts
  std::string what;  // "kernel"
  Verdict verdict = Verdict::Unknown;
  std::string found;   // what this machine has
  std::string why;     // why it matters
  std::string remedy;  // what to do; empty if nothing
  int weight = 1;      // in the grade
  std::string effect;  // what it costs here, where that can be measured
  bool vital = false;  // real time cannot do without it: a failure makes the grade F
};

// How a network card is set; what its driver does not tell is absent.
struct NetworkCard {
  std::string name;
  std::optional<bool> adaptive;          // it chooses by itself how long it waits
  std::optional<std::uint32_t> wait_us;  // before it interrupts for a frame
  std::optional<bool> gro;
  std::optional<bool> lro;
};

// The lateness of a thread that waits as a lane waits, on the lane's core.
struct WakeUp {
  int seconds = 0;
  bool fifo = false;  // it had SCHED_FIFO
  double average_us = 0;
  double worst_us = 0;
  std::uint64_t interrupts = 0;  // on that core meanwhile
};

// What the checks look at. `root` is put before every path ("" = this machine), so that a folder
// can stand for another one. The rest cannot be read from files; absent = was not tried.
struct Patient {
  std::string root;
  int lane_cpu = -1;  // the core to judge; -1: the best one (best_core.hpp)
  std::optional<bool> may_use_fifo;
  std::optional<bool> may_lock_memory;
  std::optional<std::string> io_uring;  // empty: fully usable; else what is missing
  std::string io_uring_features;
  std::optional<int> cpus;  // that this process may use
  std::optional<std::vector<NetworkCard>> cards;
  std::optional<bool> clock_disciplined;  // the kernel's clock is told to be synchronised
  std::optional<std::uint64_t> log_free_bytes;
  std::optional<double> clock_read_ns;
  std::optional<WakeUp> wake_up;
};
// This machine, with everything tried that is quick and changes nothing.
Patient this_machine();
// Measures for so many seconds on `cpu`; loads that core a little, so no lane should run there.
WakeUp measure_wake_up(int cpu, int seconds);

std::vector<Finding> examine(const Patient& patient);

// What others have published as good enough, as worst latency in microseconds. None of these is
// reached by a measurement of seconds: it can miss a bar, and only a run as long as theirs, under
// load, can claim it.
//   LinuxCNC, "Latency Test" (docs, install/latency-test): up to 20 for software stepping, up to 50
//   still usable.
//   Red Hat Enterprise Linux for Real Time: 40, over 12 hours.
//   OSADL's QA farm gives the method (osadl.org, "Latency plots"): cyclictest on all cores for more
//   than five hours, idle first and then under load; the worst value counts.
constexpr double kBarStepping_us = 20;
constexpr double kBarRedHat_us = 40;
constexpr double kBarUsable_us = 50;

struct Bar {
  double worst_us;  // up to this
  char grade;       // the best grade that it leaves
  const char* whose;
};
// From the strictest on; beyond the last one: D.
inline constexpr Bar kBars[] = {
    {kBarStepping_us, 'A', "LinuxCNC, software stepping"},
    {kBarRedHat_us, 'B', "Red Hat Enterprise Linux for Real Time, over 12 hours"},
    {kBarUsable_us, 'C', "LinuxCNC, still usable"},
};

// A: fit; B, C: fit for slower lanes; D: for trials; F: something real time cannot do without is
// missing. The rule is in grade.cpp.
char grade(const std::vector<Finding>& findings, const Patient& patient);
// Real time cannot do without it.
bool fatal(const Finding& finding);
// 0, or 1 if anything fatal was found, so that a script need not read the grade.
int exit_code(const std::vector<Finding>& findings);

}  // namespace rise::cli
