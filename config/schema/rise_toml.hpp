// What rise.toml may hold: every setting but the tables of drivers and plugins, which describe them
// themselves.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/schema/document.hpp"
#include "drivers/sdk/rise_driver.h"

namespace rise::config {

std::span<const rise_setting_spec> rise_toml();

// The tables that drivers and plugins describe themselves: machine.N.<its driver>,
// plugin.N.<its plugin>.
std::vector<std::string> foreign_tables(const Document& document);

}  // namespace rise::config
