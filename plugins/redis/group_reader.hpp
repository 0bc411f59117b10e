// One consumer of one consumer group: reads its streams (XREADGROUP, on a connection of its own),
// delivers, acknowledges, takes over what dead consumers have left, and puts away what nobody could
// make anything of.
//
// Everything but the blocking read goes through the router, so that a group is there before
// anything that this adapter sends after subscribe(). In a cluster there is one reader for each
// stream, since one XREADGROUP cannot span slots.
//
// The loop's thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugins/bus/adapter.hpp"
#include "plugins/redis/router.hpp"

namespace rise::redis {

class GroupReader {
 public:
  struct Place {
    const Options* options = nullptr;
    Router* router = nullptr;
    bus::AdapterEvents* events = nullptr;
    std::string group;
    std::string only_stream;  // in a cluster: the one that it reads
    std::atomic<std::uint64_t>* received = nullptr;
    std::uint64_t first_tag = 0;  // its tags are this plus 1, 2, ...
  };

  GroupReader(net::Loop* loop, Place place, std::shared_ptr<net::TlsContext> tls);
  ~GroupReader();
  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  void add_pattern(const std::string& pattern);
  // `from_start`: what is in the stream already is for this group, if the group is new.
  void add_stream(const std::string& key, bool from_start);
  void acknowledge(std::uint64_t tag);
  void acknowledged();  // the last of several
  void resume();
  void router_ready();
  void stop();

  [[nodiscard]] const std::string& group() const { return place_.group; }
  [[nodiscard]] const std::string& only_stream() const { return place_.only_stream; }
  [[nodiscard]] std::uint64_t dead() const { return dead_; }
  [[nodiscard]] std::size_t under_way() const { return held_.size(); }

 private:
  using EntryName = std::pair<std::string, std::string>;  // stream, entry's id
  struct Stream {
    std::string key;
    bool from_start = false;
    bool grouped = false;    // the group is there
    bool recovered = false;  // what we had before has been looked at
    bool busy = false;       // with either
  };
  struct Held {  // delivered, or about to be, and not acknowledged
    EntryName entry;
    bus::MessagePtr message;
    bool again = false;
    bool queued = false;  // in waiting_
  };
  struct Row {  // of XPENDING
    std::string id;
    std::string consumer;
    std::int64_t deliveries = 0;
  };
  enum class Whose : std::uint8_t { Own, Dead };

  void step();
  void create_group(Stream* stream);
  void read();
  void take_streams(Reply& reply);
  void take_entry(const std::string& key, Reply& entry, bool again);
  void offer();
  void retry_later();
  void leave_node();

  // pending_entries.cpp
  void tick();
  void look(const std::string& key, Whose whose, const std::string& after);
  void sort_rows(const std::string& key, Whose whose, const std::vector<Row>& rows);
  void claim(const std::string& key, Whose whose, const std::vector<std::string>& ids);
  void looked(const std::string& key, bool well);
  void bury(const std::string& key, const std::string& id, const std::string& reason,
            std::int64_t deliveries);
  void bury_fields(const EntryName& entry, const std::vector<Reply>& fields,
                   const std::string& reason, std::int64_t deliveries);
  void drop(const EntryName& entry);
  void send_acknowledgements();

  Stream* find(const std::string& key);
  void submit(std::string_view key, std::span<const std::string_view> words, OnReply on_reply);

  net::Loop* loop_;
  Place place_;
  std::shared_ptr<net::TlsContext> tls_;
  std::string consumer_;
  std::shared_ptr<Connection> connection_;
  std::vector<std::string> patterns_;
  std::deque<Stream> streams_;
  bool reading_ = false;
  bool stalled_ = false;
  bool stopped_ = false;
  net::Timer tick_;
  net::Timer retry_;
  std::uint64_t last_tag_ = 0;
  std::unordered_map<std::uint64_t, Held> held_;
  std::map<EntryName, std::uint64_t> tags_;
  std::deque<std::uint64_t> waiting_;
  std::set<EntryName> done_;        // to be acknowledged, or nobody knows yet whether it has been
  std::vector<EntryName> to_send_;  // of these: not sent yet
  std::uint64_t dead_ = 0;
};

}  // namespace rise::redis
