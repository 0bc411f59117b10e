#include "plugins/bus/bus.hpp"

#include <algorithm>
#include <stdexcept>

#include "plugins/bus/json_form.hpp"
#include "plugins/bus/topic.hpp"
#include "plugins/text/utc.hpp"

namespace rise::bus {

namespace {

// Counters that nothing else is ordered by.
void count(std::atomic<std::uint64_t>* counter, std::uint64_t n = 1) {
  counter->fetch_add(n, std::memory_order_relaxed);
}

std::uint64_t read(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace

Consumer& Consumer::operator=(Consumer&& other) noexcept {
  if (this == &other) return *this;
  leave();
  bus_ = std::exchange(other.bus_, nullptr);
  channel_ = std::move(other.channel_);
  member_ = other.member_;
  return *this;
}

void Consumer::leave() {
  if (bus_ != nullptr) bus_->leave(channel_, member_, true);
  bus_ = nullptr;
}

void Consumer::resume(Handler handler) { member_ = channel_->replace(member_, std::move(handler)); }

void Consumer::abandon() {
  if (bus_ != nullptr) bus_->leave(channel_, member_, false);
  bus_ = nullptr;
}

Bus::Bus(BusOptions options)
    : options_(std::move(options)),
      inbox_("inbox/" + options_.name),
      dead_letters_(options_.dead_letters) {
  if (!topic_fault(inbox_).empty()) throw std::invalid_argument("bus: " + topic_fault(inbox_));
  if (!options_.post) options_.post = [](const std::function<void()>& task) { task(); };
  for (const HistoryOptions& history : options_.histories) {
    if (const std::string fault = pattern_fault(history.pattern); !fault.empty()) {
      throw std::invalid_argument("history \"" + history.pattern + "\" " + fault);
    }
    histories_.push_back(std::make_unique<History>(history));
  }
}

PublishResult Bus::malformed(std::string why) {
  count(&malformed_);
  PublishResult result;
  result.why = std::move(why);
  return result;
}

// Of the message, and of its content as far as we know what it should be.
std::string Bus::fault_in(const Message& message) const {
  std::string fault = fault_of(message);
  if (!fault.empty()) return fault;
  if (message.encoding == Encoding::Json && !is_json(message.payload)) {
    return "its payload is said to be JSON, and is not";
  }
  if (message.schema.empty()) return fault;
  const auto check = options_.schemas.find(message.schema);
  if (check == options_.schemas.end()) return fault;
  fault = check->second(message.payload);
  return fault.empty() ? fault : "its payload is no " + message.schema + ": " + fault;
}

PublishResult Bus::publish(Message message) {
  if (message.id.none()) message.id = Uuid::make();
  if (message.time_ns == 0) message.time_ns = text::realtime_ns();
  if (message.source.empty()) message.source = options_.name;
  if (std::string fault = fault_in(message); !fault.empty()) return malformed(std::move(fault));
  if (message.guarantee != Guarantee::Ordered || message.sequence != 0) {
    return route(std::make_shared<const Message>(std::move(message)));
  }
  // Numbered and queued in one go: else two threads might queue in another order than they number.
  const std::lock_guard lock(sequence_mutex_);
  if (sequences_.size() >= kKnownTopics) sequences_.clear();  // they begin anew, as a new life
  message.sequence = ++sequences_[message.source + ' ' + message.topic];
  return route(std::make_shared<const Message>(std::move(message)));
}

PublishResult Bus::forward(const MessagePtr& message) {
  if (std::string fault = fault_in(*message); !fault.empty()) return malformed(std::move(fault));
  return route(message);
}

std::shared_ptr<const Bus::Targets> Bus::targets(std::string_view topic) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = known_.find(topic); found != known_.end()) return found->second;
  }
  const std::unique_lock lock(mutex_);
  auto targets = std::make_shared<Targets>();
  for (const auto& channel : channels_) {
    if (matches(channel->pattern(), topic)) targets->channels.push_back(channel);
  }
  for (const auto& history : histories_) {
    if (matches(history->options().pattern, topic)) targets->histories.push_back(history.get());
  }
  if (known_.size() >= kKnownTopics) known_.clear();
  known_.insert_or_assign(std::string(topic), targets);
  return targets;
}

