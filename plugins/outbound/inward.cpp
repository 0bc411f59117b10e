#include "plugins/outbound/inward.hpp"

#include <algorithm>

#include "plugins/text/utc.hpp"

namespace rise::outbound {

using bus::Guarantee;
using bus::MessagePtr;

namespace {

constexpr std::int64_t kPatience_ms = 10'000;  // with a dictionary that we do not have
constexpr std::size_t kLacks = 64;             // so many at once; others are not waited for

}  // namespace

Inward::Inward(std::string courier, const InwardOptions& options, PackingStage* packing,
               bus::Bus* bus)
    : courier_(std::move(courier)),
      options_(options),
      packing_(packing),
      bus_(bus),
      seen_(options.remembered_ids),
      order_(options.order) {}

// Of one delivery: gone when all its messages are.
struct Inward::Tag {
  Tag(std::shared_ptr<Books> its_books, std::uint64_t its_number)
      : books(std::move(its_books)), number(its_number) {}
  Tag(const Tag&) = delete;
  Tag& operator=(const Tag&) = delete;
  ~Tag() {
    const std::lock_guard lock(books->mutex);
    if (number != 0) books->handled.push_back(number);
  }
  const std::shared_ptr<Books> books;
  const std::uint64_t number;
};

// A message on its way through the bus: gone when all have handled it.
struct Inward::Held {
  Held(const bus::Message& its_message, std::shared_ptr<Tag> tag)
      : message(its_message), bytes(its_message.payload.size()), books(tag->books) {
    tags.push_back(std::move(tag));
    const std::lock_guard lock(books->mutex);
    ++books->under_way;
    books->bytes += bytes;
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    const std::lock_guard lock(books->mutex);
    --books->under_way;
    books->bytes -= bytes;
  }
  bus::Message message;
  const std::size_t bytes;
  const std::shared_ptr<Books> books;
  std::vector<std::shared_ptr<Tag>> tags;  // of the books' mutex; more than one: it came again
};

// Marked as brought by us; and whoever lets go of the last one makes its delivery acknowledged.
Inward::HeldPtr Inward::received(const bus::Message& message,
                                 const std::shared_ptr<Tag>& tag) const {
  auto held = std::make_shared<Held>(message, tag);
  auto& headers = held->message.headers;
  std::erase_if(headers, [](const auto& header) { return header.first == kBroughtBy; });
  // Without the mark it might go round for ever.
  if (headers.size() >= bus::kMaxHeaders) headers.pop_back();
  headers.emplace_back(kBroughtBy, courier_);
  return held;
}

// Each dictionary is waited for once, and not for ever: it is on its way, most likely.
bool Inward::waits_for(std::uint32_t dictionary) {
  const std::int64_t now_ms = text::steady_ms();
  if (lacks_.size() >= kLacks && !lacks_.contains(dictionary)) return false;
  const auto [since, is_new] = lacks_.try_emplace(dictionary, now_ms);
  return now_ms - since->second < kPatience_ms;
}

bool Inward::open(const bus::Delivery& delivery, std::vector<HeldPtr>* messages) {
  const bus::Message& message = *delivery.message;
  const bool is_packed = packing::is_packed(message);
  packing::Unpacked unpacked;
  if (is_packed) unpacked = packing_->unwrap(message);
  if (unpacked.dictionary != 0 && delivery.tag != 0 && waits_for(unpacked.dictionary)) return false;
  bus::Message converted;
  std::string fault = std::move(unpacked.fault);
  const bool is_foreign = foreign::is_foreign(message);
  if (is_foreign) {
    fault = options_.conversion != nullptr ? options_.conversion->from(message, &converted)
                                           : "nobody here converts what is foreign";
  }
  // From here on it will be acknowledged.
  const auto tag = std::make_shared<Tag>(books_, delivery.tag);
  if (is_foreign && fault.empty()) messages->push_back(received(converted, tag));
  if (!is_packed && !is_foreign) messages->push_back(received(message, tag));
  for (const MessagePtr& inner : unpacked.messages) messages->push_back(received(*inner, tag));
  if (fault.empty()) return true;
  bury(delivery.message, fault);
  return true;
}

// Counted; what must not be lost is a dead letter.
void Inward::bury(const MessagePtr& message, const std::string& why) {
  if (message->guarantee >= Guarantee::AtLeastOnce) {
    bus_->dead_letters().add({message, courier_, why, text::realtime_ns(), 0});
  }
  malformed();
}

void Inward::sort(const HeldPtr& held, std::vector<MessagePtr>* out) {
  const MessagePtr message(held, &held->message);
  {
    const std::lock_guard lock(counting_);
    ++counts_.received;
  }
  if (message->guarantee < Guarantee::ExactlyOnce) {
    out->push_back(message);
    return;
  }
  if (seen_.knows(message->id)) {
    {
      const std::lock_guard lock(counting_);
      ++counts_.duplicates;
    }
    // As long as the first one is not handled, this one is not to be acknowledged either.
    const auto first = alive_.find(message->id);
    if (first == alive_.end()) return;
    if (const HeldPtr alive = first->second.lock()) {
      const std::lock_guard lock(books_->mutex);
      alive->tags.push_back(held->tags.front());
    }
    return;
  }
  seen_.remember(message->id);
  alive_[message->id] = held;
  if (alive_.size() > 2 * options_.room) {
    std::erase_if(alive_, [](const auto& entry) { return entry.second.expired(); });
  }
  if (message->guarantee != Guarantee::Ordered || message->sequence == 0) {
    out->push_back(message);
  } else if (!order_.put(message, text::steady_ms(), out)) {
    bury(message, "it comes too late for its order");
  }
}

void Inward::publish(const std::vector<MessagePtr>& messages) {
  for (const MessagePtr& message : messages) {
    const bus::PublishResult result = bus_->forward(message);
    if (!result.accepted) bury(message, result.why);
  }
}

bool Inward::take(const bus::Delivery& delivery) {
  {
    const std::lock_guard lock(books_->mutex);
    if (books_->under_way >= options_.room || books_->bytes >= options_.room_bytes) return false;
  }
  if (packing_->heard(*delivery.message, text::steady_ms())) {
    const Tag heard(books_, delivery.tag);
    return true;
  }
  const std::lock_guard lock(publishing_);
  std::vector<HeldPtr> messages;
  if (!open(delivery, &messages)) return false;
  std::vector<MessagePtr> out;
  for (const HeldPtr& message : messages) sort(message, &out);
  messages.clear();
  publish(out);
  return true;
}

void Inward::malformed() {
  const std::lock_guard lock(counting_);
  ++counts_.malformed;
}

void Inward::tick(std::int64_t now_ms) {
  const std::lock_guard lock(publishing_);
  std::vector<MessagePtr> out;
  order_.tick(now_ms, &out);
  {
    const std::lock_guard counting(counting_);
    counts_.missing = order_.missing();
  }
  publish(out);
}

Inward::Handled Inward::handled() {
  Handled out;
  const std::lock_guard lock(books_->mutex);
  out.tags.swap(books_->handled);
  out.room = books_->under_way <= options_.room / 2 && books_->bytes <= options_.room_bytes / 2;
  return out;
}

InwardCounts Inward::counts() const {
  const std::lock_guard lock(counting_);
  return counts_;
}

}  // namespace rise::outbound
