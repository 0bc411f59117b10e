#include "plugins/redis/adapter.hpp"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "plugins/bus/json_form.hpp"
#include "plugins/foreign/conversion.hpp"
#include "plugins/redis/topics.hpp"
#include "plugins/redis/trouble.hpp"

namespace rise::redis {

using bus::Link;
using bus::SendOutcome;
using std::chrono::milliseconds;

namespace {

constexpr unsigned kReaderShift = 40;  // of a tag: above is the reader, below its own number

bool is_kept(bus::Guarantee guarantee) { return guarantee >= bus::Guarantee::AtLeastOnce; }

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name[0] == '\0' ? "rise" : name;
}

}  // namespace

struct Adapter::Sending {
  std::uint64_t batch = 0;
  std::vector<SendOutcome> outcomes;
  std::vector<std::size_t> messages;  // of each command
  std::size_t left = 0;               // commands without an answer
  std::size_t bytes = 0;
  std::string why;
  Batch commands;
  std::vector<std::string> new_streams;
};

Adapter::Adapter(Options options) : options_(std::move(options)) {
  if (const std::string fault = fault_of(options_); !fault.empty()) {
    throw std::invalid_argument("redis: " + fault);
  }
  if (options_.connection.client_name.empty()) options_.connection.client_name = host_name();
  if (options_.connection.tls.enabled) tls_ = net::TlsContext::client(options_.connection.tls);
}

Adapter::~Adapter() { Adapter::close(); }

void Adapter::connect(bus::AdapterEvents* events) {
  if (loop_) return;
  events_ = events;
  announced_.clear();
  loop_ = std::make_unique<net::Loop>("redis");
  loop_->post([this] {
    RouterEvents routes;
    routes.ready = [this] {
      count();
      link(Link::Up, "");
      // In a set of its own; again, should this Redis have forgotten.
      for (const std::string& key : streams_) announce(key);
      for (const auto& reader : readers_) reader->router_ready();
      discover();
    };
    routes.down = [this](std::string_view why) { link(Link::Connecting, why); };
    router_ = std::make_unique<Router>(loop_.get(), options_, tls_, std::move(routes));
    subscriber_ = std::make_unique<Subscriber>(loop_.get(), options_, tls_, events_, &received_);
    discovery_ = std::make_unique<net::Timer>(loop_.get());
    link(Link::Connecting, "connecting");
    router_->start();
  });
  for (const bus::Subscription& subscription : std::exchange(early_, {})) subscribe(subscription);
}

void Adapter::link(Link now, std::string_view why) {
  {
    const std::lock_guard lock(why_lock_);
    why_ = why;
  }
  if (link_.exchange(now) != now) events_->link_changed(now, why);
}

void Adapter::failed(std::string_view why) {
  const std::lock_guard lock(why_lock_);
  why_ = why;
}

void Adapter::find_stream(const std::string& topic) {
  const std::size_t level = std::min(topic.find('/'), topic.size());
  // With rules the levels below count, too.
  if (options_.streams.empty() && !last_key_.empty() && last_level_.size() == level &&
      topic.compare(0, level, last_level_) == 0) {
    return;
  }
  last_level_ = topic.substr(0, level);
  last_key_ = stream_of(options_, topic);
  last_slot_ = slot_of(last_key_);
}

void Adapter::encode(const bus::Message& m, Sending* sending) {
  std::string why = bus::fault_of(m);
  const std::size_t about = m.payload.size() + m.topic.size();
  if (why.empty() && about > options_.message_bytes_max) {
    why = "larger than message_bytes_max = " + std::to_string(options_.message_bytes_max);
  }
  if (!why.empty()) {
    sending->why = m.topic.substr(0, 64) + ": " + why;
    return;  // its outcome stays Refused
  }
  if (is_kept(m.guarantee)) {
    find_stream(m.topic);
    const std::string most = std::to_string(options_.stream_max_entries);
    words_.clear();
    words_.add("XADD");
    words_.add(last_key_);
    if (options_.stream_max_entries != 0) {
      words_.add("MAXLEN");
      words_.add("~");
      words_.add(most);
    }
    words_.add("*");
    if (foreign::is_foreign(m)) {
      words_.add("json");
      words_.add(m.payload);
    } else {
      add_fields(m, &words_);
    }
    sending->commands.add(last_slot_, words_.all());
    if (announced_.insert(last_key_).second) sending->new_streams.push_back(last_key_);
  } else {
    const std::string channel = channel_of(options_, m.topic);
    sending->commands.add(
        channel, {"PUBLISH", channel, foreign::is_foreign(m) ? m.payload : bus::json_of(m)});
  }
}

