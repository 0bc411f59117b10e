// Looking at the files of a patient.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugins/cli/doctor/examine.hpp"

namespace rise::cli {

// First line of a file; absent if it cannot be read.
std::optional<std::string> line_of(const Patient& patient, const std::string& path);
std::vector<std::string> lines_of(const Patient& patient, const std::string& path);
bool exists(const Patient& patient, const std::string& path);
// Names in a folder, sorted; absent if it cannot be read.
std::optional<std::vector<std::string>> names_in(const Patient& patient, const std::string& path);

std::vector<std::string> words_of(const std::string& line);
bool has_word(const std::string& line, const std::string& word);
// Of "always [madvise] never" the word in brackets; the line itself if there are none.
std::string chosen(const std::string& line);
// The value of an option of the kernel's command line ("2,3" of "isolcpus=2,3"), the last one if
// there are several. Absent: not given, or no command line to read.
std::optional<std::string> boot_option(const Patient& patient, const std::string& name);

// "0-2,5", "managed_irq,domain,3", "1-N", "all" as numbers; words that are none are left out.
std::vector<int> cpu_list(const std::string& text, int last_cpu);
// A mask as /proc/irq has it: "ff" or "ffffffff,00000001".
bool mask_has(const std::string& mask, int cpu);
bool contains(const std::vector<int>& cpus, int cpu);
std::string as_text(const std::vector<int>& cpus);
// Online cores; empty if that cannot be read.
std::vector<int> online_cpus(const Patient& patient);
// "/sys/devices/system/cpu/cpu3"
std::string cpu_folder(int cpu);

struct Process {
  std::string name;
  int pid = 0;
  int priority = 0;  // real-time priority; 0: none
};
// Processes and threads of the kernel; absent if /proc cannot be read.
std::optional<std::vector<Process>> processes(const Patient& patient);

}  // namespace rise::cli
