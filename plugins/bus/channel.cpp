#include "plugins/bus/channel.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include "plugins/text/utc.hpp"

namespace rise::bus {

namespace {

constexpr std::uint32_t kLongest_ms = 60'000;  // wait between attempts that a message may ask for
constexpr std::uint32_t kMostAttempts = 100;   // likewise
constexpr std::size_t kAtOnce = 64;  // messages a handler gets before others have their turn

thread_local const void* working = nullptr;  // the member whose handler runs on this thread

double chance() {
  thread_local std::minstd_rand engine(std::random_device{}());
  return std::uniform_real_distribution<double>()(engine);
}

}  // namespace

Channel::Channel(const SubscribeOptions& options, Filter filter, Post post,
                 DeadLetters* dead_letters)
    : name_(options.name),
      pattern_(options.pattern),
      group_(options.group),
      observes_(options.observes),
      attempts_(std::max(options.attempts, 1u)),
      backoff_(options.backoff),
      filter_(std::move(filter)),
      post_(std::move(post)),
      dead_letters_(dead_letters),
      queue_(options.limits, options.observes),
      seen_(options.remembered_ids) {}

ChannelCounts Channel::counts() const {
  const std::lock_guard lock(mutex_);
  ChannelCounts counts = counts_;
  counts.queue = queue_.counts();
  counts.delayed = delayed_.size();
  return counts;
}

bool Channel::wants(const Message& message) const {
  if (!observes_ && !message.destinations.empty() &&
      std::none_of(message.destinations.begin(), message.destinations.end(),
                   [&](const std::string& to) {
                     return to == name_ || (!group_.empty() && to == group_);
                   })) {
    return false;
  }
  return filter_.all() || filter_.lets_through(message);
}

bool Channel::offer(const MessagePtr& message) {
  const bool copied = held_.load(std::memory_order_relaxed) && !due(*message);
  const Queue::Put put = queue_.put(copied ? std::make_shared<const Message>(*message) : message);
  if (put == Queue::Put::Refused) {
    if (due(*message)) bury(message, "the queue is full", 0);
    return false;
  }
  // Relaxed would do for the message, which the queue's lock orders; but a member that has found
  // the queue empty must either be seen here, or see the message: see work().
  if (idle_members_.load(std::memory_order_seq_cst)) wake();
  // Likewise: either leave() finds the message, or we see that it was there.
  if (closed_.load(std::memory_order_seq_cst)) bury_all();
  return true;
}

std::size_t Channel::take(std::size_t limit, std::vector<MessagePtr>* out) {
  return queue_.take(limit, out);
}

std::uint64_t Channel::join(Handler handler) {
  auto member = std::make_shared<Member>();
  member->handler = std::move(handler);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = member->number = next_member_++;
    closed_.store(false, std::memory_order_seq_cst);
    const bool works = member->handler != nullptr;
    members_.push_back(std::move(member));
    look_who_is_held();
    if (works) idle_members_.store(true, std::memory_order_seq_cst);
  }
  return number;
}

std::size_t Channel::leave(std::uint64_t number, bool wait) {
  {
    std::unique_lock lock(mutex_);
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const auto& member) { return member->number == number; });
    if (found == members_.end()) return members_.size();
    const std::shared_ptr<Member> member = *found;
    members_.erase(found);
    look_who_is_held();
    member->gone = true;
    if (member->next < member->batch.size()) {
      put_back_batch(member.get());
      lock.unlock();
      wake();  // the others of its group
      lock.lock();
    }
    if (wait && working != member.get()) idle_.wait(lock, [&] { return !member->busy; });
    if (!members_.empty()) return members_.size();
    closed_.store(true, std::memory_order_seq_cst);
  }
  bury_all();
  return 0;
}

std::uint64_t Channel::replace(std::uint64_t number, Handler handler) {
  std::vector<MessagePtr> let_go;
  auto next = std::make_shared<Member>();
  next->held = handler == nullptr;
  next->handler = std::move(handler);
  {
    const std::lock_guard lock(mutex_);
    const auto old = std::find_if(members_.begin(), members_.end(),
                                  [&](const auto& member) { return member->number == number; });
    if (old == members_.end()) return number;
    next->number = next_member_++;
    (*old)->gone = true;
    put_back_batch(old->get());
    *old = next;
    look_who_is_held();
    if (held_.load(std::memory_order_relaxed)) {
      queue_.each([&](MessagePtr* message) {
        if (due(**message)) return;
        let_go.push_back(std::move(*message));
        *message = std::make_shared<const Message>(*let_go.back());
      });
    }
  }
  wake();
  return next->number;
}

void Channel::look_who_is_held() {
  held_.store(!members_.empty() && std::all_of(members_.begin(), members_.end(),
                                               [](const auto& member) { return member->held; }),
              std::memory_order_relaxed);
}

void Channel::put_back_batch(Member* member) {
  for (std::size_t i = member->batch.size(); i > member->next; --i) {
    queue_.put_back(member->batch[i - 1]);
  }
  member->batch.clear();
  member->next = 0;
}

void Channel::bury_all() {
  std::vector<MessagePtr> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (const Delayed& delayed : delayed_) waiting.push_back(delayed.message);
    delayed_.clear();
    held_up_ = false;
  }
  queue_.take(SIZE_MAX, &waiting);
  for (const MessagePtr& message : waiting) {
    if (due(*message)) bury(message, std::string(kConsumerLeft), 0);
  }
}

