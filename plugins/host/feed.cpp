#include "plugins/host/feed.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "plugins/bus/topic.hpp"
#include "rt_core/message/event_text.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"

namespace rise::host {

namespace {

namespace json = boost::json;
using bus::MessageType;

std::string as_level(std::string_view name) {
  std::string level(name);
  for (char& c : level) {
    const bool bad =
        static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '/' || c == '+' || c == '#';
    if (bad) c = '_';
  }
  return level.empty() ? "_" : level;
}

bus::Message message_of(std::string topic, MessageType type, const json::object& content) {
  bus::Message out;
  out.topic = std::move(topic);
  out.source = "core";
  out.type = static_cast<std::uint16_t>(type);
  out.encoding = bus::Encoding::Json;
  out.payload = json::serialize(content);
  return out;
}

}  // namespace

Result<Feed> Feed::open(const shm::Region* region, const std::string& reader, bus::Bus* bus) {
  auto opened = shm::Reader::open(*region, reader, shm::Start::Oldest);
  if (!opened) return Failure{opened.error()};
  return Feed(region, std::move(*opened), bus);
}

Feed::Feed(const shm::Region* region, shm::Reader reader, bus::Bus* bus)
    : region_(region), reader_(std::move(reader)), commander_(*region), bus_(bus) {
  for (const message::MachineEntry& entry :
       region->table<message::MachineEntry>(shm::SectionKind::Machines)) {
    names_.emplace_back(message::get_text(entry.name()));
    topics_.push_back(as_level(names_.back()));
  }
  for (const message::CoreHealth& health :
       region->table<message::CoreHealth>(shm::SectionKind::Lanes)) {
    life_ = life_ * 31 + static_cast<std::uint64_t>(health.start_mono_ns());
  }
  life_ = life_ * 31 + region->core_pid();
}

const std::string& Feed::topic_name(std::uint16_t machine) const {
  static const std::string all = "all";
  return machine < topics_.size() ? topics_[machine] : all;
}

bool Feed::over() const {
  const shm::RegionState state = region_->state();
  return state == shm::RegionState::Closed || state == shm::RegionState::Abandoned ||
         !region_->core_alive();
}

FeedTotals Feed::totals() const {
  FeedTotals totals = totals_;
  totals.lost = reader_.lost();
  return totals;
}

bool Feed::settle() {
  if (!uncommitted_) return true;
  const std::int64_t now_ms = monotonic_ns() / 1'000'000;
  if (!handled_.expired() && now_ms >= impatient_until_ms_) {
    if (now_ms - published_ms_ < kPatience_ms) return false;
    ++totals_.not_waited_for;
    impatient_until_ms_ = now_ms + kImpatient_ms;
  }
  reader_.commit();
  uncommitted_ = false;
  return true;
}

void Feed::finish() {
  while (!settle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool Feed::pump(std::size_t limit) {
  if (!settle()) return false;
  bool any = false;
  batch_ = std::make_shared<char>();
  handled_ = batch_;
  message::TelemetryFrame frame;
  for (std::size_t i = 0; i < limit && reader_.next(&frame); ++i) {
    publish(frame);
    any = true;
  }
  message::MachineEvent event;
  std::uint32_t lane = 0;
  for (std::size_t i = 0; i < limit && reader_.next(&event, &lane); ++i) {
    publish(event, lane);
    any = true;
  }
  message::CommandResult result;
  for (std::size_t i = 0; i < limit && reader_.next(&result); ++i) {
    publish(result);
    any = true;
  }
  batch_.reset();
  uncommitted_ = any;
  published_ms_ = monotonic_ns() / 1'000'000;
  return any;
}

void Feed::publish(bus::Message message) {
  struct Held {
    bus::Message message;
    std::shared_ptr<void> batch;
  };
  auto held = std::make_shared<Held>(Held{std::move(message), batch_});
  (void)bus_->forward(bus::MessagePtr(held, &held->message));
}

void Feed::publish(const message::TelemetryFrame& frame) {
  ++totals_.frames;
  bus::Message out;
  out.topic = "telemetry/" + topic_name(frame.machine());
  out.source = "core";
  out.type = static_cast<std::uint16_t>(MessageType::Telemetry);
  out.time_ns = frame.sample_utc_ns();
  out.encoding = bus::Encoding::FlatBuffer;
  out.schema = kFrameSchema;
  out.payload.assign(reinterpret_cast<const char*>(&frame), sizeof frame);
  out.id = bus::Uuid::of(out.time_ns / 1'000'000, life_,
                         (std::uint64_t{frame.machine()} << 48u) ^
                             (std::uint64_t{frame.page()} << 40u) ^ frame.sequence());
  publish(std::move(out));
}

void Feed::publish(const message::MachineEvent& event, std::uint32_t lane) {
  ++totals_.events;
  const bool of_lane = event.machine() >= names_.size();
  const bool alarm =
      event.kind() == message::EventKind::AlarmOn || event.kind() == message::EventKind::AlarmOff;
  json::object content;
  if (!of_lane) content["machine"] = names_[event.machine()];
  content["lane"] = lane;
  content["kind"] = message::EnumNameEventKind(event.kind());
  content["severity"] = message::EnumNameSeverity(event.severity());
  content["code"] = event.code();
  content["detail"] = event.detail();
  content["value"] = event.value();
  content["text"] = message::event_text(event);
  content["sequence"] = event.sequence();
  std::string topic = of_lane ? "event/lane/" + std::to_string(lane)
                              : (alarm ? "alarm/" : "event/") + topic_name(event.machine());
  bus::Message out =
      message_of(std::move(topic), alarm ? MessageType::Alarm : MessageType::Event, content);
  out.time_ns = event.utc_ns();
  out.id = bus::Uuid::of(out.time_ns / 1'000'000, life_ + 1,
                         (std::uint64_t{lane} << 48u) ^ event.sequence());
  if (alarm || event.severity() >= message::Severity::Error) out.priority = bus::Priority::High;
  publish(std::move(out));
}

void Feed::publish(const message::CommandResult& result) {
  ++totals_.results;
  json::object content;
  if (result.machine() < names_.size()) content["machine"] = names_[result.machine()];
  content["command"] = message::EnumNameCommandKind(result.kind());
  content["outcome"] = message::EnumNameOutcome(result.outcome());
  content["refusal"] = message::EnumNameRefusal(result.refusal());
  content["output"] = result.output();
  content["requested"] = result.requested();
  content["value"] = result.value();
  content["approver"] = message::get_text(result.approver());
  content["sequence"] = result.sequence();
  content["text"] = message::result_text(result);
  bus::Message out =
      message_of("command/" + topic_name(result.machine()), MessageType::CommandResult, content);
  out.time_ns = result.utc_ns();
  out.id = bus::Uuid::of(out.time_ns / 1'000'000, life_ + 2 + result.machine(),
                         result.sequence() ^ static_cast<std::uint64_t>(result.mono_ns()));
  out.priority = bus::Priority::High;
  publish(std::move(out));
}

}  // namespace rise::host
