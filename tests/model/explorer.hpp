// Runs a small concurrent program in every way that the memory model allows. A model is set up
// once - named words, two or three threads, an end - and explore() executes it again and again,
// each time with other decisions: whose turn it is, and which message each load reads.
//
//   Explorer explorer(options);
//   Word* x = explorer.words(1);
//   explorer.name(x, "x", Role::Other);
//   explorer.thread("writer", [=] { ModelMemory::store(x, 1, std::memory_order_relaxed); });
//   ...
//   const Result result = explorer.explore();
//
// Bodies must depend on nothing but what they load, end after a bounded number of operations, and
// keep nothing on their stack that needs a destructor. README.md: the semantics and the reduction.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <source_location>
#include <string>
#include <vector>

#include "tests/model/choices.hpp"
#include "tests/model/fiber.hpp"
#include "tests/model/trace.hpp"
#include "tests/model/weak_memory.hpp"

namespace rise::model {

struct Options {
  // True: executions that differ only in the order of independent operations are run once.
  // False: every interleaving of all operations.
  bool reduce = true;
  std::uint64_t executions_max = 20'000'000;  // reaching it makes the result incomplete
  std::string replay;                         // not empty: this one execution, with its trace
  bool collect = false;                       // fill in Result::reads
};

struct Result {
  std::uint64_t executions = 0;  // run to their end
  std::uint64_t cut = 0;         // given up as repetitions of others
  std::uint64_t weakened = 0;    // operations that a mutation has weakened
  bool complete = false;         // all executions have been seen, none failed
  std::string failure;           // what was violated; empty: nothing
  std::string choices;           // the decisions of the failed execution
  std::string trace;             // of the failed or the replayed execution
  // Of each execution, which messages the loads of the threads have read. (With one writer to a
  // word this names the execution, but for the order of seq_cst fences.)
  std::set<std::string> reads;
};

class Explorer {
 public:
  static constexpr std::size_t kWordsMax = 64;

  explicit Explorer(Options options);
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  // ---- set-up
  // Addresses for `count` words. They hold nothing: what is stored is in the messages.
  Word* words(std::size_t count);
  // Every word that is touched has a name; touching another one is a violation.
  void name(const Word* word, std::string name, Role role, Sharing sharing = Sharing::Contended);
  void thread(std::string name, std::function<void()> body);
  // Resets what the bodies share outside the modelled memory.
  void at_start(std::function<void()> reset) { at_start_ = std::move(reset); }
  // Runs after all threads, knowing all that they know (as after joining them).
  void at_end(std::function<void()> body) { at_end_ = std::move(body); }

  Result explore();

  // ---- from the bodies
  static Explorer& current() { return *current_; }
  Word load(const Word* word, std::memory_order order, const std::source_location& at);
  void store(const Word* word, Word value, std::memory_order order, const std::source_location& at);
  void fence(std::memory_order order, const std::source_location& at);
  // Ends the execution, and the exploration, unless `good`.
  void check(bool good, const char* what) {
    if (!good) fail(what);
  }
  // The newest value of a word that the calling thread has evidence of: it cannot read older ones.
  [[nodiscard]] Word known(const Word* word);
  [[nodiscard]] Role role(const Word* word);
  void count_weakened() { ++weakened_; }
  void remark(std::string text);

 private:
  static constexpr int kOver = -1;  // no thread: back to explore()
  enum class State { Absent, Running, Pending, Done };
  enum class Status { Running, Complete, Cut, Failed };

  struct Thread {
    std::string name;
    std::function<void()> body;
    std::unique_ptr<Fiber> fiber;
    bool parked = false;  // its fiber waits at the top of its loop
    State state = State::Running;
    Operation operation = Operation::Load;  // while Pending
    int location = 0;
    bool sequential = false;  // the pending fence takes part in the order of seq_cst fences
    unsigned wanted = 0;      // asleep until there is a message (seq_cst fence) of this number
    unsigned message = 0;     // the decision
    std::vector<std::uint8_t> reads;
  };

  static void fiber_main(int index);
  void run_once();
  void go_on();  // on some fiber: switch to whoever is next
  int pick();
  int pick_reduced();
  int pick_any();
  [[nodiscard]] bool may_grow(int index) const;
  [[nodiscard]] WeakMemory::Range alternatives(int index) const;
  void announce(Operation operation, int location, bool sequential);
  int locate(const Word* word);
  void after_operation();
  [[nodiscard]] std::string reads() const;
  [[noreturn]] void fail(std::string what);
  Thread& self() { return threads_[static_cast<std::size_t>(running_)]; }
  Fiber& fiber_of(int index);

  static Explorer* current_;

  Options options_;
  WeakMemory memory_;
  Choices choices_;
  Trace trace_;
  bool tracing_ = false;
  std::array<Word, kWordsMax> arena_{};
  std::array<std::int8_t, kWordsMax> location_of_{};
  std::size_t words_used_ = 0;
  std::vector<Thread> threads_;  // the end is the last one
  std::function<void()> at_start_;
  std::function<void()> at_end_;
  Fiber main_;
  int running_ = kOver;
  Status status_ = Status::Complete;
  std::string failure_;
  std::uint64_t weakened_ = 0;
};

}  // namespace rise::model
