#include "plugins/store/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace rise::store {

namespace {

constexpr char kLockName[] = "lock";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class RealFile : public DiskFile {
 public:
  explicit RealFile(Descriptor fd) : fd_(std::move(fd)) {}

  std::int64_t read(std::uint64_t at, std::span<std::uint8_t> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n =
          ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -errno;
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return static_cast<std::int64_t>(done);
  }
  int write(std::uint64_t at, Bytes bytes) override {
    // A disk that is about to be full takes a part first and says so at the next call.
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno;
      if (n == 0) return ENOSPC;
      done += static_cast<std::size_t>(n);
    }
    return 0;
  }
  int truncate(std::uint64_t bytes) override {
    return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  }
  // Not repeated after an error: the kernel marks pages that it could not write as clean, so a
  // second call would succeed without them.
  int sync() override { return ::fdatasync(fd_.get()) == 0 ? 0 : errno; }
  std::int64_t size() const override {
    struct stat about {};
    return ::fstat(fd_.get(), &about) == 0 ? std::int64_t{about.st_size} : -errno;
  }

 private:
  Descriptor fd_;
};

class FolderDisk : public Disk {
 public:
  FolderDisk(std::string path, Descriptor folder, Descriptor lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  Opened open(const std::string& name, Open how) override {
    // O_NONBLOCK: a pipe of that name must not hold us up; for regular files it means nothing.
    int flags = O_CLOEXEC | O_NONBLOCK | (how == Open::Read ? O_RDONLY : O_RDWR);
    if (how == Open::Create) flags |= O_CREAT | O_EXCL;
    Descriptor fd(::openat(folder_.get(), name.c_str(), flags, 0640));
    if (fd.get() < 0) return {nullptr, errno};
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return {nullptr, errno};
    if (!S_ISREG(about.st_mode)) return {nullptr, EISDIR};
    // The kernel reads further ahead; while a record is summed up, the next ones come.
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return {std::make_shared<RealFile>(std::move(fd)), 0};
  }
  int list(std::vector<std::string>* names) override {
    std::error_code error;
    for (std::filesystem::directory_iterator at(path_, error), end; !error && at != end;
         at.increment(error)) {
      names->push_back(at->path().filename().string());
    }
    return error.value();
  }
  int remove(const std::string& name) override {
    return ::unlinkat(folder_.get(), name.c_str(), 0) == 0 ? 0 : errno;
  }
  int rename(const std::string& from, const std::string& to) override {
    return ::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) == 0 ? 0 : errno;
  }
  int sync_folder() override { return ::fsync(folder_.get()) == 0 ? 0 : errno; }
  const std::string& path() const override { return path_; }

 private:
  std::string path_;
  Descriptor folder_;
  Descriptor lock_;  // the lock goes with it
};

[[noreturn]] void refuse(const std::string& folder, const std::string& what, int error) {
  throw std::runtime_error("store: " + folder + ": " + what + ": " + std::strerror(error) +
                           "; give it a folder that this user may write to");
}

// With all that is above it; and so that a loss of power does not take it back.
void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return;
  const auto above = folder.has_parent_path() ? folder.parent_path() : std::filesystem::path(".");
  if (above != folder) make_folder(above);
  if (!std::filesystem::create_directory(folder, error) && error) {
    refuse(folder.string(), "cannot be made", error.value());
  }
  const Descriptor parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) (void)::fsync(parent.get());
}

// Who holds the lock, as that process has noted it.
std::string holder(int lock) {
  char text[32] = "";
  const ssize_t n = ::pread(lock, text, sizeof text - 1, 0);
  const std::string pid(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  return pid.empty() ? "another process" : "process " + pid.substr(0, pid.find('\n'));
}

}  // namespace

std::unique_ptr<Disk> folder_disk(const std::string& folder) {
  make_folder(folder);
  Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) refuse(folder, "cannot be opened", errno);
  Descriptor lock(::openat(directory.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (lock.get() < 0) refuse(folder, "cannot make its lock file", errno);
  // flock, not fcntl: it also keeps two logs of one process apart, and is not lost when somebody
  // else in the process closes the file.
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    throw std::runtime_error("store: " + folder + " is in use by " + holder(lock.get()) +
                             "; stop that one, or set another folder");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // The note is for people only.
  if (::ftruncate(lock.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t n = ::pwrite(lock.get(), pid.data(), pid.size(), 0);
  }
  return std::make_unique<FolderDisk>(folder, std::move(directory), std::move(lock));
}

}  // namespace rise::store
