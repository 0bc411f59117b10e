#include "plugins/cli/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <thread>
#include <utility>

namespace rise::cli {

std::string program_folder() {
  char path[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  return whole.substr(0, whole.rfind('/'));
}

bool Child::start(const std::string& name, const std::vector<std::string>& arguments, Child* child,
                  std::string* why) {
  const std::string path = program_folder() + "/" + name;
  if (::access(path.c_str(), X_OK) != 0) {
    *why = path + " cannot be started: " + std::strerror(errno);
    return false;
  }
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) {
    *why = std::string("no pipe: ") + std::strerror(errno);
    return false;
  }
  std::vector<char*> argv;
  argv.push_back(const_cast<char*>(path.c_str()));
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    // However we end, the child is told; and a terminal's Ctrl-C reaches us alone, so that we end
    // the children in the right order.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::setpgid(0, 0);
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::dup2(pipe_ends[1], STDERR_FILENO);
    const int null = ::open("/dev/null", O_RDONLY);
    if (null >= 0) ::dup2(null, STDIN_FILENO);
    ::execv(path.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  if (pid < 0) {
    ::close(pipe_ends[0]);
    *why = std::string("no process: ") + std::strerror(errno);
    return false;
  }
  ::fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
  *child = Child();
  child->name_ = name;
  child->pid_ = pid;
  child->output_ = pipe_ends[0];
  return true;
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(partial_, other.partial_);
  return *this;
}

Child::~Child() {
  stop(2000);
  if (output_ >= 0) ::close(output_);
}

void Child::read_lines(const std::function<void(const std::string&)>& take) {
  if (output_ < 0) return;
  char bytes[4096];
  for (int round = 0; round < 64; ++round) {
    const ssize_t n = ::read(output_, bytes, sizeof bytes);
    if (n <= 0) break;
    partial_.append(bytes, static_cast<std::size_t>(n));
  }
  std::size_t end = 0;
  while ((end = partial_.find('\n')) != std::string::npos) {
    take(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
}

bool Child::ended(std::string* how) {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = -1;
  *how = WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                             : "exit code " + std::to_string(WEXITSTATUS(status));
  return true;
}

void Child::stop(int wait_ms) {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (std::chrono::steady_clock::now() < until) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return;
    }
    // Its last words must not fill the pipe and so keep it from ending.
    read_lines([](const std::string&) {});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace rise::cli
