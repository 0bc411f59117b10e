#include "rt_core/shm/region_attach.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "rt_core/shm/region_layout.hpp"
#include "schema_hash.hpp"

namespace rise::shm {

namespace {

std::string reason() { return std::strerror(errno); }

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// One file of a region, with its header as it was when it was checked.
struct Checked {
  Mapping mapping;
  RegionHeader header;
  [[nodiscard]] std::vector<Section> sections() const {
    return {header.sections, header.sections + header.section_count};
  }
};

// What is wrong with the header of a file of `bytes` bytes; empty: nothing.
std::string header_fault(const RegionHeader& header, std::uint64_t magic, std::size_t bytes) {
  if (header.magic != magic) return " is not a RISE-RT region (wrong magic)";
  if (header.version != kRegionVersion || header.header_bytes != sizeof(RegionHeader)) {
    return " has region version " + std::to_string(header.version) +
           ", this program knows version " + std::to_string(kRegionVersion) +
           "; use core and tools of the same release";
  }
  if (header.schema_hash != message::kSchemaHash) {
    return " was made with message schema " + hex(header.schema_hash) +
           ", this program was built with " + hex(message::kSchemaHash) +
           "; use core and tools of the same release";
  }
  if (header.total_bytes > bytes || header.section_count > kMaxSections ||
      header.lane_count > kMaxLanes) {
    return " is damaged: its header contradicts its size";
  }
  for (std::uint32_t i = 0; i < header.section_count; ++i) {
    if (!section_fits(header.sections[i], bytes)) {
      return " is damaged: section " + std::to_string(i) + " lies outside the file";
    }
  }
  return "";
}

// Opens and checks one file of a region; every way in which it can be wrong has its own sentence.
// The header is read once, not mapped: what is checked is what is used, and a file that shrinks
// meanwhile is a short read instead of a SIGBUS.
Result<Checked> map_checked(const std::string& path, std::uint64_t magic, bool write) {
  const int fd = ::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return Failure{path + " does not exist: no core of that name runs"};
    if (errno == EACCES) return Failure{path + ": permission denied; run as a member of its group"};
    return Failure{path + " cannot be opened: " + reason()};
  }
  Checked checked{Mapping(nullptr, 0, fd), {}};
  struct stat info {};
  const bool read =
      ::fstat(fd, &info) == 0 && ::pread(fd, &checked.header, sizeof checked.header, 0) ==
                                     static_cast<ssize_t>(sizeof checked.header);
  if (!read) return Failure{path + " is too short to be a region; is the core still starting?"};
  const auto bytes = static_cast<std::size_t>(info.st_size);
  if (const std::string fault = header_fault(checked.header, magic, bytes); !fault.empty()) {
    return Failure{path + fault};
  }
  void* base = ::mmap(nullptr, bytes, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return Failure{path + " cannot be mapped: " + reason()};
  const int mapped_fd = checked.mapping.release_fd();
  checked.mapping = Mapping(base, bytes, mapped_fd);
  return checked;
}

}  // namespace

Result<Region> attach(const std::string& name, Access access, const std::string& directory) {
  if (const std::string fault = name_fault(name); !fault.empty()) return Failure{fault};
  const bool write = access == Access::ReadWrite;
  auto in = map_checked(in_path(directory, name), kInMagic, write);
  if (!in) return Failure{in.error()};
  in->header.out_path[sizeof in->header.out_path - 1] = '\0';
  const std::string out_path = in->header.out_path;
  auto out = map_checked(out_path, kOutMagic, false);
  if (!out) return Failure{out.error()};
  // Between two cores of a name the old `in` may stand beside the new `out`.
  if (in->header.core_pid != out->header.core_pid ||
      in->header.core_start_time != out->header.core_start_time) {
    return Failure{in_path(directory, name) + " and " + out_path +
                   " are not of the same core; is it still starting?"};
  }
  return Region(std::move(out->mapping), std::move(in->mapping), {out->sections(), in->sections()},
                write);
}

Result<Region> attach_running(const std::string& name, Access access) {
  auto region = attach(name, access);
  if (!region || (region->state() == RegionState::Running && region->core_alive())) return region;
  return Failure{"core " + name + " is not running" +
                 (region->core_alive() ? " yet" : " (it died; the next start cleans up)")};
}

Result<Region> open_remains(const std::string& path) {
  auto out = map_checked(path, kOutMagic, false);
  if (!out) return Failure{out.error()};
  return Region(std::move(out->mapping), Mapping(), {out->sections(), {}}, false);
}

}  // namespace rise::shm
