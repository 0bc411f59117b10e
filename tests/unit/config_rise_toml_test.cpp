// config/rise.toml as it is built in: complete, and without a fault.
#include "config/schema/rise_toml.hpp"

#include <CppUTest/TestHarness.h>

#include <cstring>
#include <set>
#include <sstream>

#include "config/schema/schema.hpp"
#include "default_config.hpp"
#include "drivers/focas/settings.hpp"

using namespace rise::config;

namespace {

bool is_default_line(const std::string& line) {  // "#key = value"
  std::size_t end = 1;
  while (end < line.size() && ((line[end] >= 'a' && line[end] <= 'z') || line[end] == '_')) ++end;
  return line.starts_with("#") && end > 1 && line.compare(end, 3, " = ") == 0;
}

// The file with the defaults that it shows as "#key = value" in force; their lines, if wanted.
std::string with_defaults(std::set<std::uint32_t>* lines = nullptr) {
  std::istringstream file(rise::kDefaultConfig);
  std::string text;
  std::string line;
  for (std::uint32_t number = 1; std::getline(file, line); ++number) {
    const bool shown = is_default_line(line);
    if (shown && lines != nullptr) lines->insert(number);
    text += (shown ? line.substr(1) : line) + "\n";
  }
  return text;
}

Document parsed(const std::string& toml) {
  std::vector<Problem> problems;
  Document document = parse(toml, &problems);
  for (const Problem& problem : problems) FAIL(to_string(problem, "rise.toml").c_str());
  return document;
}

// '*' of the pattern stands for a number.
bool matches(const std::string& pattern, const std::string& path) {
  std::istringstream wanted(pattern);
  std::istringstream given(path);
  std::string a;
  std::string b;
  while (true) {
    const bool more_wanted = static_cast<bool>(std::getline(wanted, a, '.'));
    const bool more_given = static_cast<bool>(std::getline(given, b, '.'));
    if (!more_wanted || !more_given) return more_wanted == more_given;
    const bool number = b.find_first_not_of("0123456789") == std::string::npos;
    if (a == "*" ? !number : a != b) return false;
  }
}

bool has(const Document& document, const std::string& pattern) {
  for (const Value& value : document.values) {
    if (matches(pattern, value.path)) return true;
  }
  return false;
}

std::string faults_of(const Document& document) {
  std::vector<Problem> problems;
  (void)check(document, rise_toml(), foreign_tables(document), &problems);
  for (const std::string& table : foreign_tables(document)) {
    if (!table.ends_with(".focas")) continue;
    (void)check(subtree(document, table), rise::focas::setting_specs(), {}, &problems);
  }
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem, "rise.toml") + "\n";
  return text;
}

// A setting by itself, as if it stood alone at the top of a file.
std::string faults_of(rise_setting_spec spec, const std::string& value) {
  spec.path = "value";
  std::vector<Problem> problems;
  const Document document = parse("value = " + value, &problems);
  const rise_setting_spec specs[] = {spec};
  if (problems.empty()) (void)check(document, specs, {}, &problems);
  return problems.empty() ? "" : problems[0].message;
}

void check_table(std::span<const rise_setting_spec> specs) {
  std::set<std::string> paths;
  for (const rise_setting_spec& spec : specs) {
    LONGS_EQUAL_TEXT(sizeof spec, spec.struct_size, spec.path);
    CHECK_TEXT(paths.insert(spec.path).second, spec.path);
    CHECK_TEXT(spec.text != nullptr && std::strlen(spec.text) > 3, spec.path);
    CHECK_TEXT(spec.min <= spec.max, spec.path);
    const bool required = (spec.flags & RISE_SETTING_REQUIRED) != 0;
    CHECK_TEXT(!required || spec.fallback == nullptr, spec.path);
    if (spec.fallback != nullptr) {
      STRCMP_EQUAL_TEXT("", faults_of(spec, spec.fallback).c_str(), spec.path);
    }
    CHECK_TEXT(!describe(spec).empty(), spec.path);
  }
}

}  // namespace

TEST_GROUP(ConfigRiseToml){};

