// What rise.toml may hold: every setting but the drivers' own tables, which the drivers describe
// themselves.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/schema/document.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::config {

std::span<const rise_setting_spec> rise_toml();

// The tables that belong to drivers: machine.N.<its driver>.
std::vector<std::string> driver_tables(const Document& document);

}  // namespace rise::config
