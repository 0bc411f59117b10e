// Every setting of the Redis adapter and the work queues. Nothing connects unless somebody makes an
// Adapter or WorkQueues with one of these and calls connect().
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugins/net/tls_context.hpp"

namespace rise::redis {

struct Endpoint {
  std::string host = "127.0.0.1";  // name or address
  std::uint16_t port = 6379;       // 1 to 65535
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string text() const { return host + ":" + std::to_string(port); }
};

struct Limits {
  // Of one reply. What exceeds them breaks the connection: it is no Redis that we know, or no
  // longer.
  std::size_t reply_bytes = 64u << 20u;    // 1 KiB to 512 MiB
  std::size_t reply_elements = 1u << 20u;  // 1 to 2^24, nested ones included
};

// How one connection is made and kept.
struct ConnectionOptions {
  std::string user;            // ACL user; empty: "default"
  std::string password;        // empty: no AUTH
  std::uint32_t database = 0;  // 0 to 15; a cluster has only 0
  // What CLIENT LIST shows, and the consumer's name in its groups: has to differ between any two
  // that run at once, and stay the same over a restart. No blanks. Empty: the host's name.
  std::string client_name;
  net::TlsOptions tls;
  std::uint32_t connect_timeout_ms = 5000;  // 10 to 60000: TCP, TLS, AUTH together
  std::uint32_t command_timeout_ms = 5000;  // 10 to 60000: no answer for so long: link broken
  std::uint32_t keepalive_ms = 5000;        // 100 to 3600000: PING after so long a silence
  std::uint32_t backoff_first_ms = 100;     // 1 to 60000: before the second attempt; doubles
  std::uint32_t backoff_max_ms = 10000;     // backoff_first_ms to 600000
  Limits limits;
};

// Messages whose topic matches go to this stream instead of that of their first topic level.
struct StreamRule {
  std::string pattern;  // as of the bus
  std::string key;      // the whole key: no prefix is put before it
};

struct Options {
  // The first that can be reached is used, in turn; in a cluster, to ask for the others.
  std::vector<Endpoint> endpoints = {Endpoint{}};
  ConnectionOptions connection;
  bool cluster = false;  // ask for CLUSTER SLOTS; redirections are followed in any case
  std::uint32_t redirections_max = 5;  // 0 to 16, of one command
  std::uint32_t pool = 1;  // 1 to 16 connections for commands; one key always uses the same

  std::string prefix =
      "rise:";  // of all keys and channels but the work queues; without * ? [ ] and {}
  std::vector<StreamRule> streams;  // the first that matches counts

  // What comes in and is no message of ours is handed on as the text of another program
  // (plugins/foreign), instead of being malformed.
  bool foreign = false;

  std::uint64_t stream_max_entries = 1'000'000;  // 1 to 2^40, about (MAXLEN ~); 0: never trimmed
  std::uint64_t dead_max_entries = 100'000;      // likewise, of the dead-letter stream

  std::uint32_t under_way_max = 4096;            // 1 to 1000000 messages sent and not answered
  std::size_t under_way_bytes_max = 64u << 20u;  // 1 MiB to 1 GiB
  std::size_t message_bytes_max = (16u << 20u) + (64u << 10u);  // 1 KiB to 512 MiB; more is refused

  std::uint32_t read_count = 256;        // 1 to 10000 entries of one XREADGROUP
  std::uint32_t block_ms = 1000;         // 10 to 60000: how long XREADGROUP and BRPOP wait
  std::uint32_t discover_ms = 1000;      // 100 to 3600000: how often new streams are looked for
  std::uint32_t claim_every_ms = 10000;  // 100 to 3600000: how often the pending ones are looked at
  std::uint32_t claim_idle_ms = 60000;   // 10 to 86400000: pending so long: its consumer is dead
  std::uint32_t deliveries_max = 5;      // 1 to 1000; then the dead-letter stream
  bool new_group_from_start = false;  // true: a new group also gets what the stream holds already
};

// Empty: fine. Else which settings are out of range, and what the range is.
std::string fault_of(const Options& options);

}  // namespace rise::redis
