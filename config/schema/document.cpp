#include "config/schema/document.hpp"

#include <optional>
#include <string_view>

namespace {

// What the parser takes for granted of its own work does not hold for every file: "[[[x]]]" and
// "[=]" break assertions of toml++ 3. Such a file is not valid, and no reason to end the program.
struct BrokenAssertion {};
constexpr void assert_parser(bool condition) {
  if (!condition) throw BrokenAssertion();
}

}  // namespace

#undef NDEBUG
#define TOML_ASSERT(condition) assert_parser(static_cast<bool>(condition))
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace rise::config {

namespace {

// None: an assertion of the parser is broken.
std::optional<toml::parse_result> parse_text(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const BrokenAssertion&) {
    return std::nullopt;
  }
}

// The first line with which the text cannot be parsed.
std::uint32_t broken_line(const std::string& text) {
  std::uint32_t line = 1;
  for (std::size_t end = text.find('\n'); end != std::string::npos;
       end = text.find('\n', end + 1)) {
    if (!parse_text(std::string_view(text).substr(0, end + 1))) return line;
    ++line;
  }
  return line;
}

void flatten(const toml::node& node, const std::string& path, std::vector<Value>* out) {
  Value value;
  value.path = path;
  value.line = node.source().begin.line;
  if (const auto* table = node.as_table()) {
    value.type = Type::Table;
    if (!path.empty()) out->push_back(value);
    for (const auto& [key, child] : *table) {
      flatten(child, path.empty() ? std::string(key.str()) : path + "." + std::string(key.str()),
              out);
    }
    return;
  }
  if (const auto* array = node.as_array()) {
    value.type = Type::Array;
    out->push_back(value);
    std::size_t index = 0;
    for (const auto& child : *array) flatten(child, path + "." + std::to_string(index++), out);
    return;
  }
  if (const auto* flag = node.as_boolean()) {
    value.type = Type::Bool;
    value.integer = flag->get() ? 1 : 0;
  } else if (const auto* integer = node.as_integer()) {
    value.type = Type::Integer;
    value.integer = integer->get();
    value.number = static_cast<double>(value.integer);
  } else if (const auto* number = node.as_floating_point()) {
    value.type = Type::Number;
    value.number = number->get();
  } else if (const auto* text = node.as_string()) {
    value.type = Type::String;
    value.string = text->get();
  }
  out->push_back(value);
}

}  // namespace

const char* type_name(Type type) {
  switch (type) {
    case Type::Bool: return "true or false";
    case Type::Integer: return "an integer";
    case Type::Number: return "a number";
    case Type::String: return "a string";
    case Type::Table: return "a table";
    case Type::Array: return "an array";
    case Type::Other: break;
  }
  return "a date or time";
}

std::string to_string(const Problem& problem, const std::string& file) {
  std::string text = file + ":";
  if (problem.line != 0) text += std::to_string(problem.line) + ":";
  text += " ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.message;
}

const Value* Document::find(const std::string& path) const {
  for (const Value& value : values) {
    if (value.path == path) return &value;
  }
  return nullptr;
}

Document parse(const std::string& text, std::vector<Problem>* problems) {
  Document document;
  const std::optional<toml::parse_result> parsed = parse_text(text);
  if (!parsed) {
    problems->push_back({broken_line(text), "", "not valid TOML: no key can begin like this"});
    return document;
  }
  const toml::parse_result& result = *parsed;
  if (!result) {
    problems->push_back({result.error().source().begin.line, "",
                         "not valid TOML: " + std::string(result.error().description())});
    return document;
  }
  flatten(result.table(), "", &document.values);
  return document;
}

Document subtree(const Document& document, const std::string& prefix) {
  Document part;
  for (const Value& value : document.values) {
    if (value.path.size() > prefix.size() + 1 && value.path.starts_with(prefix) &&
        value.path[prefix.size()] == '.') {
      part.values.push_back(value);
      part.values.back().path = value.path.substr(prefix.size() + 1);
    }
  }
  return part;
}

}  // namespace rise::config
