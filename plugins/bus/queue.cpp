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

Queue::Put Queue::put(const MessagePtr& message, MessagePtr* dropped) {
  const std::size_t place = place_of(*message);
  const std::lock_guard lock(mutex_);
  std::deque<MessagePtr>& queue = waiting_[place];
  Put result = counts_.waiting == 0 ? Put::First : Put::More;
  if (queue.size() >= limits_.messages[place]) {
    // Of one that must not be lost, and stands in front, none may be dropped.
    if (!drops_ && (!may_be_dropped(*message) || !may_be_dropped(*queue.front()))) {
      ++counts_.refused[place];
      return Put::Refused;
    }
    *dropped = std::move(queue.front());
    queue.pop_front();
    --counts_.waiting;
    ++counts_.dropped[place];
    result = Put::Dropped;
  }
  queue.push_back(message);
  ++counts_.taken_in[place];
  counts_.longest = std::max(counts_.longest, ++counts_.waiting);
  return result;
}

std::size_t Queue::take(std::size_t limit, std::vector<MessagePtr>* out) {
  const std::lock_guard lock(mutex_);
  std::size_t taken = 0;
  for (std::deque<MessagePtr>& queue : waiting_) {
    for (; taken < limit && !queue.empty(); ++taken) {
      out->push_back(std::move(queue.front()));
      queue.pop_front();
    }
  }
  counts_.waiting -= taken;
  return taken;
}

void Queue::put_back(const MessagePtr& message) {
  const std::lock_guard lock(mutex_);
  waiting_[place_of(*message)].push_front(message);
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
