#include "plugins/recorder/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace rise::recorder {

namespace {

const char* remedy(int error) {
  switch (error) {
    case EEXIST: return "; remove it, or name another file";
    case ENOENT: return "; its folder does not exist: make it";
    case EACCES: return "; give this user the right to write there";
    case ENOSPC:
    case EDQUOT: return "; make room on this disk";
    default: return "";
  }
}

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return Failure{path + ": " + std::strerror(errno) + remedy(errno)};
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

OutputFile::OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool OutputFile::write(std::string_view bytes) {
  const ::off_t begin = ::lseek(fd_, 0, SEEK_CUR);
  for (std::size_t done = 0; done < bytes.size();) {
    const ::ssize_t written = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    const int error = written < 0 ? errno : ENOSPC;
    problem_ = path_ + ": " + std::strerror(error) + remedy(error);
    // Should even this fail, the file ends within a chunk, which its readers are prepared for.
    if (::ftruncate(fd_, begin) == 0) (void)::lseek(fd_, begin, SEEK_SET);
    return false;
  }
  problem_.clear();
  return true;
}

bool OutputFile::close() {
  if (fd_ < 0) return true;
  const int error = ::fdatasync(fd_) == 0 ? 0 : errno;
  if (error != 0) problem_ = path_ + ": " + std::strerror(error) + remedy(error);
  return ::close(std::exchange(fd_, -1)) == 0 && error == 0;
}

}  // namespace rise::recorder
