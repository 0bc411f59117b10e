#include "tests/model/spsc_ring_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

Verdict run(const Options& options, const QueuePlan& plan) {
  Explorer explorer(options);
  QueueScenario<ModelMemory> scenario(explorer, plan);
  const Result result = explorer.explore();
  return holds(result, {{"full", scenario.full},
                        {"empty", scenario.empty},
                        {"a slot used again", scenario.wrapped},
                        {"all items on time", scenario.all_on_time}});
}

constexpr Test kTests[] = {
    {"spsc/1-word-3-items",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .items = 3, .pushes = 6, .pops = 6});
     }},
    {"spsc/1-word-5-items",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .items = 5, .pushes = 7, .pops = 7});
     }},
    {"spsc/2-words-3-items",
     [](const Options& o) {
       return run(o, {.payload_words = 2, .items = 3, .pushes = 6, .pops = 6});
     }},
    {"spsc/2-words-5-items",
     [](const Options& o) {
       return run(o, {.payload_words = 2, .items = 5, .pushes = 8, .pops = 8});
     }},
};

}  // namespace

std::span<const Test> spsc_ring_tests() { return kTests; }

}  // namespace rise::model
