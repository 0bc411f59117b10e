// Sends each command to the node that has its key: one Redis, or the nodes of a cluster. Follows
// MOVED and ASK, a limited number of times for one command, and learns from them.
//
// Commands of one key keep their order as long as nothing is redirected or lost. Every command has
// one key: whoever wants several in one makes sure that they share a slot ({tag}).
//
// The loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/redis/pool.hpp"
#include "plugins/redis/slots.hpp"

namespace rise::redis {

struct Batch {
  Pipeline commands;
  std::vector<std::uint16_t> slots;  // of each
  // Once per command, not necessarily in order.
  OnReply on_reply;

  void add(std::string_view key, std::initializer_list<std::string_view> words) {
    add(slot_of(key), std::span(words.begin(), words.size()));
  }
  void add(std::string_view key, std::span<const std::string_view> words) {
    add(slot_of(key), words);
  }
  void add(std::uint16_t slot, std::span<const std::string_view> words) {
    commands.add(words);
    slots.push_back(slot);
  }
};

struct RouterEvents {
  std::function<void()> ready;
  std::function<void(std::string_view why)> down;
};

class Router {
 public:
  Router(net::Loop* loop, const Options& options, std::shared_ptr<net::TlsContext> tls,
         RouterEvents events);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void start();
  void stop();
  void submit(Batch batch);
  // Who has this key: for connections of one's own. The first endpoint, if nobody is known to.
  [[nodiscard]] std::vector<Endpoint> owners(std::string_view key) const;
  // What a connection of somebody else has been told by MOVED.
  void learn(std::string_view error);
  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] double round_trip_ms() const { return primary_->round_trip_ms(); }
  [[nodiscard]] std::uint64_t reconnects() const;
  [[nodiscard]] std::uint64_t redirections() const { return redirections_; }

 private:
  struct Task;  // a batch under way
  Connection& connection_of(std::uint16_t slot);
  Pool& node(const Endpoint& endpoint);
  void answered(const std::shared_ptr<Task>& task, std::size_t index, Reply& reply,
                const Endpoint& from);
  bool redirect(const std::shared_ptr<Task>& task, std::size_t index, const Reply& reply,
                const Endpoint& from);
  void ask_for_slots();
  void loaded();

  net::Loop* loop_;
  Options options_;
  std::shared_ptr<net::TlsContext> tls_;
  RouterEvents events_;
  bool ready_ = false;
  bool stopped_ = false;
  bool asking_ = false;
  std::unique_ptr<Pool> primary_;  // in a cluster: whom we ask for the others
  std::map<std::string, std::unique_ptr<Pool>, std::less<>> nodes_;
  SlotTable table_;
  net::Timer refresh_;
  std::uint64_t redirections_ = 0;
};

}  // namespace rise::redis
