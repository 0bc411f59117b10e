#include "plugins/redis/fields.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include <limits>
#include <optional>
#include <utility>

#include "plugins/bus/names.hpp"
#include "plugins/foreign/conversion.hpp"
#include "plugins/text/utc.hpp"

namespace rise::redis {

namespace {

constexpr std::string_view kHeader = "header:";

void add_if(Words* words, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  words->add(name);
  words->add(value);
}

void add_if(Words* words, std::string_view name, std::uint64_t value) {
  if (value == 0) return;
  words->add(name);
  words->keep(std::to_string(value));
}

// As Uuid::text(), without a string of its own: every message has one, and a pipeline of 128 is
// made while Redis has nothing to do.
void keep_id(Words* words, const bus::Uuid& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  char text[36];
  char* to = text;
  for (int byte = 0; byte < 16; ++byte) {
    if (byte == 4 || byte == 6 || byte == 8 || byte == 10) *to++ = '-';
    const std::uint64_t half = byte < 8 ? id.high : id.low;
    const std::uint64_t value = half >> (56u - 8u * static_cast<unsigned>(byte % 8));
    *to++ = kDigits[value >> 4u & 15u];
    *to++ = kDigits[value & 15u];
  }
  words->keep({text, sizeof text});
}

template <class Value>
bool set(Value* to, const std::optional<Value>& value) {
  if (value) *to = *value;
  return value.has_value();
}

template <class Number>
bool set_number(Number* to, std::string_view text) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *to);
  return error == std::errc() && end == text.data() + text.size();
}

// False: the value is not what a field of this name holds.
bool take(std::string_view name, const std::string& value, bus::Message* m) {
  if (name == "id") return set(&m->id, bus::Uuid::parse(value));
  if (name == "topic") return m->topic = value, true;
  if (name == "type") return set(&m->type, bus::parse_type(value));
  if (name == "source") return m->source = value, true;
  if (name == "time") return set(&m->time_ns, text::parse_utc(value));
  if (name == "encoding") return set(&m->encoding, bus::parse_encoding(value));
  if (name == "payload") return m->payload = value, true;
  if (name == "priority") return set(&m->priority, bus::parse_priority(value));
  if (name == "guarantee") return set(&m->guarantee, bus::parse_guarantee(value));
  if (name == "version") return set_number(&m->version, value);
  if (name == "destination") return m->destinations.push_back(value), true;
  if (name == "correlation") return set(&m->correlation, bus::Uuid::parse(value));
  if (name == "reply_to") return m->reply_to = value, true;
  if (name == "ttl_ms") return set_number(&m->ttl_ms, value);
  if (name == "retry_attempts") return set_number(&m->retry.attempts, value);
  if (name == "retry_first_ms") return set_number(&m->retry.first_ms, value);
  if (name == "retry_max_ms") return set_number(&m->retry.max_ms, value);
  if (name == "schema") return m->schema = value, true;
  if (name == "sequence") return set_number(&m->sequence, value);
  if (name.starts_with(kHeader)) m->headers.emplace_back(name.substr(kHeader.size()), value);
  return true;
}

}  // namespace

void add_fields(const bus::Message& m, Words* words) {
  words->add("id");
  keep_id(words, m.id);
  words->add("topic");
  words->add(m.topic);
  words->add("type");
  words->keep(bus::type_text(m.type));
  words->add("source");
  words->add(m.source);
  words->add("time");
  words->keep(text::utc_text(m.time_ns));
  words->add("encoding");
  words->add(bus::encoding_name(m.encoding));
  words->add("payload");
  words->add(m.payload);
  if (m.priority != bus::Priority::Normal) {
    words->add("priority");
    words->add(bus::priority_name(m.priority));
  }
  // What lies in a stream has been sent with AtLeastOnce at least.
  if (m.guarantee != bus::Guarantee::AtLeastOnce) {
    words->add("guarantee");
    words->add(bus::guarantee_name(m.guarantee));
  }
  if (m.version != 1) {
    words->add("version");
    words->keep(std::to_string(m.version));
  }
  for (const std::string& destination : m.destinations) {
    words->add("destination");
    words->add(destination);
  }
  if (!m.correlation.none()) {
    words->add("correlation");
    keep_id(words, m.correlation);
  }
  add_if(words, "reply_to", m.reply_to);
  add_if(words, "ttl_ms", m.ttl_ms);
  add_if(words, "retry_attempts", m.retry.attempts);
  add_if(words, "retry_first_ms", m.retry.first_ms);
  add_if(words, "retry_max_ms", m.retry.max_ms);
  for (const auto& [key, value] : m.headers) {
    words->keep(std::string(kHeader) + key);
    words->add(value);
  }
  add_if(words, "schema", m.schema);
  add_if(words, "sequence", m.sequence);
}

std::string message_of(std::span<const Reply> fields, bus::Message* message) {
  *message = {};
  message->guarantee = bus::Guarantee::AtLeastOnce;
  if (fields.size() % 2 != 0) return "a field without a value";
  for (std::size_t i = 0; i < fields.size(); i += 2) {
    if (!fields[i].has_text() || !fields[i + 1].has_text()) return "a field that is no text";
    if (!take(fields[i].text, fields[i + 1].text, message)) {
      return "field " + fields[i].text.substr(0, 64) + ": not a value of its kind";
    }
  }
  if (message->id.none()) return "no id";
  return bus::fault_of(*message);
}

bus::Message foreign_of(std::span<const Reply> fields, std::string_view topic,
                        std::string_view entry) {
  std::string text;
  if (fields.size() == 2) {
    text = fields[1].text;
  } else {
    boost::json::object object;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
      object[fields[i].text] = fields[i + 1].text;
    text = boost::json::serialize(object);
  }
  bus::Message out = foreign_of(text, topic);
  // An entry that comes again is the same one.
  const auto hash = std::hash<std::string_view>();
  out.id = bus::Uuid::of(0, hash(topic), hash(entry));
  out.guarantee = bus::Guarantee::AtLeastOnce;
  return out;
}

bus::Message foreign_of(std::string_view text, std::string_view topic) {
  bus::Message out;
  out.id = bus::Uuid::make();
  out.time_ns = text::realtime_ns();
  out.topic = topic;
  out.encoding = bus::Encoding::Json;
  out.schema = foreign::kForeignSchema;
  out.payload = text;
  return out;
}

}  // namespace rise::redis
