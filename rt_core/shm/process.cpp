#include "rt_core/shm/process.hpp"

#include <unistd.h>

#include <string>

#include "rt_core/proc_stat.hpp"

namespace rise::shm {

namespace {

bool read_stat(std::uint32_t pid, ProcStat* stat) {
  return read_proc_stat("/proc/" + std::to_string(pid) + "/stat", stat);
}

}  // namespace

ProcessId self() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  ProcStat stat;
  read_stat(pid, &stat);
  return {pid, stat.start_time};
}

bool alive(const ProcessId& process) {
  ProcStat stat;
  if (process.pid == 0 || !read_stat(process.pid, &stat)) return false;
  return stat.state != 'Z' && stat.state != 'X' && stat.start_time == process.start_time;
}

}  // namespace rise::shm
