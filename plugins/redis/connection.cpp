#include "plugins/redis/connection.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace rise::redis {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t kRoom = 64u << 10u;

bool is_error(const Reply& reply, std::string_view word) {
  return reply.is(Reply::Kind::Error) && reply.text.starts_with(word);
}

}  // namespace

std::shared_ptr<Connection> Connection::make(net::Loop* loop, std::vector<Endpoint> endpoints,
                                             const ConnectionOptions& options,
                                             std::shared_ptr<net::TlsContext> tls,
                                             ConnectionEvents events) {
  return std::shared_ptr<Connection>(
      new Connection(loop, std::move(endpoints), options, std::move(tls), std::move(events)));
}

Connection::Connection(net::Loop* loop, std::vector<Endpoint> endpoints,
                       const ConnectionOptions& options, std::shared_ptr<net::TlsContext> tls,
                       ConnectionEvents events)
    : loop_(loop),
      endpoints_(std::move(endpoints)),
      options_(options),
      tls_(std::move(tls)),
      events_(std::move(events)),
      backoff_({options.backoff_first_ms, options.backoff_max_ms}, std::random_device()()),
      pause_(loop),
      watch_(loop),
      room_(kRoom) {}

void Connection::start() {
  if (!stopped_) return;
  stopped_ = false;
  attempt();
}

void Connection::stop() {
  if (stopped_) return;
  stopped_ = true;
  // What the events hold may hold us; none comes any more.
  const ConnectionEvents events = std::exchange(events_, {});
  broken("closed");
}

void Connection::leave(std::string_view why) {
  if (!stopped_ && state_ != State::Down) broken(why);
}

void Connection::attempt() {
  state_ = State::Connecting;
  begun_ = Clock::now();
  reader_ = std::make_unique<ReplyReader>(options_.limits);
  outgoing_.clear();
  writing_.clear();
  reading_ = false;
  pinged_ = false;
  socket_ = net::Socket::make(loop_, tls_, options_.tls.server_name);
  const Endpoint& to = endpoint();
  socket_->connect(
      to.host, to.port,
      [self = shared_from_this(), socket = socket_](std::string_view why, std::size_t) {
        if (socket != self->socket_) return;
        if (!why.empty()) {
          self->broken(why);
          return;
        }
        self->greet();
      });
  watch();
}

// Who we are. PING last: a server that is loading its data says so there.
void Connection::greet() {
  Pipeline words;
  std::vector<std::string> names;
  const auto say = [&](std::initializer_list<std::string_view> command) {
    words.add(command);
    names.emplace_back(*command.begin());
  };
  if (!options_.password.empty()) {
    if (options_.user.empty()) {
      say({"AUTH", options_.password});
    } else {
      say({"AUTH", options_.user, options_.password});
    }
  }
  if (!options_.client_name.empty()) say({"CLIENT", "SETNAME", options_.client_name});
  if (options_.database != 0) say({"SELECT", std::to_string(options_.database)});
  say({"PING"});
  const std::size_t count = words.count();
  expect(
      count,
      [this, names, count](std::size_t index, Reply& reply) {
        if (reply.is(Reply::Kind::Lost)) return;  // whoever lost it deals with it
        // A user that may not do this may be allowed the rest.
        const bool may_fail = names[index] == "CLIENT" || names[index] == "PING";
        if (reply.failed() && !(may_fail && is_error(reply, "NOPERM"))) {
          broken(names[index] + ": " + reply.text);
          return;
        }
        if (!reply.failed() && !reply.has_text()) {
          broken(names[index] + ": an answer that Redis does not give");
          return;
        }
        if (index + 1 == count) greeted();
      },
      milliseconds(0));
  outgoing_ += words.bytes();
  flush();
  read();
}

void Connection::greeted() {
  state_ = State::Up;
  begun_ = last_reply_ = Clock::now();
  ++connects_;
  outgoing_ += std::exchange(early_, {});
  for (std::shared_ptr<Pending>& pending : early_pending_) {
    pending->since = begun_;
    pending_.push_back(std::move(pending));
  }
  early_pending_.clear();
  flush();
  if (events_.up) events_.up();
}

void Connection::submit(const Pipeline& commands, OnReply on_reply, milliseconds more_time) {
  const std::size_t count = commands.count();
  if (count == 0) return;
  if (stopped_) {
    Reply lost = Reply::lost("closed");
    for (std::size_t i = 0; i < count && on_reply; ++i) on_reply(i, lost);
    return;
  }
  const bool up = state_ == State::Up;
  if (!events_.push) {
    expect(count, std::move(on_reply), more_time);
    if (!up) {
      early_pending_.push_back(std::move(pending_.back()));
      pending_.pop_back();
    }
  }
  (up ? outgoing_ : early_) += commands.bytes();
  if (up) flush();
}

void Connection::expect(std::size_t count, OnReply on_reply, milliseconds more_time) {
  auto pending = std::make_shared<Pending>();
  pending->on_reply = std::move(on_reply);
  pending->count = count;
  pending->more_time = more_time;
  pending->since = Clock::now();
  pending_.push_back(std::move(pending));
}

