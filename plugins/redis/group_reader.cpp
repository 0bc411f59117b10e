#include "plugins/redis/group_reader.hpp"

#include <algorithm>

#include "plugins/bus/topic.hpp"
#include "plugins/redis/fields.hpp"
#include "plugins/redis/topics.hpp"
#include "plugins/redis/trouble.hpp"

namespace rise::redis {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kRetry{500};

}  // namespace

GroupReader::GroupReader(net::Loop* loop, Place place, std::shared_ptr<net::TlsContext> tls)
    : loop_(loop),
      place_(std::move(place)),
      tls_(std::move(tls)),
      consumer_(place_.options->connection.client_name),
      tick_(loop),
      retry_(loop) {
  tick_.start(milliseconds(place_.options->claim_every_ms), [this] { tick(); });
}

GroupReader::~GroupReader() { stop(); }

void GroupReader::stop() {
  stopped_ = true;
  tick_.cancel();
  retry_.cancel();
  if (connection_) connection_->stop();
}

GroupReader::Stream* GroupReader::find(const std::string& key) {
  const auto at = std::find_if(streams_.begin(), streams_.end(),
                               [&](const Stream& stream) { return stream.key == key; });
  return at == streams_.end() ? nullptr : &*at;
}

void GroupReader::submit(std::string_view key, std::span<const std::string_view> words,
                         OnReply on_reply) {
  Batch batch;
  batch.add(key, words);
  batch.on_reply = [this, on_reply = std::move(on_reply)](std::size_t index, Reply& reply) {
    if (!stopped_) on_reply(index, reply);
  };
  place_.router->submit(std::move(batch));
}

void GroupReader::add_pattern(const std::string& pattern) {
  if (std::find(patterns_.begin(), patterns_.end(), pattern) == patterns_.end()) {
    patterns_.push_back(pattern);
  }
}

void GroupReader::add_stream(const std::string& key, bool from_start) {
  if (find(key) != nullptr) return;
  streams_.push_back({key, from_start});
  step();
}

void GroupReader::router_ready() {
  // It may be another Redis than before, or the same without its memory.
  for (Stream& stream : streams_) stream.grouped = stream.recovered = stream.busy = false;
  send_acknowledgements();
  step();
}

void GroupReader::step() {
  if (stopped_ || !place_.router->ready()) return;
  for (Stream& stream : streams_) {
    if (stream.busy) continue;
    if (!stream.grouped) {
      stream.busy = true;
      create_group(&stream);
    } else if (!stream.recovered) {
      stream.busy = true;
      look(stream.key, Whose::Own, "-");
    }
  }
  read();
}

void GroupReader::create_group(Stream* stream) {
  const std::string key = stream->key;
  const std::string_view words[] = {
      "XGROUP", "CREATE", key, place_.group, stream->from_start ? "0" : "$", "MKSTREAM"};
  submit(key, words, [this, key](std::size_t, Reply& reply) {
    Stream* made = find(key);
    if (made == nullptr) return;
    made->busy = false;
    if (reply.failed() && !reply.text.starts_with("BUSYGROUP")) {
      // Lost: router_ready() comes again.
      if (reply.is(Reply::Kind::Error)) {
        place_.events->malformed(key, "XGROUP CREATE: " + reply.text);
        retry_later();
      }
      return;
    }
    made->grouped = true;
    // Should it ever be gone, then all that is there then is new to us.
    made->from_start = true;
    step();
  });
}

void GroupReader::retry_later() {
  retry_.start(kRetry, [this] { step(); });
}

