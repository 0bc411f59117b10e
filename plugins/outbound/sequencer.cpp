#include "plugins/outbound/sequencer.hpp"

namespace rise::outbound {

bool Sequencer::put(const bus::MessagePtr& message, std::int64_t now_ms,
                    std::vector<bus::MessagePtr>* out) {
  const std::string name = message->source + ' ' + message->topic;
  if (streams_.size() >= spec_.streams && !streams_.contains(name)) forget(out);
  Stream& stream = streams_[name];
  const std::uint64_t number = message->sequence;
  // Whoever comes late takes the first that he sees for the first; a source that begins anew with 1
  // is a new life of it.
  if (stream.next == 0 || (number == 1 && stream.next > 1 && !stream.waiting.contains(1))) {
    held_ -= stream.waiting.size();
    stream.waiting.clear();
    stream.next = number;
  }
  if (number < stream.next) return false;
  if (!stream.waiting.emplace(number, message).second) return false;
  if (stream.waiting.size() == 1) stream.since_ms = now_ms;
  ++held_;
  release(&stream, out);
  if (held_ > spec_.held) give_up(&stream, now_ms, out);
  return true;
}

void Sequencer::release(Stream* stream, std::vector<bus::MessagePtr>* out) {
  while (!stream->waiting.empty() && stream->waiting.begin()->first == stream->next) {
    out->push_back(std::move(stream->waiting.begin()->second));
    stream->waiting.erase(stream->waiting.begin());
    --held_;
    ++stream->next;
  }
}

void Sequencer::give_up(Stream* stream, std::int64_t now_ms, std::vector<bus::MessagePtr>* out) {
  if (stream->waiting.empty()) return;
  missing_ += stream->waiting.begin()->first - stream->next;
  stream->next = stream->waiting.begin()->first;
  stream->since_ms = now_ms;
  release(stream, out);
}

// Who makes up names without end must not fill the memory.
void Sequencer::forget(std::vector<bus::MessagePtr>* out) {
  for (auto& [name, stream] : streams_) {
    while (!stream.waiting.empty()) give_up(&stream, 0, out);
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
