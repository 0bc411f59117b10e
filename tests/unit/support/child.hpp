// Child processes for tests about processes. The child runs a function and ends with what it
// returns, without destructors of the parent's objects. It never outlives its parent, and never
// runs longer than kChildLimit_s. CppUTest's checks belong to the parent.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

namespace rise::test {

inline constexpr unsigned kChildLimit_s = 60;
inline constexpr int kWaitLimit_ms = 60'000;

// A byte from one process to another.
class Signal {
 public:
  Signal() {
    if (::pipe(ends_) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Signal() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void raise() { [[maybe_unused]] const ssize_t n = ::write(ends_[1], "!", 1); }
  // False: it did not come in time.
  [[nodiscard]] bool wait(int limit_ms = kWaitLimit_ms) {
    pollfd poll{ends_[0], POLLIN, 0};
    char byte = 0;
    return ::poll(&poll, 1, limit_ms) == 1 && ::read(ends_[0], &byte, 1) == 1;
  }

 private:
  int ends_[2];
};

class Child {
 public:
  template <class Function>
  explicit Child(Function&& function) {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(99);
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(kChildLimit_s);
    ::_exit(function());
  }
  ~Child() {
    if (pid_ <= 0 || reaped_) return;
    ::kill(pid_, SIGKILL);
    status();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }
  void kill(int signal) const { ::kill(pid_, signal); }
  // Waits for its end: the exit code, or 1000 + the signal that ended it.
  int status() {
    if (!reaped_ && ::waitpid(pid_, &status_, 0) == pid_) reaped_ = true;
    return WIFSIGNALED(status_) ? 1000 + WTERMSIG(status_) : WEXITSTATUS(status_);
  }
  // Waits until it has ended and leaves it a zombie.
  void wait_for_zombie() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

// In a child that is to die of a signal: without a sanitizer's report, without a core file.
inline void die_quietly_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace rise::test
