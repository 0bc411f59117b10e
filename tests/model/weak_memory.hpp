// The memory that the explorer gives to the code under test: C++20 atomics with relaxed, release
// and acquire accesses and all fences, as an operational semantics with views (README.md says what
// it covers). It knows nothing of scheduling: whoever calls load() says which message is read.
//
// A location's messages are numbered in modification order; message 0 is the initial zero.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/view.hpp"

namespace rise::model {

using Word = std::uint64_t;

// What a word is for. Mutations of single call sites are selected by it.
enum class Role : std::uint8_t { Other, Stamp, Payload, Head, Produced, Consumed };

// Handed over: the word never has two users at a time, so each access must happen after all
// conflicting ones of other threads, as if the word were not atomic. The memory reports a race.
enum class Sharing : std::uint8_t { Contended, HandedOver };

class WeakMemory {
 public:
  struct Range {
    unsigned first = 0;
    unsigned last = 0;
  };

  // At set-up.
  int declare(std::string name, Role role, Sharing sharing);
  // Before each execution: all words zero, nobody knows anything.
  void restart(int threads);

  // What a load of this thread may return now: any message not older than the thread knows of.
  [[nodiscard]] Range readable(int thread, int location) const;
  Word load(int thread, int location, unsigned message, std::memory_order order);
  void store(int thread, int location, Word value, std::memory_order order);
  void fence(int thread, std::memory_order order);
  // Joins all threads into this one, which may then store everywhere.
  void join_all(int thread);

  [[nodiscard]] int writer(int location) const { return at(location).writer; }  // -1: nobody yet
  [[nodiscard]] Word newest_known(int thread, int location) const;
  [[nodiscard]] unsigned sequential_fences() const { return sequential_fences_; }
  [[nodiscard]] const std::string& name(int location) const { return at(location).name; }
  [[nodiscard]] Role role(int location) const { return at(location).role; }
  // Empty, or what the last operation did that it must not do.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  static constexpr unsigned kMessagesMax = 32;
  static constexpr unsigned kOperationsMax = 250;

  struct Message {
    Word value = 0;
    View view;  // what an acquiring reader of it comes to know
  };
  struct Location {
    std::string name;
    Role role = Role::Other;
    Sharing sharing = Sharing::Contended;
    int writer = -1;
    unsigned count = 1;
    std::uint8_t stored_at = 0;                       // the writer's clock at its last store
    std::array<std::uint8_t, kThreadsMax> read_at{};  // each thread's clock at its last load
    std::array<Message, kMessagesMax> messages;
  };
  struct Thread {
    View current;   // what this thread knows
    View pending;   // what an acquire fence would add: views of messages it read relaxed
    View released;  // what it knew at its last release fence; relaxed stores carry this
  };

  [[nodiscard]] const Location& at(int location) const {
    return locations_[static_cast<std::size_t>(location)];
  }
  Location& at(int location) { return locations_[static_cast<std::size_t>(location)]; }
  std::uint8_t tick(int thread);

  std::vector<Location> locations_;
  std::array<Thread, kThreadsMax> threads_;
  View sequential_;  // what all seq_cst fences so far knew (locations only)
  unsigned sequential_fences_ = 0;
  int thread_count_ = 0;
  int joined_ = -1;
  std::string fault_;
};

}  // namespace rise::model
