#include "plugins/bus/json_form.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "plugins/bus/names.hpp"
#include "plugins/text/base64.hpp"
#include "plugins/text/utc.hpp"

namespace rise::bus {

namespace json = boost::json;

namespace {

// Within a string its quotes would be escaped, and before the payload there are no nested objects:
// so this stands in front of the payload and nowhere before.
constexpr std::string_view kPayload = ",\"payload\":";

std::string in_quotes(std::string_view text) { return json::serialize(json::string_view(text)); }

class Writer {
 public:
  void text(std::string_view name, std::string_view value) {
    begin(name);
    out_ += in_quotes(value);
  }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number_if(std::string_view name, std::uint64_t value) {
    if (value == 0) return;
    begin(name);
    out_ += std::to_string(value);
  }
  void raw(std::string_view name, std::string_view value) {
    begin(name);
    out_ += value;
  }
  std::string end() { return std::move(out_) + "}"; }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? "{\"" : ",\"";
    out_ += name;
    out_ += "\":";
  }
  std::string out_;
};

std::optional<json::value> parsed(std::string_view text, const json::storage_ptr& storage) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // names are whatever the bus lets through
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text), error, storage, options);
  if (error) return std::nullopt;
  return value;
}

class Reader {
 public:
  explicit Reader(const json::object* object) : object_(object) {}

  std::string text(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return "";
    if (!value->is_string()) return fail(name);
    return std::string(value->get_string());
  }
  template <class Value>
  void parsed(std::string_view name, Value* to,
              std::optional<Value> (*parse_text)(std::string_view)) {
    if (find(name) == nullptr) return;
    const auto value = parse_text(text(name));
    if (!value) {
      fail(name);
      return;
    }
    *to = *value;
  }
  template <class Number>
  void number(std::string_view name, Number* to) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    boost::system::error_code error;
    const auto read = value->to_number<Number>(error);
    if (error) {
      fail(name);
      return;
    }
    *to = read;
  }
  // -> null: absent, or no array.
  const json::array* array(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) fail(name);
    return value->if_array();
  }
  std::string fail(std::string_view name) {
    if (fault_.empty()) fault_ = "field " + std::string(name) + ": not a value of its kind";
    return "";
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  const json::value* find(std::string_view name) { return object_->if_contains(name); }
  const json::object* object_;
  std::string fault_;
};

void read_lists(Reader* read, Message* m) {
  if (const json::array* list = read->array("destinations")) {
    for (const json::value& value : *list) {
      if (!value.is_string()) {
        read->fail("destinations");
        return;
      }
      m->destinations.emplace_back(value.get_string());
    }
  }
  if (const json::array* list = read->array("headers")) {
    for (const json::value& value : *list) {
      const json::array* pair = value.if_array();
      if (pair == nullptr || pair->size() != 2 || !pair->at(0).is_string() ||
          !pair->at(1).is_string()) {
        read->fail("headers");
        return;
      }
      m->headers.emplace_back(pair->at(0).get_string(), pair->at(1).get_string());
    }
  }
}

}  // namespace

bool is_json(std::string_view text) {
  std::array<unsigned char, 8192> room;  // NOLINT: written before it is read
  json::monotonic_resource memory(room.data(), room.size());
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text), error, &memory);
  return !error;
}

std::string json_of(const Message& m) {
  Writer out;
  out.text("id", m.id.text());
  out.text("topic", m.topic);
  out.text("type", type_text(m.type));
  out.text("source", m.source);
  out.text("time", text::utc_text(m.time_ns));
  out.text("encoding", encoding_name(m.encoding));
  if (m.priority != Priority::Normal) out.text("priority", priority_name(m.priority));
  if (m.guarantee != Guarantee::BestEffort) {
    out.text("guarantee", guarantee_name(m.guarantee));
  }
  if (m.version != 1) out.raw("version", std::to_string(m.version));
  if (!m.destinations.empty()) {
    std::string list;
    for (const std::string& name : m.destinations) {
      list += (list.empty() ? "[" : ",") + in_quotes(name);
    }
    out.raw("destinations", list + "]");
  }
  if (!m.correlation.none()) out.text("correlation", m.correlation.text());
  out.text_if("reply_to", m.reply_to);
  out.number_if("ttl_ms", m.ttl_ms);
  out.number_if("retry_attempts", m.retry.attempts);
  out.number_if("retry_first_ms", m.retry.first_ms);
  out.number_if("retry_max_ms", m.retry.max_ms);
  if (!m.headers.empty()) {
    std::string list;
    for (const auto& [key, value] : m.headers) {
      list += (list.empty() ? "[[" : ",[") + in_quotes(key) + "," + in_quotes(value) + "]";
    }
    out.raw("headers", list + "]");
  }
  out.text_if("schema", m.schema);
  out.number_if("sequence", m.sequence);
  if (m.encoding == Encoding::Json && is_json(m.payload)) {
    out.raw("payload", m.payload);
  } else {
    out.text("form", "base64");
    out.text("payload", text::base64(m.payload));
  }
  return out.end();
}

std::string message_of_json(std::string_view text, Message* m) {
  *m = {};
  // What others have written may have the payload anywhere; then its bytes are lost, not its value.
  const std::size_t at = text.find(kPayload);
  const bool ours = at != std::string_view::npos && text.ends_with('}');
  const std::string_view payload =
      ours ? text.substr(at + kPayload.size(), text.size() - at - kPayload.size() - 1)
           : std::string_view();
  const bool cut = ours && is_json(payload);
  std::array<unsigned char, 8192> room;  // NOLINT: written before it is read
  json::monotonic_resource memory(room.data(), room.size());
  const auto value =
      cut ? parsed(std::string(text.substr(0, at)) + "}", &memory) : parsed(text, &memory);
  if (!value) return "not JSON";
  const json::object* object = value->if_object();
  if (object == nullptr) return "not a JSON object";
  Reader read(object);
  read.parsed("id", &m->id, Uuid::parse);
  m->topic = read.text("topic");
  read.parsed("type", &m->type, parse_type);
  m->source = read.text("source");
  read.parsed("time", &m->time_ns, text::parse_utc);
  read.parsed("encoding", &m->encoding, parse_encoding);
  read.parsed("priority", &m->priority, parse_priority);
  read.parsed("guarantee", &m->guarantee, parse_guarantee);
  read.number("version", &m->version);
  read.parsed("correlation", &m->correlation, Uuid::parse);
  m->reply_to = read.text("reply_to");
  read.number("ttl_ms", &m->ttl_ms);
  read.number("retry_attempts", &m->retry.attempts);
  read.number("retry_first_ms", &m->retry.first_ms);
  read.number("retry_max_ms", &m->retry.max_ms);
  m->schema = read.text("schema");
  read.number("sequence", &m->sequence);
  read_lists(&read, m);
  const std::string form = read.text("form");
  if (cut) {
    m->payload = payload;
  } else if (const json::value* found = object->if_contains("payload")) {
    m->payload = json::serialize(*found);
  }
  if (form == "base64") {
    const auto inner =
        m->payload.size() >= 2
            ? text::parse_base64(std::string_view(m->payload).substr(1, m->payload.size() - 2))
            : std::nullopt;
    if (!inner) return "field payload: not base64";
    m->payload = *inner;
  } else if (!form.empty()) {
    return "field form: " + form;
  }
  if (!read.fault().empty()) return read.fault();
  if (m->id.none()) return "no id";
  return fault_of(*m);
}

}  // namespace rise::bus
