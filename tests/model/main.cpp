// Runs the model tests, and replays single executions of them.
#include <getopt.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/model/suite.hpp"

namespace {

using rise::model::Options;
using rise::model::Test;
using rise::model::Verdict;

constexpr char kHelp[] =
    "model - explores the lock-free structures of rt_core/shm under the C++ memory model\n"
    "\n"
    "Usage: model [options] [name...]      tests whose name contains one of these; default all\n"
    "  -l, --list            print the names of the tests\n"
    "  -t, --trace           print the executions that the controls have caught, too\n"
    "  -r, --replay CHOICES  run one execution (as printed after \"choices\") and print its trace\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit code: 0 all passed, 1 some failed, 2 bad usage.\n";

struct Settings {
  bool list = false;
  bool trace = false;
  Options options;
  std::vector<std::string> names;
};

bool wanted(const Settings& settings, const std::string& name) {
  if (settings.names.empty()) return true;
  for (const std::string& part : settings.names) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run(const Settings& settings) {
  const bool replay = !settings.options.replay.empty();
  const auto start = std::chrono::steady_clock::now();
  unsigned passed = 0;
  unsigned failed = 0;
  unsigned long long executions = 0;
  for (const auto tests : {rise::model::litmus_tests(), rise::model::explorer_tests(),
                           rise::model::stamped_cell_tests(), rise::model::broadcast_ring_tests(),
                           rise::model::spsc_ring_tests(), rise::model::hostile_producer_tests(),
                           rise::model::weakened_tests()}) {
    for (const Test& test : tests) {
      if (!wanted(settings, test.name)) continue;
      if (settings.list) {
        std::printf("%s\n", test.name);
        continue;
      }
      const auto test_start = std::chrono::steady_clock::now();
      const Verdict verdict = test.run(settings.options);
      if (replay) {
        std::printf("%s: %s\n%s", test.name, verdict.note.c_str(), verdict.trace.c_str());
        continue;
      }
      std::printf("%-6s %-46s %9llu executions %8llu cut %7.3f s  %s\n",
                  verdict.passed ? "ok" : "FAILED", test.name,
                  static_cast<unsigned long long>(verdict.executions),
                  static_cast<unsigned long long>(verdict.cut), seconds_since(test_start),
                  verdict.note.c_str());
      if (!verdict.passed || settings.trace) std::fputs(verdict.trace.c_str(), stdout);
      std::fflush(stdout);
      ++(verdict.passed ? passed : failed);
      executions += verdict.executions;
    }
  }
  if (settings.list || replay) return 0;
  std::printf("%llu executions, %.1f s\n", executions, seconds_since(start));
  std::printf("%u passed, %u failed, 0 skipped\n", passed, failed);
  if (passed + failed == 0) {
    std::fputs("model: no test has such a name; see model --list\n", stderr);
    return 2;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const option long_options[] = {{"list", no_argument, nullptr, 'l'},
                                 {"trace", no_argument, nullptr, 't'},
                                 {"replay", required_argument, nullptr, 'r'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "ltr:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'l': settings.list = true; break;
      case 't': settings.trace = true; break;
      case 'r': settings.options.replay = optarg; break;
      case 'h': std::fputs(kHelp, stdout); return 0;
      default: std::fputs(kHelp, stderr); return 2;
    }
  }
  settings.names.assign(argv + optind, argv + argc);
  if (!settings.options.replay.empty() && settings.names.size() != 1) {
    std::fputs("model: --replay needs the name of one test\n", stderr);
    return 2;
  }
  return run(settings);
}