bool Adapter::send(std::uint64_t batch, std::span<const bus::MessagePtr> messages) {
  if (link_ != Link::Up) return false;
  std::size_t bytes = 0;
  for (const bus::MessagePtr& message : messages) bytes += message->payload.size();
  // Something always goes, however large.
  if (under_way_ != 0 && (under_way_ + messages.size() > options_.under_way_max ||
                          under_way_bytes_ + bytes > options_.under_way_bytes_max)) {
    return false;
  }
  auto sending = std::make_shared<Sending>();
  sending->batch = batch;
  sending->outcomes.resize(messages.size(), SendOutcome::Refused);
  sending->bytes = bytes;
  sending->messages.reserve(messages.size());
  // What the fields of a usual message take.
  constexpr std::size_t kAround = 384;
  sending->commands.commands.reserve(bytes + messages.size() * kAround, messages.size());
  sending->commands.slots.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    encode(*messages[i], sending.get());
    if (sending->commands.commands.count() > sending->messages.size()) {
      sending->messages.push_back(i);
    }
  }
  under_way_ += messages.size();
  under_way_bytes_ += bytes;
  loop_->post([this, sending] { submit(sending); });
  return true;
}

void Adapter::submit(const std::shared_ptr<Sending>& sending) {
  for (const std::string& key : sending->new_streams) {
    streams_.insert(key);
    announce(key);
  }
  sending->left = sending->messages.size();
  if (sending->left == 0) {
    finish(sending.get());
    return;
  }
  Batch commands = std::move(sending->commands);
  commands.on_reply = [this, sending](std::size_t index, Reply& reply) {
    answered(sending.get(), index, reply);
  };
  router_->submit(std::move(commands));
}

void Adapter::answered(Sending* sending, std::size_t index, const Reply& reply) {
  SendOutcome& outcome = sending->outcomes[sending->messages[index]];
  if (!reply.failed() && !reply.is(Reply::Kind::Nil)) {
    outcome = SendOutcome::Taken;
  } else {
    const bool lasting = reply.is(Reply::Kind::Error) && trouble_of(reply.text) == Trouble::Lasting;
    outcome = lasting ? SendOutcome::Refused : SendOutcome::Failed;
    if (sending->why.empty()) sending->why = reply.text;
  }
  if (--sending->left == 0) finish(sending);
}

void Adapter::finish(Sending* sending) {
  const auto taken = static_cast<std::uint64_t>(
      std::count(sending->outcomes.begin(), sending->outcomes.end(), SendOutcome::Taken));
  sent_ += taken;
  failed_ += sending->outcomes.size() - taken;
  under_way_ -= sending->outcomes.size();
  under_way_bytes_ -= sending->bytes;
  if (!sending->why.empty()) failed(sending->why);
  round_trip_ms_ = router_->round_trip_ms();
  redirections_ = router_->redirections();
  events_->sent(sending->batch, sending->outcomes, sending->why);
}

void Adapter::subscribe(const bus::Subscription& subscription) {
  if (!loop_) {
    early_.push_back(subscription);
    return;
  }
  loop_->post([this, subscription] { listen(subscription); });
}

void Adapter::listen(const bus::Subscription& s) {
  if (!is_kept(s.guarantee)) {
    subscriber_->subscribe(s.pattern);
    return;
  }
  // A group of our own: each gets all.
  const std::string group = s.group.empty() ? "each:" + options_.connection.client_name : s.group;
  const bool start = options_.new_group_from_start;
  const auto add = [&](const std::string& key) {
    GroupReader& reader = reader_of(group, key);
    reader.add_pattern(s.pattern);
    reader.add_stream(key, start);
  };
  for (const std::string& key : streams_of(options_, s.pattern)) add(key);
  if (is_wide(s.pattern)) {
    for (const std::string& key : streams_) add(key);
    wide_.emplace_back(group, s.pattern);
    discovered_ = false;
    discover();
  }
}

