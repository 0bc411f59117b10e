#include "config/schema/schema.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <unordered_set>

#include "config/schema/suggest.hpp"

namespace rise::config {

namespace {

using Elements = std::vector<std::string>;

Elements split(const std::string& path, char separator = '.') {
  Elements elements;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = path.find(separator, start);
    elements.push_back(path.substr(start, end - start));
    if (end == std::string::npos) return elements;
    start = end + 1;
  }
}

bool is_index(const std::string& element) {
  return !element.empty() &&
         std::all_of(element.begin(), element.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Does the pattern's first `length` elements match the path's?
bool matches(const Elements& pattern, const Elements& path, std::size_t length) {
  if (pattern.size() < length || path.size() < length) return false;
  for (std::size_t i = 0; i < length; ++i) {
    const bool same = pattern[i] == "*" ? is_index(path[i]) : pattern[i] == path[i];
    if (!same) return false;
  }
  return true;
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

Type type_of(const rise_setting_spec& spec) { return static_cast<Type>(spec.type); }

std::string range_text(const rise_setting_spec& spec) {
  const std::string unit =
      spec.unit != nullptr && *spec.unit != '\0' ? std::string(" ") + spec.unit : "";
  return number_text(spec.min) + " to " + number_text(spec.max) + unit;
}

std::string allowed_choices(const rise_setting_spec& spec) {
  std::string text;
  for (const std::string& choice : split(spec.choices, '|')) {
    text += (text.empty() ? "\"" : ", \"") + choice + "\"";
  }
  return text;
}

struct Checker {
  const Document& document;
  std::span<const rise_setting_spec> specs;
  std::unordered_set<std::string> foreign;
  std::vector<Problem>* problems;
  std::vector<Elements> patterns;
  std::vector<Value> accepted;
  std::unordered_set<std::string> given;  // paths in the document
  std::vector<std::string> refused;       // containers, with a '.' behind; their content is ignored

  void report(const Value& value, std::string message) {
    problems->push_back({value.line, value.path, std::move(message)});
  }

  [[nodiscard]] bool is_foreign(const std::string& path) const {
    // There may be a thousand of them, so the path and its parents are looked up, not each
    // compared.
    for (std::size_t end = path.find('.');; end = path.find('.', end + 1)) {
      if (foreign.contains(path.substr(0, end))) return true;
      if (end == std::string::npos) return false;
    }
  }

  [[nodiscard]] bool is_refused(const std::string& path) const {
    return std::any_of(refused.begin(), refused.end(),
                       [&](const std::string& prefix) { return path.starts_with(prefix); });
  }

  void check_values() {
    for (const Value& value : document.values) {
      if (is_foreign(value.path) || is_refused(value.path)) continue;
      const std::size_t before = problems->size();
      const Elements path = split(value.path);
      const rise_setting_spec* leaf = nullptr;
      bool inner = false;
      for (std::size_t i = 0; i < specs.size(); ++i) {
        if (!matches(patterns[i], path, path.size())) continue;
        if (patterns[i].size() == path.size()) leaf = &specs[i];
        if (patterns[i].size() > path.size()) inner = true;
      }
      const bool container = value.type == Type::Table || value.type == Type::Array;
      if (leaf != nullptr && !(container && inner)) {
        check_value(value, *leaf);
      } else if (inner && container) {
        check_container(value, path);
      } else if (inner) {
        report(value, std::string("is ") + type_name(value.type) + ", expected a table or array");
      } else {
        report_unknown(value, path);
      }
      if (container && problems->size() != before) refused.push_back(value.path + ".");
    }
  }

  // An array where a table is expected, or the reverse.
  void check_container(const Value& value, const Elements& path) {
    bool wants_array = false;
    for (const Elements& pattern : patterns) {
      if (pattern.size() > path.size() && matches(pattern, path, path.size())) {
        wants_array = pattern[path.size()] == "*";
      }
    }
    if (wants_array != (value.type == Type::Array)) {
      report(value, std::string("is ") + type_name(value.type) + ", expected " +
                        (wants_array ? "an array (of tables: [[" + value.path + "]])" : "a table"));
      return;
    }
    accepted.push_back(value);
  }

  void report_unknown(const Value& value, const Elements& path) {
    std::set<std::string> known;  // keys allowed at this place
    for (const Elements& pattern : patterns) {
      if (pattern.size() >= path.size() && matches(pattern, path, path.size() - 1)) {
        known.insert(pattern[path.size() - 1]);
      }
    }
    const std::string hint = nearest(path.back(), {known.begin(), known.end()});
    std::string message = value.type == Type::Table ? "unknown table" : "unknown key";
    if (!hint.empty()) {
      message += "; did you mean \"" + hint + "\"?";
    } else if (!known.empty()) {
      message += "; allowed here:";
      for (const std::string& key : known) message += " " + key;
    }
    report(value, message);
  }

  void check_value(const Value& value, const rise_setting_spec& spec) {
    Value typed = value;
    if (type_of(spec) == Type::Number && value.type == Type::Integer) typed.type = Type::Number;
    if (check_typed(value, typed, spec)) {
      accepted.push_back(typed);
    } else {
      accepted.push_back(stand_in(spec, value.path));
    }
  }

  bool check_typed(const Value& value, const Value& typed, const rise_setting_spec& spec) {
    if (typed.type != type_of(spec)) {
      report(value,
             std::string("is ") + type_name(value.type) + ", expected " + type_name(type_of(spec)));
      return false;
    }
    if (typed.type == Type::String) return check_string(value, spec);
    if (typed.type == Type::Bool || (typed.number >= spec.min && typed.number <= spec.max))
      return true;
    report(value, number_text(typed.number) + " is out of range; allowed: " + range_text(spec));
    return false;
  }

  // The default, or nothing of the right type: for a setting that is absent, or in place of one
  // that was refused, so that the rest of the file can be checked as well.
  Value stand_in(const rise_setting_spec& spec, const std::string& path) {
    Value value;
    if (spec.fallback != nullptr) {
      std::vector<Problem> faults;
      const Document fallback = parse(std::string("v = ") + spec.fallback, &faults);
      if (faults.empty() && !fallback.values.empty()) value = fallback.values.front();
    }
    value.path = path;
    value.line = 0;
    value.type = type_of(spec);
    return value;
  }

  bool check_string(const Value& value, const rise_setting_spec& spec) {
    if (spec.choices != nullptr) {
      const Elements choices = split(spec.choices, '|');
      if (std::find(choices.begin(), choices.end(), value.string) != choices.end()) return true;
      const std::string hint = nearest(value.string, choices);
      report(value, "\"" + value.string + "\" is not allowed" +
                        (hint.empty() ? "" : "; did you mean \"" + hint + "\"?") +
                        "; allowed: " + allowed_choices(spec));
      return false;
    }
    const auto length = static_cast<double>(value.string.size());
    if (length < spec.min || length > spec.max) {
      report(value, value.string.empty()
                        ? "is empty"
                        : "is " + std::to_string(value.string.size()) +
                              " characters long; allowed: " + number_text(spec.min) + " to " +
                              number_text(spec.max));
      return false;
    }
    return true;
  }

  // Required settings and defaults: once for each existing table or array element that the
  // pattern's wildcards can stand for.
  void complete() {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const rise_setting_spec& spec = specs[i];
      const bool required = (spec.flags & RISE_SETTING_REQUIRED) != 0;
      if (!required && spec.fallback == nullptr) continue;
      const Elements& pattern = patterns[i];
      if (pattern.back() == "*") continue;
      std::size_t fixed = 0;  // elements up to the last wildcard
      for (std::size_t k = 0; k < pattern.size(); ++k) {
        if (pattern[k] == "*") fixed = k + 1;
      }
      if (fixed == 0) {
        complete_one("", pattern, 0, spec, 0);
        continue;
      }
      for (const Value& container : document.values) {
        if (container.type != Type::Table || is_foreign(container.path) ||
            is_refused(container.path)) {
          continue;
        }
        const Elements path = split(container.path);
        if (path.size() == fixed && matches(pattern, path, fixed)) {
          complete_one(container.path, pattern, fixed, spec, container.line);
        }
      }
    }
  }

  void complete_one(const std::string& prefix, const Elements& pattern, std::size_t from,
                    const rise_setting_spec& spec, std::uint32_t line) {
    std::string path = prefix;
    for (std::size_t k = from; k < pattern.size(); ++k) {
      path += (path.empty() ? "" : ".") + pattern[k];
    }
    if (given.contains(path)) return;
    if ((spec.flags & RISE_SETTING_REQUIRED) != 0) {
      problems->push_back({line, path, std::string("is missing; ") + describe(spec)});
    }
    accepted.push_back(stand_in(spec, path));
  }
};

}  // namespace

Settings::Settings(std::vector<Value> values) : values_(std::move(values)) {
  for (std::size_t i = 0; i < values_.size(); ++i) places_.emplace(values_[i].path, i);
}

const Value* Settings::find(const std::string& path) const {
  const auto place = places_.find(path);
  return place == places_.end() ? nullptr : &values_[place->second];
}

const Value& Settings::must_find(const std::string& path, Type type) const {
  const Value* value = find(path);
  if (value == nullptr || value->type != type) {
    std::fprintf(stderr,
                 "fault of the program: setting %s read as %s, but the schema has no such\n",
                 path.c_str(), type_name(type));
    std::abort();
  }
  return *value;
}

std::int64_t Settings::integer(const std::string& path) const {
  return must_find(path, Type::Integer).integer;
}
double Settings::number(const std::string& path) const {
  return must_find(path, Type::Number).number;
}
bool Settings::flag(const std::string& path) const {
  return must_find(path, Type::Bool).integer != 0;
}
const std::string& Settings::string(const std::string& path) const {
  return must_find(path, Type::String).string;
}

std::uint32_t Settings::line(const std::string& path) const {
  const Value* value = find(path);
  return value == nullptr ? 0 : value->line;
}

std::size_t Settings::count(const std::string& path) const {
  std::size_t n = 0;
  const std::string below = path + ".";
  const std::size_t depth = split(path).size();
  for (const Value& value : values_) {
    if (!value.path.starts_with(below)) continue;
    const std::string element = split(value.path)[depth];
    if (is_index(element)) n = std::max<std::size_t>(n, std::stoull(element) + 1);
  }
  return n;
}

Settings check(const Document& document, std::span<const rise_setting_spec> specs,
               const std::vector<std::string>& foreign, std::vector<Problem>* problems) {
  Checker checker{document, specs, {foreign.begin(), foreign.end()}, problems, {}, {}, {}, {}};
  for (const Value& value : document.values) checker.given.insert(value.path);
  for (const rise_setting_spec& spec : specs) checker.patterns.push_back(split(spec.path));
  checker.check_values();
  checker.complete();
  return Settings(std::move(checker.accepted));
}

std::vector<rise_setting> to_abi(const Settings& settings) {
  std::vector<rise_setting> list;
  for (const Value& value : settings.values()) {
    if (value.type > Type::String) continue;
    list.push_back({sizeof(rise_setting), static_cast<std::uint32_t>(value.type),
                    value.path.c_str(), value.integer, value.number, value.string.c_str()});
  }
  return list;
}

std::string describe(const rise_setting_spec& spec) {
  std::string text = std::string(spec.path) + ": " + type_name(type_of(spec));
  if (spec.choices != nullptr) {
    text += ", one of " + allowed_choices(spec);
  } else if (type_of(spec) == Type::Integer || type_of(spec) == Type::Number) {
    text += ", " + range_text(spec);
  }
  if ((spec.flags & RISE_SETTING_REQUIRED) != 0) {
    text += ", required";
  } else if (spec.fallback != nullptr) {
    text += std::string(", default ") + spec.fallback;
  }
  return text + ". " + spec.text;
}

}  // namespace rise::config
