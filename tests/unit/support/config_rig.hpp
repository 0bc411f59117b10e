// Checking a piece of TOML against a small table of settings.
#pragma once

#include <CppUTest/TestHarness.h>

#include <string>
#include <vector>

#include "config/schema/schema.hpp"
#include "drivers/sdk/rise_settings.hpp"

namespace rise::test {

inline constexpr rise_setting_spec kUnitSettings[] = {
    sdk::string("core.name", 1, 8, "\"rise\"", "a name"),
    sdk::integer("core.depth", 1, 10, "4", "m", "a depth"),
    sdk::number("core.gain", -1.5, 1.5, "0.5", nullptr, "a gain"),
    sdk::flag("core.quiet", "true", "a flag"),
    sdk::choice("core.mode", "auto|manual|off", "\"auto\"", "a mode"),
    sdk::integer("core.optional", 0, 5, nullptr, nullptr, "has no default"),
    sdk::required(sdk::string("lane.*.name", 1, 8, nullptr, "name of the lane")),
    sdk::integer("lane.*.period", 1, 1000, "100", "us", "a period"),
    sdk::string("lane.*.tags.*", 1, 4, nullptr, "a tag"),
    sdk::required(sdk::number("lane.*.limit.*.max", -100, 100, nullptr, nullptr, "a limit")),
    sdk::flag("lane.*.limit.*.trips", "true", "whether it trips"),
    sdk::integer("lane.*.deep.er.value", 0, 9, "3", nullptr, "deep below a wildcard"),
};

// What a document gives: the settings, and what is wrong.
struct Checked {
  explicit Checked(const std::string& toml, const std::vector<std::string>& foreign = {}) {
    document = config::parse(toml, &problems);
    if (problems.empty()) settings = config::check(document, kUnitSettings, foreign, &problems);
  }
  // "line path: message" of each, one per line.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const config::Problem& problem : problems) {
      all += std::to_string(problem.line) + " " + problem.path + ": " + problem.message + "\n";
    }
    return all;
  }
  [[nodiscard]] const config::Problem* at(const std::string& path) const {
    for (const config::Problem& problem : problems) {
      if (problem.path == path) return &problem;
    }
    return nullptr;
  }

  config::Document document;
  std::vector<config::Problem> problems;
  config::Settings settings;
};

}  // namespace rise::test

// One problem, at this line and path, whose message contains this.
#define CHECK_PROBLEM(toml, expected_line, expected_path, expected_text)    \
  do {                                                                      \
    const rise::test::Checked checked_(toml);                               \
    LONGS_EQUAL_TEXT(1, checked_.problems.size(), checked_.text().c_str()); \
    STRCMP_EQUAL(expected_path, checked_.problems[0].path.c_str());         \
    STRCMP_CONTAINS(expected_text, checked_.problems[0].message.c_str());   \
    LONGS_EQUAL(expected_line, checked_.problems[0].line);                  \
  } while (false)

// Nothing is wrong with it.
#define CHECK_FINE(toml) STRCMP_EQUAL("", rise::test::Checked(toml).text().c_str())
