#include "rt_core/shm/region_owner.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "rt_core/shm/process.hpp"
#include "schema_hash.hpp"

namespace rise::shm {

namespace {

std::string reason() { return std::strerror(errno); }

template <class T>
constexpr std::size_t words_of() {
  static_assert(sizeof(T) % sizeof(Word) == 0);
  return sizeof(T) / sizeof(Word);
}

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Collects the sections of one file, then knows its size.
class Layout {
 public:
  void add(SectionKind kind, std::uint32_t lane, std::size_t bytes, std::size_t count,
           std::size_t element_words) {
    sections_.push_back({kind, lane, end_, bytes, count, element_words});
    end_ += round_up(bytes, kSectionAlign);
  }
  template <class T>
  void add_table(SectionKind kind, std::size_t count) {
    add(kind, 0, count * sizeof(T), count, words_of<T>());
  }
  template <class T>
  void add_cells(SectionKind kind, std::size_t count) {
    const std::size_t words = StampedCell<Hardware>::words(words_of<T>());
    add(kind, 0, count * words * sizeof(Word), count, words_of<T>());
  }
  void add_ring(SectionKind kind, std::uint32_t lane, std::size_t frames,
                std::size_t payload_words) {
    const RingShape shape{std::bit_ceil(std::max<std::size_t>(frames, 2)), payload_words};
    add(kind, lane, shape.total_words() * sizeof(Word), shape.capacity, payload_words);
  }
  void add_spsc(SectionKind kind, std::uint32_t lane, std::size_t items,
                std::size_t payload_words) {
    const RingShape shape{std::bit_ceil(std::max<std::size_t>(items, 2)), payload_words};
    add(kind, lane, spsc_total_words(shape) * sizeof(Word), shape.capacity, payload_words);
  }
  [[nodiscard]] std::size_t bytes() const { return end_; }

  void write_header(RegionHeader* header, std::uint64_t magic, std::size_t total, std::size_t lanes,
                    const std::string& out_path) const {
    const ProcessId me = self();
    header->version = kRegionVersion;
    header->header_bytes = sizeof(RegionHeader);
    header->schema_hash = message::kSchemaHash;
    header->total_bytes = total;
    header->core_start_time = me.start_time;
    header->core_pid = me.pid;
    header->state = static_cast<std::uint32_t>(RegionState::Starting);
    header->lane_count = static_cast<std::uint32_t>(lanes);
    header->section_count = static_cast<std::uint32_t>(sections_.size());
    std::snprintf(header->out_path, sizeof header->out_path, "%s", out_path.c_str());
    for (std::size_t i = 0; i < sections_.size(); ++i) header->sections[i] = sections_[i];
    // The magic goes in last: who finds it finds the rest, too.
    std::atomic_ref<std::uint64_t>(header->magic).store(magic, std::memory_order_release);
  }

 private:
  std::vector<Section> sections_;
  std::size_t end_ = round_up(sizeof(RegionHeader), kSectionAlign);
};

Layout out_layout(const RegionPlan& plan) {
  Layout layout;
  layout.add_table<message::CoreHealth>(SectionKind::Lanes, plan.lanes.size());
  layout.add_table<message::MachineEntry>(SectionKind::Machines, plan.machines);
  layout.add_table<message::DriverHealth>(SectionKind::Drivers, plan.machines);
  layout.add_table<message::SignalEntry>(SectionKind::Signals, plan.signals);
  layout.add_table<message::OutputEntry>(SectionKind::Outputs, plan.outputs);
  layout.add_cells<message::MachineState>(SectionKind::States, plan.machines);
  layout.add_cells<message::TextState>(SectionKind::Texts, plan.texts);
  for (std::uint32_t i = 0; i < plan.lanes.size(); ++i) {
    const LanePlan& lane = plan.lanes[i];
    layout.add_ring(SectionKind::Telemetry, i, lane.telemetry_frames,
                    words_of<message::TelemetryFrame>());
    layout.add_ring(SectionKind::Events, i, lane.events, words_of<message::MachineEvent>());
    layout.add_ring(SectionKind::Results, i, lane.results, words_of<message::CommandResult>());
    layout.add_ring(SectionKind::Flight, i, lane.flight_records, lane.flight_record_words);
    layout.add_ring(SectionKind::Late, i, lane.late_records, lane.flight_record_words);
  }
  return layout;
}

Layout in_layout(const RegionPlan& plan) {
  Layout layout;
  layout.add_table<ControlBlock>(SectionKind::Control, 1);
  layout.add_table<ReaderSlot>(SectionKind::Readers, kMaxReaders);
  for (std::uint32_t i = 0; i < plan.lanes.size(); ++i) {
    layout.add_spsc(SectionKind::Commands, i, plan.lanes[i].commands, words_of<message::Command>());
  }
  return layout;
}

struct HugeMount {
  std::string path;
  std::size_t page_bytes = 0;
};

// A hugetlbfs mount with room for `bytes`, or an empty path.
HugeMount find_hugepages(std::size_t bytes) {
  std::ifstream mounts("/proc/mounts");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string device, path, type;
    fields >> device >> path >> type;
    if (type != "hugetlbfs") continue;
    struct statfs info {};
    if (::statfs(path.c_str(), &info) != 0) continue;
    const auto page = static_cast<std::size_t>(info.f_bsize);
    std::ifstream free_file("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page / 1024) +
                            "kB/free_hugepages");
    std::size_t free_pages = 0;
    if (free_file >> free_pages && free_pages * page >= round_up(bytes, page)) return {path, page};
  }
  return {};
}

// Removes what a dead core left at `path`. 0 = nothing was there; else that core's pid in
// *dead_pid.
Result<Done> remove_stale(const std::string& path, std::uint64_t magic, std::uint32_t* dead_pid) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno == ENOENT) return Done{};
    return Failure{path + " cannot be opened: " + reason() + "; remove it by hand"};
  }
  struct stat info {};
  std::uint32_t pid = 0;
  if (::fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(sizeof(RegionHeader))) {
    // Mapped, not read and written: hugetlbfs knows no write().
    void* base = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);
    if (base != MAP_FAILED) {
      const Mapping mapping(base, static_cast<std::size_t>(info.st_size), -1);
      if (mapping.header()->magic == magic) pid = mapping.header()->core_pid;
      if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && pid != 0) {
        *dead_pid = pid;
        // Readers that still have it mapped learn that nothing more will come.
        std::atomic_ref<std::uint32_t>(mapping.header()->state)
            .store(static_cast<std::uint32_t>(RegionState::Abandoned), std::memory_order_release);
      }
    }
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Failure{"a core with this region is already running (pid " + std::to_string(pid) + ", " +
                   path + "); stop it, or give this one another [core] name"};
  }
  ::unlink(path.c_str());
  ::close(fd);
  return Done{};
}

