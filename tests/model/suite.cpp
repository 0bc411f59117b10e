#include "tests/model/suite.hpp"

namespace rise::model {

namespace {

Verdict begin(const Result& result) {
  Verdict verdict;
  verdict.executions = result.executions;
  verdict.cut = result.cut;
  verdict.trace = result.trace;
  return verdict;
}

std::string list(const std::set<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : " ") + item;
  return "{" + out + "}";
}

}  // namespace

Verdict holds(const Result& result, std::initializer_list<Goal> goals) {
  Verdict verdict = begin(result);
  if (!result.failure.empty()) {
    verdict.note = result.failure + "; choices " + result.choices;
  } else if (!result.complete) {
    verdict.note = "not all executions were explored";
  } else {
    verdict.passed = true;
    for (const Goal& goal : goals) {
      if (goal.reached) continue;
      verdict.passed = false;
      verdict.note += std::string(verdict.note.empty() ? "never seen: " : ", ") + goal.name;
    }
  }
  return verdict;
}

Verdict caught(const Result& result, const char* what) {
  Verdict verdict = begin(result);
  if (result.failure.empty()) {
    verdict.note = "not caught";
  } else if (result.weakened == 0) {
    verdict.note = "the mutation changed nothing, yet: " + result.failure;
  } else {
    verdict.passed = result.failure.starts_with(what);
    verdict.note = "caught: " + result.failure + "; choices " + result.choices;
    if (!verdict.passed) verdict.note += " (expected: " + std::string(what) + ")";
  }
  return verdict;
}

Verdict outcomes_are(const Result& result, const std::set<std::string>& seen,
                     const std::set<std::string>& expected) {
  Verdict verdict = holds(result, {});
  if (!verdict.passed) return verdict;
  verdict.passed = seen == expected;
  verdict.note = list(seen);
  if (!verdict.passed) verdict.note += ", expected " + list(expected);
  return verdict;
}

}  // namespace rise::model
