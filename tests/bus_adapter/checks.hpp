#pragma once

#include "tests/bus_adapter/kit.hpp"

namespace rise::bus_adapter {

// All checks, or the one of that name; a line each. -> exit code: 1 if one has failed.
int run_checks(Kit* kit, const std::string& only);

}  // namespace rise::bus_adapter
