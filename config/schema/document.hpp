// A TOML file as a flat list of values, each with its path and line: "machine.0.focas.endpoint".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::config {

enum class Type { Bool = 1, Integer = 2, Number = 3, String = 4, Table = 5, Array = 6, Other = 7 };

const char* type_name(Type type);

struct Value {
  std::string path;  // elements joined by '.', array indices as numbers
  Type type = Type::Other;
  std::int64_t integer = 0;  // Bool (0, 1) and Integer
  double number = 0;         // Number, and Integer as a number
  std::string string;        // String
  std::uint32_t line = 0;    // 0 = not in the file (a default)
};

struct Problem {
  std::uint32_t line = 0;
  std::string path;     // empty: the file as a whole
  std::string message;  // what is wrong, and what is allowed
};

// "file:line: path: message" for people and editors.
std::string to_string(const Problem& problem, const std::string& file);

struct Document {
  std::vector<Value> values;  // containers (Table, Array) come before what they contain

  [[nodiscard]] const Value* find(const std::string& path) const;
};

// A syntax error is one problem: after it the rest of a TOML file has no certain meaning.
Document parse(const std::string& text, std::vector<Problem>* problems);

// The values below `prefix`, with paths relative to it.
Document subtree(const Document& document, const std::string& prefix);

}  // namespace rise::config
