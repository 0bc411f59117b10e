// `rise doctor`: is this machine fit for real time, why not, and what to do.
#pragma once

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
};

// What the checks look at. `root` is put before every path ("" = this machine), so that a folder
// can stand for another one in tests; the rest cannot be read from files.
struct Patient {
  std::string root;
  bool may_use_fifo = false;
  bool may_lock_memory = false;
  std::string io_uring;  // empty: fully usable; else what is missing
  int cpus = 1;
};
Patient this_machine();

std::vector<Finding> examine(const Patient& patient);

// A: fit; B, C: fit for slower lanes; D: for trials; F: something real time cannot do without is
// missing.
char grade(const std::vector<Finding>& findings);
// Real time cannot do without it.
bool fatal(const Finding& finding);
// 0, or 1 if anything fatal was found, so that a script need not read the grade.
int exit_code(const std::vector<Finding>& findings);

// Examines this machine and prints what it finds. -> exit_code().
int doctor(bool json);

}  // namespace rise::cli
