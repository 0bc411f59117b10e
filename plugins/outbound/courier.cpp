#include "plugins/outbound/courier.hpp"

#include <algorithm>

#include "plugins/bus/topic.hpp"
#include "plugins/bus/wire.hpp"
#include "plugins/text/utc.hpp"

namespace rise::outbound {

using bus::Guarantee;
using bus::MessagePtr;
using bus::SendOutcome;

namespace {

constexpr std::int64_t kPatience_ms = 10'000;  // with a dictionary that we do not have

bool must_not_be_lost(const bus::Message& message) {
  return message.guarantee >= Guarantee::AtLeastOnce;
}

std::string_view text_of(const store::Record& record) {
  return {reinterpret_cast<const char*>(record.payload.data()), record.payload.size()};
}

}  // namespace

Courier::Courier(std::string name, const CourierOptions& options, bus::Adapter* adapter,
                 bus::Bus* bus, std::unique_ptr<store::Log> log)
    : name_(std::move(name)),
      options_(options),
      adapter_(adapter),
      bus_(bus),
      log_(std::move(log)),
      queue_(options.limits),
      breaker_(options.breaker),
      rate_(options.rate_per_s, options.rate_burst),
      packing_(options.packing),
      seen_(options.remembered_ids),
      order_(options.order) {
  if (log_ != nullptr) cursor_.emplace(log_->cursor());
}

Courier::~Courier() {
  stop();
  cursor_.reset();
}

void Courier::start() {
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  if (packing_.on()) {
    for (const char* topic : {packing::kDiscoveryTopic, packing::kDictionaryTopic}) {
      adapter_->subscribe({topic, Guarantee::BestEffort, ""});
    }
  }
  adapter_->connect(this);
}

void Courier::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    running_ = false;
  }
  // Tells what is under way as failed; what must not be lost stays in the log.
  adapter_->close();
}

bool Courier::offer(const MessagePtr& message) {
  if (try_offer(message)) return true;
  if (must_not_be_lost(*message)) {
    const char* why = log_ == nullptr               ? "there is no store to keep it in"
                      : outward(message) == nullptr ? "it cannot be said to the other program"
                                                    : "the store has no room";
    bury(message, why, 0);
  }
  return false;
}

MessagePtr Courier::outward(const MessagePtr& message) const {
  const bool is_theirs = std::any_of(
      options_.foreign_topics.begin(), options_.foreign_topics.end(),
      [&](const std::string& pattern) { return bus::matches(pattern, message->topic); });
  if (options_.conversion == nullptr || !is_theirs) return message;
  auto text = options_.conversion->to(*message);
  if (!text) return nullptr;
  auto out = std::make_shared<bus::Message>(*message);
  out->payload = std::move(*text);
  out->encoding = bus::Encoding::Json;
  out->schema = foreign::kForeignSchema;
  return out;
}

bool Courier::try_offer(const MessagePtr& original) {
  const MessagePtr message = outward(original);
  if (message == nullptr) return false;
  if (!must_not_be_lost(*message)) {
    MessagePtr dropped;
    // A copy: the sender may be waiting for us to let go of his.
    return queue_.put(std::make_shared<const bus::Message>(*message), &dropped) !=
           bus::Queue::Put::Refused;
  }
  if (log_ != nullptr) {
    const std::string bytes = bus::encode(*message);
    if (log_->append(store::bytes_of(bytes)).stored == 1) return true;
  }
  const std::lock_guard lock(mutex_);
  ++counts_.not_stored;
  return false;
}

std::uint64_t Courier::waiting() const {
  return queue_.counts().waiting + (log_ != nullptr ? log_->status().depth.records : 0);
}

void Courier::bury(const MessagePtr& message, std::string_view why, std::uint32_t attempts) {
  bus_->dead_letters().add({message, name_, std::string(why), text::realtime_ns(), attempts});
}

