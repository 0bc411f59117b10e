#include "rt_core/kit/subject.hpp"

#include <elf.h>
#include <unistd.h>

#include <cctype>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace rise::kit {

namespace {

constexpr std::size_t kMaxWords = 500;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// The section of constants. Empty if this is not an ELF file as we know it.
std::string constants(const std::string& file) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return {};
  std::memcpy(&header, file.data(), sizeof header);
  const std::size_t end = header.e_shoff + std::size_t{header.e_shnum} * sizeof(Elf64_Shdr);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || end > file.size()) return {};
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, file.data() + header.e_shoff + i * sizeof section, sizeof section);
    const bool strings = (section.sh_flags & SHF_STRINGS) != 0 && (section.sh_flags & SHF_ALLOC);
    if (strings && section.sh_type == SHT_PROGBITS &&
        section.sh_offset + section.sh_size <= file.size()) {
      return file.substr(section.sh_offset, section.sh_size);
    }
  }
  // Compilers merge them into .rodata when linking: the read-only data without code.
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, file.data() + header.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type == SHT_PROGBITS && section.sh_flags == SHF_ALLOC &&
        section.sh_offset + section.sh_size <= file.size()) {
      return file.substr(section.sh_offset, section.sh_size);
    }
  }
  return {};
}

std::vector<std::string> words_of(const std::string& path) {
  std::set<std::string> words;
  std::string word;
  for (const char c : constants(read_file(path))) {
    if (std::isprint(static_cast<unsigned char>(c)) != 0 && c != ' ') {
      word += c;
      continue;
    }
    if (word.size() >= 2 && word.size() <= 24 && words.size() < kMaxWords) words.insert(word);
    word.clear();
  }
  return {words.begin(), words.end()};
}

// The machine of the config that uses the driver. False: there is none.
bool take_machine(const config::Document& document, const std::string& driver, Subject* subject) {
  for (const config::Value& value : document.values) {
    const std::size_t end = value.path.rfind(".driver");
    if (end == std::string::npos || end + 7 != value.path.size() || value.string != driver ||
        !value.path.starts_with("machine.") || value.path.find('.', 8) != end) {
      continue;
    }
    const std::string at = value.path.substr(0, end);
    subject->machine = SettingsTree::of(config::subtree(document, at));
    subject->from_config = true;
    const config::Value* lane = document.find(at + ".lane");
    for (std::size_t i = 0; i < 64; ++i) {
      const std::string lane_at = "lane." + std::to_string(i) + ".";
      const config::Value* name = document.find(lane_at + "name");
      if (name == nullptr) break;
      if (lane != nullptr && !lane->string.empty() && lane->string != name->string) continue;
      const config::Value* budget = document.find(lane_at + "driver_budget_us");
      if (budget != nullptr && budget->integer > 0) subject->budget_ns = budget->integer * 1000;
      break;
    }
    return true;
  }
  return false;
}

}  // namespace

Result<Subject> make_subject(const std::string& path, const std::string& driver,
                             const std::string& config, const std::string& dialog) {
  Subject subject;
  // Without a '/' the loader would look in the system's folders.
  subject.path = path.find('/') == std::string::npos ? "./" + path : path;
  subject.words = words_of(path);
  std::string dialog_path = dialog;
  if (config.empty()) {
    subject.machine.set("driver", quoted_toml(driver));
    subject.machine.set(driver, "{}");
  } else {
    std::ifstream file(config);
    if (!file) return Failure{config + " cannot be read"};
    std::vector<config::Problem> problems;
    const config::Document document = config::parse(read_file(config), &problems);
    if (!problems.empty()) return Failure{config::to_string(problems[0], config)};
    if (!take_machine(document, driver, &subject))
      return Failure{config + " has no [[machine]] with driver = \"" + driver + "\""};
    const std::string beside = config.substr(0, config.rfind(".toml")) + ".dialog";
    if (dialog.empty() && ::access(beside.c_str(), R_OK) == 0) dialog_path = beside;
  }
  if (dialog_path.empty()) return subject;
  Result<Dialog> read = Dialog::read(dialog_path);
  if (!read) return Failure{read.error()};
  subject.dialog = std::move(*read);
  return subject;
}

}  // namespace rise::kit
