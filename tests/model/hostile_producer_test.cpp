#include "tests/model/hostile_producer_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

Verdict run(const Options& options, const LiePlan& plan) {
  Explorer explorer(options);
  LieScenario<ModelMemory> scenario(explorer, plan);
  const Result result = explorer.explore();
  if (!plan.absurd) return holds(result, {});
  return holds(result, {{"a report", scenario.corrupt},
                        {"the item before the lie", scenario.first_popped},
                        {"the item before the lie dropped", scenario.first_dropped},
                        {"an item after the lie", scenario.later_popped}});
}

constexpr Test kTests[] = {
    {"hostile/far-ahead", [](const Options& o) { return run(o, {.lie = 1000}); }},
    {"hostile/half-way-round", [](const Options& o) { return run(o, {.lie = Word{1} << 63}); }},
    {"hostile/last-position", [](const Options& o) { return run(o, {.lie = ~Word{0}}); }},
    {"hostile/back-to-zero", [](const Options& o) { return run(o, {.lie = 0, .absurd = false}); }},
    {"hostile/one-too-many", [](const Options& o) { return run(o, {.lie = 2, .absurd = false}); }},
    {"hostile/two-too-many", [](const Options& o) { return run(o, {.lie = 3, .absurd = false}); }},
};

}  // namespace

std::span<const Test> hostile_producer_tests() { return kTests; }

}  // namespace rise::model
