#include "plugins/bus/history.hpp"

#include <algorithm>
#include <vector>

#include "plugins/bus/topic.hpp"

namespace rise::bus {

void History::add(std::uint64_t position, const MessagePtr& message) {
  const std::lock_guard lock(mutex_);
  // A copy: who has published it may wait for it to be gone.
  entries_.push_back({position, std::make_shared<const Message>(*message)});
  bytes_ += bytes_of(*message);
  next_ = position + 1;
  const auto too_old = [&](const Message& old) {
    return options_.max_age_ms != 0 && message->time_ns > old.time_ns &&
           static_cast<std::uint64_t>(message->time_ns - old.time_ns) / 1'000'000 >
               options_.max_age_ms;
  };
  while (entries_.size() > options_.max_messages || bytes_ > options_.max_bytes ||
         (!entries_.empty() && too_old(*entries_.front().message))) {
    bytes_ -= bytes_of(*entries_.front().message);
    entries_.pop_front();
  }
}

std::uint64_t History::replay(
    std::uint64_t position, const std::string& pattern,
    const std::function<bool(std::uint64_t, const MessagePtr&)>& each) const {
  std::vector<Entry> found;  // so that `each` may publish, and take its time
  std::uint64_t next = 0;
  {
    const std::lock_guard lock(mutex_);
    next = std::max(position, next_);
    auto at = std::lower_bound(
        entries_.begin(), entries_.end(), position,
        [](const Entry& entry, std::uint64_t wanted) { return entry.position < wanted; });
    for (; at != entries_.end(); ++at) {
      if (matches(pattern, at->message->topic)) found.push_back(*at);
    }
  }
  for (const Entry& entry : found) {
    if (!each(entry.position, entry.message)) return entry.position + 1;
  }
  return next;
}

std::uint64_t History::position_at(std::int64_t time_ns) const {
  const std::lock_guard lock(mutex_);
  // By the senders' clocks, so not in order: the first that is new enough.
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.message->time_ns >= time_ns;
  });
  return found == entries_.end() ? next_ : found->position;
}

std::size_t History::held() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace rise::bus
