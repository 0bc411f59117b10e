// The explorer against programs whose outcomes under the C++ memory model are known: each must show
// exactly its set, reduced or not. An outcome names the values that the loads returned.
#include <functional>
#include <initializer_list>

#include "tests/model/model_memory.hpp"
#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kSequential = std::memory_order_seq_cst;

// Two words, up to four threads, up to four results.
struct Program {
  Word* x = nullptr;
  Word* y = nullptr;
  Word result[4] = {};

  Word load(const Word* word, std::memory_order order) const {
    return ModelMemory::load(word, order);
  }
  void store(Word* word, Word value, std::memory_order order) const {
    ModelMemory::store(word, value, order);
  }
  void fence(std::memory_order order) const { ModelMemory::fence(order); }
};

using Body = void (*)(Program&);
using Outcomes = std::set<std::string>;

Result explore(Options options, bool reduce, std::size_t results,
               std::initializer_list<Body> bodies, Outcomes* seen) {
  options.reduce = reduce;
  Explorer explorer(options);
  Program program;
  program.x = explorer.words(2);
  program.y = program.x + 1;
  explorer.name(program.x, "x", Role::Other);
  explorer.name(program.y, "y", Role::Other);
  explorer.at_start([&program] {
    for (Word& word : program.result) word = 0;
  });
  char name = 'A';
  for (const Body body : bodies) {
    explorer.thread(std::string(1, name++), [&program, body] { body(program); });
  }
  explorer.at_end([&program, results, seen] {
    std::string outcome;
    for (std::size_t i = 0; i < results; ++i) outcome += std::to_string(program.result[i]);
    seen->insert(outcome);
  });
  return explorer.explore();
}

Verdict litmus(const Options& options, std::size_t results, std::initializer_list<Body> bodies,
               const Outcomes& expected) {
  Outcomes reduced;
  const Result result = explore(options, true, results, bodies, &reduced);
  if (!options.replay.empty()) return outcomes_are(result, reduced, expected);
  Outcomes all;
  const Verdict without =
      outcomes_are(explore(options, false, results, bodies, &all), all, expected);
  Verdict verdict = outcomes_are(result, reduced, expected);
  if (verdict.passed && !without.passed) {
    verdict.passed = false;
    verdict.note = "without reduction: " + without.note;
  }
  verdict.note += ", unreduced " + std::to_string(without.executions);
  return verdict;
}

// A publishes data x by flag y; B that sees the flag may or must not miss the data.
template <std::memory_order kStore, std::memory_order kLoad>
Verdict message_passing(const Options& options, const Outcomes& expected) {
  return litmus(options, 2,
                {[](Program& p) {
                   p.store(p.x, 1, kRelaxed);
                   p.store(p.y, 1, kStore);
                 },
                 [](Program& p) {
                   p.result[0] = p.load(p.y, kLoad);
                   p.result[1] = p.load(p.x, kRelaxed);
                 }},
                expected);
}

template <std::memory_order kWriter, std::memory_order kReader>
Verdict message_passing_fenced(const Options& options, const Outcomes& expected) {
  return litmus(options, 2,
                {[](Program& p) {
                   p.store(p.x, 1, kRelaxed);
                   p.fence(kWriter);
                   p.store(p.y, 1, kRelaxed);
                 },
                 [](Program& p) {
                   p.result[0] = p.load(p.y, kRelaxed);
                   p.fence(kReader);
                   p.result[1] = p.load(p.x, kRelaxed);
                 }},
                expected);
}

const Outcomes kWeak = {"00", "01", "10", "11"};
const Outcomes kStrong = {"00", "01", "11"};

// C++20: a relaxed store of the same thread does not continue its release sequence.
Verdict release_sequence(const Options& options) {
  return litmus(options, 2,
                {[](Program& p) {
                   p.store(p.x, 1, kRelaxed);
                   p.store(p.y, 1, kRelease);
                   p.store(p.y, 2, kRelaxed);
                 },
                 [](Program& p) {
                   p.result[0] = p.load(p.y, kAcquire);
                   p.result[1] = p.load(p.x, kRelaxed);
                 }},
                {"00", "01", "11", "20", "21"});
}

template <std::memory_order kFence>
Verdict store_buffering(const Options& options, const Outcomes& expected) {
  return litmus(options, 2,
                {[](Program& p) {
                   p.store(p.x, 1, kRelease);
                   p.fence(kFence);
                   p.result[0] = p.load(p.y, kAcquire);
                 },
                 [](Program& p) {
                   p.store(p.y, 1, kRelease);
                   p.fence(kFence);
                   p.result[1] = p.load(p.x, kAcquire);
                 }},
                expected);
}

