// A lock between processes on one byte of the region's `in` file, held for the life of the object.
// For set-up code and for those who send commands; the core takes no lock. Open-file-description
// locks: the kernel lets go of them when their holder dies.
#pragma once

#include <fcntl.h>

#include <cerrno>

namespace rise::shm {

enum class LockByte : int {
  Readers = 0,       // the table of readers
  FirstCommand = 16  // the producer's side of lane n's command ring: 16 + n
};

class FileLock {
 public:
  FileLock(int fd, int byte) : fd_(fd), byte_(byte) { set(F_WRLCK); }
  ~FileLock() { set(F_UNLCK); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  void set(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte_;
    lock.l_len = 1;
    // A signal ends the wait early: without another try we would go on without the lock.
    while (::fcntl(fd_, type == F_UNLCK ? F_OFD_SETLK : F_OFD_SETLKW, &lock) != 0 &&
           errno == EINTR) {
    }
  }
  int fd_;
  int byte_;
};

}  // namespace rise::shm
