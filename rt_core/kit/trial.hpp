// One check under way: what it is to look at, and where it says what it has found. In the check's
// own process.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema/document.hpp"
#include "rt_core/driver/library.hpp"
#include "rt_core/kit/dialog.hpp"
#include "rt_core/kit/scene.hpp"
#include "rt_core/kit/settings_tree.hpp"

namespace rise::kit {

// printf into a string; %s and numbers.
std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));

// What all checks look at.
struct Subject {
  std::string path;      // of the shared object
  SettingsTree machine;  // the machine's table of the config: name, driver, outputs, own settings
  bool from_config = false;
  Dialog dialog;                   // how the device answers, if that is known
  std::vector<std::string> words;  // what the shared object's constants say: for garbage with sense
  std::string folder;              // for files; removed by whoever has started us
  std::int64_t budget_ns = 200'000;
};

class Trial {
 public:
  Trial(const Subject& of, std::uint64_t with_seed, Scene* on)
      : subject(of), seed(with_seed), scene(on) {}
  const Subject& subject;
  const std::uint64_t seed;
  Scene* const scene;

  // Up to a few of them are kept. None, and no skip: passed.
  void find(const std::string& finding);
  void note(const std::string& note);
  void skip(const std::string& reason);
  // What the check is at; part of a finding about a crash.
  void doing(const std::string& what);
  [[nodiscard]] bool clean() const { return findings_ == 0; }
  [[nodiscard]] int findings() const { return findings_; }
  void end();

 private:
  int findings_ = 0;
  bool skipped_ = false;
};

struct Check {
  const char* name;
  const char* text;  // what is proven
  void (*run)(Trial& trial);
  bool anew;  // runs as a new program: with the guard library, without caches of the allocator
};
// Ends with a null name. In the order in which they run.
extern const Check kChecks[];

}  // namespace rise::kit
