#include "plugins/foreign/field_mapping.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>

#include "plugins/bus/json_form.hpp"
#include "plugins/bus/names.hpp"
#include "plugins/text/utc.hpp"

namespace rise::foreign {

namespace json = boost::json;

namespace {

constexpr char kRest[] = "foreign-rest";
constexpr char kForeignType[] = "foreign-type";
constexpr char kHeader[] = "header.";
const std::set<std::string, std::less<>> kFields = {
    "id",     "type",        "time",     "priority", "guarantee",
    "source", "correlation", "reply_to", "ttl_ms",   "payload"};
const std::set<std::string, std::less<>> kTranslated = {"type", "priority", "guarantee"};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == '.') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

json::value* find(json::object* object, const std::vector<std::string>& path) {
  json::value* value = nullptr;
  for (const std::string& name : path) {
    if (object == nullptr) return nullptr;
    value = object->if_contains(name);
    if (value == nullptr) return nullptr;
    object = value->if_object();
  }
  return value;
}

void take_out(json::object* object, const std::vector<std::string>& path, std::size_t at = 0) {
  if (at + 1 == path.size()) {
    object->erase(path[at]);
    return;
  }
  json::value* next = object->if_contains(path[at]);
  if (next == nullptr || !next->is_object()) return;
  take_out(&next->get_object(), path, at + 1);
  if (next->get_object().empty()) object->erase(path[at]);
}

void put(json::object* object, const std::vector<std::string>& path, json::value value) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    json::value& next = (*object)[path[i]];
    if (!next.is_object()) next = json::object();
    object = &next.get_object();
  }
  (*object)[path.back()] = std::move(value);
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

std::optional<std::int64_t> time_of(const json::value& value) {
  if (value.is_string()) return text::parse_utc(std::string_view(value.get_string()));
  boost::system::error_code error;
  const auto number = value.to_number<double>(error);
  if (error || !(number >= 0)) return std::nullopt;
  // Seconds until the year 5138; and so on: no two of these overlap for any time since 1973.
  for (const double unit : {1e9, 1e6, 1e3, 1.0}) {
    if (number < 1e11 * (1e9 / unit)) {
      const double ns = number * unit;
      if (ns >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      // Whole numbers exactly.
      if (value.is_int64()) return value.get_int64() * static_cast<std::int64_t>(unit);
      return static_cast<std::int64_t>(ns);
    }
  }
  return std::nullopt;
}

bus::Uuid id_of(const std::string& text, const bus::Message& raw) {
  if (const auto id = bus::Uuid::parse(text)) return *id;
  // Always the same for the same text and topic.
  return bus::Uuid::of(0, std::hash<std::string>()(text), std::hash<std::string>()(raw.topic));
}

template <class Value>
bool set(Value* to, const std::optional<Value>& value) {
  if (value) *to = *value;
  return value.has_value();
}

}  // namespace

FieldMapping::FieldMapping(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    const auto bad = [&](const std::string& why) {
      return std::invalid_argument("foreign_map: \"" + entry + "\": " + why);
    };
    if (equals == std::string::npos || equals == 0 || equals + 1 == entry.size()) {
      throw bad("is no ours=theirs");
    }
    const std::string left = entry.substr(0, equals);
    const std::string right = entry.substr(equals + 1);
    const std::string field = left.substr(0, left.find('.'));
    if (left.size() > field.size() && kTranslated.contains(field)) {
      const bool good = field == "type"       ? bus::parse_type(right).has_value()
                        : field == "priority" ? bus::parse_priority(right).has_value()
                                              : bus::parse_guarantee(right).has_value();
      if (!good) throw bad(right + " is no " + field);
      values_[field][left.substr(field.size() + 1)] = right;
      continue;
    }
    const bool header = left.starts_with(kHeader) && left.size() > sizeof kHeader - 1;
    if (!header && !kFields.contains(left)) throw bad(left + " is no field of a message");
    Place place{left, split(right)};
    if (std::count(place.path.begin(), place.path.end(), "") != 0) throw bad("is no path");
    payload_ = payload_ || left == "payload";
    places_.push_back(std::move(place));
  }
}

std::string FieldMapping::ours(const std::string& field, const std::string& theirs) const {
  const auto table = values_.find(field);
  if (table == values_.end()) return theirs;
  const auto found = table->second.find(theirs);
  return found == table->second.end() ? theirs : found->second;
}