// Two relaxed loads of one word never go back; one's own store is never missed.
Verdict coherence(const Options& options) {
  return litmus(options, 3,
                {[](Program& p) {
                   p.store(p.x, 1, kRelaxed);
                   p.store(p.x, 2, kRelaxed);
                   p.result[2] = p.load(p.x, kRelaxed);
                 },
                 [](Program& p) {
                   p.result[0] = p.load(p.x, kRelaxed);
                   p.result[1] = p.load(p.x, kRelaxed);
                 }},
                {"002", "012", "022", "112", "122", "222"});
}

// A tells B tells C: what B knew reaches C.
Verdict causality(const Options& options) {
  return litmus(options, 3,
                {[](Program& p) { p.store(p.x, 1, kRelease); },
                 [](Program& p) {
                   p.result[0] = p.load(p.x, kAcquire);
                   p.store(p.y, 1, kRelease);
                 },
                 [](Program& p) {
                   p.result[1] = p.load(p.y, kAcquire);
                   p.result[2] = p.load(p.x, kRelaxed);
                 }},
                {"000", "001", "010", "011", "100", "101", "111"});
}

// Independent reads of independent writes: release and acquire let two readers disagree about the
// order of the writes ("1010": each has seen one store and missed the other).
template <std::memory_order kFence>
Verdict independent_reads(const Options& options, bool disagree) {
  Outcomes expected;
  for (const char a : {'0', '1'}) {
    for (const char b : {'0', '1'}) {
      for (const char c : {'0', '1'}) {
        for (const char d : {'0', '1'}) expected.insert({a, b, c, d});
      }
    }
  }
  if (!disagree) expected.erase("1010");
  return litmus(
      options, 4,
      {[](Program& p) { p.store(p.x, 1, kRelease); }, [](Program& p) { p.store(p.y, 1, kRelease); },
       [](Program& p) {
         p.result[0] = p.load(p.x, kAcquire);
         p.fence(kFence);
         p.result[1] = p.load(p.y, kAcquire);
       },
       [](Program& p) {
         p.result[2] = p.load(p.y, kAcquire);
         p.fence(kFence);
         p.result[3] = p.load(p.x, kAcquire);
       }},
      expected);
}

// The known limit: "11" needs loads that return stores from later in the execution.
Verdict load_buffering(const Options& options) {
  return litmus(options, 2,
                {[](Program& p) {
                   p.result[0] = p.load(p.x, kRelaxed);
                   p.store(p.y, 1, kRelaxed);
                 },
                 [](Program& p) {
                   p.result[1] = p.load(p.y, kRelaxed);
                   p.store(p.x, 1, kRelaxed);
                 }},
                {"00", "01", "10"});
}

constexpr Test kTests[] = {
    {"litmus/message-passing-relaxed",
     [](const Options& o) { return message_passing<kRelaxed, kRelaxed>(o, kWeak); }},
    {"litmus/message-passing-release-only",
     [](const Options& o) { return message_passing<kRelease, kRelaxed>(o, kWeak); }},
    {"litmus/message-passing-acquire-only",
     [](const Options& o) { return message_passing<kRelaxed, kAcquire>(o, kWeak); }},
    {"litmus/message-passing-release-acquire",
     [](const Options& o) { return message_passing<kRelease, kAcquire>(o, kStrong); }},
    {"litmus/message-passing-fences",
     [](const Options& o) { return message_passing_fenced<kRelease, kAcquire>(o, kStrong); }},
    {"litmus/message-passing-release-fence-only",
     [](const Options& o) { return message_passing_fenced<kRelease, kRelaxed>(o, kWeak); }},
    {"litmus/message-passing-acquire-fence-only",
     [](const Options& o) { return message_passing_fenced<kRelaxed, kAcquire>(o, kWeak); }},
    {"litmus/message-passing-fences-swapped",
     [](const Options& o) { return message_passing_fenced<kAcquire, kRelease>(o, kWeak); }},
    {"litmus/release-sequence", release_sequence},
    {"litmus/store-buffering-release-acquire",
     [](const Options& o) { return store_buffering<kRelaxed>(o, kWeak); }},
    {"litmus/store-buffering-acq-rel-fences",
     [](const Options& o) { return store_buffering<std::memory_order_acq_rel>(o, kWeak); }},
    {"litmus/store-buffering-seq-cst-fences",
     [](const Options& o) {
       return store_buffering<kSequential>(o, {"01", "10", "11"});
     }},
    {"litmus/coherence", coherence},
    {"litmus/causality", causality},
    {"litmus/independent-reads-acquire",
     [](const Options& o) { return independent_reads<kRelaxed>(o, true); }},
    {"litmus/independent-reads-seq-cst-fences",
     [](const Options& o) { return independent_reads<kSequential>(o, false); }},
    {"litmus/load-buffering-is-not-modelled", load_buffering},
};

}  // namespace

std::span<const Test> litmus_tests() { return kTests; }

}  // namespace rise::model
