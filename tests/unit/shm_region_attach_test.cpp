#include "rt_core/shm/region_attach.hpp"

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

#include "schema_hash.hpp"
#include "tests/unit/support/child.hpp"
#include "tests/unit/support/shared_region.hpp"
#include "tests/unit/support/skip.hpp"

using namespace rise::shm;
using namespace rise::test;

namespace {

template <class T>
void patch(const std::string& path, std::size_t offset, T value) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  LONGS_EQUAL(sizeof value, ::pwrite(fd, &value, sizeof value, static_cast<off_t>(offset)));
  ::close(fd);
}

RegionHeader header_of(const std::string& path) {
  RegionHeader header{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  LONGS_EQUAL(sizeof header, ::pread(fd, &header, sizeof header, 0));
  ::close(fd);
  return header;
}

}  // namespace

TEST_GROUP(ShmRegionAttach) {
  TempDirectory directory;
  OwnedRegion region = make_region(small_plan(directory.path(), 2));
  std::string in = in_path(directory.path(), "unit");
  std::string out = region.out_path();

  std::string attach_error(const std::string& name = "unit") {
    return error_of(attach(name, Access::ReadOnly, directory.path()));
  }
  // The fault as it is found in either file, which is put right again.
  template <class T>
  void check_fault(std::size_t offset, T wrong, const char* expected) {
    for (const std::string& path : {in, out}) {
      const RegionHeader good = header_of(path);
      patch(path, offset, wrong);
      const std::string error = attach_error();
      STRCMP_CONTAINS(expected, error.c_str());
      STRCMP_CONTAINS(path.c_str(), error.c_str());
      patch(path, 0, good);
      STRCMP_EQUAL("", attach_error().c_str());
    }
  }
};

TEST(ShmRegionAttach, AWholeRegionIsAttached) {
  STRCMP_EQUAL("", attach_error().c_str());
  CHECK_OK(attach("unit", Access::ReadWrite, directory.path()));
}

TEST(ShmRegionAttach, ARegionThatDoesNotExistIsSaidSo) {
  STRCMP_CONTAINS("rise.other.in does not exist: no core of that name runs",
                  attach_error("other").c_str());
  ::unlink(out.c_str());
  STRCMP_CONTAINS("rise.unit.out does not exist", attach_error().c_str());
}