void Connection::flush() {
  if (!writing_.empty() || outgoing_.empty()) return;
  std::swap(writing_, outgoing_);
  socket_->write(writing_,
                 [self = shared_from_this(), socket = socket_](std::string_view why, std::size_t) {
                   if (socket != self->socket_) return;
                   if (!why.empty()) {
                     self->broken(why);
                     return;
                   }
                   self->writing_.clear();
                   self->flush();
                 });
}

void Connection::read() {
  if (reading_ || paused_ || !socket_) return;
  reading_ = true;
  socket_->read_some(room_, [self = shared_from_this(), socket = socket_](std::string_view why,
                                                                          std::size_t bytes) {
    if (socket != self->socket_) return;
    self->reading_ = false;
    if (!why.empty()) {
      self->broken(why);
      return;
    }
    self->take(bytes);
  });
}

void Connection::take(std::size_t bytes) {
  const std::shared_ptr<net::Socket> socket = socket_;
  reader_->feed(room_.data(), bytes);
  Reply reply;
  while (true) {
    const ReplyReader::Next next = reader_->next(&reply);
    if (next == ReplyReader::Next::More) break;
    if (next == ReplyReader::Next::Broken) {
      broken("what came is no answer of Redis: " + reader_->fault());
      return;
    }
    answer(reply);
    // The one who got the answer may have ended or broken the link.
    if (socket != socket_) return;
  }
  read();
}

void Connection::answer(Reply& reply) {
  pinged_ = false;
  if (events_.push && state_ == State::Up) {
    last_reply_ = Clock::now();
    events_.push(reply);
    return;
  }
  if (pending_.empty()) {
    broken("an answer to nothing that was asked");
    return;
  }
  // Kept: the one who gets the answer may end all that is pending.
  const std::shared_ptr<Pending> pending = pending_.front();
  const std::size_t index = pending->index++;
  if (index == 0 || pending->index == pending->count) {
    last_reply_ = Clock::now();
    if (index == 0 && pending->more_time.count() == 0) {
      const std::chrono::duration<double, std::milli> took = last_reply_ - pending->since;
      round_trip_ms_ += (took.count() - round_trip_ms_) * (round_trip_ms_ == 0 ? 1 : 0.1);
    }
  }
  if (pending->index == pending->count) pending_.pop_front();
  if (pending->on_reply) pending->on_reply(index, reply);
}

void Connection::pause(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  last_reply_ = Clock::now();  // what we did not read was not late
  if (!paused_ && (state_ == State::Up)) read();
}

// Ten looks in the shortest time that may be exceeded.
void Connection::watch() {
  const std::uint32_t shortest =
      std::min({options_.connect_timeout_ms, options_.command_timeout_ms, options_.keepalive_ms});
  watch_.start(milliseconds(std::max(1u, shortest / 10)), [this] { check_time(); });
}

void Connection::check_time() {
  const Clock::time_point now = Clock::now();
  if (state_ == State::Connecting) {
    if (now - begun_ > milliseconds(options_.connect_timeout_ms)) {
      broken("not connected within " + std::to_string(options_.connect_timeout_ms) + " ms" +
             (tls_ ? "; does it speak TLS there?" : ""));
      return;
    }
  } else if (!paused_) {
    const milliseconds limit(options_.command_timeout_ms);
    bool late = pinged_ && now - last_reply_ > limit + milliseconds(options_.keepalive_ms);
    if (!pending_.empty()) {
      const Pending& front = *pending_.front();
      late = now - std::max(front.since, last_reply_) > limit + front.more_time;
    }
    if (late) {
      broken("no answer within " + std::to_string(options_.command_timeout_ms) + " ms");
      return;
    }
    keep_alive();
  }
  watch();
}

void Connection::keep_alive() {
  if (pinged_ || !pending_.empty()) return;
  if (Clock::now() - last_reply_ < milliseconds(options_.keepalive_ms)) return;
  submit(Pipeline{"PING"}, nullptr);
  pinged_ = true;
}

void Connection::broken(std::string_view reason) {
  const auto self = shared_from_this();
  const std::string why = endpoint().text() + ": " + std::string(reason);
  const bool lasted =
      state_ == State::Up && Clock::now() - begun_ > milliseconds(options_.backoff_max_ms);
  state_ = State::Down;
  why_ = why;
  watch_.cancel();
  pause_.cancel();
  // Whatever this socket still calls is not ours any more.
  if (const auto socket = std::exchange(socket_, nullptr)) socket->close();
  lose_all(why);
  if (stopped_) return;
  if (events_.down) events_.down(why);
  if (stopped_ || state_ != State::Down) return;
  if (lasted) backoff_.reset();
  at_ = (at_ + 1) % endpoints_.size();
  pause_.start(backoff_.next(), [this] { attempt(); });
}

void Connection::lose_all(std::string_view why) {
  std::deque<std::shared_ptr<Pending>> lost = std::exchange(pending_, {});
  for (auto& pending : std::exchange(early_pending_, {})) lost.push_back(std::move(pending));
  early_.clear();
  Reply reply;
  for (const std::shared_ptr<Pending>& pending : lost) {
    while (pending->index < pending->count) {
      const std::size_t index = pending->index++;
      reply = Reply::lost(why);
      if (pending->on_reply) pending->on_reply(index, reply);
    }
  }
}

}  // namespace rise::redis
