#include "plugins/cli/doctor/mend.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "plugins/cli/child.hpp"

namespace rise::cli {

std::string find_rt_tune() {
  for (const char* where : {"/rt-tune", "/../lib/rise/rt-tune", "/../../../scripts/rt-tune"}) {
    std::string path = program_folder() + where;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

int run_rt_tune(const std::string& program, const std::vector<std::string>& arguments,
                bool to_stderr) {
  std::fflush(stdout);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (to_stderr) ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t pid = -1;
  const int rc = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) {
    std::fprintf(stderr, "rise: %s does not start: %s\n", program.c_str(), std::strerror(rc));
    return -1;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace rise::cli
