// The config file of cncsim: which keys there are, and the specs that come out of a file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/schema/document.hpp"
#include "drivers/focas/simulator/spec/spec.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::cncsim {

// All allowed keys, for --help and the documentation test.
std::span<const rise_setting_spec> setting_specs();

struct Config {
  int background_ms = 50;             // controls that nobody asks are brought up to date this often
  std::vector<MachineSpec> machines;  // counts are expanded
};

// Checks everything at once. With problems the result is not to be used. now_s: the time of
// controls whose clock is "now".
Config read_config(const config::Document& document, std::int64_t now_s,
                   std::vector<config::Problem>* problems);

}  // namespace rise::cncsim