TEST(ShmRegionAttach, WrongMagicVersionOrHeaderSizeIsRefused) {
  check_fault(offsetof(RegionHeader, magic), std::uint64_t{0}, "wrong magic");
  check_fault(offsetof(RegionHeader, magic), std::uint64_t{0x4141'4141'4141'4141}, "wrong magic");
  const std::string versions = "has region version " + std::to_string(kRegionVersion + 1) +
                               ", this program knows version " + std::to_string(kRegionVersion);
  check_fault(offsetof(RegionHeader, version), kRegionVersion + 1, versions.c_str());
  check_fault(offsetof(RegionHeader, header_bytes), std::uint32_t{8}, "region version");
}

TEST(ShmRegionAttach, InAndOutAreNotTakenForEachOther) {
  patch(in, offsetof(RegionHeader, magic), kOutMagic);
  STRCMP_CONTAINS("wrong magic", attach_error().c_str());
}

TEST(ShmRegionAttach, AnotherSchemaIsRefusedAndBothAreNamed) {
  check_fault(offsetof(RegionHeader, schema_hash), std::uint64_t{0xabcdef}, "0000000000abcdef");
  char mine[20];
  std::snprintf(mine, sizeof mine, "%016llx",
                static_cast<unsigned long long>(rise::message::kSchemaHash));
  check_fault(offsetof(RegionHeader, schema_hash), std::uint64_t{0xabcdef}, mine);
}

TEST(ShmRegionAttach, AHeaderThatContradictsTheFileIsRefused) {
  const char* const expected = "its header contradicts its size";
  check_fault(offsetof(RegionHeader, total_bytes), ~std::uint64_t{0}, expected);
  check_fault(offsetof(RegionHeader, section_count), std::uint32_t{kMaxSections + 1}, expected);
  check_fault(offsetof(RegionHeader, section_count), ~std::uint32_t{0}, expected);
  check_fault(offsetof(RegionHeader, lane_count), std::uint32_t{kMaxLanes + 1}, expected);
}

TEST(ShmRegionAttach, ATruncatedFileIsRefused) {
  const auto bytes = static_cast<off_t>(std::filesystem::file_size(out));
  LONGS_EQUAL(0, ::truncate(out.c_str(), bytes - 1));
  STRCMP_CONTAINS("its header contradicts its size", attach_error().c_str());
  LONGS_EQUAL(0, ::truncate(out.c_str(), sizeof(RegionHeader) - 1));
  STRCMP_CONTAINS("too short to be a region", attach_error().c_str());
  LONGS_EQUAL(0, ::truncate(in.c_str(), 0));
  STRCMP_CONTAINS("rise.unit.in is too short to be a region", attach_error().c_str());
}

TEST(ShmRegionAttach, EverySectionMustLieInsideTheFile) {
  const std::uint32_t count = header_of(out).section_count;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t at = offsetof(RegionHeader, sections) + i * sizeof(Section);
    const RegionHeader good = header_of(out);
    const Section& section = good.sections[i];
    const struct {
      std::size_t field;
      std::uint64_t wrong;
    } faults[] = {
        {offsetof(Section, offset), section.offset + 8},               // not aligned
        {offsetof(Section, offset), 0},                                // over the header
        {offsetof(Section, offset), good.total_bytes / 64 * 64 + 64},  // behind the end
        {offsetof(Section, offset), ~std::uint64_t{63}},               // wraps around
        {offsetof(Section, bytes), good.total_bytes + 1},
        {offsetof(Section, bytes), ~std::uint64_t{0}},
        {offsetof(Section, element_words), 0},
        {offsetof(Section, element_words), std::uint64_t{1} << 40},
        {offsetof(Section, element_words), section.element_words * 2 + 16},
        {offsetof(Section, count), section.count * 2 + 2},
        {offsetof(Section, count), ~std::uint64_t{0}},
        {offsetof(Section, count), std::uint64_t{1} << 61},
    };
    const std::string expected =
        "is damaged: section " + std::to_string(i) + " lies outside the file";
    for (const auto& fault : faults) {
      patch(out, at + fault.field, fault.wrong);
      STRCMP_CONTAINS(expected.c_str(), attach_error().c_str());
      patch(out, 0, good);
    }
  }
  STRCMP_EQUAL("", attach_error().c_str());
}

TEST(ShmRegionAttach, RingsNeedAPowerOfTwo) {
  for (const std::string& path : {in, out}) {
    const RegionHeader good = header_of(path);
    for (std::uint32_t i = 0; i < good.section_count; ++i) {
      const SectionKind kind = good.sections[i].kind;
      if (kind < SectionKind::Telemetry || kind == SectionKind::Control ||
          kind == SectionKind::Readers) {
        continue;
      }
      for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}}) {
        patch(path,
              offsetof(RegionHeader, sections) + i * sizeof(Section) + offsetof(Section, count),
              wrong);
        STRCMP_CONTAINS("lies outside the file", attach_error().c_str());
      }
      patch(path, 0, good);
    }
  }
}

TEST(ShmRegionAttach, AnOutPathWithoutAnEndIsNotReadBeyondItsField) {
  char path[sizeof(RegionHeader::out_path)];
  std::memset(path, 'x', sizeof path);
  const int fd = ::open(in.c_str(), O_WRONLY | O_CLOEXEC);
  LONGS_EQUAL(sizeof path, ::pwrite(fd, path, sizeof path, offsetof(RegionHeader, out_path)));
  ::close(fd);
  const std::string error = attach_error();
  STRCMP_CONTAINS("xxx", error.c_str());
  CHECK(error.find("xxx does not exist") != std::string::npos ||
        error.find("cannot be opened") != std::string::npos);
}

TEST_WHEN(::geteuid() == 0 ? "" : "only root can become another user", ShmRegionAttach,
          WithoutPermissionTheSentenceSaysSo) {
  Child child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    const std::string read = attach_error();
    const std::string write = error_of(attach("unit", Access::ReadWrite, directory.path()));
    return read.find("permission denied") != std::string::npos &&
                   write.find("permission denied") != std::string::npos
               ? 0
               : 2;
  });
  LONGS_EQUAL(0, child.status());
}
