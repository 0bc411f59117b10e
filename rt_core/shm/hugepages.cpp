#include "rt_core/shm/hugepages.hpp"

#include <sys/statfs.h>

#include <fstream>
#include <sstream>

namespace rise::shm {

std::vector<HugeMount> huge_mounts() {
  std::vector<HugeMount> found;
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, path, type;
    fields >> device >> path >> type;
    struct statfs info {};
    if (type != "hugetlbfs" || ::statfs(path.c_str(), &info) != 0) continue;
    HugeMount mount{path, static_cast<std::size_t>(info.f_bsize), 0};
    std::ifstream pages("/sys/kernel/mm/hugepages/hugepages-" +
                        std::to_string(mount.page_bytes / 1024) + "kB/nr_hugepages");
    if (!(pages >> mount.pages)) mount.pages = 0;
    found.push_back(mount);
  }
  return found;
}

}  // namespace rise::shm