// Makes, locks and maps a file that nobody else has.
Result<Mapping> make_file(const std::string& path, std::size_t bytes, mode_t mode) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Failure{path + " cannot be created: " + reason()};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::fchmod(fd, mode) != 0 ||
      ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    const std::string why = reason();
    ::unlink(path.c_str());
    ::close(fd);
    return Failure{path + " cannot be prepared: " + why};
  }
  // Populate: the first touch of a page inside a cycle would be a page fault.
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (base == MAP_FAILED) {
    const std::string why = reason();
    ::unlink(path.c_str());
    ::close(fd);
    return Failure{path + " (" + std::to_string(bytes >> 20) + " MiB) cannot be mapped: " + why};
  }
  return Mapping(base, bytes, fd);
}

}  // namespace

Result<OwnedRegion> OwnedRegion::create(const RegionPlan& plan) {
  if (const std::string fault = name_fault(plan.name); !fault.empty()) return Failure{fault};
  const Layout out = out_layout(plan);
  const Layout in = in_layout(plan);
  OwnedRegion region;
  region.in_path_ = in_path(plan.directory, plan.name);

  // `in` is the name under which a core is found, so it is also the lock between two cores; where
  // its `out` is, it says itself.
  RegionHeader old{};
  if (const int fd = ::open(region.in_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); fd >= 0) {
    [[maybe_unused]] const ssize_t got = ::pread(fd, &old, sizeof old, 0);
    ::close(fd);
    old.out_path[sizeof old.out_path - 1] = '\0';
  }
  if (auto removed = remove_stale(region.in_path_, kInMagic, &region.cleaned_up_pid_); !removed) {
    return Failure{removed.error()};
  }
  const HugeMount huge = plan.use_hugepages ? find_hugepages(out.bytes()) : HugeMount{};
  region.hugepages_ = !huge.path.empty();
  region.out_path_ =
      (region.hugepages_ ? huge.path : plan.directory) + "/rise." + plan.name + ".out";
  std::vector<std::string> stale = {region.out_path_,
                                    plan.directory + "/rise." + plan.name + ".out"};
  const std::string suffix = "/rise." + plan.name + ".out";
  if (old.magic == kInMagic && std::string(old.out_path).ends_with(suffix))
    stale.push_back(old.out_path);
  for (const std::string& path : stale) {
    std::uint32_t pid = 0;
    if (auto removed = remove_stale(path, kOutMagic, &pid); !removed)
      return Failure{removed.error()};
    if (pid != 0) region.cleaned_up_pid_ = pid;
  }

  const std::size_t out_bytes =
      region.hugepages_ ? round_up(out.bytes(), huge.page_bytes) : out.bytes();
  auto out_map = make_file(region.out_path_, out_bytes, 0640);
  if (!out_map) return Failure{out_map.error()};
  auto in_map = make_file(region.in_path_, in.bytes(), 0660);
  if (!in_map) {
    ::unlink(region.out_path_.c_str());
    return Failure{in_map.error()};
  }
  out.write_header(out_map->header(), kOutMagic, out.bytes(), plan.lanes.size(), region.out_path_);
  in.write_header(in_map->header(), kInMagic, in.bytes(), plan.lanes.size(), region.out_path_);
  region.out_ = std::move(*out_map);
  region.in_ = std::move(*in_map);
  region.writable_ = true;
  return region;
}

OwnedRegion& OwnedRegion::operator=(OwnedRegion&& other) noexcept {
  Region::operator=(std::move(other));  // swaps the mappings
  out_path_.swap(other.out_path_);      // NOLINT(bugprone-use-after-move)
  in_path_.swap(other.in_path_);
  cleaned_up_pid_ = other.cleaned_up_pid_;
  hugepages_ = other.hugepages_;
  return *this;
}

OwnedRegion::~OwnedRegion() {
  if (out_.base() == nullptr) return;
  set_state(RegionState::Closed);
  ::unlink(in_path_.c_str());
  ::unlink(out_path_.c_str());
}

void OwnedRegion::set_state(RegionState state) {
  std::atomic_ref<std::uint32_t> word(out_.header()->state);
  word.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

}  // namespace rise::shm
