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

constexpr std::size_t kAtOnce = 10'000;  // records passed over before others have their turn

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
      inward_(name_, options.inward, &packing_, bus) {
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
  if (options_.inward.conversion == nullptr || !is_theirs) return message;
  auto text = options_.inward.conversion->to(*message);
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
    // A copy: the sender may be waiting for us to let go of his.
    return queue_.put(std::make_shared<const bus::Message>(*message)) != bus::Queue::Put::Refused;
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

void Courier::tick(std::int64_t now_ns, std::int64_t now_ms) {
  inward_.tick(now_ms);
  const std::lock_guard lock(mutex_);
  now_ns_ = now_ns;
  now_ms_ = now_ms;
  acknowledge();
  if (running_ && up_) {
    for (const MessagePtr& said : packing_.announcements(now_ms_)) {
      (void)queue_.put(said);
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
  std::size_t passed = 0;  // records that need not be sent
  while (batch.messages.size() < options_.batch && passed < kAtOnce) {
    const std::optional<store::Record> record = cursor_->next();
    if (!record) break;
    batch.last = record->number;
    bus::Decoded decoded = bus::decode(text_of(*record));
    if (decoded.message == nullptr) {
      ++counts_.lost;  // of another version, or by somebody else
      ++passed;
    } else if (decoded.message->expired(now_ns)) {
      ++counts_.expired;
      bury(decoded.message, "expired", 0);
      ++passed;
    } else {
      batch.messages.push_back(std::move(decoded.message));
      batch.records.push_back(record->number);
    }
  }
  if (!batch.messages.empty()) {
    attempts_ = 0;
    pending_ = std::move(batch);
  } else if (passed != 0) {
    log_->acknowledge(batch.last);
  }
}

// As much of what waits as the rate allows; the rest stays.
Courier::Batch Courier::take_durable() {
  Batch batch = std::move(*pending_);
  pending_.reset();
  const std::size_t allowed = rate_.take(batch.messages.size(), now_ms_);
  if (allowed == batch.messages.size()) return batch;
  const auto n = static_cast<std::ptrdiff_t>(allowed);
  Batch rest;
  rest.durable = true;
  rest.last = std::exchange(batch.last, 0);
  rest.messages.assign(batch.messages.begin() + n, batch.messages.end());
  rest.records.assign(batch.records.begin() + n, batch.records.end());
  pending_ = std::move(rest);
  batch.messages.resize(allowed);
  batch.records.resize(allowed);
  return batch;
}

Courier::Batch Courier::take_volatile() {
  Batch batch;
  const std::size_t allowed = rate_.take(options_.batch, now_ms_);
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
    batch.last = pending_->last;
  }
  pending_ = std::move(batch);
}

void Courier::send_batch() {
  const bool durable_due = pending_.has_value() && now_ms_ >= wait_until_ms_;
  const bool durable = durable_due && (!turn_ || queue_.empty());
  turn_ = durable;
  if (!durable && queue_.empty()) return;
  if (!breaker_.allows(now_ms_)) return;
  Batch batch = durable ? take_durable() : take_volatile();
  if (batch.messages.empty()) {
    put_back(std::move(batch));
    return;
  }
  batch.number = ++batches_;
  batch.parcels = packing_.wrap(batch.messages, now_ms_);
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
    breaker_.failed(now_ms_);
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
  again.last = batch.last;
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
  // With the last of them also what was passed over behind it.
  if (again.messages.empty() && batch.last != 0) done = batch.last;
  if (done != 0) log_->acknowledge(done);
  if (again.messages.empty()) {
    attempts_ = 0;
    wait_until_ms_ = 0;
    return;
  }
  const double chance = std::uniform_real_distribution<double>()(chance_);
  wait_until_ms_ = now_ms_ + bus::backoff_ms(options_.backoff, ++attempts_, chance);
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

// With the lock held.
void Courier::acknowledge() {
  const Inward::Handled handled = inward_.handled();
  if (!running_) return;
  if (!handled.tags.empty()) adapter_->acknowledge(handled.tags);
  if (!held_up_ || !handled.room) return;
  held_up_ = false;
  adapter_->resume();
}

bool Courier::delivered(const bus::Delivery& delivery) {
  if (inward_.take(delivery)) return true;
  const std::lock_guard lock(mutex_);
  held_up_ = true;
  return false;
}

void Courier::malformed(std::string_view, std::string_view) { inward_.malformed(); }

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
  counts.inward = inward_.counts();
  counts.queue = queue_.counts();
  if (log_ != nullptr) counts.log = log_->status();
  counts.packing = packing_.counts();
  counts.adapter = adapter_->health();
  return counts;
}

bool Courier::well() const {
  const std::lock_guard lock(mutex_);
  return up_ && breaker_.ready(now_ms_);
}

}  // namespace rise::outbound
