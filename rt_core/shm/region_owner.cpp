#include "rt_core/shm/region_owner.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "rt_core/shm/hugepages.hpp"
#include "rt_core/shm/region_layout.hpp"

namespace rise::shm {

namespace {

std::string mebibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string fault(const std::string& path, std::size_t bytes, int error) {
  if (error != ENOSPC) return path + " cannot be prepared: " + std::strerror(error);
  const std::string folder = path.substr(0, path.rfind('/'));
  struct statvfs info {};
  std::uint64_t free_bytes = 0;
  std::uint64_t all_bytes = 0;
  if (::statvfs(folder.c_str(), &info) == 0) {
    free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
    all_bytes = std::uint64_t{info.f_blocks} * info.f_frsize;
  }
  return path + " needs " + mebibytes(bytes) + ", but " + folder + " has " + mebibytes(free_bytes) +
         " free of " + mebibytes(all_bytes) + ": make it larger (mount -o remount,size=... " +
         folder + "), remove what fills it, or lower [core] history_s";
}

// Makes and maps a file that was not there before, all of it backed by memory.
Result<Mapping> make_file(const std::string& path, std::size_t bytes, mode_t mode) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Failure{path + " cannot be created: " + std::strerror(errno)};
  Mapping file(nullptr, 0, fd);
  int error = 0;
  if (::fchmod(fd, mode) != 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) error = errno;
  // A file that is only sized has no memory yet: a full tmpfs would show as SIGBUS at the first
  // touch of a page, long after the start.
  if (error == 0) error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  void* base = MAP_FAILED;
  if (error == 0) {
    // Populate: the first touch of a page inside a cycle would be a page fault.
    base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (base == MAP_FAILED) error = errno;
  }
  if (error != 0) {
    const std::string why = fault(path, bytes, error);  // looks at the folder as it was then
    ::unlink(path.c_str());
    return Failure{why};
  }
  return Mapping(base, bytes, file.release_fd());
}

}  // namespace

Result<OwnedRegion> OwnedRegion::create(const RegionPlan& plan) {
  if (const std::string wrong = name_fault(plan.name); !wrong.empty()) return Failure{wrong};
  OwnedRegion region;
  auto lock = NameLock::take(plan.directory, plan.name);
  if (!lock) return Failure{lock.error()};
  region.lock_ = std::move(*lock);

  // Where an `out` of this name can lie follows from the machine, not from what the `in` file says:
  // that one could name any file of the core's user.
  const std::string file_name = "/rise." + plan.name + ".out";
  const std::string in = in_path(plan.directory, plan.name);
  const std::vector<HugeMount> mounts = huge_mounts();
  std::vector<std::string> outs = {plan.directory + file_name};
  for (const HugeMount& mount : mounts) {
    if (::access(mount.path.c_str(), R_OK | X_OK) == 0) outs.push_back(mount.path + file_name);
  }
  auto remains = look_at_remains(in, outs);
  if (!remains) return Failure{remains.error()};
  region.predecessor_ = remains->predecessor;
  region.cleaned_up_pid_ = remains->pid;
  for (const std::string& path : remains->outs) {
    if (remains->predecessor.unclean && !plan.crash_folder.empty()) {
      auto kept = keep_remains(path, plan.name, plan.crash_folder);
      (kept ? region.predecessor_.kept : region.predecessor_.not_kept) =
          kept ? *kept : kept.error();
    }
    abandon(path);
  }

  const Layout out_layout = Layout::of_out(plan);
  if (auto made = region.make_out(plan, out_layout, mounts); !made) return Failure{made.error()};
  if (auto made = region.make_in(plan, in); !made) return Failure{made.error()};
  region.writable_ = true;
  return region;
}

// In huge pages if they can be had, else in the plan's folder.
Result<Done> OwnedRegion::make_out(const RegionPlan& plan, const Layout& layout,
                                   const std::vector<HugeMount>& mounts) {
  const std::string file_name = "/rise." + plan.name + ".out";
  const auto take = [&](const std::string& path, Mapping mapping) {
    out_path_ = path;
    out_ = std::move(mapping);
    layout.write_header(out_.header(), kOutMagic, plan.lanes.size(), path);
    sections_.out = layout.sections();
    return Done{};
  };
  for (const HugeMount& mount : mounts) {
    if (!plan.use_hugepages || mount.pages == 0) continue;
    const std::string path = mount.path + file_name;
    auto made = make_file(path, round_up(layout.bytes(), mount.page_bytes), 0640);
    if (made) {
      hugepages_ = true;
      hugepages_refused_.clear();
      return take(path, std::move(*made));
    }
    hugepages_refused_ = made.error();
  }
  const std::string path = plan.directory + file_name;
  auto made = make_file(path, layout.bytes(), 0640);
  if (!made) return Failure{made.error()};
  return take(path, std::move(*made));
}

// The new `in` replaces the old one in one step, with the stop word already in it: at no time can
// a core die and leave no trace of a stop that was asked for.
Result<Done> OwnedRegion::make_in(const RegionPlan& plan, const std::string& path) {
  const Layout layout = Layout::of_in(plan);
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  auto made = make_file(draft, layout.bytes(), 0660);
  if (!made) return Failure{made.error()};
  in_ = std::move(*made);
  sections_.in = layout.sections();
  control()->stop_word = predecessor_.stop_word;
  layout.write_header(in_.header(), kInMagic, plan.lanes.size(), out_path_);
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(draft.c_str());
    return Failure{path + " cannot be replaced: " + why + "; remove it by hand"};
  }
  in_path_ = path;
  struct stat info {};
  if (::fstat(in_.fd(), &info) == 0) in_blocks_ = info.st_blocks;
  return Done{};
}

OwnedRegion& OwnedRegion::operator=(OwnedRegion&& other) noexcept {
  Region::operator=(std::move(other));  // swaps the mappings
  lock_ = std::move(other.lock_);       // NOLINT(bugprone-use-after-move)
  out_path_.swap(other.out_path_);
  in_path_.swap(other.in_path_);
  predecessor_ = other.predecessor_;
  cleaned_up_pid_ = other.cleaned_up_pid_;
  in_blocks_ = other.in_blocks_;
  hugepages_ = other.hugepages_;
  hugepages_refused_.swap(other.hugepages_refused_);
  return *this;
}

OwnedRegion::~OwnedRegion() {
  if (out_.base() == nullptr) return;
  set_state(RegionState::Closed);
  if (!in_path_.empty()) ::unlink(in_path_.c_str());
  ::unlink(out_path_.c_str());
}

void OwnedRegion::set_state(RegionState state) {
  std::atomic_ref<std::uint32_t> word(out_.header()->state);
  word.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

bool OwnedRegion::input_intact() const {
  struct stat info {};
  // Fewer blocks: a hole was punched. More are no harm to the lane (and a file system of disk may
  // count its own on top).
  return ::fstat(in_.fd(), &info) == 0 && info.st_size == static_cast<off_t>(in_.bytes()) &&
         info.st_blocks >= in_blocks_;
}

}  // namespace rise::shm
