#include "plugins/recorder/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "plugins/recorder/mcap_reader.hpp"

namespace rise::recorder {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failure{path + ": " + std::strerror(errno)};
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    ::close(fd);
    return Failure{path + ": is no ordinary file"};
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  void* base = nullptr;
  if (size > 0) base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (base == MAP_FAILED) return Failure{path + ": " + std::strerror(error)};
  return MappedFile(base, size);
}

MappedFile::~MappedFile() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

Result<MappedFile> open_recording(const std::string& path) {
  auto file = MappedFile::open(path);
  if (file && !is_mcap(file->bytes())) return Failure{path + ": is no MCAP file"};
  return file;
}

}  // namespace rise::recorder
