// What a group has been given and nobody has acknowledged: our own after a restart, those of
// consumers that are gone, and what has been tried too often. A part of GroupReader.
#include <algorithm>

#include "plugins/redis/fields.hpp"
#include "plugins/redis/group_reader.hpp"
#include "plugins/redis/topics.hpp"
#include "plugins/redis/trouble.hpp"
#include "plugins/text/utc.hpp"

namespace rise::redis {

using std::chrono::milliseconds;

void GroupReader::tick() {
  tick_.start(milliseconds(place_.options->claim_every_ms), [this] { tick(); });
  if (!place_.router->ready()) return;
  send_acknowledgements();
  if (stalled_ || !waiting_.empty()) return;
  for (const Stream& stream : streams_) {
    if (stream.grouped && stream.recovered) look(stream.key, Whose::Dead, "-");
  }
}

// One page of XPENDING after another.
void GroupReader::look(const std::string& key, Whose whose, const std::string& after) {
  const std::string idle = std::to_string(place_.options->claim_idle_ms);
  const std::string count = std::to_string(place_.options->read_count);
  std::vector<std::string_view> words = {"XPENDING", key, place_.group};
  if (whose == Whose::Dead) words.insert(words.end(), {"IDLE", idle});
  words.insert(words.end(), {after, "+", count});
  if (whose == Whose::Own) words.emplace_back(consumer_);
  submit(key, words, [this, key, whose](std::size_t, Reply& reply) {
    if (!reply.is(Reply::Kind::Array)) {
      if (reply.is(Reply::Kind::Error)) {
        if (Stream* stream = find(key); stream != nullptr && reply.text.starts_with("NOGROUP")) {
          stream->grouped = false;
        } else {
          place_.events->malformed(key, "XPENDING: " + reply.text);
        }
      }
      looked(key, false);
      return;
    }
    std::vector<Row> rows;
    for (const Reply& row : reply.elements) {
      if (row.elements.size() != 4) continue;
      rows.push_back({row.elements[0].text, row.elements[1].text, row.elements[3].integer});
    }
    sort_rows(key, whose, rows);
    if (rows.size() >= place_.options->read_count) {
      look(key, whose, "(" + rows.back().id);
    } else {
      looked(key, true);
    }
  });
}

void GroupReader::looked(const std::string& key, bool well) {
  Stream* stream = find(key);
  if (stream == nullptr || stream->recovered) return;
  stream->busy = false;
  stream->recovered = well;
  if (well) {
    offer();
    step();
  } else {
    retry_later();
  }
}

void GroupReader::sort_rows(const std::string& key, Whose whose, const std::vector<Row>& rows) {
  std::vector<std::string> ids;
  for (const Row& row : rows) {
    const EntryName name(key, row.id);
    if (done_.contains(name)) continue;
    if (const auto tag = tags_.find(name); tag != tags_.end()) {
      // Slow is not dead. But behind a new link it comes again, as everything does.
      Held& held = held_[tag->second];
      if (whose == Whose::Own && !held.queued) {
        held.queued = true;
        waiting_.push_back(tag->second);
      }
      continue;
    }
    if (row.deliveries >= place_.options->deliveries_max) {
      bury(key, row.id, "delivered too often, last to " + row.consumer, row.deliveries);
    } else {
      ids.push_back(row.id);
    }
  }
  if (!ids.empty()) claim(key, whose, ids);
}

// Makes them ours, counts the delivery, and brings what is in them.
void GroupReader::claim(const std::string& key, Whose whose, const std::vector<std::string>& ids) {
  const std::string idle =
      whose == Whose::Own ? "0" : std::to_string(place_.options->claim_idle_ms);
  std::vector<std::string_view> words = {"XCLAIM", key, place_.group, consumer_, idle};
  words.insert(words.end(), ids.begin(), ids.end());
  submit(key, words, [this, key](std::size_t, Reply& reply) {
    if (reply.is(Reply::Kind::Error)) place_.events->malformed(key, "XCLAIM: " + reply.text);
    for (Reply& entry : reply.elements) take_entry(key, entry, true);
    send_acknowledgements();
    offer();
    step();
  });
}

void GroupReader::bury(const std::string& key, const std::string& id, const std::string& reason,
                       std::int64_t deliveries) {
  const std::string_view words[] = {"XRANGE", key, id, id};
  submit(key, words, [this, key, id, reason, deliveries](std::size_t, Reply& reply) {
    if (!reply.is(Reply::Kind::Array)) return;  // next time
    if (reply.elements.empty()) {
      place_.events->malformed(key, "entry " + id + " was trimmed before it was acknowledged");
      drop({key, id});
      send_acknowledgements();
      return;
    }
    if (reply.elements[0].elements.size() != 2) return;
    bury_fields({key, id}, reply.elements[0].elements[1].elements, reason, deliveries);
  });
}

// First there, then away from here: in between it may be in both places, never in none.
void GroupReader::bury_fields(const EntryName& entry, const std::vector<Reply>& fields,
                              const std::string& reason, std::int64_t deliveries) {
  const std::string dead = dead_key(*place_.options);
  const std::string most = std::to_string(place_.options->dead_max_entries);
  const std::string times = std::to_string(deliveries);
  const std::string now = text::utc_text(text::realtime_ns());
  std::vector<std::string_view> words = {"XADD", dead};
  if (place_.options->dead_max_entries != 0) words.insert(words.end(), {"MAXLEN", "~", most});
  words.insert(words.end(),
               {"*", "dead.reason", reason, "dead.stream", entry.first, "dead.entry", entry.second,
                "dead.group", place_.group, "dead.deliveries", times, "dead.time", now});
  for (const Reply& field : fields) words.emplace_back(field.text);
  submit(dead, words, [this, entry](std::size_t, Reply& reply) {
    if (reply.failed()) {  // it stays pending, and is looked at again
      if (reply.is(Reply::Kind::Error)) {
        place_.events->malformed(dead_key(*place_.options), "XADD: " + reply.text);
      }
      return;
    }
    ++dead_;
    drop(entry);
    send_acknowledgements();
  });
}

void GroupReader::drop(const EntryName& entry) {
  if (done_.insert(entry).second) to_send_.push_back(entry);
}

void GroupReader::send_acknowledgements() {
  if (to_send_.empty() || !place_.router->ready()) return;
  constexpr std::size_t kMost = 1000;  // of one command
  std::vector<EntryName> all = std::exchange(to_send_, {});
  std::stable_sort(all.begin(), all.end(),
                   [](const EntryName& a, const EntryName& b) { return a.first < b.first; });
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && end - begin < kMost && all[end].first == all[begin].first) ++end;
    const std::vector<EntryName> some(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                      all.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<std::string_view> words = {"XACK", some[0].first, place_.group};
    for (const EntryName& entry : some) words.emplace_back(entry.second);
    submit(some[0].first, words, [this, some](std::size_t, Reply& reply) {
      const bool again =
          reply.is(Reply::Kind::Lost) ||
          (reply.is(Reply::Kind::Error) && trouble_of(reply.text) == Trouble::Passing &&
           !reply.text.starts_with("NOGROUP"));
      for (const EntryName& entry : some) {
        if (again) {
          to_send_.push_back(entry);
        } else {
          done_.erase(entry);
        }
      }
    });
    begin = end;
  }
}

}  // namespace rise::redis