PublishResult Bus::route(const MessagePtr& message, std::string_view only) {
  PublishResult result;
  result.accepted = true;
  count(&published_);
  if (message->ttl_ms != 0 && message->expired(text::realtime_ns())) {
    count(&expired_);
    if (message->guarantee >= Guarantee::AtLeastOnce) {
      dead_letters_.add({message, "", "expired before it was published", text::realtime_ns(), 0});
    }
    return result;
  }
  if (message->topic == inbox_) {
    result.reached = answered(message) ? 1 : 0;
    return result;
  }
  const std::shared_ptr<const Targets> to = targets(message->topic);
  if (!to->histories.empty()) {
    const std::uint64_t position = position_.fetch_add(1, std::memory_order_relaxed);
    for (History* history : to->histories) history->add(position, message);
  }
  for (const auto& channel : to->channels) {
    if (!only.empty() && channel->name() != only) continue;
    if (!channel->wants(*message)) continue;
    const bool taken = channel->offer(message);
    if (channel->observes()) continue;
    if (taken) {
      ++result.reached;
    } else {
      ++result.refused;
    }
  }
  count(&delivered_, result.reached);
  if (result.refused != 0) count(&refused_, result.refused);
  if (result.reached + result.refused == 0) count(&unrouted_);
  return result;
}

Consumer Bus::subscribe(SubscribeOptions options) {
  if (std::string fault = pattern_fault(options.pattern); !fault.empty()) {
    throw std::invalid_argument("pattern \"" + options.pattern + "\" " + fault);
  }
  if (options.name.empty() || options.name.size() > kMaxNameBytes) {
    throw std::invalid_argument("a consumer needs a name of at most 255 bytes");
  }
  const QueueLimits& limits = options.limits;
  if (limits.bytes < 1 || limits.bytes > (1u << 30u) ||
      std::any_of(limits.messages.begin(), limits.messages.end(),
                  [](std::size_t n) { return n < 1 || n > 1'000'000; })) {
    throw std::invalid_argument("a queue has room for 1 to 1 000 000 messages, 1 byte to 1 GiB");
  }
  std::string fault;
  Filter filter = Filter::parse(options.filter, &fault);
  if (!fault.empty()) throw std::invalid_argument("filter \"" + options.filter + "\": " + fault);
  Consumer consumer;
  {
    const std::unique_lock lock(mutex_);
    if (!options.group.empty()) {
      const auto same = std::find_if(channels_.begin(), channels_.end(), [&](const auto& channel) {
        return channel->group() == options.group && channel->pattern() == options.pattern;
      });
      if (same != channels_.end()) consumer.channel_ = *same;
    }
    if (consumer.channel_ == nullptr) {
      consumer.channel_ =
          std::make_shared<Channel>(options, std::move(filter), options_.post, &dead_letters_);
      channels_.push_back(consumer.channel_);
      known_.clear();
    }
    // Within the lock: else the channel might be left by its last member, and be no longer ours.
    consumer.member_ = consumer.channel_->join(std::move(options.handler));
  }
  consumer.bus_ = this;
  consumer.channel_->wake();
  return consumer;
}

void Bus::leave(const std::shared_ptr<Channel>& channel, std::uint64_t member, bool wait) {
  // Not under the bus's lock: it waits for a handler, which may publish.
  if (channel->leave(member, wait) != 0) return;
  const std::unique_lock lock(mutex_);
  if (channel->members() != 0) return;  // somebody has joined meanwhile
  std::erase(channels_, channel);
  known_.clear();
}

PublishResult Bus::request(Message message, std::uint32_t timeout_ms, Handler answer) {
  count(&requests_);
  if (message.id.none()) message.id = Uuid::make();
  message.reply_to = inbox_;
  const Uuid id = message.id;
  {
    const std::lock_guard lock(request_mutex_);
    pending_[id] = {text::steady_ns() + std::int64_t{timeout_ms} * 1'000'000, std::move(answer)};
  }
  PublishResult result = publish(std::move(message));
  if (!result.accepted) {
    const std::lock_guard lock(request_mutex_);
    pending_.erase(id);
  }
  return result;
}

