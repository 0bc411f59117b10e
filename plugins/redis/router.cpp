#include "plugins/redis/router.hpp"

#include <algorithm>
#include <utility>

#include "plugins/redis/trouble.hpp"

namespace rise::redis {

using std::chrono::milliseconds;

namespace {

// After a MOVED the whole table is asked for again, but not with each of them.
constexpr milliseconds kRefresh{100};

}  // namespace

struct Router::Task {
  Batch batch;
  std::vector<std::uint8_t> attempts;  // redirections of each, once there is one
};

Router::Router(net::Loop* loop, const Options& options, std::shared_ptr<net::TlsContext> tls,
               RouterEvents events)
    : loop_(loop),
      options_(options),
      tls_(std::move(tls)),
      events_(std::move(events)),
      refresh_(loop) {
  PoolEvents primary;
  primary.up = [this] {
    if (options_.cluster) {
      ask_for_slots();
    } else {
      ready_ = true;
      if (events_.ready) events_.ready();
    }
  };
  primary.down = [this](std::string_view why) {
    ready_ = false;
    asking_ = false;
    if (events_.down) events_.down(why);
  };
  primary_ = std::make_unique<Pool>(loop_, options_.endpoints, options_.cluster ? 1 : options_.pool,
                                    options_.connection, tls_, std::move(primary));
}

Router::~Router() { stop(); }

void Router::start() { primary_->start(); }

void Router::stop() {
  stopped_ = true;
  ready_ = false;
  refresh_.cancel();
  primary_->stop();
  for (auto& [name, pool] : nodes_) pool->stop();
}

Pool& Router::node(const Endpoint& endpoint) {
  std::unique_ptr<Pool>& pool = nodes_[endpoint.text()];
  if (!pool) {
    PoolEvents events;
    // It may be gone for good: somebody else has its slots then.
    events.down = [this](std::string_view) {
      refresh_.start(kRefresh, [this] { ask_for_slots(); });
    };
    pool = std::make_unique<Pool>(loop_, std::vector<Endpoint>{endpoint}, options_.pool,
                                  options_.connection, tls_, std::move(events));
    if (!stopped_) pool->start();
  }
  return *pool;
}

Connection& Router::connection_of(std::uint16_t slot) {
  if (table_.empty()) return primary_->of(slot);
  const auto owner = table_.owner(slot);
  return owner ? node(*owner).of(slot) : primary_->of(slot);
}

std::vector<Endpoint> Router::owners(std::string_view key) const {
  if (const auto owner = table_.owner(slot_of(key))) return {*owner};
  return options_.endpoints;
}

void Router::submit(Batch batch) {
  const std::size_t count = batch.commands.count();
  if (count == 0) return;
  auto task = std::make_shared<Task>();
  task->batch = std::move(batch);
  const std::vector<std::uint16_t>& slots = task->batch.slots;
  Connection* first = &connection_of(slots[0]);
  const bool one = std::all_of(slots.begin() + 1, slots.end(),
                               [&](std::uint16_t slot) { return &connection_of(slot) == first; });
  if (one) {
    const Endpoint from = first->endpoint();
    first->submit(task->batch.commands, [this, task, from](std::size_t index, Reply& reply) {
      answered(task, index, reply, from);
    });
    return;
  }
  struct Part {
    Pipeline commands;
    std::vector<std::size_t> indices;
  };
  std::map<Connection*, Part> parts;
  for (std::size_t i = 0; i < count; ++i) {
    Part& part = parts[&connection_of(slots[i])];
    part.commands.append(task->batch.commands.command(i));
    part.indices.push_back(i);
  }
  for (auto& [connection, part] : parts) {
    const Endpoint from = connection->endpoint();
    connection->submit(part.commands, [this, task, from, indices = std::move(part.indices)](
                                          std::size_t index, Reply& reply) {
      answered(task, indices[index], reply, from);
    });
  }
}

void Router::answered(const std::shared_ptr<Task>& task, std::size_t index, Reply& reply,
                      const Endpoint& from) {
  if (reply.is(Reply::Kind::Error)) {
    const Trouble trouble = trouble_of(reply.text);
    if (trouble == Trouble::Moved || trouble == Trouble::Ask) {
      if (redirect(task, index, reply, from)) return;
      // It is somewhere, but this has led nowhere.
      reply.text = "TRYAGAIN redirected too often or to nowhere: " + reply.text;
    } else if (reply.text.starts_with("READONLY") && !options_.cluster &&
               options_.endpoints.size() > 1) {
      // One of the others may be the one that takes writes. Not now: there are answers to come.
      loop_->post([connection = connection_of(task->batch.slots[index]).weak_from_this(),
                   why = reply.text] {
        if (const auto held = connection.lock()) held->leave(why);
      });
    }
  }
  task->batch.on_reply(index, reply);
}

bool Router::redirect(const std::shared_ptr<Task>& task, std::size_t index, const Reply& reply,
                      const Endpoint& from) {
  auto to = redirect_of(reply.text);
  if (!to || stopped_) return false;
  if (to->to.host.empty()) to->to.host = from.host;
  if (task->attempts.empty()) task->attempts.resize(task->batch.commands.count());
  if (task->attempts[index] >= options_.redirections_max) return false;
  ++task->attempts[index];
  ++redirections_;
  const bool ask = trouble_of(reply.text) == Trouble::Ask;
  Pipeline commands;
  if (ask) {
    commands.add({"ASKING"});
  } else {
    table_.set(to->slot, to->to);
    refresh_.start(kRefresh, [this] { ask_for_slots(); });
  }
  commands.append(task->batch.commands.command(index));
  const std::size_t skipped = ask ? 1 : 0;
  node(to->to).of(to->slot).submit(
      commands, [this, task, index, skipped, there = to->to](std::size_t at, Reply& answer) {
        if (at == skipped) answered(task, index, answer, there);
      });
  return true;
}

void Router::learn(std::string_view error) {
  if (const auto to = redirect_of(error); to && !to->to.host.empty()) table_.set(to->slot, to->to);
  refresh_.start(kRefresh, [this] { ask_for_slots(); });
}

void Router::ask_for_slots() {
  if (!options_.cluster || asking_ || stopped_ || !primary_->is_up()) return;
  asking_ = true;
  Connection& connection = primary_->of(0);
  connection.submit(Pipeline{"CLUSTER", "SLOTS"}, [this, from = connection.endpoint()](
                                                      std::size_t, Reply& reply) {
    asking_ = false;
    if (reply.is(Reply::Kind::Lost)) return;
    if (table_.load(reply, from)) {
      loaded();
      return;
    }
    const std::string why = "CLUSTER SLOTS: " + (reply.failed() ? reply.text : "malformed answer");
    loop_->post([why, held = primary_->of(0).weak_from_this()] {
      if (const auto still = held.lock()) still->leave(why);
    });
  });
}

void Router::loaded() {
  // Whoever has no slots any more gets no commands any more.
  const std::vector<Endpoint>& owners = table_.nodes();
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    const bool known = std::any_of(owners.begin(), owners.end(), [&](const Endpoint& owner) {
      return owner.text() == at->first;
    });
    if (known) {
      ++at;
    } else {
      const std::unique_ptr<Pool> gone = std::move(at->second);
      at = nodes_.erase(at);
    }
  }
  if (ready_) return;
  ready_ = true;
  if (events_.ready) events_.ready();
}

std::uint64_t Router::reconnects() const {
  std::uint64_t sum = primary_->reconnects();
  for (const auto& [name, pool] : nodes_) sum += pool->reconnects();
  return sum;
}

}  // namespace rise::redis
