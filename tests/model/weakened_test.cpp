// Controls: the real templates with the order of one call site taken away. Each must be caught; so
// the models notice what they are for, and no order stands in the code without need. (README.md)
#include "tests/model/broadcast_ring_scenario.hpp"
#include "tests/model/hostile_producer_scenario.hpp"
#include "tests/model/spsc_ring_scenario.hpp"
#include "tests/model/stamped_cell_scenario.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

constexpr char kTorn[] = "torn";
constexpr char kOverlooked[] = "overlooked";
constexpr char kRace[] = "race";

constexpr Site kReleaseFence = fence_of(std::memory_order_release);
constexpr Site kAcquireFence = fence_of(std::memory_order_acquire);

template <template <class> class Scenario, Site kSite, class Plan>
Result explore(const Options& options, const Plan& plan) {
  Explorer explorer(options);
  Scenario<Weaken<kSite>> scenario(explorer, plan);
  return explorer.explore();
}

template <Site kSite>
Verdict cell(const Options& options) {
  return caught(explore<CellScenario, kSite>(options, CellPlan{}), kTorn);
}

template <Site kSite>
Verdict ring(const Options& options) {
  return caught(explore<RingScenario, kSite>(options, RingPlan{}), kTorn);
}

template <Site kSite>
Verdict head(const Options& options, const RingPlan& plan) {
  return caught(explore<RingScenario, kSite>(options, plan), kOverlooked);
}

template <Site kSite>
Verdict queue(const Options& options, Sharing slots, const char* what) {
  return caught(explore<QueueScenario, kSite>(options, QueuePlan{.slots = slots}), what);
}

// The head only leads to frames; that a frame is whole and what is lost, the stamps decide alone.
template <Site kSite>
Verdict head_spares_the_rest(const Options& options) {
  const RingPlan plan{.payload_words = 1, .frames = 4, .calls = 3, .late = true, .prompt = false};
  const Result result = explore<RingScenario, kSite>(options, plan);
  Verdict verdict = holds(result, {{"the weakened operation", result.weakened != 0}});
  if (verdict.passed) verdict.note = "frames stay whole and counted, as expected";
  return verdict;
}

// The limit of the semantics, see README.md: what goes wrong here needs a load that returns a store
// from later in the execution. The rule of the hand-over finds the cause instead.
template <Site kSite>
Verdict not_caught_by_values(const Options& options) {
  const Result result =
      explore<QueueScenario, kSite>(options, QueuePlan{.slots = Sharing::Contended});
  Verdict verdict = holds(result, {{"the weakened operation", result.weakened != 0}});
  if (verdict.passed) verdict.note = "no wrong value without load buffering, as expected";
  return verdict;
}

constexpr RingPlan kAsks{.payload_words = 1, .frames = 1, .calls = 1, .ask = true};
constexpr RingPlan kSkips{.payload_words = 1, .frames = 4, .calls = 1};
constexpr RingPlan kJoinsLate{.payload_words = 1, .frames = 3, .calls = 1, .late = true};

constexpr Test kTests[] = {
    {"weakened/cell-writer-fence", cell<kReleaseFence>},
    {"weakened/cell-reader-fence", cell<kAcquireFence>},
    {"weakened/cell-stamp-store", cell<store_of(Role::Stamp)>},
    {"weakened/cell-stamp-load", cell<load_of(Role::Stamp)>},
    {"weakened/ring-writer-fence", ring<kReleaseFence>},
    {"weakened/ring-reader-fence", ring<kAcquireFence>},
    {"weakened/ring-stamp-store", ring<store_of(Role::Stamp)>},
    {"weakened/ring-stamp-load", ring<load_of(Role::Stamp)>},
    {"weakened/ring-head-store-backlog",
     [](const Options& o) { return head<store_of(Role::Head)>(o, kAsks); }},
    {"weakened/ring-head-store-skip",
     [](const Options& o) { return head<store_of(Role::Head)>(o, kSkips); }},
    {"weakened/ring-head-store-late-reader",
     [](const Options& o) { return head<store_of(Role::Head)>(o, kJoinsLate); }},
    {"weakened/ring-head-load-backlog",
     [](const Options& o) { return head<load_of(Role::Head)>(o, kAsks); }},
    {"weakened/ring-head-load-skip",
     [](const Options& o) { return head<load_of(Role::Head)>(o, kSkips); }},
    {"weakened/ring-head-load-late-reader",
     [](const Options& o) { return head<load_of(Role::Head)>(o, kJoinsLate); }},
    {"weakened/ring-head-store-counting-only", head_spares_the_rest<store_of(Role::Head)>},
    {"weakened/ring-head-load-counting-only", head_spares_the_rest<load_of(Role::Head)>},
    {"weakened/spsc-produced-store",
     [](const Options& o) {
       return queue<store_of(Role::Produced)>(o, Sharing::Contended, kTorn);
     }},
    {"weakened/spsc-produced-load",
     [](const Options& o) { return queue<load_of(Role::Produced)>(o, Sharing::Contended, kTorn); }},
    {"weakened/spsc-produced-store-hand-over",
     [](const Options& o) {
       return queue<store_of(Role::Produced)>(o, Sharing::HandedOver, kRace);
     }},
    {"weakened/spsc-produced-load-hand-over",
     [](const Options& o) {
       return queue<load_of(Role::Produced)>(o, Sharing::HandedOver, kRace);
     }},
    {"weakened/spsc-consumed-store-hand-over",
     [](const Options& o) {
       return queue<store_of(Role::Consumed)>(o, Sharing::HandedOver, kRace);
     }},
    {"weakened/spsc-consumed-load-hand-over",
     [](const Options& o) {
       return queue<load_of(Role::Consumed)>(o, Sharing::HandedOver, kRace);
     }},
    {"weakened/spsc-corrupt-store-hand-over",
     [](const Options& o) {
       return caught(explore<LieScenario, store_of(Role::Consumed, 1000)>(o, LiePlan{.lie = 1000}),
                     kRace);
     }},
    {"weakened/spsc-consumed-store-values-only", not_caught_by_values<store_of(Role::Consumed)>},
    {"weakened/spsc-consumed-load-values-only", not_caught_by_values<load_of(Role::Consumed)>},
};

}  // namespace

std::span<const Test> weakened_tests() { return kTests; }

}  // namespace rise::model