void Courier::tick(std::int64_t now_ns) {
  std::vector<MessagePtr> ordered;
  {
    const std::lock_guard lock(inward_mutex_);
    order_.tick(now_ns / 1'000'000, &ordered);
  }
  publish(ordered);
  const std::lock_guard lock(mutex_);
  now_ns_ = now_ns;
  acknowledge();
  if (running_ && up_) {
    for (const MessagePtr& said : packing_.announcements(now_ms())) {
      MessagePtr dropped;
      (void)queue_.put(said, &dropped);
    }
  }
  // As long as the adapter settles each batch at once; else one.
  for (int i = 0; i < 100 && running_ && up_ && !under_way_; ++i) {
    const std::uint64_t before = batches_;
    fill_durable(now_ns);
    send_batch();
    if (batches_ == before) break;
  }
}

// The next of the log, if none of it waits to be sent again.
void Courier::fill_durable(std::int64_t now_ns) {
  if (!cursor_ || pending_) return;
  Batch batch;
  batch.durable = true;
  std::uint64_t passed = 0;  // records that need not be sent
  while (batch.messages.size() < options_.batch) {
    const std::optional<store::Record> record = cursor_->next();
    if (!record) break;
    bus::Decoded decoded = bus::decode(text_of(*record));
    if (decoded.message == nullptr) {
      ++counts_.lost;  // of another version, or by somebody else
    } else if (decoded.message->expired(now_ns)) {
      ++counts_.expired;
      bury(decoded.message, "expired", 0);
    } else {
      batch.messages.push_back(std::move(decoded.message));
      batch.records.push_back(record->number);
      continue;
    }
    if (batch.messages.empty()) passed = record->number;
  }
  if (passed != 0) log_->acknowledge(passed);
  if (batch.messages.empty()) return;
  attempts_ = 0;
  pending_ = std::move(batch);
}

// As much of what waits as the rate allows; the rest stays.
Courier::Batch Courier::take_durable() {
  Batch batch = std::move(*pending_);
  pending_.reset();
  const std::size_t allowed = rate_.take(batch.messages.size(), now_ms());
  if (allowed == batch.messages.size()) return batch;
  const auto n = static_cast<std::ptrdiff_t>(allowed);
  Batch rest;
  rest.durable = true;
  rest.messages.assign(batch.messages.begin() + n, batch.messages.end());
  rest.records.assign(batch.records.begin() + n, batch.records.end());
  pending_ = std::move(rest);
  batch.messages.resize(allowed);
  batch.records.resize(allowed);
  return batch;
}

Courier::Batch Courier::take_volatile() {
  Batch batch;
  const std::size_t allowed = rate_.take(options_.batch, now_ms());
  queue_.take(allowed, &batch.messages);
  std::erase_if(batch.messages, [&](const MessagePtr& message) {
    if (!message->expired(now_ns_)) return false;
    ++counts_.expired;
    return true;
  });
  rate_.give_back(allowed - batch.messages.size());
  return batch;
}

// In front of what waits behind it.
void Courier::put_back(Batch batch) {
  if (!batch.durable) {
    for (auto message = batch.messages.rbegin(); message != batch.messages.rend(); ++message) {
      queue_.put_back(*message);
    }
    return;
  }
  if (pending_) {
    batch.messages.insert(batch.messages.end(), pending_->messages.begin(),
                          pending_->messages.end());
    batch.records.insert(batch.records.end(), pending_->records.begin(), pending_->records.end());
  }
  pending_ = std::move(batch);
}

void Courier::send_batch() {
  const bool durable_due = pending_.has_value() && now_ms() >= wait_until_ms_;
  const bool durable = durable_due && (!turn_ || queue_.empty());
  turn_ = durable;
  if (!durable && queue_.empty()) return;
  if (!breaker_.allows(now_ms())) return;
  Batch batch = durable ? take_durable() : take_volatile();
  if (batch.messages.empty()) {
    put_back(std::move(batch));
    return;
  }
  batch.number = ++batches_;
  batch.parcels = packing_.wrap(batch.messages, now_ms());
  const std::vector<MessagePtr> parcels = batch.parcels.messages;
  under_way_ = std::move(batch);
  breaker_.trying();  // before: the adapter may tell at once
  if (adapter_->send(under_way_->number, parcels)) return;
  // Not now: nothing was taken.
  breaker_.not_tried();
  rate_.give_back(under_way_->messages.size());
  --batches_;
  put_back(std::exchange(under_way_, std::nullopt).value());
}

