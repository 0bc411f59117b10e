// The command line of sensorsim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rise::sensorsim {

struct Options {
  std::string config;  // file; empty: the built-in default
  std::string host;    // --to HOST:PORT, over what the config says
  std::uint16_t port = 0;
  std::string source;
  std::optional<double> duration_s;
  std::optional<std::uint64_t> seed;  // added to the seed of each sensor
  double speed = 1;                   // rates are as many times as high
  std::uint64_t datagrams = 0;        // ends after so many; 0: no limit
  bool fast = false;                  // as quickly as the machine can
  bool check = false;
  bool quiet = false;
  bool help = false;
  bool keys = false;
  bool json = false;
};

// False: *fault says which argument is wrong.
bool parse_options(int argc, const char* const* argv, Options* options, std::string* fault);

extern const char kUsage[];

}  // namespace rise::sensorsim
