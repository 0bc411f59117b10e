#include "plugins/outbound/sequencer.hpp"

#include <algorithm>

namespace rise::outbound {

bool Sequencer::put(const bus::MessagePtr& message, std::int64_t now_ms,
                    std::vector<bus::MessagePtr>* out) {
  const std::string name = message->source + ' ' + message->topic;
  if (streams_.size() >= spec_.streams && !streams_.contains(name)) forget(out);
  Stream& stream = streams_[name];
  const std::uint64_t number = message->sequence;
  // Whoever comes late takes the first that he sees for the first.
  if (stream.next != 0 && number < stream.next) {
    if (message->time_ns <= stream.time_ns) return false;
    let_go(&stream, out);
    stream.next = 0;
  }
  if (stream.next == 0) stream.next = number;
  if (!stream.waiting.emplace(number, message).second) return false;
  if (stream.waiting.size() == 1) stream.since_ms = now_ms;
  ++held_;
  const std::size_t before = out->size();
  release(&stream, out);
  if (out->size() != before) stream.since_ms = now_ms;  // what waits now waits for another one
  if (held_ > spec_.held) give_up(&stream, now_ms, out);
  return true;
}

void Sequencer::let_go(Stream* stream, std::vector<bus::MessagePtr>* out) {
  while (!stream->waiting.empty()) give_up(stream, 0, out);
}

void Sequencer::release(Stream* stream, std::vector<bus::MessagePtr>* out) {
  while (!stream->waiting.empty() && stream->waiting.begin()->first == stream->next) {
    stream->time_ns = std::max(stream->time_ns, stream->waiting.begin()->second->time_ns);
    out->push_back(std::move(stream->waiting.begin()->second));
    stream->waiting.erase(stream->waiting.begin());
    --held_;
    ++stream->next;
  }
}

void Sequencer::give_up(Stream* stream, std::int64_t now_ms, std::vector<bus::MessagePtr>* out) {
  if (stream->waiting.empty()) return;
  // A source that leaps is not believed to have sent all that.
  missing_ += std::min<std::uint64_t>(stream->waiting.begin()->first - stream->next, 1'000'000);
  stream->next = stream->waiting.begin()->first;
  stream->since_ms = now_ms;
  release(stream, out);
}

// Who makes up names without end must not fill the memory.
void Sequencer::forget(std::vector<bus::MessagePtr>* out) {
  for (auto& [name, stream] : streams_) {
    let_go(&stream, out);
  }
  streams_.clear();
}

void Sequencer::tick(std::int64_t now_ms, std::vector<bus::MessagePtr>* out) {
  for (auto& [name, stream] : streams_) {
    if (!stream.waiting.empty() && now_ms - stream.since_ms >= spec_.patience_ms) {
      give_up(&stream, now_ms, out);
    }
  }
}

}  // namespace rise::outbound
