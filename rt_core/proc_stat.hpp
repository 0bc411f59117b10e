// The one reader of /proc/.../stat, of a process or of a thread. Set-up code.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace rise {

struct ProcStat {
  char state = 0;  // 'R', 'S', 'Z', ...
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot
};

// False: there is no such process or thread; then *stat stays as it was.
inline bool read_proc_stat(const std::string& path, ProcStat* stat) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return false;
  char line[1024];
  const std::size_t length = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[length] = '\0';
  // proc(5): the command name is in parentheses and may hold anything, so the fields are counted
  // from the last ')': state is the first after it, then minflt the eighth, majflt the tenth, the
  // start time the twentieth.
  const char* rest = std::strrchr(line, ')');
  if (rest == nullptr) return false;
  char state = 0;
  unsigned long long minor = 0;
  unsigned long long major = 0;
  unsigned long long start = 0;
  if (std::sscanf(rest + 1,
                  " %c %*s %*s %*s %*s %*s %*s %llu %*s %llu %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                  "%llu",
                  &state, &minor, &major, &start) != 4) {
    return false;
  }
  *stat = {state, minor, major, start};
  return true;
}

}  // namespace rise
