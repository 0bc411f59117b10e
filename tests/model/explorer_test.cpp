// The explorer's own guards: the reduction leaves nothing out and repeats nothing; what a body must
// not do is reported; a violation can be replayed.
#include "tests/model/broadcast_ring_scenario.hpp"
#include "tests/model/spsc_ring_scenario.hpp"
#include "tests/model/stamped_cell_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

template <template <class> class Scenario, class Memory, class Plan>
Result explore(Options options, bool reduce, const Plan& plan) {
  options.reduce = reduce;
  options.collect = true;
  Explorer explorer(options);
  Scenario<Memory> scenario(explorer, plan);
  return explorer.explore();
}

// The same executions with and without reduction, each only once with it.
template <template <class> class Scenario, class Plan>
Verdict reduction(const Options& options, const Plan& plan) {
  const Result some = explore<Scenario, ModelMemory>(options, true, plan);
  if (!options.replay.empty()) return holds(some, {});
  const Result all = explore<Scenario, ModelMemory>(options, false, plan);
  Verdict verdict = holds(some, {{"the same executions", some.reads == all.reads},
                                 {"no repetition", some.reads.size() == some.executions}});
  if (!all.complete) verdict = holds(all, {});
  if (verdict.passed) verdict.note = "unreduced " + std::to_string(all.executions);
  return verdict;
}

// The bodies do what is not allowed; it must be reported in these words.
Verdict reported(const Options& options, const char* what, void (*first)(Word*),
                 void (*second)(Word*), Sharing sharing = Sharing::HandedOver) {
  Explorer explorer(options);
  Word* const words = explorer.words(2);
  explorer.name(words, "x", Role::Other, sharing);
  explorer.thread("first", [=] { first(words); });
  explorer.thread("second", [=] { second(words); });
  const Result result = explorer.explore();
  Verdict verdict;
  verdict.executions = result.executions;
  verdict.cut = result.cut;
  verdict.passed = result.failure.starts_with(what);
  verdict.note = result.failure.empty() ? "not reported" : "reported: " + result.failure;
  verdict.trace = result.trace;
  return verdict;
}

void nothing(Word* /*words*/) {}
void store_x(Word* words) { ModelMemory::store(words, 1, kRelaxed); }
void load_x(Word* words) { ModelMemory::load(words, kRelaxed); }

Verdict two_writers(const Options& options) {
  return reported(options, "two threads store to x", store_x, store_x);
}
Verdict race(const Options& options) { return reported(options, "race", store_x, load_x); }
Verdict foreign_word(const Options& options) {
  return reported(options, "a word is touched", nothing, [](Word* words) { load_x(words + 1); });
}
Verdict order_not_modelled(const Options& options) {
  return reported(options, "a load with an order", nothing,
                  [](Word* words) { ModelMemory::load(words, std::memory_order_seq_cst); });
}
Verdict unbounded_loop(const Options& options) {
  return reported(options, "a thread has too many operations", nothing, [](Word* words) {
    for (;;) load_x(words);
  });
}

// A body that remembers earlier executions: two loads, then one.
Verdict moody_body(const Options& options) {
  static bool again;
  again = true;
  return reported(
      options, "the program does not follow", store_x,
      [](Word* words) {
        load_x(words);
        if (again) load_x(words);
        again = !again;
      },
      Sharing::Contended);
}

// What was found is found again, from its choices alone.
Verdict replay(const Options& options) {
  using Broken = Weaken<store_of(Role::Stamp)>;
  const Result found = explore<CellScenario, Broken>(options, true, CellPlan{});
  Options again = options;
  again.replay = found.choices;
  const Result repeated = explore<CellScenario, Broken>(again, true, CellPlan{});
  Verdict verdict;
  verdict.executions = found.executions;
  verdict.passed = !found.failure.empty() && found.failure == repeated.failure &&
                   !found.trace.empty() && found.trace == repeated.trace;
  verdict.note = "choices " + found.choices;
  verdict.trace = repeated.trace;
  return verdict;
}

constexpr Test kTests[] = {
    {"explorer/reduction-cell",
     [](const Options& o) {
       return reduction<CellScenario>(o,
                                      CellPlan{.payload_words = 2, .versions = 2, .attempts = 1});
     }},
    {"explorer/reduction-ring",
     [](const Options& o) {
       return reduction<RingScenario>(o, RingPlan{.payload_words = 1, .frames = 2, .calls = 1});
     }},
    {"explorer/reduction-ring-overtaken",
     [](const Options& o) {
       return reduction<RingScenario>(o, RingPlan{.payload_words = 1, .frames = 3, .calls = 1});
     }},
    {"explorer/reduction-spsc",
     [](const Options& o) {
       return reduction<QueueScenario>(
           o, QueuePlan{.payload_words = 1, .items = 3, .pushes = 3, .pops = 2});
     }},
    {"explorer/two-writers", two_writers},
    {"explorer/race", race},
    {"explorer/foreign-word", foreign_word},
    {"explorer/order-not-modelled", order_not_modelled},
    {"explorer/unbounded-loop", unbounded_loop},
    {"explorer/moody-body", moody_body},
    {"explorer/replay", replay},
};

}  // namespace

std::span<const Test> explorer_tests() { return kTests; }

}  // namespace rise::model
