// What a model test is and how it is judged. main.cpp runs the lists below.
#pragma once

#include <initializer_list>
#include <set>
#include <span>
#include <string>

#include "tests/model/explorer.hpp"

namespace rise::model {

struct Verdict {
  bool passed = false;
  std::uint64_t executions = 0;
  std::uint64_t cut = 0;
  std::string note;   // one line: what was seen, or what is wrong
  std::string trace;  // of a violation
};

struct Test {
  const char* name;
  Verdict (*run)(const Options& options);
};

// Something that must happen in at least one execution: else the model does not test what it
// seems to test.
struct Goal {
  const char* name;
  bool reached;
};

// The property holds in all executions, and every goal was reached.
Verdict holds(const Result& result, std::initializer_list<Goal> goals);
// The mutation is found: a violation whose text begins with `what`.
Verdict caught(const Result& result, const char* what);
// The set of outcomes is exactly the expected one.
Verdict outcomes_are(const Result& result, const std::set<std::string>& seen,
                     const std::set<std::string>& expected);

std::span<const Test> litmus_tests();
std::span<const Test> explorer_tests();
std::span<const Test> stamped_cell_tests();
std::span<const Test> broadcast_ring_tests();
std::span<const Test> spsc_ring_tests();
std::span<const Test> hostile_producer_tests();
std::span<const Test> weakened_tests();

}  // namespace rise::model
