#include "plugins/bus/dead_letters.hpp"

#include <algorithm>

namespace rise::bus {

void DeadLetters::add(DeadLetter letter) {
  // A copy: who has published it may wait for it to be gone.
  letter.message = std::make_shared<const Message>(*letter.message);
  const std::lock_guard lock(mutex_);
  ++counts_.in;
  bytes_ += letter.message->payload.size();
  letters_.push_back(std::move(letter));
  drop_oldest();
}

void DeadLetters::drop_oldest() {
  while (letters_.size() > limit_ || bytes_ > limit_bytes_) {
    bytes_ -= letters_.front().message->payload.size();
    letters_.pop_front();
    ++counts_.overflowed;
  }
}

std::vector<DeadLetter> DeadLetters::list() const {
  const std::lock_guard lock(mutex_);
  return {letters_.begin(), letters_.end()};
}

std::vector<DeadLetter> DeadLetters::take(const std::function<bool(const DeadLetter&)>& which) {
  const std::lock_guard lock(mutex_);
  const auto kept = std::stable_partition(letters_.begin(), letters_.end(),
                                          [&](const DeadLetter& letter) { return !which(letter); });
  std::vector<DeadLetter> taken(std::make_move_iterator(kept),
                                std::make_move_iterator(letters_.end()));
  letters_.erase(kept, letters_.end());
  for (const DeadLetter& letter : taken) bytes_ -= letter.message->payload.size();
  counts_.retried += taken.size();
  return taken;
}

void DeadLetters::put_back(DeadLetter letter) {
  const std::lock_guard lock(mutex_);
  --counts_.retried;
  bytes_ += letter.message->payload.size();
  letters_.push_front(std::move(letter));
  drop_oldest();
}

DeadLetterCounts DeadLetters::counts() const {
  const std::lock_guard lock(mutex_);
  DeadLetterCounts counts = counts_;
  counts.held = letters_.size();
  return counts;
}

}  // namespace rise::bus
