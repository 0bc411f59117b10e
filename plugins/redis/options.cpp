#include "plugins/redis/options.hpp"

namespace rise::redis {

namespace {

struct Range {
  const char* name;
  std::uint64_t value;
  std::uint64_t least;
  std::uint64_t most;
};

}  // namespace

std::string fault_of(const Options& o) {
  const ConnectionOptions& c = o.connection;
  const Range ranges[] = {
      {"database", c.database, 0, o.cluster ? 0u : 15u},
      {"connect_timeout_ms", c.connect_timeout_ms, 10, 60000},
      {"command_timeout_ms", c.command_timeout_ms, 10, 60000},
      {"keepalive_ms", c.keepalive_ms, 100, 3600000},
      {"backoff_first_ms", c.backoff_first_ms, 1, 60000},
      {"backoff_max_ms", c.backoff_max_ms, c.backoff_first_ms, 600000},
      {"limits.reply_bytes", c.limits.reply_bytes, 1024, 512u << 20u},
      {"limits.reply_elements", c.limits.reply_elements, 1, 1u << 24u},
      {"redirections_max", o.redirections_max, 0, 16},
      {"pool", o.pool, 1, 16},
      {"stream_max_entries", o.stream_max_entries, 0, std::uint64_t{1} << 40u},
      {"dead_max_entries", o.dead_max_entries, 0, std::uint64_t{1} << 40u},
      {"under_way_max", o.under_way_max, 1, 1000000},
      {"under_way_bytes_max", o.under_way_bytes_max, 1u << 20u, 1u << 30u},
      {"message_bytes_max", o.message_bytes_max, 1024, 512u << 20u},
      {"read_count", o.read_count, 1, 10000},
      {"block_ms", o.block_ms, 10, 60000},
      {"discover_ms", o.discover_ms, 100, 3600000},
      {"claim_every_ms", o.claim_every_ms, 100, 3600000},
      {"claim_idle_ms", o.claim_idle_ms, 10, 86400000},
      {"deliveries_max", o.deliveries_max, 1, 1000},
  };
  std::string fault;
  const auto add = [&](const std::string& text) { fault += (fault.empty() ? "" : "; ") + text; };
  for (const Range& range : ranges) {
    if (range.value >= range.least && range.value <= range.most) continue;
    add(std::string(range.name) + " = " + std::to_string(range.value) + ": has to be " +
        std::to_string(range.least) + " to " + std::to_string(range.most));
  }
  if (o.endpoints.empty()) add("endpoints: none");
  for (const Endpoint& endpoint : o.endpoints) {
    if (endpoint.host.empty() || endpoint.port == 0) add("endpoint " + endpoint.text());
  }
  if (o.prefix.find_first_of("*?[]{}\\ \r\n") != std::string::npos) {
    add("prefix: without blanks and * ? [ ] { } \\");
  }
  if (c.client_name.find_first_of(" \r\n") != std::string::npos) add("client_name: has blanks");
  if (!c.user.empty() && c.password.empty()) add("user without a password");
  for (const StreamRule& rule : o.streams) {
    if (rule.pattern.empty() || rule.key.empty()) add("streams: a rule needs pattern and key");
  }
  return fault;
}

}  // namespace rise::redis
