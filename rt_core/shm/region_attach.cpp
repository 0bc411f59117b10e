#include "rt_core/shm/region_attach.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "schema_hash.hpp"

namespace rise::shm {

namespace {

std::string reason() { return std::strerror(errno); }

bool section_fits(const Section& section, std::size_t total) {
  if (section.offset % kSectionAlign != 0 || section.offset < sizeof(RegionHeader)) return false;
  if (section.bytes > total || section.offset > total - section.bytes) return false;
  if (section.element_words == 0 || section.element_words > (1u << 20)) return false;
  if (section.count > total) return false;
  const auto kind = section.kind;
  const RingShape shape{section.count, section.element_words};
  if (kind >= SectionKind::Telemetry && kind <= SectionKind::Late) {
    return shape.valid() && shape.total_words() * sizeof(Word) <= section.bytes;
  }
  if (kind == SectionKind::Commands) {
    return shape.valid() && spsc_total_words(shape) * sizeof(Word) <= section.bytes;
  }
  const bool cells = kind == SectionKind::States || kind == SectionKind::Texts;
  return section.count * (section.element_words + (cells ? 1 : 0)) * sizeof(Word) <= section.bytes;
}

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// Opens and checks one file of a region; every way in which it can be wrong has its own sentence.
Result<Mapping> map_checked(const std::string& path, std::uint64_t magic, bool write) {
  const int fd = ::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return Failure{path + " does not exist: no core of that name runs"};
    if (errno == EACCES) return Failure{path + ": permission denied; run as a member of its group"};
    return Failure{path + " cannot be opened: " + reason()};
  }
  struct stat info {};
  const bool sized =
      ::fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(sizeof(RegionHeader));
  if (!sized) {
    ::close(fd);
    return Failure{path + " is too short to be a region; is the core still starting?"};
  }
  const auto bytes = static_cast<std::size_t>(info.st_size);
  void* base = ::mmap(nullptr, bytes, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    const std::string why = reason();
    ::close(fd);
    return Failure{path + " cannot be mapped: " + why};
  }
  Mapping mapping(base, bytes, fd);
  const RegionHeader* header = mapping.header();
  if (header->magic != magic) return Failure{path + " is not a RISE-RT region (wrong magic)"};
  if (header->version != kRegionVersion || header->header_bytes != sizeof(RegionHeader)) {
    return Failure{path + " has region version " + std::to_string(header->version) +
                   ", this program knows version " + std::to_string(kRegionVersion) +
                   "; use core and tools of the same release"};
  }
  if (header->schema_hash != message::kSchemaHash) {
    return Failure{path + " was made with message schema " + hex(header->schema_hash) +
                   ", this program was built with " + hex(message::kSchemaHash) +
                   "; use core and tools of the same release"};
  }
  if (header->total_bytes > bytes || header->section_count > kMaxSections ||
      header->lane_count > kMaxLanes) {
    return Failure{path + " is damaged: its header contradicts its size"};
  }
  for (std::uint32_t i = 0; i < header->section_count; ++i) {
    if (!section_fits(header->sections[i], bytes)) {
      return Failure{path + " is damaged: section " + std::to_string(i) + " lies outside the file"};
    }
  }
  return mapping;
}

}  // namespace

Result<Region> attach(const std::string& name, Access access, const std::string& directory) {
  if (const std::string fault = name_fault(name); !fault.empty()) return Failure{fault};
  const bool write = access == Access::ReadWrite;
  auto in = map_checked(in_path(directory, name), kInMagic, write);
  if (!in) return Failure{in.error()};
  char out_path[sizeof(RegionHeader::out_path)];
  std::memcpy(out_path, in->header()->out_path, sizeof out_path);
  out_path[sizeof out_path - 1] = '\0';
  auto out = map_checked(out_path, kOutMagic, false);
  if (!out) return Failure{out.error()};
  return Region(std::move(*out), std::move(*in), write);
}

}  // namespace rise::shm
