#include "plugins/redis/work_item.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "plugins/text/utc.hpp"

namespace rise::redis {

namespace json = boost::json;

std::string json_of(const WorkItem& item) {
  const auto in_quotes = [](std::string_view text) {
    return json::serialize(json::string_view(text));
  };
  return "{\"id\":" + in_quotes(item.id) +
         ",\"timestamp\":" + in_quotes(text::utc_text(item.timestamp_ns)) +
         ",\"queue\":" + in_quotes(item.queue) + ",\"payload\":" + item.payload + "}";
}

std::string work_item_of(std::string_view text, WorkItem* item) {
  *item = {};
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text), error);
  if (error) return "not JSON: " + error.message();
  const json::object* object = value.if_object();
  if (object == nullptr) return "not a JSON object";
  if (const json::value* id = object->if_contains("id")) {
    item->id = id->is_string() ? std::string(id->get_string()) : json::serialize(*id);
  }
  if (const json::value* time = object->if_contains("timestamp")) {
    if (time->is_string()) {
      const auto parsed = text::parse_utc(std::string_view(time->get_string()));
      if (!parsed) return "timestamp: not ISO 8601 in UTC";
      item->timestamp_ns = *parsed;
    } else {
      const auto seconds = time->to_number<double>(error);
      // Up to the year 2262, where 64 bits of nanoseconds end.
      if (error || !std::isfinite(seconds) || std::abs(seconds) > 9.2e9) {
        return "timestamp: neither ISO 8601 nor seconds since 1970";
      }
      item->timestamp_ns = static_cast<std::int64_t>(seconds * 1e9);
    }
  }
  if (const json::value* queue = object->if_contains("queue"); queue && queue->is_string()) {
    item->queue = std::string(queue->get_string());
  }
  const json::value* payload = object->if_contains("payload");
  if (payload == nullptr) return "no payload";
  item->payload = json::serialize(*payload);
  return "";
}

}  // namespace rise::redis
