// A plan made of a piece of TOML with the fake driver, and what is wrong with it.
#pragma once

#include <CppUTest/TestHarness.h>

#include <string>
#include <vector>

#include "rt_core/plan/plan.hpp"
#include "tests/unit/support/fake_driver.hpp"

namespace rise::test {

struct PlanRig {
  FakeDriver driver;
  std::vector<config::Problem> problems;

  plan::Plan make(const std::string& toml) {
    problems.clear();
    return plan::make_plan(toml, driver.source(), &problems);
  }
  // "line path: message" of each problem, one per line.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const config::Problem& problem : problems) {
      all += std::to_string(problem.line) + " " + problem.path + ": " + problem.message + "\n";
    }
    return all;
  }
  static std::string two_machines() {
    return "[[lane]]\nname = \"a\"\n[[machine]]\nname = \"m\"\ndriver = \"fake\"\n"
           "[[machine]]\nname = \"n\"\ndriver = \"fake\"\n";
  }
};

}  // namespace rise::test