GroupReader& Adapter::reader_of(const std::string& group, const std::string& key) {
  // Not one connection for several slots.
  const std::string own = options_.cluster ? key : "";
  for (const auto& reader : readers_) {
    if (reader->group() == group && reader->only_stream() == own) return *reader;
  }
  GroupReader::Place place;
  place.options = &options_;
  place.router = router_.get();
  place.events = events_;
  place.received = &received_;
  place.group = group;
  place.only_stream = own;
  place.first_tag = (readers_.size() + 1) << kReaderShift;
  readers_.push_back(std::make_unique<GroupReader>(loop_.get(), std::move(place), tls_));
  return *readers_.back();
}

// A stream that is there from now on, by our own doing.
void Adapter::announce(const std::string& key) {
  Batch batch;
  const std::string registry = registry_key(options_);
  batch.add(registry, {"SADD", registry, key});
  batch.on_reply = [this](std::size_t, Reply& reply) {
    if (reply.is(Reply::Kind::Error)) failed("SADD: " + reply.text);
  };
  router_->submit(std::move(batch));
  for (const auto& [group, pattern] : wide_) {
    GroupReader& reader = reader_of(group, key);
    reader.add_pattern(pattern);
    reader.add_stream(key, true);
  }
}

// Looks for streams of others, as long as somebody wants them all.
void Adapter::discover() {
  discovery_->start(milliseconds(options_.discover_ms), [this] { discover(); });
  count();
  if (wide_.empty() || !router_->ready()) return;
  Batch batch;
  const std::string registry = registry_key(options_);
  batch.add(registry, {"SMEMBERS", registry});
  batch.on_reply = [this](std::size_t, Reply& reply) {
    if (!reply.is(Reply::Kind::Array)) return;
    for (const Reply& key : reply.elements) {
      streams_.insert(key.text);
      for (const auto& [group, pattern] : wide_) {
        GroupReader& reader = reader_of(group, key.text);
        reader.add_pattern(pattern);
        // What has come up since we have been here is ours from its first entry on.
        reader.add_stream(key.text, discovered_ || options_.new_group_from_start);
      }
    }
    discovered_ = true;
  };
  router_->submit(std::move(batch));
}

void Adapter::count() {
  reconnects_ = router_->reconnects();
  redirections_ = router_->redirections();
  std::uint64_t dead = 0;
  for (const auto& reader : readers_) dead += reader->dead();
  dead_letters_ = dead;
}

void Adapter::acknowledge(std::span<const std::uint64_t> tags) {
  if (!loop_) return;
  loop_->post([this, all = std::vector<std::uint64_t>(tags.begin(), tags.end())] {
    std::set<GroupReader*> touched;
    for (const std::uint64_t tag : all) {
      const std::uint64_t reader = tag >> kReaderShift;
      if (reader == 0 || reader > readers_.size()) continue;
      readers_[reader - 1]->acknowledge(tag);
      touched.insert(readers_[reader - 1].get());
    }
    for (GroupReader* reader : touched) reader->acknowledged();
  });
}

void Adapter::resume() {
  if (!loop_) return;
  loop_->post([this] {
    subscriber_->resume();
    for (const auto& reader : readers_) reader->resume();
  });
}

bus::AdapterHealth Adapter::health() const {
  bus::AdapterHealth health;
  health.link = link_;
  health.sent = sent_;
  health.received = received_;
  health.failed = failed_;
  health.reconnects = reconnects_;
  health.round_trip_ms = round_trip_ms_;
  const std::lock_guard lock(why_lock_);
  health.why = why_;
  return health;
}

void Adapter::close() {
  if (!loop_) return;
  loop_->run([this] {
    discovery_->cancel();
    for (const auto& reader : readers_) reader->stop();
    subscriber_->stop();
    router_->stop();
    link(Link::Down, "closed");
  });
  loop_->stop();
  count();
  readers_.clear();
  subscriber_.reset();
  router_.reset();
  discovery_.reset();
  wide_.clear();
  streams_.clear();
  early_.clear();
  loop_.reset();
}

}  // namespace rise::redis
