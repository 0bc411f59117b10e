#include "rt_core/shm/keep_off_lanes.hpp"

#include <sched.h>

#include <cstdlib>
#include <filesystem>

#include "rise_generated.h"

namespace rise::shm {

void keep_off_lanes(const Region& region) {
  // As it was at first: the next core may have its lanes elsewhere.
  static const cpu_set_t allowed = [] {
    cpu_set_t its;
    CPU_ZERO(&its);
    (void)::sched_getaffinity(0, sizeof its, &its);
    return its;
  }();
  cpu_set_t rest = allowed;
  for (const message::CoreHealth& health : region.table<message::CoreHealth>(SectionKind::Lanes)) {
    if (health.cpu() >= 0) CPU_CLR(static_cast<std::size_t>(health.cpu()), &rest);
  }
  if (CPU_COUNT(&rest) == 0) return;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const long id = std::strtol(task.path().filename().c_str(), nullptr, 10);
    ::sched_setaffinity(static_cast<pid_t>(id), sizeof rest, &rest);
  }
}

}  // namespace rise::shm
