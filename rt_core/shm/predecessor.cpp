#include "rt_core/shm/predecessor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "rise_generated.h"
#include "rt_core/shm/name_lock.hpp"
#include "rt_core/shm/process.hpp"
#include "rt_core/shm/region_layout.hpp"
#include "rt_core/shm/stamped_cell.hpp"

namespace rise::shm {

namespace {

class File {
 public:
  // NONBLOCK: the open of a pipe would wait for its other end.
  explicit File(const std::string& path, int flags = O_RDONLY)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  // All of it, or false: the file may be shorter, also since a moment ago.
  template <class T>
  [[nodiscard]] bool read(T* value, std::uint64_t offset) const {
    return ::pread(fd_, value, sizeof *value, static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(sizeof *value);
  }

 private:
  int fd_;
};

enum class Look { Absent, Rubbish, Region };

Result<Look> look(const File& file, const std::string& path, std::uint64_t magic,
                  RegionHeader* header) {
  if (file.fd() < 0 && errno == ENOENT) return Look::Absent;
  struct stat info {};
  if (file.fd() < 0) {
    return Failure{path + " cannot be opened: " + std::strerror(errno) + "; remove it by hand"};
  }
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Failure{path + " is not a file; remove it by hand"};
  }
  return file.read(header, 0) && header->magic == magic ? Look::Region : Look::Rubbish;
}

bool same_layout(const RegionHeader& header) {
  return header.version == kRegionVersion && header.header_bytes == sizeof(RegionHeader);
}

bool any_tripped(const File& file, const RegionHeader& header) {
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return false;
  const auto bytes = static_cast<std::size_t>(info.st_size);
  constexpr std::size_t kWords = sizeof(message::MachineState) / sizeof(Word);
  for (std::uint32_t i = 0; i < std::min<std::size_t>(header.section_count, kMaxSections); ++i) {
    const Section& section = header.sections[i];
    if (section.kind != SectionKind::States || section.element_words != kWords ||
        !section_fits(section, bytes)) {
      continue;
    }
    for (std::uint64_t m = 0; m < section.count; ++m) {
      // Its writer is dead: no copy can be torn, unless it died while it wrote.
      message::MachineState state;
      const std::uint64_t cell =
          section.offset + m * StampedCell<Hardware>::words(kWords) * sizeof(Word);
      if (file.read(&state, cell + sizeof(Word)) &&
          state.safety() == message::SafetyState::Tripped) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

Result<Remains> look_at_remains(const std::string& in, const std::vector<std::string>& outs) {
  Remains remains;
  RegionHeader header{};
  const File in_file(in);
  auto in_look = look(in_file, in, kInMagic, &header);
  if (!in_look) return Failure{in_look.error()};
  const bool in_found = *in_look == Look::Region;
  if (in_found) {
    remains.pid = header.core_pid;
    const std::uint64_t at = kControlOffset + offsetof(ControlBlock, stop_word);
    Word stop_word = 0;
    if (same_layout(header) && in_file.read(&stop_word, at)) {
      remains.predecessor.stop_word = stop_word;
    }
  }
  bool out_found = false;
  for (const std::string& path : outs) {
    const File file(path);
    auto found = look(file, path, kOutMagic, &header);
    if (!found) return Failure{found.error()};
    if (*found == Look::Absent) continue;
    remains.outs.push_back(path);
    if (*found == Look::Rubbish) continue;
    // Our own lock excludes a core of this name and folder; this is one of another folder, whose
    // `out` lies in the same huge pages.
    if (alive({header.core_pid, header.core_start_time})) {
      return Failure{already_running(header.core_pid, path)};
    }
    out_found = true;
    remains.pid = header.core_pid;
    if (header.state != static_cast<std::uint32_t>(RegionState::Closed)) {
      remains.predecessor.unclean = true;
    }
    if (same_layout(header)) remains.predecessor.death = header.death;
    if (same_layout(header) && any_tripped(file, header)) remains.predecessor.tripped = true;
  }
  // `out` alone says how a core ended; without it nobody can say that the end was an orderly one.
  if (in_found && !out_found) remains.predecessor.unclean = true;
  return remains;
}

namespace {

constexpr std::size_t kKept = 5;

// Those of the name in the folder, the oldest first: their names end with their time.
std::vector<std::string> kept_in(const std::string& folder, const std::string& name) {
  std::vector<std::string> found;
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return found;
  const std::string start = "rise." + name + "-";
  constexpr std::size_t kStamp = sizeof "YYYYmmddTHHMMSSZ.out" - 1;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string file = entry->d_name;
    if (file.size() == start.size() + kStamp && file.starts_with(start) && file.ends_with(".out")) {
      found.push_back(folder + "/" + file);
    }
  }
  ::closedir(directory);
  std::sort(found.begin(), found.end());
  return found;
}

// -> 0 or an error number
int copy_file(const File& from, int to) {
  std::vector<char> bytes(1 << 20);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(from.fd(), bytes.data(), bytes.size(), at);
    if (got < 0) return errno;
    if (got == 0) return ::fsync(to) == 0 ? 0 : errno;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, bytes.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0) return errno;
      done += put;
    }
    at += got;
  }
}

}  // namespace

Result<std::string> keep_remains(const std::string& out, const std::string& name,
                                 const std::string& folder) {
  char stamp[24];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  const std::string path = folder + "/rise." + name + "-" + stamp + ".out";
  const auto failed = [&](int error) {
    return Failure{path + " cannot be written: " + std::strerror(error)};
  };
  const File from(out);
  if (from.fd() < 0) return failed(errno);
  const int to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (to < 0) return failed(errno);
  const int error = copy_file(from, to);
  ::close(to);
  if (error != 0) {
    ::unlink(path.c_str());
    return failed(error);
  }
  const std::vector<std::string> kept = kept_in(folder, name);
  for (std::size_t i = 0; i + kKept < kept.size(); ++i) ::unlink(kept[i].c_str());
  return path;
}

void abandon(const std::string& out) {
  const File file(out, O_RDWR);
  RegionHeader header{};
  struct stat info {};
  // Mapped, not written: hugetlbfs knows no write(). Only a file of our own: nobody else can have
  // changed its size.
  if (file.fd() >= 0 && ::fstat(file.fd(), &info) == 0 && info.st_uid == ::geteuid() &&
      file.read(&header, 0) && header.magic == kOutMagic &&
      header.state != static_cast<std::uint32_t>(RegionState::Closed)) {
    const auto bytes = static_cast<std::size_t>(info.st_size);
    void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
    if (base != MAP_FAILED) {
      std::atomic_ref<std::uint32_t>(static_cast<RegionHeader*>(base)->state)
          .store(static_cast<std::uint32_t>(RegionState::Abandoned), std::memory_order_release);
      ::munmap(base, bytes);
    }
  }
  ::unlink(out.c_str());
}

}  // namespace rise::shm
