#include "rt_core/shm/process.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace rise::shm {

namespace {

// proc(5): the command name is in parentheses and may hold anything, so the fields are counted from
// the last ')': state is the first after it, the start time the twentieth.
bool read_stat(std::uint32_t pid, char* state, std::uint64_t* start_time) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  char line[1024];
  const std::size_t length = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[length] = '\0';
  const char* rest = std::strrchr(line, ')');
  if (rest == nullptr) return false;
  unsigned long long ticks = 0;
  if (std::sscanf(
          rest + 1,
          " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", state,
          &ticks) != 2) {
    return false;
  }
  *start_time = ticks;
  return true;
}

}  // namespace

ProcessId self() {
  ProcessId process;
  process.pid = static_cast<std::uint32_t>(::getpid());
  char state = 0;
  read_stat(process.pid, &state, &process.start_time);
  return process;
}

bool alive(const ProcessId& process) {
  char state = 0;
  std::uint64_t start_time = 0;
  if (process.pid == 0 || !read_stat(process.pid, &state, &start_time)) return false;
  return state != 'Z' && state != 'X' && start_time == process.start_time;
}

}  // namespace rise::shm
