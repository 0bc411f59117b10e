#include "plugins/recorder/segment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace rise::recorder {

Result<std::unique_ptr<Segment>> Segment::create(const std::string& path,
                                                 const McapWriterOptions& options) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    const char* remedy = errno == EEXIST   ? "; remove it, or name another file"
                         : errno == ENOENT ? "; its folder does not exist: make it"
                         : errno == EACCES ? "; give this user the right to write there"
                         : errno == ENOSPC ? "; make room on this disk"
                                           : "";
    return Failure{path + ": " + std::strerror(errno) + remedy};
  }
  std::unique_ptr<Segment> segment(new Segment(path, fd, options));
  if (segment->writer_.begin()) return segment;
  ::unlink(path.c_str());
  return Failure{segment->problem()};
}

Segment::Segment(std::string path, int fd, const McapWriterOptions& options)
    : path_(std::move(path)),
      fd_(fd),
      writer_(options, [this](std::string_view bytes) { return write(bytes); }) {}

Segment::~Segment() {
  if (fd_ >= 0) ::close(fd_);
}

bool Segment::write(std::string_view bytes) {
  const ::off_t begin = ::lseek(fd_, 0, SEEK_CUR);
  for (std::size_t done = 0; done < bytes.size();) {
    const ::ssize_t written = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    const int error = written < 0 ? errno : ENOSPC;
    problem_ = path_ + ": " + std::strerror(error) +
               (error == ENOSPC || error == EDQUOT ? "; make room on this disk" : "");
    // Should even this fail, the file ends within a chunk, which its readers are prepared for.
    if (::ftruncate(fd_, begin) == 0) (void)::lseek(fd_, begin, SEEK_SET);
    return false;
  }
  problem_.clear();
  return true;
}

bool Segment::close() {
  if (fd_ < 0) return true;
  bool good = writer_.finish();
  if (::fdatasync(fd_) != 0 && good) {
    problem_ = path_ + ": " + std::strerror(errno);
    good = false;
  }
  ::close(std::exchange(fd_, -1));
  return good;
}

}  // namespace rise::recorder
