#include "tests/model/weak_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace rise::model {

int WeakMemory::declare(std::string name, Role role, Sharing sharing) {
  if (locations_.size() == kLocationsMax) {
    std::fprintf(stderr, "model: more than %zu locations; raise kLocationsMax\n", kLocationsMax);
    std::abort();
  }
  Location location;
  location.name = std::move(name);
  location.role = role;
  location.sharing = sharing;
  locations_.push_back(std::move(location));
  return static_cast<int>(locations_.size()) - 1;
}

void WeakMemory::restart(int threads) {
  for (Location& location : locations_) {
    location.writer = -1;
    location.count = 1;
    location.stored_at = 0;
    location.read_at = {};
  }
  threads_ = {};
  sequential_ = {};
  sequential_fences_ = 0;
  thread_count_ = threads;
  joined_ = -1;
  fault_.clear();
}

std::uint8_t WeakMemory::tick(int thread) {
  std::uint8_t& clock =
      threads_[static_cast<std::size_t>(thread)].current.clock[static_cast<std::size_t>(thread)];
  if (clock == kOperationsMax) {
    fault_ = "a thread has too many operations: an unbounded loop, or a scenario that is too large";
  } else {
    ++clock;
  }
  return clock;
}

WeakMemory::Range WeakMemory::readable(int thread, int location) const {
  return {
      threads_[static_cast<std::size_t>(thread)].current.newest[static_cast<std::size_t>(location)],
      at(location).count - 1};
}

Word WeakMemory::newest_known(int thread, int location) const {
  return at(location).messages[readable(thread, location).first].value;
}

Word WeakMemory::load(int thread, int location, unsigned message, std::memory_order order) {
  const auto t = static_cast<std::size_t>(thread);
  Location& where = at(location);
  Thread& self = threads_[t];
  where.read_at[t] = tick(thread);
  if (where.sharing == Sharing::HandedOver && where.writer >= 0 && where.writer != thread &&
      self.current.clock[static_cast<std::size_t>(where.writer)] < where.stored_at) {
    fault_ = "race: this load of " + where.name + " does not happen after the last store to it";
  }
  self.current.newest[static_cast<std::size_t>(location)] = static_cast<std::uint8_t>(message);
  const Message& read = where.messages[message];
  switch (order) {
    case std::memory_order_relaxed: self.pending.join(read.view); break;
    case std::memory_order_acquire: self.current.join(read.view); break;
    default: fault_ = "a load with an order that is not modelled"; break;
  }
  return read.value;
}

void WeakMemory::store(int thread, int location, Word value, std::memory_order order) {
  const auto t = static_cast<std::size_t>(thread);
  Location& where = at(location);
  Thread& self = threads_[t];
  const std::uint8_t now = tick(thread);
  if (where.writer >= 0 && where.writer != thread && joined_ != thread) {
    fault_ = "two threads store to " + where.name;
    return;
  }
  if (where.count == kMessagesMax) {
    fault_ = "too many stores to " + where.name;
    return;
  }
  if (where.sharing == Sharing::HandedOver) {
    for (std::size_t other = 0; other < kThreadsMax; ++other) {
      if (other != t && self.current.clock[other] < where.read_at[other]) {
        fault_ = "race: this store to " + where.name + " does not happen after a load of it";
      }
    }
  }
  where.writer = thread;
  where.stored_at = now;
  self.current.newest[static_cast<std::size_t>(location)] = static_cast<std::uint8_t>(where.count);
  Message& message = where.messages[where.count++];
  message.value = value;
  switch (order) {
    case std::memory_order_relaxed: message.view = self.released; break;
    case std::memory_order_release: message.view = self.current; break;
    default: fault_ = "a store with an order that is not modelled"; break;
  }
}

void WeakMemory::fence(int thread, std::memory_order order) {
  Thread& self = threads_[static_cast<std::size_t>(thread)];
  tick(thread);
  if (order == std::memory_order_relaxed) return;  // no effect, as the standard says
  if (order != std::memory_order_release) self.current.join(self.pending);
  if (order == std::memory_order_seq_cst) {
    self.current.join_locations(sequential_);
    sequential_.join_locations(self.current);
    ++sequential_fences_;
  }
  if (order != std::memory_order_acquire) self.released = self.current;
}

void WeakMemory::join_all(int thread) {
  View& current = threads_[static_cast<std::size_t>(thread)].current;
  for (int other = 0; other < thread_count_; ++other) {
    current.join(threads_[static_cast<std::size_t>(other)].current);
  }
  joined_ = thread;
}

}  // namespace rise::model
