// Finds out what there is to check: the shared object, the machine of the config that uses it, the
// words in its constants.
#pragma once

#include <string>

#include "rt_core/kit/trial.hpp"
#include "rt_core/result.hpp"

namespace rise::kit {

// config: empty = the driver's defaults. dialog: empty = that beside the config, if there is one.
Result<Subject> make_subject(const std::string& path, const std::string& driver,
                             const std::string& config, const std::string& dialog);

}  // namespace rise::kit
