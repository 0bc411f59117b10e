// The config file of sensorsim.
#pragma once

#include <span>
#include <vector>

#include "config/schema/document.hpp"
#include "drivers/sdk/rise_driver.h"
#include "drivers/telemetry/simulator/spec.hpp"

namespace rise::sensorsim {

std::span<const rise_setting_spec> setting_specs();

// Reads and checks; faults are appended to *problems, all of them in one go.
Config read_config(const config::Document& document, std::vector<config::Problem>* problems);

}  // namespace rise::sensorsim
