// Where huge pages may be had: the hugetlbfs mounts of this machine.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rise::shm {

struct HugeMount {
  std::string path;
  std::size_t page_bytes = 0;
  // Of that size, on the whole machine. 0: the mount is there, but nobody has set pages aside.
  std::size_t pages = 0;
};

// Set-up code; reads /proc and /sys.
std::vector<HugeMount> huge_mounts();

}  // namespace rise::shm
