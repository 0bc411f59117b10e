#include "tests/model/stamped_cell_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

Verdict run(const Options& options, const CellPlan& plan) {
  Explorer explorer(options);
  CellScenario<ModelMemory> scenario(explorer, plan);
  const Result result = explorer.explore();
  return holds(result, {{"the last version", scenario.accepted_last},
                        {"an earlier version", scenario.accepted_earlier},
                        {"a rejected copy", scenario.rejected},
                        {"an odd stamp", scenario.being_written}});
}

constexpr Test kTests[] = {
    {"cell/1-word-2-versions",
     [](const Options& o) { return run(o, {.payload_words = 1, .versions = 2, .attempts = 4}); }},
    {"cell/2-words-2-versions",
     [](const Options& o) { return run(o, {.payload_words = 2, .versions = 2, .attempts = 4}); }},
    {"cell/2-words-4-versions",
     [](const Options& o) { return run(o, {.payload_words = 2, .versions = 4, .attempts = 3}); }},
    {"cell/4-words-3-versions",
     [](const Options& o) { return run(o, {.payload_words = 4, .versions = 3, .attempts = 3}); }},
};

}  // namespace

std::span<const Test> stamped_cell_tests() { return kTests; }

}  // namespace rise::model
