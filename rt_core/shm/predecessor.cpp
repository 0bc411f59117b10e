#include "rt_core/shm/predecessor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

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
    if (same_layout(header) && any_tripped(file, header)) remains.predecessor.tripped = true;
  }
  // `out` alone says how a core ended; without it nobody can say that the end was an orderly one.
  if (in_found && !out_found) remains.predecessor.unclean = true;
  return remains;
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
