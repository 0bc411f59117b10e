// The command line of cncsim.
#pragma once

#include <string>

namespace rise::cncsim {

struct Options {
  std::string config;     // file; empty: the built-in default
  std::string control;    // path of the control socket; empty: none
  std::string tell_path;  // --tell: the socket to talk to
  std::string tell_line;
  int ready_fd = -1;  // gets "ready\n" once all ports listen; -1: standard output
  bool check = false;
  bool quiet = false;
  bool help = false;
  bool keys = false;  // print the config's keys
};

// False: *fault says which argument is wrong.
bool parse_options(int argc, const char* const* argv, Options* options, std::string* fault);

extern const char kUsage[];

}  // namespace rise::cncsim
