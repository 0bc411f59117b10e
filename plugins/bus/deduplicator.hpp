// Who has been here before: the ids of the last messages. One thread at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_set>

#include "plugins/bus/uuid.hpp"

namespace rise::bus {

class Deduplicator {
 public:
  // limit: ids that it remembers; a message that comes again after so many others is not known.
  explicit Deduplicator(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] bool knows(const Uuid& id) const { return known_.contains(id); }
  void remember(const Uuid& id) {
    if (!known_.insert(id).second) return;
    order_.push_back(id);
    if (order_.size() <= limit_) return;
    known_.erase(order_.front());
    order_.pop_front();
  }

 private:
  std::size_t limit_;
  std::unordered_set<Uuid, UuidHash> known_;
  std::deque<Uuid> order_;
};

}  // namespace rise::bus