void Courier::sent(std::uint64_t number, std::span<const SendOutcome> of_parcels,
                   std::string_view why) {
  const std::lock_guard lock(mutex_);
  if (!under_way_ || under_way_->number != number) return;
  const Batch batch = std::move(*under_way_);
  under_way_.reset();
  const std::vector<SendOutcome> outcomes =
      PackingStage::expand(batch.parcels, batch.messages.size(), of_parcels);
  const auto n = [&](SendOutcome outcome) {
    return static_cast<std::uint64_t>(std::count(outcomes.begin(), outcomes.end(), outcome));
  };
  counts_.taken += n(SendOutcome::Taken);
  counts_.failed += n(SendOutcome::Failed);
  counts_.refused += n(SendOutcome::Refused);
  // A far side that refuses a message is there.
  if (n(SendOutcome::Failed) == 0) {
    breaker_.succeeded();
  } else if (running_) {
    breaker_.failed(now_ms());
  }
  if (batch.durable) {
    settle_durable(batch, outcomes, why);
  } else {
    settle_volatile(batch, outcomes, why);
  }
}

// Up to the first that failed it is done with; from there on it is sent again, in order.
void Courier::settle_durable(const Batch& batch, std::span<const SendOutcome> outcomes,
                             std::string_view why) {
  Batch again;
  again.durable = true;
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const SendOutcome outcome = i < outcomes.size() ? outcomes[i] : SendOutcome::Failed;
    if (outcome == SendOutcome::Refused) {
      bury(batch.messages[i], why, attempts_ + 1);
    } else if (outcome == SendOutcome::Failed || !again.messages.empty()) {
      // Also what was taken behind it: else the far side would have them in another order.
      again.messages.push_back(batch.messages[i]);
      again.records.push_back(batch.records[i]);
      continue;
    }
    if (again.messages.empty()) done = batch.records[i];
  }
  if (done != 0) log_->acknowledge(done);
  if (again.messages.empty()) {
    attempts_ = 0;
    wait_until_ms_ = 0;
    return;
  }
  const double chance = std::uniform_real_distribution<double>()(chance_);
  wait_until_ms_ = now_ms() + bus::backoff_ms(options_.backoff, ++attempts_, chance);
  put_back(std::move(again));
}

void Courier::settle_volatile(const Batch& batch, std::span<const SendOutcome> outcomes,
                              std::string_view why) {
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const SendOutcome outcome = i < outcomes.size() ? outcomes[i] : SendOutcome::Failed;
    if (outcome == SendOutcome::Failed) ++counts_.lost;
    if (outcome == SendOutcome::Refused) bury(batch.messages[i], why, 1);
  }
}

// Of one delivery: gone when all its messages are.
struct Courier::Tag {
  Tag(std::shared_ptr<Inward> its_inward, std::uint64_t its_number)
      : inward(std::move(its_inward)), number(its_number) {}
  Tag(const Tag&) = delete;
  Tag& operator=(const Tag&) = delete;
  ~Tag() {
    const std::lock_guard lock(inward->mutex);
    if (number != 0) inward->handled.push_back(number);
  }
  const std::shared_ptr<Inward> inward;
  const std::uint64_t number;
};

// Marked as brought by us; and whoever lets go of the last one makes its delivery acknowledged.
MessagePtr Courier::received(const bus::Message& message, const std::shared_ptr<Tag>& tag) const {
  struct Held {
    Held(const bus::Message& its_message, std::shared_ptr<Tag> its_tag)
        : message(its_message), tag(std::move(its_tag)) {
      const std::lock_guard lock(tag->inward->mutex);
      ++tag->inward->under_way;
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      const std::lock_guard lock(tag->inward->mutex);
      --tag->inward->under_way;
    }
    bus::Message message;
    std::shared_ptr<Tag> tag;
  };
  auto held = std::make_shared<Held>(message, tag);
  auto& headers = held->message.headers;
  std::erase_if(headers, [](const auto& header) { return header.first == kBroughtBy; });
  if (headers.size() < bus::kMaxHeaders) headers.emplace_back(kBroughtBy, name_);
  return {held, &held->message};
}

