// One piece of work in a classic queue, as JSON:
//   {"id":"018f...","timestamp":"2026-01-31T12:00:00.000000001Z","queue":"queue:alerts",
//    "payload":{...}}
// `timestamp`: ISO 8601, UTC. `payload`: any JSON value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rise::redis {

struct WorkItem {
  std::string id;                 // filled in when pushed, if empty
  std::int64_t timestamp_ns = 0;  // CLOCK_REALTIME; filled in when pushed, if 0
  std::string queue;
  std::string payload;  // JSON text
};

// The payload has to be JSON.
std::string json_of(const WorkItem& item);
// Empty: `item` is whole. Else what is wrong. Members that it does not know are passed over; an id
// may be any text or number, a timestamp also a number (seconds since 1970): others write so.
std::string work_item_of(std::string_view json, WorkItem* item);

}  // namespace rise::redis
