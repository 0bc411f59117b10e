// What the programs have in common that do what they are told by lines on their standard input.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "rt_core/io/dpdk/dpdk_entry.hpp"

namespace rise::told {

// KEY=VALUE of the command line.
class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      values_[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    }
  }
  const std::string& operator[](const char* key) { return values_[key]; }
  [[nodiscard]] int number(const char* key, int otherwise) const {
    const auto found = values_.find(key);
    return found != values_.end() ? std::atoi(found->second.c_str()) : otherwise;
  }

 private:
  std::map<std::string, std::string> values_;
};

// device= address= [gateway=] [vlan=] [neighbour=IP=MAC] [memory_mib=] [hugepages=] [lane_cpu=]
// Points into itself.
struct DpdkSettings {
  explicit DpdkSettings(Options& options)
      : lane_cpu(options.number("lane_cpu", -1)),
        neighbour_address(options["neighbour"].substr(0, options["neighbour"].find('='))),
        neighbour_mac(options["neighbour"].substr(options["neighbour"].find('=') + 1)) {
    settings.device = options["device"].c_str();
    settings.address = options["address"].c_str();
    settings.gateway = options["gateway"].c_str();
    settings.vlan = static_cast<std::uint32_t>(options.number("vlan", 0));
    settings.memory_mib = static_cast<std::uint32_t>(options.number("memory_mib", 0));
    settings.hugepages = static_cast<std::uint32_t>(options.number("hugepages", 0));
    settings.lane_cpus = &lane_cpu;
    settings.lane_cpu_count = lane_cpu >= 0 ? 1 : 0;
    settings.neighbours = &known;
    settings.neighbour_count = options["neighbour"].empty() ? 0 : 1;
  }
  DpdkSettings(const DpdkSettings&) = delete;
  DpdkSettings& operator=(const DpdkSettings&) = delete;

  int lane_cpu;  // -1: none
  std::string neighbour_address;
  std::string neighbour_mac;
  rise_dpdk_neighbour known{neighbour_address.c_str(), neighbour_mac.c_str()};
  rise_dpdk_settings settings{};
};

// Of this thread.
inline long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

inline void say_text(const char* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    std::putchar(std::isgraph(static_cast<unsigned char>(text[i])) != 0 ? text[i] : '.');
  }
  std::putchar('\n');
}

inline int fail(const std::string& text) {
  std::printf("error %s\n", text.c_str());
  return 1;
}

// Says that it is ready; then a cycle after each pause, and each line that has come, until one is
// answered with false or whoever has started us is gone.
template <class Cycle, class Obey>
void run(const std::string& description, unsigned period_us, Cycle cycle, Obey obey) {
  std::printf("ready %s\n", description.c_str());
  std::fflush(stdout);
  ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  std::string input;
  for (bool on = true; on;) {
    ::usleep(period_us);
    cycle();
    char bytes[512];
    const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got == 0) break;
    if (got > 0) input.append(bytes, static_cast<std::size_t>(got));
    for (std::size_t end; on && (end = input.find('\n')) != std::string::npos;) {
      on = obey(input.substr(0, end));
      std::fflush(stdout);
      input.erase(0, end + 1);
    }
  }
}

}  // namespace rise::told