bool Courier::open(const bus::Delivery& delivery, std::vector<MessagePtr>* messages) {
  const bus::Message& message = *delivery.message;
  const bool is_packed = packing::is_packed(message);
  packing::Unpacked unpacked;
  if (is_packed) {
    unpacked = packing_.unwrap(message);
    const std::int64_t now_ms = text::realtime_ns() / 1'000'000;
    if (unpacked.dictionary != 0 && delivery.tag != 0) {
      // It is on its way, most likely.
      if (lacks_since_ms_ == 0) lacks_since_ms_ = now_ms;
      if (now_ms - lacks_since_ms_ < kPatience_ms) return false;
    }
    lacks_since_ms_ = 0;
  }
  bus::Message converted;
  std::string fault = std::move(unpacked.fault);
  const bool is_foreign = foreign::is_foreign(message);
  if (is_foreign) {
    fault = options_.conversion != nullptr ? options_.conversion->from(message, &converted)
                                           : "nobody here converts what is foreign";
  }
  // From here on it will be acknowledged.
  const auto tag = std::make_shared<Tag>(inward_, delivery.tag);
  if (is_foreign && fault.empty()) messages->push_back(received(converted, tag));
  if (!is_packed && !is_foreign) messages->push_back(received(message, tag));
  for (const MessagePtr& inner : unpacked.messages) messages->push_back(received(*inner, tag));
  if (fault.empty()) return true;
  if (must_not_be_lost(message)) bury(delivery.message, fault, 0);
  const std::lock_guard lock(inward_mutex_);
  ++malformed_;
  return true;
}

void Courier::publish(const std::vector<MessagePtr>& messages) {
  for (const MessagePtr& message : messages) (void)bus_->forward(message);
}

// With the lock held.
void Courier::acknowledge() {
  std::vector<std::uint64_t> tags;
  bool room = false;
  {
    const std::lock_guard lock(inward_->mutex);
    tags.swap(inward_->handled);
    room = inward_->under_way <= options_.inward / 2;
  }
  if (!running_) return;
  if (!tags.empty()) adapter_->acknowledge(tags);
  if (!held_up_ || !room) return;
  held_up_ = false;
  adapter_->resume();
}

bool Courier::delivered(const bus::Delivery& delivery) {
  bool full = false;
  {
    const std::lock_guard lock(inward_->mutex);
    full = inward_->under_way >= options_.inward;
  }
  if (full) {
    const std::lock_guard lock(mutex_);
    held_up_ = true;
    return false;
  }
  if (packing_.heard(*delivery.message, text::realtime_ns() / 1'000'000)) return true;
  std::vector<MessagePtr> messages;
  if (!open(delivery, &messages)) {
    const std::lock_guard lock(mutex_);
    held_up_ = true;
    return false;
  }
  std::vector<MessagePtr> out;
  for (const MessagePtr& message : messages) {
    const std::lock_guard lock(inward_mutex_);
    ++received_;
    if (message->guarantee < Guarantee::ExactlyOnce) {
      out.push_back(message);
    } else if (seen_.knows(message->id)) {
      ++duplicates_;
    } else {
      seen_.remember(message->id);
      if (message->guarantee != Guarantee::Ordered || message->sequence == 0) {
        out.push_back(message);
      } else if (!order_.put(message, text::realtime_ns() / 1'000'000, &out)) {
        ++duplicates_;
      }
    }
  }
  publish(out);
  return true;
}

void Courier::malformed(std::string_view, std::string_view) {
  const std::lock_guard lock(inward_mutex_);
  ++malformed_;
}

void Courier::link_changed(bus::Link link, std::string_view) {
  const std::lock_guard lock(mutex_);
  up_ = link == bus::Link::Up;
}

CourierCounts Courier::counts() const {
  CourierCounts counts;
  {
    const std::lock_guard lock(mutex_);
    counts = counts_;
    counts.breaker = breaker_.state();
    counts.breaker_opened = breaker_.opened();
  }
  {
    const std::lock_guard lock(inward_mutex_);
    counts.received = received_;
    counts.duplicates = duplicates_;
    counts.malformed = malformed_;
    counts.missing = order_.missing();
  }
  counts.queue = queue_.counts();
  if (log_ != nullptr) counts.log = log_->status();
  counts.packing = packing_.counts();
  counts.adapter = adapter_->health();
  return counts;
}

bool Courier::well() const {
  const std::lock_guard lock(mutex_);
  return up_ && breaker_.state() == BreakerState::Closed;
}

}  // namespace rise::outbound