TEST(ConfigRiseToml, TheBuiltInFileHasNoFault) {
  STRCMP_EQUAL("", faults_of(parsed(rise::kDefaultConfig)).c_str());
}

TEST(ConfigRiseToml, TheDefaultsThatItShowsAreValidToo) {
  STRCMP_EQUAL("", faults_of(parsed(with_defaults())).c_str());
}

TEST(ConfigRiseToml, ItShowsEverySettingOfTheCore) {
  const Document document = parsed(with_defaults());
  for (const rise_setting_spec& spec : rise_toml()) {
    // A list is shown as it comes, which may be empty.
    std::string path = spec.path;
    if (path.ends_with(".*")) path.resize(path.size() - 2);
    CHECK_TEXT(has(document, path), spec.path);
  }
}

TEST(ConfigRiseToml, ItShowsEverySettingOfTheFocasDriver) {
  const Document document = parsed(with_defaults());
  for (const rise_setting_spec& spec : rise::focas::setting_specs()) {
    CHECK_TEXT(has(document, std::string("machine.*.focas.") + spec.path), spec.path);
  }
}

TEST(ConfigRiseToml, WhatItShowsAsDefaultIsTheDefault) {
  std::set<std::uint32_t> lines;
  const Document document = parsed(with_defaults(&lines));
  CHECK(!lines.empty());
  const std::span<const rise_setting_spec> tables[] = {rise_toml(), rise::focas::setting_specs()};
  std::size_t checked = 0;
  for (const Value& value : document.values) {
    if (!lines.contains(value.line)) continue;
    for (std::size_t t = 0; t < 2; ++t) {
      for (const rise_setting_spec& spec : tables[t]) {
        const std::string prefix = t == 0 ? "" : "machine.*.focas.";
        if (!matches(prefix + spec.path, value.path)) continue;
        const Document fallback = parsed("v = " + std::string(spec.fallback));
        STRCMP_EQUAL_TEXT(fallback.values[0].string.c_str(), value.string.c_str(), spec.path);
        CHECK_TEXT(fallback.values[0].number == value.number, spec.path);
        CHECK_TEXT(fallback.values[0].integer == value.integer, spec.path);
        ++checked;
      }
    }
  }
  CHECK(checked >= lines.size());
}

TEST(ConfigRiseToml, TheTablesOfSettingsAreSound) {
  check_table(rise_toml());
  check_table(rise::focas::setting_specs());
}

TEST(ConfigRiseToml, TablesOfDriversAreThoseThatMachinesName) {
  const Document document = parsed(
      "[[machine]]\nname = \"a\"\ndriver = \"focas\"\n[[machine]]\ndriver = 5\n"
      "[[machine]]\ndriver = \"replay\"\n[other]\ndriver = \"x\"\n");
  const std::vector<std::string> tables = foreign_tables(document);
  LONGS_EQUAL(2, tables.size());
  STRCMP_EQUAL("machine.0.focas", tables[0].c_str());
  STRCMP_EQUAL("machine.2.replay", tables[1].c_str());
}

TEST(ConfigRiseToml, TablesOfPluginsAreThoseThatTheyName) {
  const Document document = parsed(
      "[[plugin]]\nname = \"metrics\"\n[plugin.metrics]\nname = \"x\"\n"
      "[[plugin]]\nname = \"a\"\nplugin = \"redis\"\n[[plugin]]\nname = \"b\"\nplugin = \"\"\n"
      "[[plugin]]\nname = 5\n");
  const std::vector<std::string> tables = foreign_tables(document);
  LONGS_EQUAL(3, tables.size());
  STRCMP_EQUAL("plugin.0.metrics", tables[0].c_str());
  STRCMP_EQUAL("plugin.1.redis", tables[1].c_str());
  STRCMP_EQUAL("plugin.2.b", tables[2].c_str());
}

TEST(ConfigRiseToml, AMisspelledKeyWouldBeFound) {  // the tests above can fail
  std::string text = rise::kDefaultConfig;
  text.replace(text.find("history_s"), 9, "histroy_s");
  STRCMP_CONTAINS("did you mean \"history_s\"", faults_of(parsed(text)).c_str());
  CHECK(!has(parsed(text), "core.history_s"));
}
