// `rise doctor`: is this machine fit for real time, why not, what to do; and does it if asked.
#pragma once

#include <string>

namespace rise::cli {

struct DoctorOptions {
  bool json = false;
  bool fix = false;      // show what scripts/rt-tune would do
  bool yes = false;      // and do it, then look again
  bool persist = false;  // for the next boots as well
  int cpu = -1;          // the lane's core; -1: the best one
  int measure_s = 0;     // measure the lateness for so long; 0: do not
  // A folder with /proc, /sys, /dev of another machine instead of this one. Nothing can be tried
  // there, so what cannot be read from files stays unknown.
  std::string root;
};

// -> exit_code() of what was found last; 1 if mending has failed.
int doctor(const DoctorOptions& options);

}  // namespace rise::cli
