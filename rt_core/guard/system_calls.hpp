// The names of the kernel's system calls, from its own header at build time.
#pragma once

namespace rise::guard {

// "openat"; "?" for a number that the header does not know. No allocation.
const char* system_call_name(int number);

}  // namespace rise::guard
