// `rise driver new NAME`: a folder with a driver that works, to begin with; see
// drivers/sdk/template.
#pragma once

#include <string>

namespace rise::cli {

struct DriverNewOptions {
  std::string name;
  std::string folder;    // where to make the folder NAME; empty: here
  bool outputs = false;  // a driver that also writes: outputs, commands, the safe state
};

// -> exit code. Overwrites nothing; makes all of it, or nothing.
int driver_new(const DriverNewOptions& options);

// What is wrong with a name for a driver; empty: nothing.
std::string driver_name_fault(const std::string& name);

}  // namespace rise::cli
