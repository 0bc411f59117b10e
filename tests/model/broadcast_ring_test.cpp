#include "tests/model/broadcast_ring_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

Verdict run(const Options& options, const RingPlan& plan) {
  Explorer explorer(options);
  RingScenario<ModelMemory> scenario(explorer, plan);
  const Result result = explorer.explore();
  // Some goals are out of reach of some plans.
  const Word calls = static_cast<Word>(plan.calls);
  const bool could_get_all = plan.frames <= calls + plan.capacity;
  const bool could_give_up = plan.capacity == 2 && plan.frames >= 6;
  return holds(result, {{"a reader that gets all", scenario.got_all || !could_get_all},
                        {"a reader that is overtaken", scenario.lost_some},
                        {"nothing new", scenario.found_nothing},
                        {"a loss that the head does not show", scenario.lost_before_head},
                        {"a reader that gives up", scenario.out_of_rounds || !could_give_up},
                        {"a late begin", scenario.joined_late || !plan.late}});
}

constexpr Test kTests[] = {
    {"ring/1-word-3-frames",
     [](const Options& o) { return run(o, {.payload_words = 1, .frames = 3, .calls = 5}); }},
    {"ring/1-word-4-frames",
     [](const Options& o) { return run(o, {.payload_words = 1, .frames = 4, .calls = 5}); }},
    {"ring/2-words-3-frames",
     [](const Options& o) { return run(o, {.payload_words = 2, .frames = 3, .calls = 5}); }},
    {"ring/2-words-4-frames",
     [](const Options& o) { return run(o, {.payload_words = 2, .frames = 4, .calls = 4}); }},
    {"ring/1-word-6-frames-out-of-rounds",
     [](const Options& o) { return run(o, {.payload_words = 1, .frames = 6, .calls = 2}); }},
    {"ring/backlog-1-word-4-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .frames = 4, .calls = 3, .ask = true});
     }},
    {"ring/late-reader-1-word-4-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .frames = 4, .calls = 4, .late = true});
     }},
    {"ring/late-reader-2-words-4-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 2, .frames = 4, .calls = 3, .late = true});
     }},
    {"ring/two-readers-1-word-4-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .frames = 4, .readers = 2, .calls = 1});
     }},
    {"ring/two-readers-2-words-3-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 2, .frames = 3, .readers = 2, .calls = 2});
     }},
    {"ring/two-late-readers-1-word-3-frames",
     [](const Options& o) {
       return run(o, {.payload_words = 1, .frames = 3, .readers = 2, .calls = 2, .late = true});
     }},
    {"ring/capacity-4-1-word-7-frames",
     [](const Options& o) {
       return run(o, {.capacity = 4, .payload_words = 1, .frames = 7, .calls = 3});
     }},
};

}  // namespace

std::span<const Test> broadcast_ring_tests() { return kTests; }

}  // namespace rise::model
