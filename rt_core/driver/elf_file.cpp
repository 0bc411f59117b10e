#include "rt_core/driver/elf_file.hpp"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <fstream>

namespace rise::driver {

namespace {

bool within(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#else
#error "drivers are loaded on x86-64 and arm64"
#endif

constexpr char kCutOff[] = "is cut off: copy it anew";

}  // namespace

std::string elf_fault(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};  // or the loader looks for it elsewhere
  const auto size = static_cast<std::uint64_t>(file.tellg());
  Elf64_Ehdr header{};
  file.seekg(0);
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "is no shared object";
  if (!file) return kCutOff;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return "was built for another kind of processor";
  }
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return "is no shared object";
  }
  if (!within(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), size)) {
    return kCutOff;
  }
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.read(reinterpret_cast<char*>(&part), sizeof part);
    if (!file) return kCutOff;
    if (part.p_type == PT_LOAD && !within(part.p_offset, part.p_filesz, size)) return kCutOff;
  }
  return {};
}

}  // namespace rise::driver
