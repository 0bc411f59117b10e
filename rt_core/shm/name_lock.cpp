#include "rt_core/shm/name_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rise::shm {

namespace {

constexpr int kTries = 16;

// True if `path` still names the file behind `fd`.
bool names(const std::string& path, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  return ::lstat(path.c_str(), &by_path) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

// A file that somebody else has put there could be held for ever by its owner.
bool ours(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 077) == 0;
}

std::uint32_t written_pid(int fd) {
  char text[16] = {};
  if (::pread(fd, text, sizeof text - 1, 0) <= 0) return 0;
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

void write_pid(int fd) {
  char text[16];
  const int length = std::snprintf(text, sizeof text, "%d\n", ::getpid());
  // For the message to a second core only; without it that message names no number.
  [[maybe_unused]] const bool written =
      ::ftruncate(fd, 0) == 0 && ::pwrite(fd, text, static_cast<std::size_t>(length), 0) == length;
}

}  // namespace

std::string already_running(std::uint32_t pid, const std::string& path) {
  return "a core with this region is already running (pid " + std::to_string(pid) + ", " + path +
         "); stop it, or give this one another [core] name";
}

// The holder of the lock unlinks the file at its end, so a lock may turn out to be one on a file
// that is gone:
//
//   first:   open, lock . . . . . . . . unlink, close
//   second:  . . . . . . open (same file) . . . . lock   <- holds a lock that nobody else will see
//
// So after locking one looks whether the path still names the locked file, and else begins anew.
Result<NameLock> NameLock::take(const std::string& directory, const std::string& name) {
  NameLock lock;
  const std::string path = directory + "/rise." + name + ".lock";
  for (int i = 0; i < kTries; ++i) {
    const int fd =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0) {
      const int error = errno;
      struct stat info {};
      const bool foreign = ::lstat(path.c_str(), &info) == 0;
      if (foreign && ::unlink(path.c_str()) == 0) continue;  // a link, or a file of another user
      return Failure{path + " cannot be created: " + std::strerror(error) +
                     (foreign ? "; remove it by hand" : "")};
    }
    if (!ours(fd)) {
      ::close(fd);
      if (::unlink(path.c_str()) == 0) continue;
      return Failure{path + " belongs to another user or is open to others; remove it by hand"};
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const std::uint32_t pid = written_pid(fd);
      ::close(fd);
      return Failure{already_running(pid, path)};
    }
    if (!names(path, fd)) {
      ::close(fd);
      continue;
    }
    write_pid(fd);
    lock.fd_ = fd;
    lock.path_ = path;
    return lock;
  }
  return Failure{path + " is removed again and again by somebody else"};
}

NameLock::~NameLock() {
  if (fd_ < 0) return;
  // While it is still held: who locks the file after us finds that the path has left it.
  if (names(path_, fd_)) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace rise::shm
