// What a Redis, or something that is none, may send: replies, and in them entries of streams, JSON
// texts, redirections, slot tables. Input: a byte that says how the bytes are torn, then the bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "plugins/bus/json_form.hpp"
#include "plugins/redis/fields.hpp"
#include "plugins/redis/pipeline.hpp"
#include "plugins/redis/reply.hpp"
#include "plugins/redis/slots.hpp"
#include "plugins/redis/trouble.hpp"
#include "plugins/redis/work_item.hpp"

using namespace rise;
using namespace rise::redis;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

#ifdef RISE_FUZZ_PLANT
// The planted fault: a length that Redis says is believed.
volatile unsigned planted_sink;
void planted(const std::string& bytes) {
  if (bytes.size() < 4 || bytes[0] != '$' || bytes[1] < '1' || bytes[1] > '9') return;
  const std::vector<char> exact(bytes.begin(), bytes.end());
  planted_sink = static_cast<unsigned>(exact.data()[4 * (bytes[1] - '0') + 3]);
}
#endif

Limits limits() {
  Limits l;
  l.reply_bytes = 4096;
  l.reply_elements = 256;
  return l;
}

std::size_t count(const Reply& reply) {
  std::size_t sum = 0;
  for (const Reply& element : reply.elements) sum += 1 + count(element);
  return sum;
}

bool same(const Reply& a, const Reply& b) {
  return a.kind == b.kind && a.integer == b.integer && a.text == b.text &&
         std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(),
                    same);
}

// A message that could be read is written and read again as the same.
void round_trip(const bus::Message& message) {
  Words words;
  add_fields(message, &words);
  std::vector<Reply> fields;
  for (const std::string_view word : words.all()) {
    fields.push_back({Reply::Kind::Text, 0, std::string(word), {}});
  }
  bus::Message again;
  require(message_of(fields, &again).empty());
  require(again.id == message.id && again.payload == message.payload &&
          again.time_ns == message.time_ns && again.headers == message.headers);
  require(bus::message_of_json(bus::json_of(message), &again).empty());
  require(again.id == message.id && again.payload == message.payload &&
          again.topic == message.topic && again.headers == message.headers);
}

void look_at(const Reply& reply) {
  require(count(reply) <= limits().reply_elements);
  bus::Message message;
  if (reply.is(Reply::Kind::Array)) {
    if (message_of(reply.elements, &message).empty()) round_trip(message);
    SlotTable table;
    if (table.load(reply, {"h", 1})) require(!table.nodes().empty());
    for (const Reply& element : reply.elements) look_at(element);
    return;
  }
  const auto to = redirect_of(reply.text);
  require(!to || (to->slot < kSlots && to->to.port != 0));
  (void)trouble_of(reply.text);
  if (bus::message_of_json(reply.text, &message).empty()) round_trip(message);
  WorkItem item;
  if (work_item_of(reply.text, &item).empty()) {
    WorkItem again;
    require(work_item_of(json_of(item), &again).empty());
    require(again.timestamp_ns == item.timestamp_ns && again.payload == item.payload);
  }
}

std::vector<Reply> read(const std::string& bytes, std::size_t chunk, bool* broken) {
  ReplyReader reader(limits());
  std::vector<Reply> all;
  Reply reply;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    // In memory of its own size: one byte too far is found.
    const std::vector<char> part(
        bytes.begin() + static_cast<std::ptrdiff_t>(at),
        bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), at + chunk)));
    reader.feed(part.data(), part.size());
    ReplyReader::Next next{};
    while ((next = reader.next(&reply)) == ReplyReader::Next::Reply) all.push_back(reply);
    *broken = next == ReplyReader::Next::Broken;
    require(*broken == !reader.fault().empty());
    if (*broken) break;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string bytes(data + 1, data + size);
#ifdef RISE_FUZZ_PLANT
  planted(bytes);
#endif
  bool broken = false;
  bool torn_broken = false;
  const std::vector<Reply> whole = read(bytes, std::max<std::size_t>(1, bytes.size()), &broken);
  const std::vector<Reply> torn = read(bytes, 1u + data[0] % 32u, &torn_broken);
  // However they are torn, the same replies come out.
  require(broken == torn_broken);
  require(std::equal(whole.begin(), whole.end(), torn.begin(), torn.end(), same));
  for (const Reply& reply : whole) look_at(reply);
  // And as the texts that replies have in them.
  look_at({Reply::Kind::Text, 0, bytes, {}});
  return 0;
}
