// rise-driver-check: the conformance kit. Runs a driver's shared object through everything that it
// will meet on a machine, and says what it does wrong.

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "rt_core/kit/report.hpp"
#include "rt_core/kit/runner.hpp"
#include "rt_core/kit/subject.hpp"

namespace {

using namespace rise::kit;

constexpr int kFindings = 1;
constexpr int kNotLoadable = 2;
constexpr int kUsage = 64;

constexpr char kHelp[] =
    "usage: rise driver check FILE.so [options]\n"
    "Runs a driver through the conformance kit, on simulated time and a simulated network.\n"
    "      --config TOML   take its settings and outputs from the machine that uses it\n"
    "                      (default: the driver's own defaults)\n"
    "      --dialog FILE   how its device answers (default: NAME.dialog beside NAME.toml)\n"
    "      --only CHECK    one check only\n"
    "      --seed N        of everything random (default: 1)\n"
    "      --json          the report as JSON\n"
    "      --list          the checks, and what each proves\n"
    "exit: 0 all pass, 1 findings, 2 it cannot be loaded, 64 wrong usage\n";

struct Options {
  std::string file;
  std::string config;
  std::string dialog;
  std::string only;
  std::string folder;  // of the process that has started us
  std::uint64_t seed = 1;
  bool json = false;
  bool list = false;
  bool help = false;
  int scene = -1;
};

int usage(const std::string& why) {
  std::fprintf(stderr, "rise driver check: %s\n%s", why.c_str(), kHelp);
  return kUsage;
}

// Empty: fine.
std::string read_options(int argc, char** argv, Options* options) {
  enum { Config = 256, DialogFile, Only, Seed, Json, List, SceneFd, Folder };
  const option long_options[] = {{"config", required_argument, nullptr, Config},
                                 {"dialog", required_argument, nullptr, DialogFile},
                                 {"only", required_argument, nullptr, Only},
                                 {"seed", required_argument, nullptr, Seed},
                                 {"json", no_argument, nullptr, Json},
                                 {"list", no_argument, nullptr, List},
                                 {"scene", required_argument, nullptr, SceneFd},
                                 {"folder", required_argument, nullptr, Folder},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "c:h", long_options, nullptr)) != -1;) {
    switch (c) {
      case 'c':
      case Config: options->config = optarg; break;
      case DialogFile: options->dialog = optarg; break;
      case Only: options->only = optarg; break;
      case Json: options->json = true; break;
      case List: options->list = true; break;
      case SceneFd: options->scene = std::atoi(optarg); break;
      case Folder: options->folder = optarg; break;
      case 'h': options->help = true; break;
      case Seed: {
        char* end = nullptr;
        options->seed = std::strtoull(optarg, &end, 10);
        if (end == optarg || *end != '\0') return "--seed wants a number";
        break;
      }
      default: return "see above";
    }
  }
  if (options->list || options->help) return {};
  if (optind + 1 != argc) return "give one FILE.so";
  options->file = argv[optind];
  if (options->only.empty()) return {};
  for (const Check* check = kChecks; check->name != nullptr; ++check) {
    if (options->only == check->name) return {};
  }
  return "there is no check \"" + options->only + "\"; see --list";
}

// A folder for the regions of the simulated cores; gone with this object.
class Folder {
 public:
  Folder() {
    std::string pattern =
        std::string(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/rise-check-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int check_all(const Options& options, const Identity& identity, Subject* subject) {
  const Folder folder;
  if (folder.path().empty()) {
    std::perror("rise driver check: no folder for temporary files");
    return 70;
  }
  subject->folder = folder.path();
  RunnerSpec spec;
  spec.seed = options.seed;
  spec.arguments.push_back(options.file);
  if (!options.config.empty()) {
    spec.arguments.insert(spec.arguments.end(), {std::string("--config"), options.config});
  }
  if (!options.dialog.empty()) {
    spec.arguments.insert(spec.arguments.end(), {std::string("--dialog"), options.dialog});
  }
  Report report({options.file, options.config, options.dialog, identity, options.seed},
                options.json);
  bool lives = true;
  for (const Check* check = kChecks; check->name != nullptr; ++check) {
    if (!options.only.empty() && options.only != check->name) continue;
    Outcome outcome;
    if (lives) {
      outcome = run_check(*check, *subject, spec);
    } else {
      outcome.check = check->name;
      outcome.text = check->text;
      outcome.verdict = Verdict::Skip;
      outcome.notes.emplace_back("not tried: life_cycle comes first");
    }
    // What does not live through an ordinary day would fail everywhere, and say nothing new.
    if (std::strcmp(check->name, "life_cycle") == 0 && outcome.verdict == Verdict::Fail)
      lives = false;
    report.add(outcome);
  }
  return report.end() ? 0 : kFindings;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const std::string why = read_options(argc, argv, &options); !why.empty()) return usage(why);
  if (options.help) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (options.list) {
    for (const Check* check = kChecks; check->name != nullptr; ++check)
      std::printf("%-14s %s\n", check->name, check->text);
    return 0;
  }
  const std::string path =
      options.file.find('/') == std::string::npos ? "./" + options.file : options.file;
  const Identity identity = identify(path);
  if (!identity.fault.empty()) {
    Report::not_loadable(options.file, identity.fault, options.json);
    return kNotLoadable;
  }
  rise::Result<Subject> subject = make_subject(path, identity.name, options.config, options.dialog);
  if (!subject) {
    std::fprintf(stderr, "rise driver check: %s\n", subject.error().c_str());
    return kUsage;
  }
  if (options.scene < 0) return check_all(options, identity, &*subject);
  subject->folder = options.folder;
  for (const Check* check = kChecks; check->name != nullptr; ++check) {
    if (options.only == check->name)
      return run_within(*check, *subject, options.seed, options.scene);
  }
  return kUsage;
}
