#include "rt_core/driver/elf_file.hpp"

#include <CppUTest/TestHarness.h>
#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "rt_core/random.hpp"

using rise::driver::elf_fault;

namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kOurs = EM_X86_64;
#else
constexpr std::uint16_t kOurs = EM_AARCH64;
#endif

}  // namespace

TEST_GROUP(DriverElfFile) {
  std::string path = "/tmp/rise-elf-XXXXXX";
  std::vector<char> file;

  void setup() override {
    ::close(::mkstemp(path.data()));
    // Two parts that are loaded, one that is not and lies nowhere.
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = kOurs;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 3;
    Elf64_Phdr parts[3] = {};
    parts[0].p_type = PT_LOAD;
    parts[0].p_filesz = 500;
    parts[1].p_type = PT_LOAD;
    parts[1].p_offset = 1000;
    parts[1].p_filesz = 200;
    parts[2].p_type = PT_NOTE;
    parts[2].p_offset = 1 << 20;
    parts[2].p_filesz = 1;
    file.resize(1200);
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, parts, sizeof parts);
  }
  void teardown() override { ::unlink(path.c_str()); }

  std::string fault(const std::vector<char>& content) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    return elf_fault(path);
  }
};

TEST(DriverElfFile, AWholeFileHasNoFault) { STRCMP_EQUAL("", fault(file).c_str()); }

TEST(DriverElfFile, EveryShorterOneIsCutOff) {
  for (std::size_t bytes = SELFMAG; bytes < file.size(); ++bytes) {
    STRCMP_CONTAINS(
        "is cut off",
        fault({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(bytes)}).c_str());
  }
}

TEST(DriverElfFile, WhatIsSomethingElseIsNamed) {
  STRCMP_EQUAL("is no shared object", fault({}).c_str());
  STRCMP_EQUAL("is no shared object", fault({'t', 'e', 'x', 't'}).c_str());
  STRCMP_EQUAL("", elf_fault("/nowhere/at/all").c_str());  // the loader says it
  auto* header = reinterpret_cast<Elf64_Ehdr*>(file.data());
  header->e_type = ET_EXEC;
  STRCMP_EQUAL("is no shared object", fault(file).c_str());
  header->e_machine = EM_PPC;
  STRCMP_EQUAL("was built for another kind of processor", fault(file).c_str());
}

TEST(DriverElfFile, SumsThatWrapAroundAreBeyondTheEnd) {
  const std::size_t first = sizeof(Elf64_Ehdr);
  auto* part = reinterpret_cast<Elf64_Phdr*>(file.data() + first);
  part->p_offset = UINT64_MAX - 10;
  part->p_filesz = 100;
  STRCMP_CONTAINS("is cut off", fault(file).c_str());
  auto* header = reinterpret_cast<Elf64_Ehdr*>(file.data());
  header->e_phoff = UINT64_MAX - 10;
  STRCMP_CONTAINS("is cut off", fault(file).c_str());
}

TEST(DriverElfFile, AnyBytesAreLookedAtWithoutHarm) {
  std::uint64_t random = 7;
  for (int i = 0; i < 2000; ++i) {
    std::vector<char> damaged = file;
    for (int n = 0; n < 4; ++n) {
      damaged[rise::next_random(&random) % 232] = static_cast<char>(rise::next_random(&random));
    }
    (void)fault(damaged);
  }
}
