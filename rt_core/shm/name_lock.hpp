// The lock between cores of the same name: a file of its own, rise.NAME.lock, that only the core's
// user may open. A lock on `in` or `out` would be for everybody who may read them to take, and so
// to keep the next core from starting. The kernel lets go of it when its holder dies; the file goes
// with an orderly end.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "rt_core/result.hpp"

namespace rise::shm {

class NameLock {
 public:
  // Set-up code. Fails if another process holds it, and names that process.
  static Result<NameLock> take(const std::string& directory, const std::string& name);

  NameLock() = default;
  NameLock(NameLock&& other) noexcept { swap(other); }
  NameLock& operator=(NameLock&& other) noexcept {
    swap(other);
    return *this;
  }
  NameLock(const NameLock&) = delete;
  NameLock& operator=(const NameLock&) = delete;
  ~NameLock();

 private:
  void swap(NameLock& other) {
    std::swap(fd_, other.fd_);
    path_.swap(other.path_);
  }
  int fd_ = -1;
  std::string path_;
};

// The sentence for a second core of a name. pid 0: not known.
std::string already_running(std::uint32_t pid, const std::string& path);

}  // namespace rise::shm
