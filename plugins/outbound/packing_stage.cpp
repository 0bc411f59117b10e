#include "plugins/outbound/packing_stage.hpp"

#include <map>
#include <tuple>

#include "plugins/bus/wire.hpp"
#include "plugins/foreign/conversion.hpp"
#include "plugins/text/utc.hpp"

namespace rise::outbound {

using bus::Guarantee;
using bus::MessagePtr;
using bus::SendOutcome;

namespace {

constexpr std::size_t kParcelBytes = 1u << 20u;  // of payloads: far below what adapters take

bool is_discovery(const bus::Message& message) {
  return message.topic == packing::kDiscoveryTopic || message.topic == packing::kDictionaryTopic;
}

}  // namespace

PackingStage::PackingStage(PackingSpec spec)
    : spec_(std::move(spec)), name_(bus::Uuid::make().text()) {}

void PackingStage::learn(const bus::Message& message) {
  if (own_ != nullptr || message.type != static_cast<std::uint16_t>(bus::MessageType::Telemetry)) {
    return;
  }
  trainer_.add(bus::encode(message));
  if (trainer_.ready()) own_ = trainer_.train();
}

PackingStage::Parcels PackingStage::wrap(const std::vector<MessagePtr>& batch,
                                         std::int64_t now_ms) {
  Parcels out;
  const auto as_it_is = [&](std::size_t i) {
    out.messages.push_back(batch[i]);
    out.contents.push_back({i});
  };
  if (!spec_.on) {
    for (std::size_t i = 0; i < batch.size(); ++i) as_it_is(i);
    return out;
  }
  struct Group {
    std::vector<std::size_t> members;
    std::vector<MessagePtr> messages;
    std::size_t bytes = 0;
  };
  const std::lock_guard lock(mutex_);
  std::map<std::pair<std::string, Guarantee>, Group> groups;
  const auto close = [&](Group* group) {
    const auto reading = partners_.reading(group->messages.front()->topic,
                                           own_ != nullptr ? own_->number() : 0, now_ms);
    MessagePtr packed;
    if (reading.packed && group->bytes >= spec_.min_bytes) {
      packed =
          packer_.pack(group->messages, reading.dictionary ? own_.get() : nullptr, spec_.level);
    }
    if (packed == nullptr) {
      for (const std::size_t i : group->members) as_it_is(i);
    } else {
      packed_ += group->members.size();
      out.messages.push_back(std::move(packed));
      out.contents.push_back(group->members);
    }
    *group = {};
  };
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bus::Message& message = *batch[i];
    learn(message);
    if (!packing::may_be_packed(message) || is_discovery(message) || foreign::is_foreign(message)) {
      as_it_is(i);
      continue;
    }
    Group& group = groups[{message.topic, message.guarantee}];
    if (!group.members.empty() && group.bytes + message.payload.size() > kParcelBytes) {
      close(&group);
    }
    group.members.push_back(i);
    group.messages.push_back(batch[i]);
    group.bytes += message.payload.size();
  }
  for (auto& [key, group] : groups) {
    if (!group.members.empty()) close(&group);
  }
  return out;
}

std::vector<SendOutcome> PackingStage::expand(const Parcels& parcels, std::size_t batch,
                                              std::span<const SendOutcome> outcomes) {
  std::vector<SendOutcome> out(batch, SendOutcome::Failed);
  for (std::size_t p = 0; p < parcels.contents.size() && p < outcomes.size(); ++p) {
    for (const std::size_t i : parcels.contents[p]) out[i] = outcomes[p];
  }
  return out;
}

std::vector<MessagePtr> PackingStage::announcements(std::int64_t now_ms) {
  std::vector<MessagePtr> out;
  if (!spec_.on) return out;
  const std::lock_guard lock(mutex_);
  if (announced_ms_ != 0 && now_ms - announced_ms_ < packing::kAnnounce_ms) return out;
  announced_ms_ = now_ms;
  const auto say = [&](const char* topic, bus::Encoding encoding, std::string payload) {
    auto message = std::make_shared<bus::Message>();
    message->id = bus::Uuid::make();
    message->time_ns = text::realtime_ns();
    message->type = static_cast<std::uint16_t>(bus::MessageType::Discovery);
    message->priority = bus::Priority::High;
    message->topic = topic;
    message->source = name_;
    message->encoding = encoding;
    message->payload = std::move(payload);
    out.push_back(std::move(message));
  };
  say(packing::kDiscoveryTopic, bus::Encoding::Json,
      packing::to_json({name_, true, spec_.reads, others_.numbers()}));
  if (own_ != nullptr && partners_.anybody_lacks(own_->number(), now_ms)) {
    say(packing::kDictionaryTopic, bus::Encoding::Bytes, own_->bytes());
  }
  return out;
}

bool PackingStage::heard(const bus::Message& message, std::int64_t now_ms) {
  if (!spec_.on || !is_discovery(message)) return false;
  if (message.source == name_) return true;
  if (message.topic == packing::kDictionaryTopic) {
    const std::size_t before = others_.numbers().size();
    if (others_.add(message.payload) && others_.numbers().size() != before) {
      const std::lock_guard lock(mutex_);
      announced_ms_ = 0;  // so that it is soon used
    }
    return true;
  }
  packing::Announcement announcement;
  if (!packing::from_json(message.payload, &announcement)) return true;
  const std::lock_guard lock(mutex_);
  partners_.heard(std::move(announcement), now_ms);
  return true;
}

packing::Unpacked PackingStage::unwrap(const bus::Message& packed) {
  packing::Unpacked out = packing::unpack(packed, others_);
  const std::lock_guard lock(mutex_);
  unpacked_ += out.messages.size();
  return out;
}

PackingCounts PackingStage::counts() const {
  const std::lock_guard lock(mutex_);
  return {packed_, packer_.bytes_in(), packer_.bytes_out(), unpacked_,
          own_ != nullptr ? own_->number() : 0};
}

}  // namespace rise::outbound