void GroupReader::read() {
  if (reading_ || stalled_ || stopped_ || !waiting_.empty()) return;
  std::vector<std::string_view> keys;
  for (const Stream& stream : streams_) {
    if (stream.grouped && stream.recovered) keys.push_back(stream.key);
  }
  if (keys.empty()) return;
  if (!connection_) {
    ConnectionEvents events;
    events.up = [this] {
      // What the link broke on may have been delivered to us, and lost on the way.
      for (Stream& stream : streams_) stream.recovered = false;
      step();
    };
    events.down = [this](std::string_view) {
      // In a cluster somebody else may have the stream by now: ask again whom to connect to.
      if (place_.options->cluster) leave_node();
    };
    connection_ = Connection::make(loop_, place_.router->owners(keys[0]),
                                   place_.options->connection, tls_, std::move(events));
    connection_->start();
    return;
  }
  if (connection_->state() != Connection::State::Up) return;
  const std::string count = std::to_string(place_.options->read_count);
  const std::string block = std::to_string(place_.options->block_ms);
  std::vector<std::string_view> words = {"XREADGROUP", "GROUP", place_.group, consumer_, "COUNT",
                                         count,        "BLOCK", block,        "STREAMS"};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), keys.size(), ">");
  Pipeline commands;
  commands.add(std::span<const std::string_view>(words));
  reading_ = true;
  connection_->submit(
      commands,
      [this](std::size_t, Reply& reply) {
        reading_ = false;
        if (stopped_) return;
        take_streams(reply);
      },
      milliseconds(place_.options->block_ms));
}

void GroupReader::take_streams(Reply& reply) {
  if (reply.is(Reply::Kind::Lost)) return;  // it connects again
  if (reply.is(Reply::Kind::Error)) {
    const Trouble trouble = trouble_of(reply.text);
    if (trouble == Trouble::Moved || trouble == Trouble::Ask) {
      place_.router->learn(reply.text);
      leave_node();
    } else if (reply.text.starts_with("NOGROUP")) {
      for (Stream& stream : streams_) stream.grouped = false;
    } else if (!reply.text.starts_with("UNBLOCKED")) {  // the stream was deleted while we waited
      place_.events->malformed("XREADGROUP", reply.text);
    }
    retry_later();
    return;
  }
  for (Reply& stream : reply.elements) {
    if (!stream.is(Reply::Kind::Array) || stream.elements.size() != 2) continue;
    for (Reply& entry : stream.elements[1].elements) {
      take_entry(stream.elements[0].text, entry, false);
    }
  }
  send_acknowledgements();
  offer();
  step();
}

void GroupReader::leave_node() {
  loop_->post([old = std::exchange(connection_, nullptr)] {
    if (old) old->stop();
  });
  retry_later();
}

// [id, [name, value, ...]]
void GroupReader::take_entry(const std::string& key, Reply& entry, bool again) {
  if (!entry.is(Reply::Kind::Array) || entry.elements.size() != 2) return;
  EntryName name(key, entry.elements[0].text);
  if (done_.contains(name) || tags_.contains(name)) return;
  Reply& fields = entry.elements[1];
  if (fields.is(Reply::Kind::Nil)) {  // trimmed; its name alone is still pending
    place_.events->malformed(key, "entry " + name.second + " was trimmed before it was read");
    drop(name);
    return;
  }
  auto message = std::make_shared<bus::Message>();
  const std::string why = message_of(fields.elements, message.get());
  if (!why.empty() && place_.options->foreign) {
    *message = foreign_of(fields.elements, topic_of_stream(*place_.options, key), name.second);
  } else if (!why.empty()) {
    place_.events->malformed(key, "entry " + name.second + ": " + why);
    bury_fields(name, fields.elements, why, 1);
    return;
  }
  if (std::none_of(patterns_.begin(), patterns_.end(),
                   [&](const std::string& p) { return bus::matches(p, message->topic); })) {
    drop(name);
    return;
  }
  ++*place_.received;
  const std::uint64_t tag = place_.first_tag + ++last_tag_;
  tags_[name] = tag;
  held_[tag] = {std::move(name), std::move(message), again, true};
  waiting_.push_back(tag);
}

void GroupReader::offer() {
  while (!waiting_.empty() && !stalled_) {
    const std::uint64_t tag = waiting_.front();
    const auto at = held_.find(tag);
    if (at != held_.end()) {
      const bus::Delivery delivery{at->second.message, tag, at->second.again};
      if (!place_.events->delivered(delivery)) {
        stalled_ = true;
        return;
      }
      at->second.queued = false;
      at->second.again = true;
    }
    waiting_.pop_front();
  }
}

void GroupReader::resume() {
  stalled_ = false;
  offer();
  step();
}

void GroupReader::acknowledge(std::uint64_t tag) {
  const auto at = held_.find(tag);
  if (at == held_.end()) return;
  drop(at->second.entry);
  tags_.erase(at->second.entry);
  held_.erase(at);
}

void GroupReader::acknowledged() { send_acknowledgements(); }

}  // namespace rise::redis
