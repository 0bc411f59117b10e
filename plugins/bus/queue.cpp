#include "plugins/bus/queue.hpp"

#include <algorithm>

namespace rise::bus {

namespace {

std::size_t place_of(const Message& message) {
  return static_cast<std::size_t>(message.priority) - static_cast<std::size_t>(Priority::MIN);
}

bool may_be_dropped(const Message& message) {
  return message.priority >= Priority::Normal && message.guarantee < Guarantee::AtLeastOnce;
}

}  // namespace

std::optional<std::size_t> Queue::room_for(const OfPriority& queue, std::size_t limit,
                                           const Message& message) const {
  std::size_t drops = 0;
  std::size_t bytes = queue.bytes + message.payload.size();
  const auto fits = [&] {
    const std::size_t left = queue.messages.size() - drops;
    return left < limit && (left == 0 || bytes <= limits_.bytes);
  };
  for (; !fits(); ++drops) {
    const Message& oldest = *queue.messages[drops];
    // Of one that must not be lost, and stands in front, none may be dropped.
    if (!drops_ && (!may_be_dropped(message) || !may_be_dropped(oldest))) return std::nullopt;
    bytes -= oldest.payload.size();
  }
  return drops;
}

Queue::Put Queue::put(const MessagePtr& message) {
  const std::size_t place = place_of(*message);
  std::vector<MessagePtr> dropped;  // go without the lock
  const std::lock_guard lock(mutex_);
  OfPriority& queue = waiting_[place];
  const auto drops = room_for(queue, limits_.messages[place], *message);
  if (!drops) {
    ++counts_.refused[place];
    return Put::Refused;
  }
  const Put result = *drops != 0 ? Put::Dropped : counts_.waiting == 0 ? Put::First : Put::More;
  for (std::size_t i = 0; i < *drops; ++i) dropped.push_back(pop(&queue));
  counts_.dropped[place] += *drops;
  queue.messages.push_back(message);
  queue.bytes += message->payload.size();
  ++counts_.taken_in[place];
  counts_.longest = std::max(counts_.longest, ++counts_.waiting);
  return result;
}

MessagePtr Queue::pop(OfPriority* queue) {
  MessagePtr oldest = std::move(queue->messages.front());
  queue->messages.pop_front();
  queue->bytes -= oldest->payload.size();
  --counts_.waiting;
  return oldest;
}

void Queue::each(const std::function<void(MessagePtr*)>& change) {
  const std::lock_guard lock(mutex_);
  for (OfPriority& queue : waiting_) {
    for (MessagePtr& message : queue.messages) change(&message);
  }
}

std::size_t Queue::take(std::size_t limit, std::vector<MessagePtr>* out) {
  const std::lock_guard lock(mutex_);
  std::size_t taken = 0;
  for (OfPriority& queue : waiting_) {
    for (; taken < limit && !queue.messages.empty(); ++taken) out->push_back(pop(&queue));
  }
  return taken;
}

void Queue::put_back(const MessagePtr& message) {
  const std::lock_guard lock(mutex_);
  OfPriority& queue = waiting_[place_of(*message)];
  queue.messages.push_front(message);
  queue.bytes += message->payload.size();
  counts_.longest = std::max(counts_.longest, ++counts_.waiting);
}

bool Queue::empty() const {
  const std::lock_guard lock(mutex_);
  return counts_.waiting == 0;
}

QueueCounts Queue::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace rise::bus
