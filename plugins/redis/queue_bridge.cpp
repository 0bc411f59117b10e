#include "plugins/redis/queue_bridge.hpp"

#include <functional>

#include "plugins/bus/json_form.hpp"
#include "plugins/text/utc.hpp"

namespace rise::redis {

namespace {

constexpr char kQueueHeader[] = "queue";

bus::Uuid id_of(const WorkItem& item) {
  if (const auto id = bus::Uuid::parse(item.id)) return *id;
  if (item.id.empty()) return bus::Uuid::make();
  // Always the same for the same text and queue.
  const auto hash = std::hash<std::string>();
  return bus::Uuid::of(item.timestamp_ns / 1'000'000, hash(item.id), hash(item.queue));
}

}  // namespace

std::string topic_of_queue(std::string_view queue) {
  std::string topic = "queue/";
  if (queue.starts_with("queue:")) queue.remove_prefix(6);
  for (const char c : queue) {
    const bool bad = static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '+' || c == '#' ||
                     c == '/' || c == ':';
    topic += bad ? '_' : c;
  }
  return topic.back() == '/' ? topic + '_' : topic;
}

QueueBridge::QueueBridge(const Options& options, std::uint64_t items_max,
                         std::vector<std::string> listen, bus::Bus* bus)
    : queues_(options, items_max), listen_(std::move(listen)), bus_(bus) {}

void QueueBridge::start() {
  queues_.connect(this);
  if (!listen_.empty()) queues_.listen(listen_);
}

void QueueBridge::push(const bus::MessagePtr& message, const std::string& queue) {
  if (message->header(kQueueHeader) == queue) return;
  WorkItem item;
  item.id = message->id.text();
  item.timestamp_ns = message->time_ns;
  item.queue = queue;
  item.payload = message->payload;
  const std::lock_guard lock(mutex_);
  if (!bus::is_json(item.payload)) {
    ++counts_.refused;
    return;
  }
  if (waiting_.size() >= kWaiting) {
    waiting_.pop_front();
    ++counts_.dropped;
  }
  waiting_.push_back(std::move(item));
}

void QueueBridge::tick() {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && queues_.push(++tokens_, waiting_.front())) waiting_.pop_front();
}

QueueCounts QueueBridge::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void QueueBridge::pushed(std::uint64_t, bus::SendOutcome outcome, std::uint64_t, std::string_view) {
  const std::lock_guard lock(mutex_);
  ++(outcome == bus::SendOutcome::Taken    ? counts_.pushed
     : outcome == bus::SendOutcome::Failed ? counts_.failed
                                           : counts_.refused);
}

bool QueueBridge::popped(const WorkItem& item) {
  bus::Message message;
  message.id = id_of(item);
  message.time_ns = item.timestamp_ns != 0 ? item.timestamp_ns : text::realtime_ns();
  message.type = static_cast<std::uint16_t>(bus::MessageType::TaskAssignment);
  message.topic = topic_of_queue(item.queue);
  message.source = item.queue;
  message.headers = {{kQueueHeader, item.queue}};
  message.encoding = bus::Encoding::Json;
  message.payload = item.payload;
  {
    const std::lock_guard lock(mutex_);
    ++counts_.popped;
  }
  (void)bus_->forward(std::make_shared<const bus::Message>(std::move(message)));
  return true;
}

void QueueBridge::malformed(std::string_view, std::string_view) {
  const std::lock_guard lock(mutex_);
  ++counts_.malformed;
}

}  // namespace rise::redis
