// Which messages of a topic somebody wants, by what is in them:
//
//   type = Alarm and priority <= 2
//   source != mill-1 and header.shift = night
//   payload.axis.x.load > 80 and payload.unit = "%"
//
// Conditions joined by "and", all of which must hold. Fields: type (by name or number), priority
// (1 to 5, 1 is the highest), guarantee (0 to 4), source, schema, encoding, header.KEY,
// payload.PATH. Operators: = != < <= > >= and ~ (contains). A value is a number, a word, or text in
// double quotes. payload.PATH looks into a payload that is JSON, at the names and array indices
// between its dots; a field that is not there makes any condition but != false.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plugins/bus/message.hpp"

namespace rise::bus {

class Filter {
 public:
  static constexpr std::size_t kMaxConditions = 32;

  Filter() = default;  // lets all through
  // *fault empty: fine. Else it says what is wrong, and where.
  static Filter parse(std::string_view text, std::string* fault);

  [[nodiscard]] bool all() const { return conditions_.empty(); }
  // Any thread.
  [[nodiscard]] bool lets_through(const Message& message) const;

 private:
  enum class Field : std::uint8_t {
    Type,
    Priority,
    Guarantee,
    Source,
    Schema,
    Encoding,
    Header,
    Payload
  };
  enum class Operator : std::uint8_t {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains
  };
  using Value = std::variant<std::monostate, double, std::string>;
  struct Condition {
    Field field = Field::Type;
    std::string path;  // of Header: its key; of Payload: "a.b.0"
    Operator op = Operator::Equal;
    Value value;
  };
  static std::string parse_field(std::string_view name, Condition* condition);
  static bool holds(const Condition& condition, const Value& value);
  std::vector<Condition> conditions_;
  bool looks_into_payload_ = false;
};

}  // namespace rise::bus
