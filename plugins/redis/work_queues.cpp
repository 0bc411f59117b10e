#include "plugins/redis/work_queues.hpp"

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "plugins/bus/json_form.hpp"
#include "plugins/redis/trouble.hpp"
#include "plugins/text/utc.hpp"

namespace rise::redis {

using bus::SendOutcome;
using std::chrono::milliseconds;

struct WorkQueues::Popper {
  explicit Popper(net::Loop* loop) : retry(loop) {}
  std::vector<std::string> queues;
  std::shared_ptr<Connection> connection;
  std::deque<WorkItem> waiting;
  bool popping = false;
  bool stalled = false;
  net::Timer retry;
};

WorkQueues::WorkQueues(Options options, std::uint64_t items_max)
    : options_(std::move(options)), items_max_(items_max) {
  if (const std::string fault = fault_of(options_); !fault.empty()) {
    throw std::invalid_argument("redis: " + fault);
  }
  if (options_.connection.tls.enabled) tls_ = net::TlsContext::client(options_.connection.tls);
}

WorkQueues::~WorkQueues() { close(); }

void WorkQueues::connect(WorkQueueEvents* events) {
  if (loop_) return;
  events_ = events;
  loop_ = std::make_unique<net::Loop>("redis-queues");
  loop_->post([this] {
    RouterEvents routes;
    routes.ready = [this] {
      up_ = true;
      events_->link_changed(bus::Link::Up, "");
    };
    routes.down = [this](std::string_view why) {
      up_ = false;
      events_->link_changed(bus::Link::Connecting, why);
    };
    router_ = std::make_unique<Router>(loop_.get(), options_, tls_, std::move(routes));
    router_->start();
  });
}

bool WorkQueues::push(std::uint64_t token, WorkItem item) {
  if (!up_ || under_way_ >= options_.under_way_max) return false;
  if (item.id.empty()) item.id = bus::Uuid::make().text();
  if (item.timestamp_ns == 0) item.timestamp_ns = text::realtime_ns();
  ++under_way_;
  std::string json = bus::is_json(item.payload) ? json_of(item) : std::string();
  bool first = false;
  {
    const std::lock_guard lock(waiting_lock_);
    first = waiting_.empty();
    waiting_.push_back({token, std::move(item.queue), std::move(json)});
  }
  if (first) loop_->post([this] { submit(); });
  return true;
}

void WorkQueues::submit() {
  auto items = std::make_shared<std::vector<Waiting>>();
  {
    const std::lock_guard lock(waiting_lock_);
    items->swap(waiting_);
  }
  Batch batch;
  for (auto item = items->begin(); item != items->end();) {
    if (!item->json.empty()) {
      batch.add(item->queue, {"LPUSH", item->queue, item->json});
      item->json.clear();
      ++item;
      continue;
    }
    --under_way_;
    events_->pushed(item->token, SendOutcome::Refused, 0, "the payload is not JSON");
    item = items->erase(item);
  }
  batch.on_reply = [this, items](std::size_t index, Reply& reply) {
    answered((*items)[index], reply);
  };
  router_->submit(std::move(batch));
}

void WorkQueues::answered(const Waiting& item, const Reply& reply) {
  --under_way_;
  if (reply.is(Reply::Kind::Integer)) {
    const auto length = static_cast<std::uint64_t>(reply.integer);
    if (items_max_ != 0 && length > items_max_) {
      Batch trim;
      trim.add(item.queue, {"LTRIM", item.queue, "0", std::to_string(items_max_ - 1)});
      trim.on_reply = [](std::size_t, Reply&) {};  // the next push trims again
      router_->submit(std::move(trim));
    }
    events_->pushed(item.token, SendOutcome::Taken, length, "");
    return;
  }
  const bool lasting = reply.is(Reply::Kind::Error) && trouble_of(reply.text) == Trouble::Lasting;
  events_->pushed(item.token, lasting ? SendOutcome::Refused : SendOutcome::Failed, 0, reply.text);
}

void WorkQueues::listen(std::vector<std::string> queues) {
  if (!loop_) return;
  loop_->post([this, queues = std::move(queues)]() mutable {
    if (!options_.cluster) {
      add_popper(std::move(queues));
      return;
    }
    // One BRPOP cannot span slots.
    for (std::string& queue : queues) add_popper({std::move(queue)});
  });
}

void WorkQueues::add_popper(std::vector<std::string> queues) {
  if (queues.empty()) return;
  auto popper = std::make_unique<Popper>(loop_.get());
  Popper* self = popper.get();
  self->queues = std::move(queues);
  poppers_.push_back(std::move(popper));
  pop(self);
}

void WorkQueues::pop(Popper* popper) {
  if (popper->popping || popper->stalled || !popper->waiting.empty()) return;
  if (!popper->connection) {
    ConnectionEvents events;
    events.up = [this, popper] { pop(popper); };
    events.down = [popper](std::string_view) { popper->popping = false; };
    popper->connection = Connection::make(loop_.get(), router_->owners(popper->queues[0]),
                                          options_.connection, tls_, std::move(events));
    popper->connection->start();
    return;
  }
  if (popper->connection->state() != Connection::State::Up) return;
  std::vector<std::string_view> words = {"BRPOP"};
  words.insert(words.end(), popper->queues.begin(), popper->queues.end());
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", options_.block_ms / 1000.0);
  words.emplace_back(seconds);
  Pipeline commands;
  commands.add(std::span<const std::string_view>(words));
  popper->popping = true;
  popper->connection->submit(
      commands,
      [this, popper](std::size_t, Reply& reply) {
        popper->popping = false;
        take(popper, reply);
      },
      milliseconds(options_.block_ms));
}

void WorkQueues::take(Popper* popper, Reply& reply) {
  if (reply.is(Reply::Kind::Lost)) return;  // it connects again
  if (reply.is(Reply::Kind::Error)) {
    if (trouble_of(reply.text) == Trouble::Moved) {
      router_->learn(reply.text);
      loop_->post([old = std::exchange(popper->connection, nullptr)] { old->stop(); });
    } else {
      events_->malformed(popper->queues[0], reply.text);
    }
    popper->retry.start(milliseconds(500), [this, popper] { pop(popper); });
    return;
  }
  if (reply.is(Reply::Kind::Array) && reply.elements.size() == 2) {
    WorkItem item;
    const std::string why = work_item_of(reply.elements[1].text, &item);
    // Where it was is where it belongs, whatever it says of itself.
    item.queue = reply.elements[0].text;
    if (why.empty()) {
      popper->waiting.push_back(std::move(item));
    } else {
      events_->malformed(item.queue, why);
    }
  }
  offer(popper);
  pop(popper);
}

void WorkQueues::offer(Popper* popper) {
  while (!popper->waiting.empty() && !popper->stalled) {
    if (events_->popped(popper->waiting.front())) {
      popper->waiting.pop_front();
    } else {
      popper->stalled = true;
    }
  }
}

void WorkQueues::resume() {
  if (!loop_) return;
  loop_->post([this] {
    for (const auto& popper : poppers_) {
      popper->stalled = false;
      offer(popper.get());
      pop(popper.get());
    }
  });
}

void WorkQueues::close() {
  if (!loop_) return;
  loop_->run([this] {
    up_ = false;
    for (const auto& popper : poppers_) {
      popper->retry.cancel();
      if (popper->connection) popper->connection->stop();
    }
    router_->stop();
    events_->link_changed(bus::Link::Down, "closed");
  });
  loop_->stop();
  poppers_.clear();
  router_.reset();
  loop_.reset();
}

}  // namespace rise::redis
