// Thousands of damaged config files: every one is answered with problems or a plan, never with the
// end of the program. (tests/fuzz looks further, with coverage.)
#include <CppUTest/TestHarness.h>

#include <algorithm>
#include <iterator>

#include "config/schema/rise_toml.hpp"
#include "default_config.hpp"
#include "drivers/focas/settings.hpp"
#include "rt_core/random.hpp"
#include "tests/unit/support/plan_rig.hpp"
#include "tests/unit/support/rounds.hpp"

using namespace rise::test;

namespace {

constexpr int kFiles = rounds(2000);

const char* const kTokens[] = {"[",
                               "]",
                               "[[",
                               "]]",
                               "{",
                               "}",
                               "\"",
                               "'",
                               "=",
                               ".",
                               ",",
                               "\n",
                               "#",
                               "-",
                               "nan",
                               "inf",
                               "true",
                               "0",
                               "-1",
                               "99999999999999999999",
                               "9223372036854775807",
                               "1e999",
                               "1979-05-27",
                               "\"\"\"",
                               "[machine.7]\nname = \"x\"\n",
                               "[lane.99999999999999999999999999]\nname = \"x\"\n",
                               "[machine.4000000000]\ndriver = \"focas\"\n",
                               "[[lane]]\n",
                               "[[machine]]\n",
                               "[[[x]]]\n",
                               "[=]",
                               "[core.name]\n",
                               "core = 1\n",
                               "machine = [1, {}, []]\n",
                               "\xff\xfe",
                               "\\u0000",
                               "\xc3",
                               "[machine.focas]\n",
                               "a.b.c.d.e.f.g = 1\n",
                               "[[[[[[[[[[[[[[[["};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string damaged(const std::string& good) {
    std::string text = good;
    for (auto n = 1 + pick(6); n > 0; --n) mutate(&text);
    return text;
  }

 private:
  std::size_t pick(std::size_t n) { return n == 0 ? 0 : rise::next_random(&random_) % n; }

  void mutate(std::string* text) {
    const std::size_t at = pick(text->size());
    switch (pick(8)) {
      case 0: text->erase(at, pick(40)); break;
      case 1: text->insert(at, text->substr(pick(text->size()), pick(200))); break;
      case 2:
      case 3: text->insert(at, kTokens[pick(std::size(kTokens))]); break;
      case 4:
        if (!text->empty()) (*text)[at] = static_cast<char>(pick(256));
        break;
      case 5: text->resize(at); break;
      case 6: {  // a whole line somewhere else
        const std::size_t begin = text->rfind('\n', at);
        const std::size_t end = text->find('\n', at);
        if (begin == std::string::npos || end == std::string::npos || begin >= end) break;
        const std::string line = text->substr(begin, end - begin);
        text->erase(begin, end - begin);
        const std::size_t place = text->find('\n', pick(text->size()));
        text->insert(place == std::string::npos ? 0 : place, line);
        break;
      }
      default: {  // a value replaced
        const std::size_t equals = text->find("= ", at);
        const std::size_t end = text->find('\n', equals);
        if (equals == std::string::npos || end == std::string::npos) break;
        text->replace(equals + 2, end - equals - 2, kTokens[pick(std::size(kTokens))]);
        break;
      }
    }
  }

  std::uint64_t random_;
};

}  // namespace

TEST_GROUP(ConfigMutation){};

TEST(ConfigMutation, NoDamagedFileEndsTheProgram) {
  FakeDriver driver("focas");
  driver.abi.settings = rise::focas::setting_specs().data();
  driver.abi.setting_count = static_cast<std::uint32_t>(rise::focas::setting_specs().size());
  Mutator mutator(20'240'506);
  int parsed = 0;
  int fine = 0;
  for (int i = 0; i < kFiles; ++i) {
    const std::string toml = mutator.damaged(rise::kDefaultConfig);
    std::vector<rise::config::Problem> problems;
    const auto plan = rise::plan::make_plan(toml, driver.source(), &problems);
    const auto lines = static_cast<std::uint32_t>(std::count(toml.begin(), toml.end(), '\n')) + 1;
    for (const rise::config::Problem& problem : problems) {
      CHECK(problem.line <= lines + 1);
      CHECK(!problem.message.empty());
    }
    CHECK(plan.machines.size() <= 1024);
    CHECK(plan.lanes.size() <= 64);
    parsed += !problems.empty() && problems[0].path.empty() ? 0 : 1;
    fine += problems.empty() ? 1 : 0;
  }
  // The damage must be neither so small that nothing is wrong, nor so large that nothing is parsed.
  CHECK(parsed > kFiles / 20);
  CHECK(fine < kFiles / 2);
}