std::string FieldMapping::theirs(const std::string& field, const std::string& ours) const {
  const auto table = values_.find(field);
  if (table == values_.end()) return ours;
  for (const auto& [name, value] : table->second) {
    if (value == ours) return name;
  }
  return ours;
}

std::string FieldMapping::from(const bus::Message& raw, bus::Message* m) const {
  boost::system::error_code error;
  json::value value = json::parse(raw.payload, error);
  if (error || !value.is_object()) return "not a JSON object";
  json::object& object = value.get_object();
  *m = raw;
  m->schema.clear();
  m->encoding = bus::Encoding::Json;
  m->headers.clear();
  if (payload_) m->payload = "null";
  json::object rest = payload_ ? object : json::object();
  for (const Place& place : places_) {
    const json::value* found = find(&object, place.path);
    if (found == nullptr || found->is_null()) continue;
    take_out(&rest, place.path);
    const std::string text = text_of(*found);
    const std::string& field = place.ours;
    bool good = true;
    if (field == "payload") {
      m->payload = json::serialize(*found);
    } else if (field == "id") {
      m->id = id_of(text, raw);
    } else if (field == "type") {
      if (!set(&m->type, bus::parse_type(ours(field, text)))) {
        m->type = 0;
        m->headers.emplace_back(kForeignType, text);
      }
    } else if (field == "time") {
      good = set(&m->time_ns, time_of(*found));
    } else if (field == "priority") {
      good = set(&m->priority, bus::parse_priority(ours(field, text)));
    } else if (field == "guarantee") {
      good = set(&m->guarantee, bus::parse_guarantee(ours(field, text)));
    } else if (field == "source") {
      m->source = text;
    } else if (field == "correlation") {
      m->correlation = id_of(text, raw);
    } else if (field == "reply_to") {
      m->reply_to = text;
    } else if (field == "ttl_ms") {
      boost::system::error_code bad;
      m->ttl_ms = found->to_number<std::uint64_t>(bad);
      good = !bad;
    } else {
      m->headers.emplace_back(field.substr(sizeof kHeader - 1), text);
    }
    if (!good) return "field " + field + ": " + text.substr(0, 64) + " is not a value of its kind";
  }
  if (!rest.empty()) {
    std::string text = json::serialize(rest);
    // What is too long for a header is not carried; whoever needs it maps no payload.
    if (text.size() <= bus::kMaxHeaderBytes) m->headers.emplace_back(kRest, std::move(text));
  }
  return bus::fault_of(*m);
}

std::optional<std::string> FieldMapping::to(const bus::Message& m) const {
  json::object out;
  boost::system::error_code error;
  if (const std::string_view rest = m.header(kRest); !rest.empty()) {
    json::value value = json::parse(json::string_view(rest), error);
    if (!error && value.is_object()) out = std::move(value.get_object());
  }
  json::value payload = json::parse(m.payload, error);
  if (m.encoding != bus::Encoding::Json || error) return std::nullopt;
  if (!payload_) {
    if (!payload.is_object()) return std::nullopt;
    out = std::move(payload.get_object());
  }
  for (const Place& place : places_) {
    const std::string& field = place.ours;
    json::value value;
    if (field == "payload") {
      value = payload;
    } else if (field == "id") {
      value = m.id.text();
    } else if (field == "type") {
      const std::string_view named = m.header(kForeignType);
      value = m.type == 0 && !named.empty() ? std::string(named)
                                            : theirs(field, bus::type_text(m.type));
    } else if (field == "time") {
      value = text::utc_text(m.time_ns);
    } else if (field == "priority") {
      value = theirs(field, std::string(bus::priority_name(m.priority)));
    } else if (field == "guarantee") {
      value = theirs(field, std::string(bus::guarantee_name(m.guarantee)));
    } else if (field == "source") {
      value = m.source;
    } else if (field == "correlation") {
      if (m.correlation.none()) continue;
      value = m.correlation.text();
    } else if (field == "reply_to") {
      if (m.reply_to.empty()) continue;
      value = m.reply_to;
    } else if (field == "ttl_ms") {
      if (m.ttl_ms == 0) continue;
      value = m.ttl_ms;
    } else {
      const std::string_view header = m.header(field.substr(sizeof kHeader - 1));
      if (header.empty()) continue;
      value = header;
    }
    put(&out, place.path, std::move(value));
  }
  return json::serialize(out);
}

}  // namespace rise::foreign
