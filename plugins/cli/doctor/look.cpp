#include "plugins/cli/doctor/look.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace rise::cli {

namespace {

// A list longer than that is not one.
constexpr int kMostCpus = 4096;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 9 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::optional<std::string> line_of(const Patient& patient, const std::string& path) {
  std::ifstream file(patient.root + path);
  if (!file) return std::nullopt;
  std::string line;
  std::getline(file, line);
  // A folder opens as well as a file; only reading tells them apart. An empty file has an end.
  if (file.bad()) return std::nullopt;
  return line;
}

std::vector<std::string> lines_of(const Patient& patient, const std::string& path) {
  std::ifstream file(patient.root + path);
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(file, line)) lines.push_back(line);
  return lines;
}

bool exists(const Patient& patient, const std::string& path) {
  return ::access((patient.root + path).c_str(), F_OK) == 0;
}

std::optional<std::vector<std::string>> names_in(const Patient& patient, const std::string& path) {
  const auto close = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close)> folder(::opendir((patient.root + path).c_str()),
                                                     close);
  if (folder == nullptr) return std::nullopt;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  std::string word;
  while (stream >> word) words.push_back(word);
  return words;
}

bool has_word(const std::string& line, const std::string& word) {
  const std::vector<std::string> words = words_of(line);
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string chosen(const std::string& line) {
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']');
  return open == std::string::npos || close == std::string::npos || close < open
             ? line
             : line.substr(open + 1, close - open - 1);
}

std::optional<std::string> boot_option(const Patient& patient, const std::string& name) {
  std::optional<std::string> value;
  for (const std::string& word : words_of(line_of(patient, "/proc/cmdline").value_or(""))) {
    if (word.starts_with(name + "=")) value = word.substr(name.size() + 1);
  }
  return value;
}

std::vector<int> cpu_list(const std::string& text, int last_cpu) {
  std::vector<int> cpus;
  std::istringstream parts(text);
  std::string part;
  while (std::getline(parts, part, ',')) {
    const std::vector<std::string> words = words_of(part);
    if (words.size() != 1) continue;
    part = words[0] == "all" ? "0-N" : words[0];
    const std::size_t dash = part.find('-');
    std::string first = part.substr(0, dash);
    std::string last = dash == std::string::npos ? first : part.substr(dash + 1);
    for (std::string* end : {&first, &last}) {
      if (*end == "N") *end = std::to_string(last_cpu);
    }
    if (!is_number(first) || !is_number(last)) continue;
    const int end = std::min(std::atoi(last.c_str()), kMostCpus);
    for (int cpu = std::atoi(first.c_str()); cpu <= end; ++cpu) cpus.push_back(cpu);
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

bool mask_has(const std::string& mask, int cpu) {
  std::string digits;
  for (const char c : mask) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits.push_back(c);
  }
  const std::size_t digit = static_cast<std::size_t>(cpu) / 4;
  if (digit >= digits.size()) return false;
  const std::string one(1, digits[digits.size() - 1 - digit]);
  return (std::strtoul(one.c_str(), nullptr, 16) >> (cpu % 4) & 1u) != 0;
}

bool contains(const std::vector<int>& cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

std::string as_text(const std::vector<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

std::vector<int> online_cpus(const Patient& patient) {
  return cpu_list(line_of(patient, "/sys/devices/system/cpu/online").value_or(""), 0);
}

std::string cpu_folder(int cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu); }

std::optional<std::vector<Process>> processes(const Patient& patient) {
  const auto names = names_in(patient, "/proc");
  if (!names) return std::nullopt;
  std::vector<Process> found;
  for (const std::string& name : *names) {
    if (!is_number(name)) continue;
    // "12 (irq/24-eth 0) S 2 ...": the name may hold anything, so fields count from its end. The
    // real-time priority is field 40 of proc(5), the 38th after the name.
    const std::string stat = line_of(patient, "/proc/" + name + "/stat").value_or("");
    const std::size_t open = stat.find('(');
    const std::size_t close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) continue;
    const std::vector<std::string> fields = words_of(stat.substr(close + 1));
    Process process;
    process.name = stat.substr(open + 1, close - open - 1);
    process.pid = std::atoi(name.c_str());
    process.priority = fields.size() > 37 ? std::atoi(fields[37].c_str()) : 0;
    found.push_back(process);
  }
  return found;
}

}  // namespace rise::cli
