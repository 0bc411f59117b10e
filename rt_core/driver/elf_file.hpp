// A look at a shared object before it is loaded: the loader's own words for these faults mislead,
// and what lies beyond the end of a file it maps all the same; the first touch would end the
// process with SIGBUS.
#pragma once

#include <string>

namespace rise::driver {

// Empty: as far as can be seen it may be loaded. Else what it is: "is cut off: ...".
std::string elf_fault(const std::string& path);

}  // namespace rise::driver
