#include "plugins/bus/filter.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <optional>

namespace rise::bus {

namespace {

namespace json = boost::json;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A piece of the text: an operator, a word, or what stands in quotes.
struct Piece {
  std::string text;
  bool quoted = false;
};

constexpr std::string_view kOperatorSigns = "=!<>~";

// Absent: quotes that do not end.
std::optional<std::vector<Piece>> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < text.size();) {
    if (is_blank(text[i])) {
      ++i;
      continue;
    }
    Piece piece;
    if (text[i] == '"') {
      piece.quoted = true;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        piece.text += text[i];
      }
      if (i == text.size()) return std::nullopt;
      ++i;
    } else {
      const bool sign = kOperatorSigns.find(text[i]) != std::string_view::npos;
      for (; i < text.size() && !is_blank(text[i]) && text[i] != '"' &&
             (kOperatorSigns.find(text[i]) != std::string_view::npos) == sign;
           ++i) {
        piece.text += text[i];
      }
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

const json::value* find(const json::value& root, std::string_view path) {
  const json::value* at = &root;
  while (!path.empty()) {
    // Names may hold dots themselves ("axis.x.load"): the longest that is there is meant.
    if (const json::object* object = at->if_object(); object != nullptr) {
      std::size_t length = path.size();
      const json::value* next = nullptr;
      for (;;) {
        next = object->if_contains(path.substr(0, length));
        if (next != nullptr || length == 0) break;
        const std::size_t dot = path.substr(0, length).rfind('.');
        length = dot == std::string_view::npos ? 0 : dot;
      }
      if (next == nullptr) return nullptr;
      at = next;
      path.remove_prefix(std::min(path.size(), length + 1));
    } else if (const json::array* array = at->if_array(); array != nullptr) {
      const std::size_t dot = std::min(path.find('.'), path.size());
      const auto index = number_of(path.substr(0, dot));
      if (!index || *index < 0 || *index >= static_cast<double>(array->size())) return nullptr;
      at = &(*array)[static_cast<std::size_t>(*index)];
      path.remove_prefix(std::min(path.size(), dot + 1));
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace

std::string Filter::parse_field(std::string_view name, Condition* condition) {
  constexpr struct {
    std::string_view name;
    Field field;
  } kFields[] = {{"type", Field::Type},           {"priority", Field::Priority},
                 {"guarantee", Field::Guarantee}, {"source", Field::Source},
                 {"schema", Field::Schema},       {"encoding", Field::Encoding}};
  for (const auto& known : kFields) {
    if (name != known.name) continue;
    condition->field = known.field;
    return {};
  }
  constexpr std::string_view kHeader = "header.";
  constexpr std::string_view kPayload = "payload.";
  if (name.starts_with(kHeader) && name.size() > kHeader.size()) {
    condition->field = Field::Header;
    condition->path = name.substr(kHeader.size());
    return {};
  }
  if (name.starts_with(kPayload) && name.size() > kPayload.size()) {
    condition->field = Field::Payload;
    condition->path = name.substr(kPayload.size());
    return {};
  }
  return "\"" + std::string(name) +
         "\" is no field: use type, priority, guarantee, source, schema, encoding, header.KEY or "
         "payload.PATH";
}

Filter Filter::parse(std::string_view text, std::string* fault) {
  fault->clear();
  const auto pieces = pieces_of(text);
  if (!pieces) {
    *fault = "quotes do not end";
    return {};
  }
  Filter filter;
  for (std::size_t i = 0; i < pieces->size(); i += 4) {
    if (pieces->size() - i < 3) {
      *fault = "ends early: a condition is a field, an operator and a value";
      return {};
    }
    Condition condition;
    *fault = parse_field((*pieces)[i].text, &condition);
    if (!fault->empty()) return {};
    constexpr std::string_view kOperators[] = {"=", "!=", "<", "<=", ">", ">=", "~"};
    const auto* op = std::find(std::begin(kOperators), std::end(kOperators), (*pieces)[i + 1].text);
    if (op == std::end(kOperators)) {
      *fault = "\"" + (*pieces)[i + 1].text + "\" is no operator: use = != < <= > >= ~";
      return {};
    }
    condition.op = static_cast<Operator>(op - std::begin(kOperators));
    const Piece& value = (*pieces)[i + 2];
    const auto type = condition.field == Field::Type ? parse_type(value.text) : std::nullopt;
    condition.value = value.text;
    if (type) {
      condition.value = static_cast<double>(*type);
    } else if (condition.field == Field::Type) {
      *fault = "\"" + value.text + "\" is no type of message";
      return {};
    } else if (const auto number = number_of(value.text); number && !value.quoted) {
      condition.value = *number;
    }
    if (pieces->size() > i + 3 && ((*pieces)[i + 3].text != "and" || pieces->size() == i + 4)) {
      *fault = "\"" + (*pieces)[i + 3].text + "\" stands where \"and\" and a condition may";
      return {};
    }
    filter.looks_into_payload_ |= condition.field == Field::Payload;
    filter.conditions_.push_back(std::move(condition));
    if (filter.conditions_.size() > kMaxConditions) {
      *fault = "has more than " + std::to_string(kMaxConditions) + " conditions";
      return {};
    }
  }
  return filter;
}

bool Filter::holds(const Condition& condition, const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return condition.op == Operator::NotEqual;
  if (condition.op == Operator::Contains) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* part = std::get_if<std::string>(&condition.value);
    return text != nullptr && part != nullptr && text->find(*part) != std::string::npos;
  }
  const auto* number = std::get_if<double>(&value);
  const auto* wanted = std::get_if<double>(&condition.value);
  if ((number == nullptr) != (wanted == nullptr)) return condition.op == Operator::NotEqual;
  const auto order = number != nullptr
                         ? *number <=> *wanted
                         : std::partial_ordering(std::get<std::string>(value) <=>
                                                 std::get<std::string>(condition.value));
  switch (condition.op) {
    case Operator::Equal: return order == std::partial_ordering::equivalent;
    case Operator::NotEqual: return order != std::partial_ordering::equivalent;
    case Operator::Less: return order == std::partial_ordering::less;
    case Operator::LessEqual: return std::is_lteq(order);
    case Operator::Greater: return order == std::partial_ordering::greater;
    case Operator::GreaterEqual: return std::is_gteq(order);
    case Operator::Contains: break;
  }
  return false;
}

bool Filter::lets_through(const Message& message) const {
  json::value payload;
  bool is_json = false;
  if (looks_into_payload_ && message.encoding == Encoding::Json) {
    boost::system::error_code error;
    payload = json::parse(message.payload, error);
    is_json = !error;
  }
  const auto value_of = [&](const Condition& condition) -> Value {
    switch (condition.field) {
      case Field::Type: return static_cast<double>(message.type);
      case Field::Priority: return static_cast<double>(message.priority);
      case Field::Guarantee: return static_cast<double>(message.guarantee);
      case Field::Source: return message.source;
      case Field::Schema: return message.schema;
      case Field::Encoding: return std::string(EnumNameEncoding(message.encoding));
      case Field::Header: {
        const auto found =
            std::find_if(message.headers.begin(), message.headers.end(),
                         [&](const auto& entry) { return entry.first == condition.path; });
        if (found == message.headers.end()) return {};
        if (std::holds_alternative<double>(condition.value)) {
          if (const auto number = number_of(found->second)) return *number;
        }
        return found->second;
      }
      case Field::Payload: {
        const json::value* found = is_json ? find(payload, condition.path) : nullptr;
        if (found == nullptr) return {};
        if (found->is_string()) return std::string(found->get_string());
        if (found->is_number()) return found->to_number<double>();
        if (found->is_bool()) return std::string(found->get_bool() ? "true" : "false");
        return {};
      }
    }
    return {};
  };
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    return holds(condition, value_of(condition));
  });
}

}  // namespace rise::bus