PublishResult Bus::reply(const Message& to, Message message) {
  if (to.reply_to.empty()) return {};
  message.topic = to.reply_to;
  message.correlation = to.id;
  return publish(std::move(message));
}

bool Bus::answered(const MessagePtr& message) {
  Handler answer;
  {
    const std::lock_guard lock(request_mutex_);
    const auto found = pending_.find(message->correlation);
    if (found != pending_.end()) {
      answer = std::move(found->second.answer);
      pending_.erase(found);
    }
  }
  if (!answer) {
    count(&late_answers_);
    return false;
  }
  options_.post([answer = std::move(answer), message] { answer(message); });
  return true;
}

std::uint64_t Bus::replay(std::uint64_t position, const std::string& pattern,
                          const std::function<bool(std::uint64_t, const MessagePtr&)>& each) const {
  // A message may lie in several histories; it is replayed once.
  std::vector<std::pair<std::uint64_t, MessagePtr>> found;
  std::uint64_t next = position;
  for (const auto& history : histories_) {
    next = std::max(
        next, history->replay(position, pattern, [&](std::uint64_t at, const MessagePtr& message) {
          found.emplace_back(at, message);
          return true;
        }));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  found.erase(std::unique(found.begin(), found.end(),
                          [](const auto& a, const auto& b) { return a.first == b.first; }),
              found.end());
  for (const auto& [at, message] : found) {
    if (!each(at, message)) return at + 1;
  }
  return next;
}

std::uint64_t Bus::position_at(std::int64_t time_ns) const {
  std::uint64_t position = position_.load(std::memory_order_relaxed);
  for (const auto& history : histories_) {
    position = std::min(position, history->position_at(time_ns));
  }
  return position;
}

void Bus::tick(std::int64_t now_ns) {
  std::vector<std::shared_ptr<Channel>> channels;
  {
    const std::shared_lock lock(mutex_);
    channels = channels_;
  }
  for (const auto& channel : channels) channel->tick(now_ns);
  std::vector<Handler> late;
  {
    const std::lock_guard lock(request_mutex_);
    std::erase_if(pending_, [&](auto& entry) {
      if (entry.second.due_ns > now_ns) return false;
      late.push_back(std::move(entry.second.answer));
      return true;
    });
  }
  count(&timeouts_, late.size());
  for (Handler& answer : late) {
    options_.post([answer = std::move(answer)] { answer(nullptr); });
  }
}

std::size_t Bus::retry_dead_letters(const std::function<bool(const DeadLetter&)>& which) {
  std::size_t sent = 0;
  for (DeadLetter& letter : dead_letters_.take(which)) {
    // To the one that has not got it, not once more to all the others.
    const PublishResult result = route(letter.message, letter.consumer);
    if (result.reached + result.refused != 0) {
      ++sent;
    } else if (!letter.consumer.empty()) {
      dead_letters_.put_back(std::move(letter));  // he is not here, or does not want it any more
    }
  }
  return sent;
}

BusCounts Bus::counts() const {
  BusCounts counts;
  counts.published = read(published_);
  counts.delivered = read(delivered_);
  counts.unrouted = read(unrouted_);
  counts.malformed = read(malformed_);
  counts.expired = read(expired_);
  counts.refused = read(refused_);
  counts.requests = read(requests_);
  counts.timeouts = read(timeouts_);
  counts.late_answers = read(late_answers_);
  counts.dead_letters = dead_letters_.counts();
  return counts;
}

std::vector<ConsumerView> Bus::consumers() const {
  const std::shared_lock lock(mutex_);
  std::vector<ConsumerView> views;
  for (const auto& channel : channels_) {
    views.push_back({channel->name(), channel->pattern(), channel->group(), channel->counts()});
  }
  return views;
}

}  // namespace rise::bus
