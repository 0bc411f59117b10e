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

bool Queue::full(std::size_t place, const Message& message) const {
  const OfPriority& queue = waiting_[place];
  return queue.messages.size() >= limits_.messages[place] ||
         (!queue.messages.empty() && queue.bytes + message.payload.size() > limits_.bytes);
}

Queue::Put Queue::put(const MessagePtr& message) {
  const std::size_t place = place_of(*message);
  std::vector<MessagePtr> dropped;  // go without the lock
  const std::lock_guard lock(mutex_);
  OfPriority& queue = waiting_[place];
  Put result = counts_.waiting == 0 ? Put::First : Put::More;
  while (full(place, *message)) {
    // Of one that must not be lost, and stands in front, none may be dropped.
    if (!drops_ && (!may_be_dropped(*message) || !may_be_dropped(*queue.messages.front()))) {
      ++counts_.refused[place];
      return Put::Refused;
    }
    queue.bytes -= queue.messages.front()->payload.size();
    dropped.push_back(std::move(queue.messages.front()));
    queue.messages.pop_front();
    --counts_.waiting;
    ++counts_.dropped[place];
    result = Put::Dropped;
  }
  queue.messages.push_back(message);
  queue.bytes += message->payload.size();
  ++counts_.taken_in[place];
  counts_.longest = std::max(counts_.longest, ++counts_.waiting);
  return result;
}

std::size_t Queue::take(std::size_t limit, std::vector<MessagePtr>* out) {
  const std::lock_guard lock(mutex_);
  std::size_t taken = 0;
  for (OfPriority& queue : waiting_) {
    for (; taken < limit && !queue.messages.empty(); ++taken) {
      queue.bytes -= queue.messages.front()->payload.size();
      out->push_back(std::move(queue.messages.front()));
      queue.messages.pop_front();
    }
  }
  counts_.waiting -= taken;
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