std::size_t Channel::members() const {
  const std::lock_guard lock(mutex_);
  return members_.size();
}

// Sets one idle member to work.
void Channel::wake() {
  std::shared_ptr<Member> woken;
  {
    const std::lock_guard lock(mutex_);
    if (held_up_) return;
    std::size_t idle = 0;
    for (const auto& member : members_) {
      if (member->busy || !member->handler) continue;
      ++idle;
      if (woken == nullptr) woken = member;
    }
    idle_members_.store(idle > 1, std::memory_order_seq_cst);
    if (woken == nullptr) return;
    woken->busy = true;
  }
  post_([self = shared_from_this(), woken] { self->work(woken); });
}

void Channel::work(const std::shared_ptr<Member>& member) {
  {
    const std::lock_guard lock(mutex_);
    member->batch.clear();
    member->next = 0;
    if (!member->gone && !held_up_) (void)queue_.take(kAtOnce, &member->batch);
  }
  const auto next = [&]() -> MessagePtr {
    const std::lock_guard lock(mutex_);
    if (held_up_) put_back_batch(member.get());
    return member->next < member->batch.size() ? std::move(member->batch[member->next++]) : nullptr;
  };
  const void* outer = working;
  working = member.get();
  while (const MessagePtr message = next()) {
    if (handle(member.get(), message)) continue;
    const std::lock_guard lock(mutex_);
    put_back_batch(member.get());
    queue_.put_back(message);
  }
  working = outer;
  {
    const std::lock_guard lock(mutex_);
    member->busy = false;
    if (!member->gone) idle_members_.store(true, std::memory_order_seq_cst);
    idle_.notify_all();
  }
  if (closed_.load(std::memory_order_seq_cst)) bury_all();
  // More than a batch; or it came in between the look into the queue and the word that this member
  // is idle.
  if (!queue_.empty()) wake();
}

bool Channel::handle(Member* member, const MessagePtr& message) {
  if (message->expired(text::realtime_ns())) {
    {
      const std::lock_guard lock(mutex_);
      ++counts_.expired;
      failures_.erase(message->id);
    }
    if (due(*message)) bury(message, "expired", 0);
    return true;
  }
  const bool once = !observes_ && message->guarantee >= Guarantee::ExactlyOnce;
  if (once && !first_time(message)) return true;
  std::string why;
  try {
    member->handler(message);
    const std::lock_guard lock(mutex_);
    ++counts_.handled;
    if (message->guarantee >= Guarantee::AtLeastOnce) failures_.erase(message->id);
    if (once) seen_.remember(message->id);
    return true;
  } catch (const NotTaken&) {
    return false;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "it threw something that is no std::exception";
  }
  failed(member, message, why);
  return true;
}

bool Channel::first_time(const MessagePtr& message) {
  const std::lock_guard lock(mutex_);
  if (!seen_.knows(message->id)) return true;
  ++counts_.duplicates;
  failures_.erase(message->id);
  return false;
}

void Channel::failed(Member* member, const MessagePtr& message, const std::string& why) {
  if (!due(*message)) {
    const std::lock_guard lock(mutex_);
    ++counts_.failed;
    return;
  }
  const std::uint32_t limit =
      message->retry.attempts != 0 ? std::min(message->retry.attempts, kMostAttempts) : attempts_;
  std::uint32_t attempts = 0;
  {
    const std::lock_guard lock(mutex_);
    ++counts_.failed;
    attempts = ++failures_[message->id];
    if (attempts < limit) {
      BackoffSpec backoff = backoff_;
      // What a message asks for may come from anywhere: it must not lie here for days.
      if (message->retry.first_ms != 0)
        backoff.first_ms = std::min(message->retry.first_ms, kLongest_ms);
      if (message->retry.max_ms != 0) backoff.max_ms = std::min(message->retry.max_ms, kLongest_ms);
      const std::int64_t wait_ns =
          std::int64_t{backoff_ms(backoff, attempts, chance())} * 1'000'000;
      delayed_.push_back({text::steady_ns() + wait_ns, message});
      if (message->guarantee == Guarantee::Ordered) {
        held_up_ = true;
        put_back_batch(member);  // at once: its turn may be over before this thread looks again
      }
      return;
    }
    failures_.erase(message->id);
  }
  bury(message, why, attempts);
}

void Channel::bury(const MessagePtr& message, const std::string& why, std::uint32_t attempts) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.dead;
  }
  dead_letters_->add({message, name_, why, text::realtime_ns(), attempts});
}

void Channel::tick(std::int64_t now_ns) {
  bool any = false;
  {
    const std::lock_guard lock(mutex_);
    const auto due = std::stable_partition(delayed_.begin(), delayed_.end(),
                                           [&](const Delayed& d) { return d.due_ns > now_ns; });
    for (auto at = delayed_.end(); at != due;) {
      --at;
      ++counts_.retried;
      queue_.put_back(at->message);
      any = true;
    }
    delayed_.erase(due, delayed_.end());
    held_up_ = std::any_of(delayed_.begin(), delayed_.end(), [](const Delayed& d) {
      return d.message->guarantee == Guarantee::Ordered;
    });
  }
  if (any) wake();
}

}  // namespace rise::bus
